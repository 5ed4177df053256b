//! What a lane stands on: words and bytes that other processes may change at any time, blocks of them, and who is alive.
//! The lane's own order of things is not known here.

use crate::error::Result;
use std::sync::atomic::{AtomicU32, AtomicU64};

/// The words of a lane, at offsets below [`LEN`](super::LEN).
pub(in crate::channel) trait Heads {
    fn u32(&self, at: usize) -> &AtomicU32;
    fn u64(&self, at: usize) -> &AtomicU64;
}

/// The bytes of a block. An offset is checked by whoever asks: out of range is a panic.
pub(in crate::channel) trait Words {
    fn len(&self) -> usize;
    fn u64(&self, at: usize) -> &AtomicU64;
    fn read(&self, at: usize, out: &mut [u8]);
    /// As `read`, behind what is in `out`, which has room.
    fn append(&self, at: usize, len: usize, out: &mut Vec<u8>);
    fn write(&self, at: usize, bytes: &[u8]);
}

/// Where a block is, as two words that can stand in shared memory; none has offset 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::channel) struct At {
    pub(in crate::channel) offset: u64,
    pub(in crate::channel) generation: u32,
}

impl At {
    pub(super) fn is_none(self) -> bool {
        self.offset == 0
    }
}

/// The memory of one lane and its surroundings.
pub(in crate::channel) trait Ground {
    type Head: Heads;
    type Block: Words;

    /// Where the lane's words are.
    fn head(&self) -> &Self::Head;
    /// A new block of zeros, which goes with this process until it is kept.
    fn reserve(&self, len: usize) -> Result<(At, Self::Block)>;
    /// Has a block stay that others can now find; false if it has gone with its maker.
    fn keep(&self, block: &Self::Block) -> bool;
    /// The block that is there, if one is.
    fn open(&self, at: At) -> Option<Self::Block>;
    /// Gives a block back; nothing if that was done before.
    fn free(&self, at: At);
    /// This process's number.
    fn own(&self) -> Result<u32>;
    fn is_alive(&self, number: u32) -> bool;
}
