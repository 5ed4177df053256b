//! `Condition`: waiting, with a lock, until something may have changed. Who is told is in `tickets`.

use crate::commons::{Hold, Kind, Number};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::handle::{Bare, Shape};
use crate::sync::lock::{Lock, LockGuard, not_owner, owner_died, raw};
use crate::sync::me::me;
use crate::sync::raw::Outcome;
use crate::sync::tickets::{Slot, Tickets, Told};
use crate::sync::word::Patience;
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

const NEXT: usize = 0;
const USED: usize = 4;
const SLOTS: usize = 8;
const SLOT: usize = 8;
/// How many can wait at once.
const MOST: usize = 1_000;

const SHAPE: Shape = Shape { kind: Kind::Condition, len: SLOTS + MOST * SLOT };

/// A place to wait, with a [`Lock`], until others have changed what it protects.
///
/// Whoever waits gives the guard's lock back meanwhile, and has it again afterwards. The guard stays with the caller, borrowed
/// for the wait: so there is no way to wait or notify without the lock, and none to lose it by an error.
///
/// A waiter goes on when it is notified, and not otherwise: there are no spurious wake-ups. But another one may have had the lock
/// in between; [`wait_for`](Self::wait_for) looks again by itself. A notification reaches just one that waits at
/// that moment, the one that has waited longest, and nothing is kept for who comes later. One that is killed while it waits is passed over, and one that
/// is killed before it could go on leaves its notification to another.
///
/// Handles can be cloned, be arguments and results, or parts of them at any depth; each is another way to the same
/// condition and the same lock. A thousand threads can wait at once.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn finish(done: mp::Condition, count: mp::Semaphore) {
///     let guard = done.lock().expect("not held by this thread");
///     count.release().expect("one more");
///     done.notify_one(&guard).expect("it is its guard");
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let (done, count) = (mp::Condition::new()?, mp::Semaphore::new(0)?);
///     for _ in 0..2 {
///         mp::spawn(finish, (done.clone(), count.clone()))?;
///     }
///     let mut guard = done.lock()?;
///     done.wait_for(&mut guard, || count.value() == 2)?;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Condition {
    lock: Lock,
    hold: Hold,
}

impl Condition {
    /// Makes a condition with a lock of its own.
    ///
    /// # Errors
    ///
    /// If there is no memory to share.
    pub fn new() -> Result<Self> {
        Self::with_lock(&Lock::new()?)
    }

    /// Makes a condition with this lock, which may have others.
    ///
    /// # Errors
    ///
    /// If there is no memory to share.
    pub fn with_lock(lock: &Lock) -> Result<Self> {
        Ok(Self { lock: lock.clone(), hold: SHAPE.make()? })
    }

    /// Takes the condition's lock; see [`Lock::lock`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn lock(&self) -> Result<LockGuard<'_>> {
        self.lock.lock()
    }

    /// Waits until it is notified.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the guard is another lock's, `Full` if a thousand threads wait already, `Broken` if a process has
    /// written over the condition's memory. The lock is held whatever comes of it.
    pub fn wait(&self, guard: &mut LockGuard<'_>) -> Result<()> {
        self.wait_with(guard, &mut Patience::endless()).map(drop)
    }

    /// Waits until it is notified, so long at most, and says whether it was.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub fn wait_timeout(&self, guard: &mut LockGuard<'_>, timeout: Duration) -> Result<bool> {
        self.wait_with(guard, &mut Patience::of(timeout))
    }

    /// Waits until `predicate` is true, which is asked with the lock: now, and whenever it is notified.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    pub fn wait_for(
        &self,
        guard: &mut LockGuard<'_>,
        predicate: impl FnMut() -> bool,
    ) -> Result<()> {
        self.wait_for_with(guard, &mut Patience::endless(), predicate).map(drop)
    }

    /// As [`wait_for`](Self::wait_for), so long at most in all, however often it is notified; gives what the
    /// predicate was in the end.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> mp::Result<()> {
    /// # use std::time::Duration;
    /// let condition = mp::Condition::new()?;
    /// let mut guard = condition.lock()?;
    /// assert!(!condition.wait_for_timeout(&mut guard, Duration::from_millis(1), || false)?);
    /// assert!(condition.wait_for_timeout(&mut guard, Duration::ZERO, || true)?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait_for_timeout(
        &self,
        guard: &mut LockGuard<'_>,
        timeout: Duration,
        predicate: impl FnMut() -> bool,
    ) -> Result<bool> {
        self.wait_for_with(guard, &mut Patience::of(timeout), predicate)
    }

    /// Notifies the one that has waited longest, if one waits.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the guard is another lock's.
    pub fn notify_one(&self, guard: &LockGuard<'_>) -> Result<()> {
        self.notify(guard, 1)
    }

    /// Notifies so many of those that wait, or all if there are not so many.
    ///
    /// # Errors
    ///
    /// As [`notify_one`](Self::notify_one).
    pub fn notify(&self, guard: &LockGuard<'_>, count: usize) -> Result<()> {
        self.check(guard)?;
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let me = me()?;
        self.with(|tickets| tickets.notify(count, &me));
        Ok(())
    }

    /// Notifies all that wait.
    ///
    /// # Errors
    ///
    /// As [`notify_one`](Self::notify_one).
    pub fn notify_all(&self, guard: &LockGuard<'_>) -> Result<()> {
        self.notify(guard, usize::MAX)
    }

    /// As [`wait_timeout`](Self::wait_timeout), or for ever, and no longer than that process lives. `Disconnected` if
    /// it has ended and another has the lock: that one is not waited for then.
    pub(crate) fn wait_while(
        &self,
        needed: Number,
        guard: &mut LockGuard<'_>,
        timeout: Option<Duration>,
    ) -> Result<bool> {
        self.wait_with(guard, &mut Patience::within(timeout).while_lives(Some(needed)))
    }

    /// As [`wait_for_timeout`](Self::wait_for_timeout), as there.
    pub(crate) fn wait_for_while(
        &self,
        needed: Number,
        guard: &mut LockGuard<'_>,
        timeout: Option<Duration>,
        predicate: impl FnMut() -> bool,
    ) -> Result<bool> {
        let mut patience = Patience::within(timeout).while_lives(Some(needed));
        self.wait_for_with(guard, &mut patience, predicate)
    }

    /// The lock that it waits with.
    pub(crate) fn its_lock(&self) -> &Lock {
        &self.lock
    }

    fn wait_for_with(
        &self,
        guard: &mut LockGuard<'_>,
        patience: &mut Patience,
        mut predicate: impl FnMut() -> bool,
    ) -> Result<bool> {
        self.check(guard)?;
        loop {
            if predicate() {
                return Ok(true);
            }
            if !self.wait_with(guard, patience)? {
                return Ok(predicate());
            }
        }
    }

    fn wait_with(&self, guard: &mut LockGuard<'_>, patience: &mut Patience) -> Result<bool> {
        self.check(guard)?;
        let me = me()?;
        let raw = raw(&guard.lock.hold);
        let mut place = self.with(|tickets| tickets.enlist(&me)).ok_or_else(full)?;
        if !raw.give_back(&me) {
            // It was released under its guard.
            self.with(|tickets| tickets.withdraw(&place, &me));
            return Err(not_owner());
        }
        let told = self.with(|tickets| tickets.wait(&mut place, &me, patience));
        let retaken = raw.take(&me, || patience.without_deadline());
        guard.owner_died |= owner_died(retaken);
        if told == Told::Notified {
            self.with(|tickets| tickets.leave(&place, &me));
        }
        if retaken == Outcome::TimedOut {
            return Err(senseless());
        }
        match told {
            Told::Notified => Ok(true),
            Told::TimedOut => Ok(false),
            Told::Lost => Err(lost()),
        }
    }

    fn check(&self, guard: &LockGuard<'_>) -> Result<()> {
        if guard.lock.hold.is_same(&self.lock.hold) {
            return Ok(());
        }
        let text = "the guard is not of the condition's lock";
        Err(Error::new(ErrorKind::InvalidArgument, text))
    }

    fn with<R>(&self, f: impl FnOnce(Tickets<'_, AtomicU32>) -> R) -> R {
        let slot = |at: usize| {
            let at = SLOTS + at * SLOT;
            Slot { state: self.hold.u32(at), stamp: self.hold.u32(at + 4) }
        };
        let (next, used) = (self.hold.u32(NEXT), self.hold.u32(USED));
        f(Tickets { next, used, slots: &slot, len: MOST })
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").field("lock", &self.lock).finish_non_exhaustive()
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (&self.lock, Bare(&self.hold)).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (lock, Taken(hold)) = Deserialize::deserialize(from)?;
        Ok(Self { lock, hold })
    }
}

/// The condition's own object, beside its lock's.
struct Taken(Hold);

impl<'de> Deserialize<'de> for Taken {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        SHAPE.take(from).map(Self)
    }
}

#[cold]
fn full() -> Error {
    Error::new(ErrorKind::Full, format!("{MOST} threads wait on the condition already"))
}

#[cold]
fn senseless() -> Error {
    let text = "another has the condition's lock, and a process that is needed to go on has ended";
    Error::new(ErrorKind::Disconnected, text)
}

#[cold]
fn lost() -> Error {
    Error::new(ErrorKind::Broken, "some process has written over the condition's memory")
}
