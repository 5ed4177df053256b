//! Locks and their kin, of which the words lie in the commons: any process of the tree that has a handle can use them,
//! and handles travel inside values. The algorithms (`raw`, `flag`, `permits`, `tickets`, `rounds`) are generic over
//! the words (`word`), so that loom can try them.

mod abandoned;
mod barrier;
mod condition;
mod event;
mod flag;
mod handle;
mod lock;
mod me;
mod permits;
mod raw;
mod rlock;
mod rounds;
mod semaphore;
mod tickets;
mod word;

pub(crate) use abandoned::{is_abandoned, work_for};
pub(crate) use me::Me;
pub(crate) use raw::Owner;
pub(crate) use word::{Patience, Word};

pub use barrier::Barrier;
pub(crate) use barrier::{Action, Runner};
pub use condition::Condition;
pub use event::{Event, EventWait};
pub use lock::{Lock, LockGuard};
pub use rlock::{RLock, RLockGuard};
pub use semaphore::{BoundedSemaphore, Semaphore, SemaphoreGuard};

#[cfg(test)]
mod tests;
