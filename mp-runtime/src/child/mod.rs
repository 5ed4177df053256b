//! The other side of a start: what happens in a process from its first instruction of ours to its task. The starting
//! side is `process`; the two share only `protocol::handshake` and `identity`.

pub(crate) mod bootstrap;
pub(crate) mod crash;
pub(crate) mod entry;
mod help;
pub(crate) mod output;
pub(crate) mod post;
pub(crate) mod serve;
pub(crate) mod watch;
