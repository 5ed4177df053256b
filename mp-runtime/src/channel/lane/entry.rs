//! How one item lies in a block: a word with its length and kind, what is attached to it, and its bytes. The way to the
//! next block lies there in the same form.

use super::broken;
use super::ground::{At, Words};
use crate::error::Result;
use std::sync::atomic::Ordering::Relaxed;

/// What the bytes of an item are; the lane does not care.
pub(in crate::channel) type Kind = u8;

/// The kind of an entry that is no item but says where the chain goes on.
const JUMP: Kind = 0xFF;
/// How many bytes that takes.
pub(super) const JUMP_SIZE: usize = 24;

/// The highest byte of every header, so that stray bytes are not one.
const MARK: u64 = 0x6D;
const MARK_AT: u32 = 56;
const WIRE_AT: u32 = 48;
const LENT_AT: u32 = 49;
const KIND_AT: u32 = 40;
const LEN: u64 = (1 << KIND_AT) - 1;

/// How many bytes of a lane's limit such an item takes beside its entry. A quarter, so that a producer need not
/// stop and go with its consumer for each message of a megabyte; all sixteen in the lane would leave the caches.
#[inline]
pub(super) fn lent_weight(len: usize) -> usize {
    len / 4
}

/// What is put.
#[derive(Clone, Copy, Debug)]
pub(in crate::channel) struct Entry<'a> {
    pub(in crate::channel) kind: Kind,
    /// What is attached to it, in the form in which that travels.
    pub(in crate::channel) wire: &'a [u8],
    pub(in crate::channel) body: &'a [u8],
    /// How long the item is, if the bytes say where it is: in a block of its own.
    pub(in crate::channel) lent: Option<usize>,
}

/// What lies at some place of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Item(Item),
    Jump(At),
}

/// An item's parts, all within its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) kind: Kind,
    pub(super) wire: (usize, usize),
    pub(super) body: (usize, usize),
    pub(super) lent: bool,
    /// Where what follows it begins.
    pub(super) end: usize,
}

/// The next multiple of 8.
fn padded(len: usize) -> Option<usize> {
    len.checked_next_multiple_of(8)
}

impl Entry<'_> {
    /// How many bytes it takes in a block; none if no block could hold it.
    #[inline]
    pub(in crate::channel) fn size(&self) -> Option<usize> {
        let attached = match self.wire.len() {
            0 => 0,
            len => padded(len)?.checked_add(8)?,
        };
        let size = padded(self.body.len())?.checked_add(attached)?.checked_add(8)?;
        (size as u64 <= LEN).then_some(size)
    }

    /// How many bytes of a lane's limit an entry of that size takes.
    #[inline]
    pub(super) fn weight(&self, size: usize) -> usize {
        size.saturating_add(self.lent.map_or(0, lent_weight))
    }

    /// Writes it where it has room.
    #[inline]
    pub(super) fn write(&self, block: &impl Words, at: usize) {
        let wired = u64::from(!self.wire.is_empty());
        let header = MARK << MARK_AT
            | wired << WIRE_AT
            | u64::from(self.lent.is_some()) << LENT_AT
            | u64::from(self.kind) << KIND_AT
            | self.body.len() as u64;
        block.u64(at).store(header, Relaxed);
        let mut at = at + 8;
        if wired != 0 {
            block.u64(at).store(self.wire.len() as u64, Relaxed);
            block.write(at + 8, self.wire);
            at += 8 + self.wire.len().next_multiple_of(8);
        }
        block.write(at, self.body);
    }
}

/// Writes where the chain goes on.
pub(super) fn write_jump(block: &impl Words, at: usize, to: At) {
    block.u64(at + 8).store(to.offset, Relaxed);
    block.u64(at + 16).store(to.generation.into(), Relaxed);
    block.u64(at).store(MARK << MARK_AT | u64::from(JUMP) << KIND_AT, Relaxed);
}

/// What lies at `at`, which may be anything.
#[inline]
pub(super) fn find(block: &impl Words, at: usize) -> Result<Found> {
    read(block, at).ok_or_else(broken)
}

#[inline]
fn read(block: &impl Words, at: usize) -> Option<Found> {
    let word = |at: usize| {
        let inside = at.is_multiple_of(8) && at.checked_add(8)? <= block.len();
        inside.then(|| block.u64(at).load(Relaxed))
    };
    let header = word(at)?;
    if header >> MARK_AT != MARK {
        return None;
    }
    let kind = u8::try_from(header >> KIND_AT & 0xFF).ok()?;
    if kind == JUMP {
        let generation = u32::try_from(word(at + 16)?).ok()?;
        return Some(Found::Jump(At { offset: word(at + 8)?, generation }));
    }
    let mut body_at = at + 8;
    let mut wire = (body_at, 0);
    if header >> WIRE_AT & 1 != 0 {
        let len = usize::try_from(word(body_at)?).ok().filter(|len| *len <= block.len())?;
        wire = (body_at + 8, len);
        body_at += 8 + padded(len)?;
    }
    let len = usize::try_from(header & LEN).ok()?;
    let end = body_at.checked_add(padded(len)?)?;
    let lent = header >> LENT_AT & 1 != 0;
    (end <= block.len()).then_some(Found::Item(Item {
        kind,
        wire,
        body: (body_at, len),
        lent,
        end,
    }))
}
