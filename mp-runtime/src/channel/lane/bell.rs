//! Sleeping until something changes in a lane, and waking who sleeps. What changed is for the lane.
//!
//! Two words: how many have come to sleep since nobody did, and a count that every ring changes. A sleeper reads the
//! count, announces itself, and looks once more before it sleeps on the count. Whoever has published something looks
//! for sleepers after it; one who finds that nobody was there to be woken takes the announcements back, unless there is a new one.

use super::ground::Heads;
use crate::sys::clock::Deadline;
use crate::sys::futex;
use std::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};
#[cfg(target_arch = "x86_64")]
use std::sync::atomic::compiler_fence;
use std::sync::atomic::fence;

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
    pub(super) fn ring(self, head: &impl Heads) {
        // A lock is let go by a swap, which is a full fence on this architecture.
        #[cfg(target_arch = "x86_64")]
        compiler_fence(SeqCst);
        #[cfg(not(target_arch = "x86_64"))]
        fence(SeqCst);
        let announced = head.u32(self.announced).load(Relaxed);
        if announced != 0 {
            self.wake(head, announced);
        }
    }

    #[cold]
    fn wake(self, head: &impl Heads, announced: u32) {
        let rings = head.u32(self.rings);
        rings.fetch_add(1, SeqCst);
        if futex::wake(rings, 1).is_ok_and(|woken| woken == 0) {
            let _ = head.u32(self.announced).compare_exchange(announced, 0, SeqCst, Relaxed);
        }
    }

    /// Wakes everyone who sleeps, or is about to.
    pub(super) fn ring_all(self, head: &impl Heads) {
        let rings = head.u32(self.rings);
        rings.fetch_add(1, SeqCst);
        let _ = futex::wake(rings, i32::MAX);
    }

    /// Says that somebody is about to sleep, and gives the count of rings that it has seen before. It looks
    /// once more before it sleeps while the count is that.
    pub(super) fn announce(self, head: &impl Heads) -> u32 {
        let seen = head.u32(self.rings).load(Acquire);
        head.u32(self.announced).fetch_add(1, SeqCst);
        seen
    }

    /// Sleeps until it is rung, unless `ready` is true already; at most until `until`.
    pub(super) fn sleep(
        self,
        head: &impl Heads,
        until: Option<Deadline>,
        ready: impl FnOnce() -> bool,
    ) {
        let seen = self.announce(head);
        fence(SeqCst);
        if !ready() {
            futex::wait(head.u32(self.rings), seen, until);
        }
    }
}
