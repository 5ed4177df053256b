//! The bytes that processes exchange, and who may send what, when. Nothing else invents bytes; how they travel is
//! for `transport` and `process`.
//!
//! ```text
//! parent                                        child
//!   Bootstrap, argument bytes  ── at its start ──>
//!                              <── at its end ───  one Reply       (a Process)
//!   task index, argument bytes ── a slot ───────>                  (a pool's worker,
//!                              <── its ring ─────  a Reply each     as often as there are tasks)
//! ```
//!
//! Descriptors that belong to arguments or to a value travel beside these: to a starting child by inheritance, else by
//! the socket that each child has to its parent (`post`): a worker asks for those of the call that it has begun, and
//! whoever returns some sends them before its Reply.
//!
//! A fork server gets orders by its socket (`fork`), each with the bootstrap of what it is to fork.
//!
//! A child that ends without its Reply is dead as far as that task is concerned. A parent reads a
//! Reply as bytes from a stranger: every malformed one is an error value.

pub(crate) mod fork;
pub(crate) mod handshake;
pub(crate) mod message;
pub(crate) mod post;
