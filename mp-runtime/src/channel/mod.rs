//! Queues, channels and pipes: values from process to process. All are lanes (`lane`) in memory that the processes of a
//! tree share; `handle` is what a process has of them, `message` how values become items. The faces are `queue`, `one_way`
//! and `pipe`.

mod beside;
mod dependent;
mod encoded;
mod future;
#[cfg(fuzzing)]
mod fuzz;
mod ground;
mod handle;
mod iter;
mod lane;
mod loan;
mod message;
mod one_way;
mod pipe;
mod queue;
mod unsent;
mod waiting;

pub(crate) use beside::Rest;
pub(crate) use encoded::Encoded;
pub use future::{Receiving, Sending};
#[cfg(fuzzing)]
pub(crate) use fuzz::fuzz;
pub(crate) use handle::begin;
pub use iter::Messages;
pub use loan::{Lending, Lent, Loan};
pub use one_way::{Receiver, Sender, channel};
pub use pipe::{Connection, pipe};
pub use queue::Queue;
pub use unsent::TrySendError;
