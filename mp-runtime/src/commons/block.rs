//! Memory that a structure of several processes has, and none of them: it is there until it is freed.

use super::head::{self, Head, LENGTH};
use super::tree::{self, Tree};
use super::{Kind, Role, territory};
use crate::error::Result;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64};

/// A block, found. Having it does not keep it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    tree: &'static Tree,
    head: Head,
    len: usize,
}

/// Where a block is: two words for other processes to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockAt {
    pub(crate) offset: u64,
    pub(crate) generation: u32,
}

impl Block {
    /// Makes a block of `len` zero bytes, with memory behind them. It is this process's until it is [`keep`](Self::keep)ed.
    ///
    /// # Errors
    ///
    /// If there is no memory or no room for it.
    pub(crate) fn new(len: usize) -> Result<Self> {
        let tree = tree::the_tree()?;
        let number = tree::own()?;
        let at = territory::allocate(tree, len)?;
        let word = head::record_word(Role::ANY, true, Some(number));
        let (head, _) = head::make(tree, at, len, Kind::Block, word);
        Ok(Self { tree, head, len })
    }

    /// Leaves it to whatever it can be found by; until then it ends with the process that has made it. False if
    /// it did.
    pub(crate) fn keep(&self) -> bool {
        self.head.keep(self.tree)
    }

    /// The block of this place, if it is there. The words may say anything.
    pub(crate) fn open(at: BlockAt) -> Option<Self> {
        let tree = tree::the_tree().ok()?;
        let (head, len) = head::find(tree, at.offset, at.generation, Kind::Block)?;
        Some(Self { tree, head, len })
    }

    pub(crate) fn at(&self) -> BlockAt {
        BlockAt { offset: self.head.at as u64, generation: self.head.generation }
    }

    /// How many bytes it has.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Gives it back; a second time it is gone already. Only for whoever has taken it out of what it
    /// was part of.
    pub(crate) fn free(self) {
        self.head.free(self.tree);
    }

    /// The word at `at`.
    ///
    /// # Panics
    ///
    /// If it is out of range or not aligned: an offset never comes from a peer unchecked.
    #[inline]
    pub(crate) fn u32(&self, at: usize) -> &'static AtomicU32 {
        self.tree.shared().u32(self.place(at, 4))
    }

    /// As [`u32`](Self::u32).
    #[inline]
    pub(crate) fn u64(&self, at: usize) -> &'static AtomicU64 {
        self.tree.shared().u64(self.place(at, 8))
    }

    /// Copies what lies at `at`. A peer may be writing: check before use.
    ///
    /// # Panics
    ///
    /// As [`u32`](Self::u32).
    #[inline]
    pub(crate) fn read(&self, at: usize, bytes: &mut [u8]) {
        self.tree.shared().read(self.place(at, bytes.len()), bytes);
    }

    /// As [`read`](Self::read), behind what is in `bytes`, which has room.
    ///
    /// # Panics
    ///
    /// As [`u32`](Self::u32), and if there is no room.
    #[inline]
    pub(crate) fn append(&self, at: usize, len: usize, bytes: &mut Vec<u8>) {
        self.tree.shared().append(self.place(at, len), len, bytes);
    }

    /// Copies `bytes` to `at`.
    ///
    /// # Panics
    ///
    /// As [`u32`](Self::u32).
    #[inline]
    pub(crate) fn write(&self, at: usize, bytes: &[u8]) {
        self.tree.shared().write(self.place(at, bytes.len()), bytes);
    }

    /// Where `len` bytes at `at` lie; aligned as an object's are, if `at` is. Whoever makes a reference of it
    /// answers for what peers do.
    ///
    /// # Panics
    ///
    /// As [`u32`](Self::u32).
    pub(crate) fn pointer(&self, at: usize, len: usize) -> NonNull<u8> {
        self.tree.shared().pointer(self.place(at, len), len)
    }

    #[inline]
    fn place(&self, at: usize, len: usize) -> usize {
        let end = at.checked_add(len);
        assert!(end.is_some_and(|end| end <= self.len), "offset {at} is out of range");
        self.head.at + LENGTH + at
    }
}
