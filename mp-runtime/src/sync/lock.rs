//! `Lock` and its guard. What its words mean is in `raw`.

use crate::commons::{Hold, Kind, Number};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::handle::{Shape, travels};
use crate::sync::me::{Me, me};
use crate::sync::raw::{Hunger, Outcome, RawLock};
use crate::sync::word::Patience;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// The words of a lock within its object.
const WORD: usize = 0;
const HUNGRY: usize = 4;
const HOLDER: usize = 8;
/// What comes after them.
pub(super) const REST: usize = 16;

const SHAPE: Shape = Shape { kind: Kind::Lock, len: REST };

/// A lock that one thread at a time has, of all threads of all processes that have a handle.
///
/// Handles can be cloned, be arguments and results, or parts of them at any depth, before and after the other process has
/// started; each is another way to the same lock. Without contention neither taking nor giving back makes a system call.
///
/// It belongs to the *thread* that took it: [`release`](Self::release) by another one is `NotOwner`. When a process dies
/// that has it, the next to take it gets it, and [`LockGuard::owner_died`] says so, once: what it protects
/// may be half changed. A thread that ends while its process goes on keeps what it has not released. To take
/// in one process and release in another, use a [`Semaphore`](crate::Semaphore) of one permit.
///
/// Whoever comes while the lock is free takes it, also before one that has waited for long; but one that has waited for
/// 10 ms is let in next.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn hello(lock: mp::Lock, i: u32) {
///     let _guard = lock.lock().expect("not held by this thread");
///     println!("hello world {i}"); // lines never mix
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let lock = mp::Lock::new()?;
///     for i in 0..3 {
///         mp::spawn(hello, (lock.clone(), i))?;
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Lock {
    pub(super) hold: Hold,
}

travels!(Lock, SHAPE);

impl Lock {
    /// Makes a lock that nobody has.
    ///
    /// # Errors
    ///
    /// If there is no memory to share.
    pub fn new() -> Result<Self> {
        Ok(Self { hold: SHAPE.make()? })
    }

    /// Takes the lock, waiting for it, until the guard is dropped.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if this thread has it already, and would wait for itself.
    pub fn lock(&self) -> Result<LockGuard<'_>> {
        Ok(self.guard(self.take()?))
    }

    /// Takes the lock if it is free.
    ///
    /// # Errors
    ///
    /// If this process cannot share memory.
    pub fn try_lock(&self) -> Result<Option<LockGuard<'_>>> {
        Ok(raw(&self.hold).try_take(&me()?).map(|outcome| self.guard(owner_died(outcome))))
    }

    /// Takes the lock, waiting for it so long at most.
    ///
    /// # Errors
    ///
    /// If this process cannot share memory.
    pub fn lock_timeout(&self, timeout: Duration) -> Result<Option<LockGuard<'_>>> {
        let outcome = take_timeout(&raw(&self.hold), &me()?, timeout, None);
        Ok(outcome.map(|outcome| self.guard(owner_died(outcome))))
    }

    /// As [`lock`](Self::lock), or [`lock_timeout`](Self::lock_timeout), and no longer than that process lives: none if its
    /// end or the time has come.
    pub(crate) fn lock_while(
        &self,
        needed: Number,
        timeout: Option<Duration>,
    ) -> Result<Option<LockGuard<'_>>> {
        let (raw, me, needed) = (raw(&self.hold), me()?, Some(needed));
        let Some(timeout) = timeout else {
            return match raw.take(&me, || Patience::endless().while_lives(needed)) {
                Outcome::Taken { owner_died } => Ok(Some(self.guard(owner_died))),
                Outcome::Mine => Err(own_deadlock()),
                Outcome::TimedOut => Ok(None),
            };
        };
        let outcome = take_timeout(&raw, &me, timeout, needed);
        Ok(outcome.map(|outcome| self.guard(owner_died(outcome))))
    }

    /// Takes the lock, waiting for it, until [`release`](Self::release). Nothing tells here whether its last owner has
    /// died: [`lock`](Self::lock) does.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock).
    #[inline]
    pub fn acquire(&self) -> Result<()> {
        self.take().map(drop)
    }

    /// Takes the lock if it is free, and says whether it was. One that this thread has is not free.
    ///
    /// # Errors
    ///
    /// If this process cannot share memory.
    pub fn try_acquire(&self) -> Result<bool> {
        Ok(raw(&self.hold).try_take(&me()?).is_some())
    }

    /// Takes the lock, waiting for it so long at most, and says whether it has it.
    ///
    /// # Errors
    ///
    /// If this process cannot share memory.
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<bool> {
        Ok(take_timeout(&raw(&self.hold), &me()?, timeout, None).is_some())
    }

    /// Gives the lock back.
    ///
    /// # Errors
    ///
    /// `NotOwner` if this thread does not have it.
    #[inline]
    pub fn release(&self) -> Result<()> {
        if raw(&self.hold).give_back(&me()?) { Ok(()) } else { Err(not_owner()) }
    }

    /// The guard of this thread, which has it.
    ///
    /// # Errors
    ///
    /// `NotOwner` if it does not.
    pub(crate) fn own_guard(&self) -> Result<LockGuard<'_>> {
        if raw(&self.hold).is_mine(&me()?) { Ok(self.guard(false)) } else { Err(not_owner()) }
    }

    /// Leaves it, if this thread has it, so that the next one to take it is told that its owner has died.
    pub(crate) fn abandon(&self) {
        if let Ok(me) = me() {
            raw(&self.hold).abandon(&me);
        }
    }

    /// Whether both are handles on one lock.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.hold.is_same(&other.hold)
    }

    /// Whether anybody has it at this moment.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        raw(&self.hold).is_taken()
    }

    /// Takes it, and says whether its owner has died.
    #[inline]
    fn take(&self) -> Result<bool> {
        match raw(&self.hold).take(&me()?, Patience::endless) {
            Outcome::Taken { owner_died } => Ok(owner_died),
            Outcome::Mine | Outcome::TimedOut => Err(own_deadlock()),
        }
    }

    #[inline]
    fn guard(&self, owner_died: bool) -> LockGuard<'_> {
        LockGuard { lock: self, owner_died, of_this_thread: PhantomData }
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").field("is_locked", &self.is_locked()).finish_non_exhaustive()
    }
}

/// Has a [`Lock`]; dropping it gives the lock back, during a panic too.
#[must_use = "the lock is given back when the guard is dropped, so at once if it is not kept"]
pub struct LockGuard<'a> {
    pub(super) lock: &'a Lock,
    pub(super) owner_died: bool,
    /// Ownership is a thread's.
    of_this_thread: PhantomData<*const ()>,
}

impl LockGuard<'_> {
    /// Whether the lock was taken over from a process that has died with it. What it protects may then be half
    /// changed. Only the first to take it after the death is told.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> mp::Result<()> {
    /// let lock = mp::Lock::new()?;
    /// assert!(!lock.lock()?.owner_died());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn owner_died(&self) -> bool {
        self.owner_died
    }
}

impl Drop for LockGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Ok(me) = me() {
            raw(&self.lock.hold).give_back_surely(&me);
        }
    }
}

impl fmt::Debug for LockGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockGuard").field("owner_died", &self.owner_died).finish_non_exhaustive()
    }
}

/// The lock at the beginning of an object.
#[inline]
pub(super) fn raw(hold: &Hold) -> RawLock<'_, AtomicU32> {
    RawLock { word: hold.u32(WORD), holder: hold.u64(HOLDER), hunger: Hunger(hold.u32(HUNGRY)) }
}

/// Takes it within so long, while that process lives, if there is one.
pub(super) fn take_timeout(
    raw: &RawLock<'_, AtomicU32>,
    me: &Me<'_>,
    timeout: Duration,
    needed: Option<Number>,
) -> Option<Outcome> {
    if timeout.is_zero() {
        return raw.try_take(me);
    }
    let outcome = raw.take(me, || Patience::of(timeout).while_lives(needed));
    matches!(outcome, Outcome::Taken { .. }).then_some(outcome)
}

pub(super) fn owner_died(outcome: Outcome) -> bool {
    outcome == (Outcome::Taken { owner_died: true })
}

#[cold]
pub(super) fn not_owner() -> Error {
    Error::new(ErrorKind::NotOwner, "the lock was to be released by a thread that does not have it")
}

#[cold]
fn own_deadlock() -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        "this thread has the lock already, and would wait for itself",
    )
}
