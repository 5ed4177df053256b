//! The semaphore's words: how a permit is taken and given back. Handles, guards and errors are in `semaphore`.
//!
//! ```text
//! permits   how many are free; who finds none sleeps while it is 0
//! limit     more than this are not given back
//! asleep    until which second someone may sleep: each sleeper puts it off before each of its sleeps
//! hungry    as for a lock
//! ```
//!
//! **Order.** Taking is an Acquire exchange, giving back a Release exchange, of one word.
//!
//! **Sleeping.** Who will sleep says so in `asleep`, makes a SeqCst fence, and then has the kernel compare
//! `permits` with 0; who gives back adds to `permits`, makes a SeqCst fence, and then looks at `asleep`. One of the two
//! sees the other. Each permit given back wakes one, so that as many are woken as can go on.
//!
//! A count of sleepers would be wrong for ever once one was killed; a time that has passed is wrong for nobody. So
//! nothing has to be put right after a death: a wake-up that dies with its receiver leaves the permit free, and the
//! others look by the clock.

use crate::sync::raw::Hunger;
use crate::sync::word::{Patience, Woken, Word};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

/// The most permits of one semaphore.
pub(crate) const MOST: u32 = i32::MAX.unsigned_abs();

/// Longer than between two looks of a sleeper, in seconds, with the fractions that are cut off.
const LEASE: u32 = 3;

/// The words of one semaphore.
#[derive(Debug)]
pub(crate) struct Permits<'a, W: Word> {
    pub(crate) permits: &'a W,
    pub(crate) limit: &'a W,
    pub(crate) asleep: &'a W,
    pub(crate) hunger: Hunger<'a, W>,
}

impl<W: Word> Permits<'_, W> {
    /// How many are free.
    pub(crate) fn free(&self) -> u32 {
        self.permits.load(Relaxed)
    }

    #[inline]
    pub(crate) fn try_take(&self) -> bool {
        let mut seen = self.permits.load(Relaxed);
        while seen != 0 {
            match self.permits.exchange(seen, seen - 1, Acquire) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    /// Takes one, waiting while there is none; `false`: the time was over first.
    #[inline]
    pub(crate) fn take(&self, patience: impl FnOnce() -> Patience) -> bool {
        self.try_take() || self.take_slowly(&mut patience())
    }

    /// Gives one back; `false` if that would be more than the limit.
    #[inline]
    pub(crate) fn give_back(&self) -> bool {
        let limit = self.limit.load(Relaxed).min(MOST);
        let mut seen = self.permits.load(Relaxed);
        loop {
            if seen >= limit {
                return false;
            }
            match self.permits.exchange(seen, seen + 1, Release) {
                Ok(_) => break,
                Err(now) => seen = now,
            }
        }
        W::fence(SeqCst);
        let asleep = self.asleep.load(Relaxed);
        if asleep != 0 {
            self.let_in(asleep);
        }
        true
    }

    #[cold]
    fn take_slowly(&self, patience: &mut Patience) -> bool {
        let mut announced = false;
        let taken = loop {
            W::spin(|| self.free() != 0);
            if self.try_take() {
                break true;
            }
            self.asleep.raise(W::seconds().saturating_add(LEASE), Relaxed);
            W::fence(SeqCst);
            if self.permits.sleep(0, patience) == Woken::TimedOut {
                break self.try_take();
            }
            announced = announced || W::is_hungry(patience) && self.hunger.announce();
        };
        if announced {
            self.hunger.sated();
        }
        taken
    }

    #[cold]
    fn let_in(&self, asleep: u32) {
        if self.permits.wake(1) == 0 && asleep < W::seconds() {
            // Everyone who sleeps has put it off since, and is on its way to look at the permits if not.
            let _ = self.asleep.exchange(asleep, 0, Relaxed);
        } else {
            self.hunger.yield_to();
        }
    }
}
