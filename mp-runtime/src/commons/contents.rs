//! What is to be done with the contents of an object that nobody holds any more: a queue's items hold memory and objects in
//! turn. What contents look like is for whoever made the object.

use super::Kind;
use super::head::{Head, LENGTH};
use super::tree::Tree;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64};

static EMPTY: OnceLock<fn(Kind, &Contents)> = OnceLock::new();

/// The bytes of an object that nobody else has.
#[derive(Debug)]
pub(crate) struct Contents {
    tree: &'static Tree,
    at: usize,
    len: usize,
}

/// Says what empties objects of the kinds that have contents. For every process.
pub(crate) fn empty_by(empty: fn(Kind, &Contents)) {
    // A second call says the same.
    let _ = EMPTY.set(empty);
}

/// Empties an object that is about to be given back.
pub(super) fn empty(tree: &'static Tree, head: Head, kind: Kind, len: usize) {
    let inside = head.at.checked_add(LENGTH).and_then(|at| at.checked_add(len));
    if let Some(empty) = EMPTY.get()
        && inside.is_some_and(|end| end as u64 <= tree.len())
    {
        empty(kind, &Contents { tree, at: head.at + LENGTH, len });
    }
}

impl Contents {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// `N` words in a row from `at` on.
    ///
    /// # Panics
    ///
    /// If they are out of range or not aligned.
    pub(crate) fn u64s<const N: usize>(&self, at: usize) -> &[AtomicU64; N] {
        self.tree.shared().u64s(self.place(at, 8 * N))
    }

    /// As [`u64s`](Self::u64s).
    pub(crate) fn u32s<const N: usize>(&self, at: usize) -> &[AtomicU32; N] {
        self.tree.shared().u32s(self.place(at, 4 * N))
    }

    fn place(&self, at: usize, len: usize) -> usize {
        let end = at.checked_add(len);
        assert!(end.is_some_and(|end| end <= self.len), "offset {at} is out of range");
        self.at + at
    }
}
