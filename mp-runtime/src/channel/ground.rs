//! The commons as the ground that lanes stand on.

use crate::channel::lane::{At, Ground, Heads, LEN, Words};
use crate::commons::{self, Block, BlockAt, Contents, Hold, Number};
use crate::error::Result;
use crate::sys::step;
use std::sync::atomic::{AtomicU32, AtomicU64};

/// One lane of an object. Each word is used in one size only.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'a> {
    u64s: &'a [AtomicU64; LEN / 8],
    u32s: &'a [AtomicU32; LEN / 4],
}

impl<'a> Head<'a> {
    /// Lane `number` of those that the object has.
    ///
    /// # Panics
    ///
    /// If it has no such lane.
    #[inline]
    pub(super) fn of(hold: &'a Hold, number: usize) -> Self {
        let at = LEN * number;
        Self { u64s: hold.u64s(at), u32s: hold.u32s(at) }
    }

    /// The word at `at`, for as long as the object is held.
    pub(super) fn word(self, at: usize) -> &'a AtomicU32 {
        &self.u32s[at / 4]
    }

    /// The lanes of an object that nobody holds any more.
    pub(super) fn all(contents: &'a Contents) -> impl Iterator<Item = Self> {
        let lane = |at| Self { u64s: contents.u64s(at), u32s: contents.u32s(at) };
        (0..contents.len() / LEN).map(move |number| lane(LEN * number))
    }
}

impl Heads for Head<'_> {
    #[inline]
    fn u32(&self, at: usize) -> &AtomicU32 {
        step();
        &self.u32s[at / 4]
    }

    #[inline]
    fn u64(&self, at: usize) -> &AtomicU64 {
        step();
        &self.u64s[at / 8]
    }
}

impl Words for Block {
    #[inline]
    fn len(&self) -> usize {
        Block::len(self)
    }

    #[inline]
    fn u64(&self, at: usize) -> &AtomicU64 {
        Block::u64(self, at)
    }

    #[inline]
    fn read(&self, at: usize, out: &mut [u8]) {
        Block::read(self, at, out);
    }

    #[inline]
    fn append(&self, at: usize, len: usize, out: &mut Vec<u8>) {
        Block::append(self, at, len, out);
    }

    #[inline]
    fn write(&self, at: usize, bytes: &[u8]) {
        Block::write(self, at, bytes);
    }
}

impl Ground for Head<'_> {
    type Head = Self;
    type Block = Block;

    #[inline]
    fn head(&self) -> &Self {
        self
    }

    fn reserve(&self, len: usize) -> Result<(At, Block)> {
        let block = Block::new(len)?;
        let BlockAt { offset, generation } = block.at();
        Ok((At { offset, generation }, block))
    }

    fn keep(&self, block: &Block) -> bool {
        block.keep()
    }

    #[inline]
    fn open(&self, at: At) -> Option<Block> {
        Block::open(BlockAt { offset: at.offset, generation: at.generation })
    }

    fn free(&self, at: At) {
        if let Some(block) = self.open(at) {
            block.free();
        }
    }

    #[inline]
    fn own(&self) -> Result<u32> {
        commons::own().map(Number::get)
    }

    fn is_alive(&self, number: u32) -> bool {
        Number::from_raw(number).is_some_and(commons::is_alive)
    }
}
