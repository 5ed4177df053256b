//! The two counts that are a lane's puts and takes, on words of any kind. What lies between them is for the lane.

use super::ground::Heads;
use super::{PUTS, TAKES};
use crate::transport::word::{Long, Word};
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};

/// The words of a lane by which its users tell each other that there is something new.
pub(in crate::channel) trait Counts {
    type Word: Word;

    /// The word at an offset, of 32 bits.
    fn short(&self, at: usize) -> &Self::Word;
    /// The one of 64 bits.
    fn long(&self, at: usize) -> &<Self::Word as Word>::Long;

    /// How many items were put.
    #[inline]
    fn puts(&self) -> u64 {
        self.long(PUTS).load(Acquire)
    }

    /// How many were taken.
    #[inline]
    fn takes(&self) -> u64 {
        self.long(TAKES).load(Acquire)
    }

    /// Counts one more than these; this is the put.
    #[inline]
    fn count_put(&self, puts: u64) {
        self.long(PUTS).store(puts.wrapping_add(1), Release);
    }

    /// Counts one more than these; this is the take.
    #[inline]
    fn count_take(&self, takes: u64) {
        self.long(TAKES).store(takes.wrapping_add(1), Release);
    }
}

impl<H: Heads> Counts for H {
    type Word = AtomicU32;

    #[inline]
    fn short(&self, at: usize) -> &AtomicU32 {
        self.u32(at)
    }

    #[inline]
    fn long(&self, at: usize) -> &AtomicU64 {
        self.u64(at)
    }
}
