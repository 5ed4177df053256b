//! What the algorithms here need of a word in shared memory: loads, stores, sleeping on it and waking who sleeps. Which
//! word means what is for the algorithms.
//!
//! They are generic over it, so that loom can run them on words of its own (`model`), where it chooses who goes on
//! after each access. loom knows no clock: what depends on one is behind [`Word`] as well.

use crate::commons::{self, Number};
use crate::sync::abandoned;
use crate::sys::clock::{self, Deadline};
use crate::sys::{self, futex, step};
use std::hint;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use std::thread;
use std::time::Duration;

/// A sleeper looks again after this, in case its wake-up has died with the one that was to send it or to pass it on;
const FIRST_LOOK: Duration = Duration::from_millis(50);
/// and then after twice as long each time, up to this.
const LAST_LOOK: Duration = Duration::from_secs(1);
/// Who has waited for so long wants to be let in.
const HUNGER: Duration = Duration::from_millis(10);
/// How long one who lets another in waits for it to come, about ten wake-ups.
const COURTESY: Duration = Duration::from_millis(1);

/// Why a sleep has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// By someone, or the word had another value: look at it.
    Look,
    /// By the clock: look whether the one that is waited for is alive.
    Tick,
    /// The waiter's own time is over, or the process has ended without which it has no sense to wait on.
    TimedOut,
}

/// A wait: until when, and how often it looks for deaths meanwhile.
#[derive(Debug)]
pub(crate) struct Patience {
    deadline: Option<Deadline>,
    next_look: Duration,
    since: Option<Duration>,
    /// A process whose end ends the wait; so does that of somebody elsewhere for whom this thread works.
    needed: Option<Number>,
}

impl Patience {
    /// For ever.
    pub(crate) fn endless() -> Self {
        Self::until(None)
    }

    /// So long from now.
    pub(crate) fn of(timeout: Duration) -> Self {
        Self::until(Deadline::after(timeout))
    }

    /// Until then; for ever, if there is no such time.
    pub(crate) fn until(deadline: Option<Deadline>) -> Self {
        Self { deadline, next_look: FIRST_LOOK, since: None, needed: None }
    }

    /// So long from now, or for ever.
    pub(crate) fn within(timeout: Option<Duration>) -> Self {
        timeout.map_or_else(Self::endless, Self::of)
    }

    /// As this one, and no longer than this process lives: its end is a time that is over.
    pub(crate) fn while_lives(self, needed: Option<Number>) -> Self {
        Self { needed, ..self }
    }

    /// For ever, if it were not for the process that this one needs.
    pub(crate) fn without_deadline(&self) -> Self {
        Self::endless().while_lives(self.needed)
    }

    pub(crate) fn is_endless(&self) -> bool {
        self.deadline.is_none()
    }

    fn sleep(&mut self, word: &AtomicU32, expected: u32) -> Woken {
        self.since.get_or_insert_with(clock::now);
        let look = Deadline::after(self.next_look);
        let first = self.deadline.into_iter().chain(look).min();
        match futex::wait(word, expected, first) {
            futex::Wait::Look => Woken::Look,
            futex::Wait::TimedOut if self.deadline.is_some_and(Deadline::has_passed) => {
                Woken::TimedOut
            }
            futex::Wait::TimedOut
                if self.needed.is_some_and(|needed| {
                    !commons::is_alive(needed) || abandoned::is_abandoned()
                }) =>
            {
                Woken::TimedOut
            }
            futex::Wait::TimedOut => {
                self.next_look = (self.next_look * 2).min(LAST_LOOK);
                Woken::Tick
            }
        }
    }
}

/// A word of 32 bits that processes share, and can sleep on.
pub(crate) trait Word {
    /// The wider words beside it.
    type Long: Long;

    fn load(&self, order: Ordering) -> u32;
    fn store(&self, value: u32, order: Ordering);
    fn swap(&self, value: u32, order: Ordering) -> u32;
    fn exchange(&self, current: u32, new: u32, done: Ordering) -> Result<u32, u32>;
    fn raise(&self, value: u32, order: Ordering) -> u32;
    fn fence(order: Ordering);

    /// Sleeps while the word has this value.
    fn sleep(&self, expected: u32, patience: &mut Patience) -> Woken;
    /// Wakes so many at most, and says how many.
    fn wake(&self, most: u32) -> u32;
    /// Looks for a short time whether it comes true, before a sleep.
    fn spin(ready: impl FnMut() -> bool) -> bool;
    /// Whether this wait has lasted so long that others should let it pass.
    fn is_hungry(patience: &Patience) -> bool;
    /// Sleeps a little while the word has this value; whether it has changed.
    fn pause(&self, expected: u32) -> bool;
    /// Seconds on a clock that all processes share; never 0.
    fn seconds() -> u32;
}

/// A word of 64 bits that processes share.
pub(crate) trait Long {
    fn load(&self, order: Ordering) -> u64;
    fn store(&self, value: u64, order: Ordering);
}

impl Long for AtomicU64 {
    #[inline]
    fn load(&self, order: Ordering) -> u64 {
        step();
        self.load(order)
    }

    #[inline]
    fn store(&self, value: u64, order: Ordering) {
        step();
        self.store(value, order);
    }
}

impl Word for AtomicU32 {
    type Long = AtomicU64;

    #[inline]
    fn load(&self, order: Ordering) -> u32 {
        step();
        self.load(order)
    }

    #[inline]
    fn store(&self, value: u32, order: Ordering) {
        step();
        self.store(value, order);
    }

    #[inline]
    fn swap(&self, value: u32, order: Ordering) -> u32 {
        step();
        self.swap(value, order)
    }

    #[inline]
    fn exchange(&self, current: u32, new: u32, done: Ordering) -> Result<u32, u32> {
        step();
        self.compare_exchange(current, new, done, Ordering::Relaxed)
    }

    fn raise(&self, value: u32, order: Ordering) -> u32 {
        step();
        self.fetch_max(value, order)
    }

    #[inline]
    fn fence(order: Ordering) {
        fence(order);
    }

    fn sleep(&self, expected: u32, patience: &mut Patience) -> Woken {
        patience.sleep(self, expected)
    }

    fn wake(&self, most: u32) -> u32 {
        // It fails for an address that is not mapped, and this one is borrowed.
        futex::wake(self, i32::try_from(most).unwrap_or(i32::MAX)).unwrap_or(0)
    }

    fn spin(mut ready: impl FnMut() -> bool) -> bool {
        if sys::COUNTS_STEPS {
            return ready();
        }
        for round in 0..SPINS {
            if ready() {
                return true;
            }
            for _ in 0..1 << round.min(6) {
                hint::spin_loop();
            }
        }
        thread::yield_now();
        ready()
    }

    fn is_hungry(patience: &Patience) -> bool {
        patience.since.is_some_and(|since| clock::now().saturating_sub(since) >= HUNGER)
    }

    fn pause(&self, expected: u32) -> bool {
        let end = Deadline::after(COURTESY);
        while self.load(Ordering::Relaxed) == expected {
            if futex::wait(self, expected, end) == futex::Wait::TimedOut {
                return false;
            }
        }
        true
    }

    fn seconds() -> u32 {
        u32::try_from(clock::lately().as_secs()).unwrap_or(u32::MAX).max(1)
    }
}

/// Looks in one spin, further and further apart: whoever has the lock can then let go of it and take
/// it again many times without another core asking for its cache line.
const SPINS: u32 = 10;
