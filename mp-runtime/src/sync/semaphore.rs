//! `Semaphore`, `BoundedSemaphore` and their guard. What their words mean is in `permits`.

use crate::commons::{Hold, Kind, Number};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::handle::{Shape, travels};
use crate::sync::permits::{MOST, Permits};
use crate::sync::raw::Hunger;
use crate::sync::word::Patience;
use crate::sys::own;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

const PERMITS: usize = 0;
const LIMIT: usize = 4;
const ASLEEP: usize = 8;
const HUNGRY: usize = 12;
const LEN: usize = 16;

fn permits(hold: &Hold) -> Permits<'_, AtomicU32> {
    Permits {
        permits: hold.u32(PERMITS),
        limit: hold.u32(LIMIT),
        asleep: hold.u32(ASLEEP),
        hunger: Hunger(hold.u32(HUNGRY)),
    }
}

fn make(shape: Shape, count: u32, limit: u32) -> Result<Hold> {
    if count > MOST {
        let text = format!("a semaphore has at most {MOST} permits, not {count}");
        return Err(Error::new(ErrorKind::InvalidArgument, text));
    }
    let hold = shape.make()?;
    hold.u32(LIMIT).store(limit, Relaxed);
    hold.u32(PERMITS).store(count, Relaxed);
    Ok(hold)
}

fn take_timeout(hold: &Hold, timeout: Duration) -> bool {
    let permits = permits(hold);
    if timeout.is_zero() { permits.try_take() } else { permits.take(|| Patience::of(timeout)) }
}

/// The methods of both kinds.
macro_rules! semaphore {
    ($semaphore:ident) => {
        impl $semaphore {
            /// Takes a permit, waiting while there is none, until the guard is dropped.
            ///
            /// # Errors
            ///
            /// Never at present: the result is there so that all locks are taken alike.
            pub fn lock(&self) -> Result<SemaphoreGuard<'_>> {
                self.acquire()?;
                Ok(SemaphoreGuard::new(&self.hold))
            }

            /// Takes a permit if there is one.
            ///
            /// # Errors
            ///
            /// Never at present: the result is there so that all locks are taken alike.
            pub fn try_lock(&self) -> Result<Option<SemaphoreGuard<'_>>> {
                Ok(self.try_acquire()?.then(|| SemaphoreGuard::new(&self.hold)))
            }

            /// Takes a permit, waiting so long at most while there is none.
            ///
            /// # Errors
            ///
            /// Never at present: the result is there so that all locks are taken alike.
            pub fn lock_timeout(&self, timeout: Duration) -> Result<Option<SemaphoreGuard<'_>>> {
                let taken = self.acquire_timeout(timeout)?;
                Ok(taken.then(|| SemaphoreGuard::new(&self.hold)))
            }

            /// Takes a permit, waiting while there is none, until [`release`](Self::release).
            ///
            /// # Errors
            ///
            /// Never at present: the result is there so that all locks are taken alike.
            pub fn acquire(&self) -> Result<()> {
                permits(&self.hold).take(Patience::endless);
                Ok(())
            }

            /// Takes a permit if there is one, and says whether there was.
            ///
            /// # Errors
            ///
            /// Never at present: the result is there so that all locks are taken alike.
            pub fn try_acquire(&self) -> Result<bool> {
                Ok(permits(&self.hold).try_take())
            }

            /// Takes a permit, waiting so long at most while there is none, and says whether it did.
            ///
            /// # Errors
            ///
            /// Never at present: the result is there so that all locks are taken alike.
            pub fn acquire_timeout(&self, timeout: Duration) -> Result<bool> {
                Ok(take_timeout(&self.hold, timeout))
            }

            /// As [`lock`](Self::lock), or [`lock_timeout`](Self::lock_timeout), and no longer than that process
            /// lives: none if its end or the time has come.
            pub(crate) fn lock_while(
                &self,
                needed: Number,
                timeout: Option<Duration>,
            ) -> Result<Option<SemaphoreGuard<'_>>> {
                let permits = permits(&self.hold);
                let taken = if timeout.is_some_and(|timeout| timeout.is_zero()) {
                    permits.try_take()
                } else {
                    permits.take(|| Patience::within(timeout).while_lives(Some(needed)))
                };
                Ok(taken.then(|| SemaphoreGuard::new(&self.hold)))
            }

            /// How many permits are free at this moment.
            #[must_use]
            pub fn value(&self) -> u32 {
                permits(&self.hold).free()
            }
        }

        impl fmt::Debug for $semaphore {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let value = self.value();
                f.debug_struct(stringify!($semaphore))
                    .field("value", &value)
                    .finish_non_exhaustive()
            }
        }
    };
}

/// A number of permits that threads of all processes with a handle take and give back.
///
/// Handles can be cloned, be arguments and results, or parts of them at any depth; each is another way to the same
/// semaphore.
///
/// A permit belongs to nobody: any process may give back what another has taken, or even more than there were. So nobody
/// can tell whose a permit was, and the permits of a process that was killed are **lost**: whoever learns of its
/// death can [`release`](Self::release) them. Where that matters, and one permit is enough, a [`Lock`](crate::Lock) knows
/// its owner.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn download(name: &str, slots: mp::Semaphore) -> usize {
///     let _slot = slots.lock().expect("never more than two at once");
///     name.len()
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let slots = mp::Semaphore::new(2)?;
///     let pool = mp::Pool::new(4)?;
///     let names = ["a", "bc", "def", "ghij"];
///     let lengths = pool.starmap(download, names.map(|name| (name, slots.clone())))?;
///     assert_eq!(lengths, [1, 2, 3, 4]);
///     assert_eq!(slots.value(), 2);
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Semaphore {
    hold: Hold,
}

const SHAPE: Shape = Shape { kind: Kind::Semaphore, len: LEN };

travels!(Semaphore, SHAPE);
semaphore!(Semaphore);

impl Semaphore {
    /// Makes a semaphore with so many free permits; 0 is allowed.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for more than 2,147,483,647; and if there is no memory to share.
    pub fn new(permits: u32) -> Result<Self> {
        Ok(Self { hold: make(SHAPE, permits, MOST)? })
    }

    /// Gives a permit back, or adds one.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if there would be more than 2,147,483,647.
    pub fn release(&self) -> Result<()> {
        if permits(&self.hold).give_back() {
            return Ok(());
        }
        let text =
            format!("the semaphore has {MOST} free permits, which is as many as there can be");
        Err(Error::new(ErrorKind::InvalidArgument, text))
    }
}

/// A [`Semaphore`] that never has more free permits than at its start: giving back one that was not taken is an error.
///
/// # Examples
///
/// ```
/// # fn main() -> mp::Result<()> {
/// let semaphore = mp::BoundedSemaphore::new(1)?;
/// semaphore.acquire()?;
/// semaphore.release()?;
/// assert_eq!(semaphore.release().unwrap_err().kind(), mp::ErrorKind::NotOwner);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct BoundedSemaphore {
    hold: Hold,
}

const BOUNDED: Shape = Shape { kind: Kind::BoundedSemaphore, len: LEN };

travels!(BoundedSemaphore, BOUNDED);
semaphore!(BoundedSemaphore);

impl BoundedSemaphore {
    /// Makes a semaphore with so many free permits.
    ///
    /// # Errors
    ///
    /// As [`Semaphore::new`].
    pub fn new(permits: u32) -> Result<Self> {
        Ok(Self { hold: make(BOUNDED, permits, permits)? })
    }

    /// Gives a permit back.
    ///
    /// # Errors
    ///
    /// `NotOwner` if all are free: nobody has one to give back.
    pub fn release(&self) -> Result<()> {
        if permits(&self.hold).give_back() {
            return Ok(());
        }
        let text = "the semaphore's permits are all free: there is none to give back";
        Err(Error::new(ErrorKind::NotOwner, text))
    }
}

/// Has a permit of a [`Semaphore`] or [`BoundedSemaphore`]; dropping it gives that back, during a panic too.
#[must_use = "the permit is given back when the guard is dropped, so at once if it is not kept"]
pub struct SemaphoreGuard<'a> {
    hold: &'a Hold,
    forks: u32,
}

impl<'a> SemaphoreGuard<'a> {
    fn new(hold: &'a Hold) -> Self {
        Self { hold, forks: own::forks() }
    }
}

impl Drop for SemaphoreGuard<'_> {
    fn drop(&mut self) {
        // A copy of this process made by fork has a copy of the guard, and no permit.
        if self.forks == own::forks() {
            permits(self.hold).give_back();
        }
    }
}

impl fmt::Debug for SemaphoreGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SemaphoreGuard").finish_non_exhaustive()
    }
}
