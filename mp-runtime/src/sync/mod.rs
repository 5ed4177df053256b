//! Locks and their kin, of which the words lie in the commons: any process of the tree that has a handle can use them,
//! and handles travel inside values. The algorithms (`raw`, `flag`, `permits`) are generic over
//! the words (`word`), so that loom can try them.

mod event;
mod flag;
mod handle;
mod lock;
mod me;
mod permits;
mod raw;
mod rlock;
mod semaphore;
mod word;

pub use event::Event;
pub use lock::{Lock, LockGuard};
pub use rlock::{RLock, RLockGuard};
pub use semaphore::{BoundedSemaphore, Semaphore, SemaphoreGuard};

#[cfg(test)]
mod tests;
