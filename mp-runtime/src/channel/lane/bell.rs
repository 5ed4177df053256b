//! Sleeping until something changes in a lane, and waking who sleeps. What changed is for the lane.
//!
//! Two words: how many have come to sleep since nobody did, and a count that every ring changes. A sleeper reads the
//! count, announces itself, and looks once more before it sleeps on the count. Whoever has published something looks
//! for sleepers after it; one who finds that nobody was there to be woken takes the announcements back, unless there is a new one.

use super::count::Counts;
use crate::sys::clock::Deadline;
use crate::transport::word::Word;
use std::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};
#[cfg(all(target_arch = "x86_64", not(loom)))]
use std::sync::atomic::compiler_fence;

/// Where in a lane's head the two words are.
#[derive(Clone, Copy, Debug)]
pub(in crate::channel) struct Bell {
    announced: usize,
    rings: usize,
}

impl Bell {
    /// The one whose words are there.
    pub(super) const fn at(at: usize) -> Self {
        Self { announced: at, rings: at + 4 }
    }

    /// The word that changes when it is rung.
    pub(in crate::channel) fn word(self) -> usize {
        self.rings
    }

    /// Wakes one who sleeps; to be called after publishing what it sleeps for, and after letting a
    /// lock go.
    #[inline]
    pub(super) fn ring<C: Counts>(self, head: &C) {
        // A lock is let go by a swap, which is a full fence on this architecture.
        #[cfg(all(target_arch = "x86_64", not(loom)))]
        compiler_fence(SeqCst);
        #[cfg(any(not(target_arch = "x86_64"), loom))]
        C::Word::fence(SeqCst);
        let announced = head.short(self.announced).load(Relaxed);
        if announced != 0 {
            self.wake(head, announced);
        }
    }

    #[cold]
    fn wake(self, head: &impl Counts, announced: u32) {
        let rings = head.short(self.rings);
        rings.add(1, SeqCst);
        if rings.wake(1) == Some(0) {
            head.short(self.announced).exchange(announced, 0, SeqCst);
        }
    }

    /// Wakes everyone who sleeps, or is about to.
    pub(super) fn ring_all(self, head: &impl Counts) {
        let rings = head.short(self.rings);
        rings.add(1, SeqCst);
        rings.wake(i32::MAX);
    }

    /// Says that somebody is about to sleep, and gives the count of rings that it has seen before. It looks
    /// once more before it sleeps while the count is that.
    pub(super) fn announce(self, head: &impl Counts) -> u32 {
        let seen = head.short(self.rings).load(Acquire);
        head.short(self.announced).add(1, SeqCst);
        seen
    }

    /// Sleeps until it is rung, unless `ready` is true already; at most until `until`.
    pub(super) fn sleep<C: Counts>(
        self,
        head: &C,
        until: Option<Deadline>,
        ready: impl FnOnce() -> bool,
    ) {
        let seen = self.announce(head);
        C::Word::fence(SeqCst);
        if !ready() {
            head.short(self.rings).sleep(seen, until);
        }
    }
}
