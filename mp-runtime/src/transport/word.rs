//! What the protocols of this module need of words in shared memory. Which word means what is for the protocols.
//!
//! They are generic over it, so that loom can run them on words of its own (`tests::model`). The words of processes
//! are the atomics, by the same instructions.

use crate::sys::clock::Deadline;
use crate::sys::futex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// A word of 32 bits that processes share, and can sleep on.
pub(crate) trait Word {
    /// The wider words beside it.
    type Long: Long;

    fn load(&self, order: Ordering) -> u32;
    fn store(&self, value: u32, order: Ordering);
    fn add(&self, value: u32, order: Ordering) -> u32;
    fn swap(&self, value: u32, order: Ordering) -> u32;
    fn exchange(&self, current: u32, new: u32, done: Ordering) -> bool;
    fn fence(order: Ordering);

    /// Sleeps while the word has this value, or for less.
    fn sleep(&self, expected: u32, until: Option<Deadline>);
    /// Wakes so many at most, and says how many; none if that is not known.
    fn wake(&self, most: i32) -> Option<u32>;
}

/// A word of 64 bits that processes share.
pub(crate) trait Long {
    fn load(&self, order: Ordering) -> u64;
    fn store(&self, value: u64, order: Ordering);
    fn exchange(&self, current: u64, new: u64, done: Ordering) -> bool;
    /// Sets these bits.
    fn set(&self, bits: u64, order: Ordering);
    /// Clears these bits, and gives what was there before.
    fn clear(&self, bits: u64, order: Ordering) -> u64;
}

impl Word for AtomicU32 {
    type Long = AtomicU64;

    #[inline]
    fn load(&self, order: Ordering) -> u32 {
        self.load(order)
    }

    #[inline]
    fn store(&self, value: u32, order: Ordering) {
        self.store(value, order);
    }

    #[inline]
    fn add(&self, value: u32, order: Ordering) -> u32 {
        self.fetch_add(value, order)
    }

    #[inline]
    fn swap(&self, value: u32, order: Ordering) -> u32 {
        self.swap(value, order)
    }

    #[inline]
    fn exchange(&self, current: u32, new: u32, done: Ordering) -> bool {
        self.compare_exchange(current, new, done, Ordering::Relaxed).is_ok()
    }

    #[inline]
    fn fence(order: Ordering) {
        fence(order);
    }

    #[inline]
    fn sleep(&self, expected: u32, until: Option<Deadline>) {
        // Why it ended does not matter: the caller looks again.
        futex::wait(self, expected, until);
    }

    #[inline]
    fn wake(&self, most: i32) -> Option<u32> {
        // A wake of a mapped word cannot fail.
        futex::wake(self, most).ok()
    }
}

impl Long for AtomicU64 {
    #[inline]
    fn load(&self, order: Ordering) -> u64 {
        self.load(order)
    }

    #[inline]
    fn store(&self, value: u64, order: Ordering) {
        self.store(value, order);
    }

    #[inline]
    fn exchange(&self, current: u64, new: u64, done: Ordering) -> bool {
        self.compare_exchange(current, new, done, Ordering::Relaxed).is_ok()
    }

    #[inline]
    fn set(&self, bits: u64, order: Ordering) {
        self.fetch_or(bits, order);
    }

    #[inline]
    fn clear(&self, bits: u64, order: Ordering) -> u64 {
        self.fetch_and(!bits, order)
    }
}
