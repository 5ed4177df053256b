//! Connections between programs: `listener` takes them on and `client` has them, by messages that Python's
//! `multiprocessing.connection` understands.
//!
//! Pure are `address`, `frame` (messages on a stream) and `auth` (the handshake). `place` takes an address and gives it
//! back, `typed` has values on a connection, `pickle` those of Python's; `connect` is a client's way in, `reception` the thread that lets clients in; `link` moves messages, over
//! a `carrier` (the socket, or `tls` on it), `turns` has threads take turns at that.

mod address;
mod auth;
mod carrier;
mod client;
mod connect;
mod frame;
mod guest;
mod link;
mod listener;
#[cfg(feature = "serde-pickle")]
mod pickle;
mod place;
mod reception;
#[cfg(feature = "tls")]
mod tls;
mod turns;
mod typed;

pub use address::Address;
pub use client::Client;
pub use connect::ClientBuilder;
pub(crate) use connect::MESSAGE_MAX;
pub use listener::{Listener, ListenerBuilder};
#[cfg(feature = "tls")]
pub(crate) use tls::{ClientParts, ServerParts};
#[cfg(feature = "tls")]
pub use tls::{TlsClient, TlsServer};
pub use typed::TypedClient;

/// What is done with any bytes, for the fuzzers.
#[cfg(fuzzing)]
pub(crate) mod fuzz;
