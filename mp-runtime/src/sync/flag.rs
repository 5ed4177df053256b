//! The event's word: how it is set, cleared and waited for. The handle is in `event`.
//!
//! ```text
//! bit 0: set      bit 1: someone may sleep      bits 31..2: how often it was set
//! ```
//!
//! A waiter remembers the word as it found it: another count means that it was set meanwhile, cleared again or not. So
//! nobody who waited when it was set is missed. (The count comes round after a thousand million times, in which a
//! waiter would have to sleep on.)
//!
//! **Order.** Setting is a Release exchange, and whoever waits or asks loads with Acquire. Clearing is an exchange too,
//! and thus part of the release sequence that setting began: who sees only that it was set and cleared has the
//! same order. Setting what is set already makes an exchange that changes nothing, for the sake of its order.
//!
//! **Sleeping.** The bit and the count lie in the word that is slept on: to set it changes the word before it wakes all,
//! so that who was about to sleep does not, and takes the bit away, since nobody sleeps then.

use crate::sync::word::{Patience, Woken, Word};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

const SET: u32 = 1;
const WAITERS: u32 = 1 << 1;
const ONCE: u32 = 1 << 2;

/// The word of one event.
#[derive(Debug)]
pub(crate) struct Flag<'a, W: Word>(pub(crate) &'a W);

impl<W: Word> Flag<'_, W> {
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Acquire) & SET != 0
    }

    pub(crate) fn set(&self) {
        let mut seen = self.0.load(Relaxed);
        loop {
            let new =
                if seen & SET == 0 { (seen & !WAITERS).wrapping_add(ONCE) | SET } else { seen };
            match self.0.exchange(seen, new, Release) {
                Ok(_) => break,
                Err(now) => seen = now,
            }
        }
        if seen & SET == 0 && seen & WAITERS != 0 {
            self.0.wake(u32::MAX);
        }
    }

    /// What a waiter is to remember as it begins.
    pub(crate) fn seen(&self) -> u32 {
        self.0.load(Acquire)
    }

    /// Whether it is set, or has been since `first` was seen.
    pub(crate) fn is_over_since(&self, first: u32) -> bool {
        let seen = self.seen();
        seen & SET != 0 || seen & !WAITERS != first & !WAITERS
    }

    /// Says that someone is about to sleep; gives the value that the word has until it is set.
    pub(crate) fn announce(&self) -> u32 {
        let mut seen = self.0.load(Relaxed);
        // Once it is set there is nobody to be woken.
        while seen & (SET | WAITERS) == 0 {
            match self.0.exchange(seen, seen | WAITERS, Relaxed) {
                Ok(_) => return seen | WAITERS,
                Err(now) => seen = now,
            }
        }
        seen
    }

    pub(crate) fn clear(&self) {
        let mut seen = self.0.load(Relaxed);
        while seen & SET != 0 {
            match self.0.exchange(seen, seen & !SET, Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    /// Waits until it is set; `false`: the time was over first.
    pub(crate) fn wait(&self, patience: impl FnOnce() -> Patience) -> bool {
        let first = self.0.load(Acquire);
        if first & SET != 0 {
            return true;
        }
        let is_over = |seen: u32| seen & SET != 0 || seen & !WAITERS != first & !WAITERS;
        let mut patience = patience();
        if W::spin(|| is_over(self.0.load(Acquire))) {
            return true;
        }
        loop {
            let seen = self.0.load(Acquire);
            if is_over(seen) {
                return true;
            }
            let flagged = seen | WAITERS;
            if seen != flagged && self.0.exchange(seen, flagged, Relaxed).is_err() {
                continue;
            }
            if self.0.sleep(flagged, &mut patience) == Woken::TimedOut {
                return is_over(self.0.load(Acquire));
            }
        }
    }
}
