//! `RLock`, which its owner may take again, and its guard.

use crate::commons::{Hold, Kind, Number};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::handle::{Shape, travels};
use crate::sync::lock::{REST, not_owner, owner_died, raw, take_timeout};
use crate::sync::me::{Me, me};
use crate::sync::raw::{Outcome, RawLock};
use crate::sync::word::Patience;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

/// How many times the owner has taken it; only the owner's thread reads and writes this.
const DEPTH: usize = REST;

const SHAPE: Shape = Shape { kind: Kind::RLock, len: REST + 4 };

/// A [`Lock`](crate::Lock) that the thread that has it can take again; it is free when it was released as often.
///
/// # Examples
///
/// ```
/// # fn main() -> mp::Result<()> {
/// let lock = mp::RLock::new()?;
/// let outer = lock.lock()?;
/// let inner = lock.lock()?;
/// drop(outer);
/// let other = lock.clone();
/// let is_free = move || other.try_acquire();
/// assert!(!std::thread::spawn(is_free.clone()).join().expect("no panic")?);
/// drop(inner);
/// assert!(std::thread::spawn(is_free).join().expect("no panic")?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RLock {
    hold: Hold,
}

travels!(RLock, SHAPE);

impl RLock {
    /// Makes a lock that nobody has.
    ///
    /// # Errors
    ///
    /// If there is no memory to share.
    pub fn new() -> Result<Self> {
        Ok(Self { hold: SHAPE.make()? })
    }

    /// Takes the lock, waiting while another thread has it, until the guard is dropped.
    ///
    /// # Errors
    ///
    /// If this process cannot share memory, or this thread has taken it four thousand million times.
    pub fn lock(&self) -> Result<RLockGuard<'_>> {
        Ok(self.guard(self.take()?))
    }

    /// Takes the lock unless another thread has it.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock).
    pub fn try_lock(&self) -> Result<Option<RLockGuard<'_>>> {
        let taken = self.take_by(|raw, me| raw.try_take(me))?;
        Ok(taken.map(|owner_died| self.guard(owner_died)))
    }

    /// Takes the lock, waiting so long at most while another thread has it.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock).
    pub fn lock_timeout(&self, timeout: Duration) -> Result<Option<RLockGuard<'_>>> {
        let taken = self.take_by(|raw, me| take_timeout(raw, me, timeout, None))?;
        Ok(taken.map(|owner_died| self.guard(owner_died)))
    }

    /// As [`Lock::lock_while`](crate::Lock::lock_while).
    pub(crate) fn lock_while(
        &self,
        needed: Number,
        timeout: Option<Duration>,
    ) -> Result<Option<RLockGuard<'_>>> {
        let needed = Some(needed);
        let taken = self.take_by(|raw, me| match timeout {
            Some(timeout) => take_timeout(raw, me, timeout, needed),
            None => {
                let outcome = raw.take(me, || Patience::endless().while_lives(needed));
                (outcome != Outcome::TimedOut).then_some(outcome)
            }
        })?;
        Ok(taken.map(|owner_died| self.guard(owner_died)))
    }

    /// Takes the lock, waiting while another thread has it, until [`release`](Self::release).
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock).
    pub fn acquire(&self) -> Result<()> {
        self.take().map(drop)
    }

    /// Takes the lock unless another thread has it, and says whether it did.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock).
    pub fn try_acquire(&self) -> Result<bool> {
        Ok(self.take_by(|raw, me| raw.try_take(me))?.is_some())
    }

    /// Takes the lock, waiting so long at most while another thread has it, and says whether it did.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock).
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<bool> {
        Ok(self.take_by(|raw, me| take_timeout(raw, me, timeout, None))?.is_some())
    }

    /// Gives the lock back once.
    ///
    /// # Errors
    ///
    /// `NotOwner` if this thread does not have it.
    pub fn release(&self) -> Result<()> {
        if self.give_back(&me()?) { Ok(()) } else { Err(not_owner()) }
    }

    /// As [`Lock::abandon`](crate::Lock::abandon), however often it was taken.
    pub(crate) fn abandon(&self) {
        if let Ok(me) = me() {
            raw(&self.hold).abandon(&me);
        }
    }

    /// Whether anybody has it at this moment.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        raw(&self.hold).is_taken()
    }

    fn take(&self) -> Result<bool> {
        let taken = self.take_by(|raw, me| Some(raw.take(me, Patience::endless)))?;
        Ok(taken.unwrap_or(false))
    }

    /// Takes it once more if it is this thread's, and by `first` if not: then it says whether its owner has died.
    #[inline]
    fn take_by(
        &self,
        first: impl FnOnce(&RawLock<'_, AtomicU32>, &Me<'_>) -> Option<Outcome>,
    ) -> Result<Option<bool>> {
        let (me, raw, depth) = (me()?, raw(&self.hold), self.hold.u32(DEPTH));
        if raw.is_mine(&me) {
            let deeper = depth.load(Relaxed).checked_add(1).ok_or_else(too_deep)?;
            depth.store(deeper, Relaxed);
            return Ok(Some(false));
        }
        let taken = first(&raw, &me).map(owner_died);
        if taken.is_some() {
            depth.store(1, Relaxed);
        }
        Ok(taken)
    }

    #[inline]
    fn give_back(&self, me: &Me<'_>) -> bool {
        let (raw, depth) = (raw(&self.hold), self.hold.u32(DEPTH));
        if !raw.is_mine(me) {
            return false;
        }
        let left = depth.load(Relaxed).saturating_sub(1);
        depth.store(left, Relaxed);
        left != 0 || raw.give_back(me)
    }

    fn guard(&self, owner_died: bool) -> RLockGuard<'_> {
        RLockGuard { lock: self, owner_died, of_this_thread: PhantomData }
    }
}

impl fmt::Debug for RLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RLock").field("is_locked", &self.is_locked()).finish_non_exhaustive()
    }
}

/// Has an [`RLock`] once; dropping it gives that back, during a panic too.
#[must_use = "the lock is given back when the guard is dropped, so at once if it is not kept"]
pub struct RLockGuard<'a> {
    lock: &'a RLock,
    owner_died: bool,
    /// Ownership is a thread's.
    of_this_thread: PhantomData<*const ()>,
}

impl RLockGuard<'_> {
    /// Whether the lock was taken over from a process that has died with it; see
    /// [`LockGuard::owner_died`](crate::LockGuard::owner_died).
    #[must_use]
    pub fn owner_died(&self) -> bool {
        self.owner_died
    }
}

impl Drop for RLockGuard<'_> {
    fn drop(&mut self) {
        if let Ok(me) = me() {
            self.lock.give_back(&me);
        }
    }
}

impl fmt::Debug for RLockGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RLockGuard").field("owner_died", &self.owner_died).finish_non_exhaustive()
    }
}

#[cold]
fn too_deep() -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        "this thread has taken the lock as often as can be counted",
    )
}
