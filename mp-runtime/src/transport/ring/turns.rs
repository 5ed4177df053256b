//! How the two sides of a ring tell each other how far they have come, on words of any kind. What lies in the ring is
//! not known here.

use super::{BELL, HEAD, PROGRESS, TAIL, WAITING};
use crate::sys::memory::Shared;
use crate::transport::word::{Long, Word};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64};

/// The words of a ring, and what is done to them.
pub(in crate::transport) trait Turns {
    type Word: Word;

    fn tail(&self) -> &<Self::Word as Word>::Long;
    fn head(&self) -> &<Self::Word as Word>::Long;
    /// Set while the writer sleeps, or is about to.
    fn waiting(&self) -> &Self::Word;
    /// How often the writer was woken.
    fn bell(&self) -> &Self::Word;
    fn progress(&self) -> &<Self::Word as Word>::Long;

    /// Gives the reader all that was written before this place.
    #[inline]
    fn publish(&self, tail: u64) {
        self.tail().store(tail, Release);
    }

    /// Up to where there is something to read.
    #[inline]
    fn published(&self) -> u64 {
        self.tail().load(Acquire)
    }

    /// Says how far an unpublished record has come; 0 for none.
    #[inline]
    fn note(&self, progress: u64) {
        self.progress().store(progress, Release);
    }

    /// What was noted last.
    #[inline]
    fn noted(&self) -> u64 {
        self.progress().load(Acquire)
    }

    /// Up to where the reader needs nothing any more.
    #[inline]
    fn read_until(&self) -> u64 {
        self.head().load(Acquire)
    }

    /// Waits until the reader has come to this place, and says to which it has.
    #[inline]
    fn wait_for_head(&self, position: u64) -> u64 {
        loop {
            let head = self.read_until();
            if head >= position {
                return head;
            }
            let seen = self.bell().load(Acquire);
            self.waiting().store(1, Relaxed);
            Self::Word::fence(SeqCst);
            if self.read_until() < position {
                self.bell().sleep(seen, None);
            }
        }
    }

    /// Gives the writer all the room before this place.
    #[inline]
    fn pass(&self, head: u64) {
        self.head().store(head, Release);
        Self::Word::fence(SeqCst);
        if self.waiting().load(Relaxed) != 0 {
            self.waiting().store(0, Relaxed);
            self.bell().add(1, Release);
            self.bell().wake(1);
        }
    }
}

impl Turns for Shared {
    type Word = AtomicU32;

    #[inline]
    fn tail(&self) -> &AtomicU64 {
        self.u64(TAIL)
    }

    #[inline]
    fn head(&self) -> &AtomicU64 {
        self.u64(HEAD)
    }

    #[inline]
    fn waiting(&self) -> &AtomicU32 {
        self.u32(WAITING)
    }

    #[inline]
    fn bell(&self) -> &AtomicU32 {
        self.u32(BELL)
    }

    #[inline]
    fn progress(&self) -> &AtomicU64 {
        self.u64(PROGRESS)
    }
}
