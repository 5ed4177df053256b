//! Items whose bytes lie in blocks of their own, where they are written and read in place: who has which block. What a
//! user sees of one is in `channel::loan`.
//!
//! A lane has a few such blocks, each with a word that says what it is used for:
//!
//! ```text
//! bits 63..62  0: nothing   1: a producer writes it   2: an item of the lane   3: a consumer reads it
//! bits 61..31  the process that does so, or has put it
//! bits 30..0   of an item, its number; of one that is read, how many were taken before
//! ```
//!
//! The word changes in one step, and before the count that makes it so: an item's before it is counted as put, a reader's before it
//! is counted as taken. If whoever does that dies in between, the number says so: the next producer finds
//! the item that was not put and takes its block back; one that was not taken is still in the lane, and is read again.
//! A block whose writer or reader has died is free, and seen to be when one is wanted.

use super::chain::USUAL;
use super::count::Counts;
use super::entry::{Entry, Item, Kind, lent_weight};
use super::ground::{At, Ground, Words};
use super::wait::Attempt;
use super::{Bell, Lane, PUTS, Sink, Until, broken};
use crate::error::Result;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

/// How many there can be at a time: being written, in the lane, or being read.
pub(super) const LOANS: usize = 16;
/// Where the words of the first one stand: what it is used for, and where its block is.
const FIRST_LOAN: usize = 1024;
const LOAN_SIZE: usize = 32;
/// The sleep of those who wait for one.
pub(in crate::channel) const RETURNED: Bell = Bell::at(784);

const FREE: u64 = 0;
const WRITTEN: u64 = 1;
const PUT: u64 = 2;
const READ: u64 = 3;
const NUMBER: u64 = (1 << 31) - 1;
const SMALLEST: usize = 4 << 10;
/// What the item itself takes in the lane: a word, and which block it is and how many bytes of it.
const ITEM_SIZE: usize = 24;

/// A block that this process writes or reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::channel) struct Room {
    pub(in crate::channel) index: usize,
    pub(in crate::channel) at: At,
    /// What its word says as long as this is so.
    word: u64,
}

/// How many bytes of a lane's limit an item of so many bytes takes.
pub(in crate::channel) fn lent_size(len: usize) -> usize {
    ITEM_SIZE.saturating_add(lent_weight(len))
}

fn word(state: u64, owner: u32, number: u64) -> u64 {
    state << 62 | u64::from(owner) << 31 | number & NUMBER
}

fn state(word: u64) -> u64 {
    word >> 62
}

impl Room {
    /// Which process has it.
    pub(in crate::channel) fn owner(self) -> u32 {
        owner(self.word)
    }
}

fn owner(word: u64) -> u32 {
    u32::try_from(word >> 31 & NUMBER).unwrap_or(0)
}

/// Where the words of one stand.
const fn place(index: usize) -> usize {
    FIRST_LOAN + LOAN_SIZE * index
}

impl<G: Ground> Lane<G> {
    /// A block of at least `len` bytes to write an item into, waiting for one; none if `until` has passed.
    pub(in crate::channel) fn lend(
        &self,
        len: usize,
        until: Until,
        still: impl FnMut() -> Result<()>,
    ) -> Result<Option<Room>> {
        self.wait(RETURNED, until, || self.try_lend(len), || self.has_loan(false), still)
    }

    fn try_lend(&self, len: usize) -> Result<Attempt<Room>> {
        let own = self.ground.own()?;
        let lent = word(WRITTEN, own, 0);
        // Rather one that was used for the like, since new memory costs more than a copy.
        let fit = |index: usize, seen: u64| seen == FREE && self.fitting(index, len).is_some();
        let free = |_: usize, seen: u64| seen == FREE;
        let left = |_: usize, seen: u64| self.was_left(seen);
        let kinds: [&dyn Fn(usize, u64) -> bool; 3] = [&fit, &free, &left];
        for kind in kinds {
            for index in 0..LOANS {
                let place = self.u64(place(index));
                let seen = place.load(Acquire);
                if kind(index, seen) && place.compare_exchange(seen, lent, Acquire, Relaxed).is_ok()
                {
                    return self.furnish(index, len, lent).map(Attempt::Done);
                }
            }
        }
        Ok(Attempt::Not)
    }

    /// Whether one can be had; with `anyhow`, also one that a dead process has left.
    pub(in crate::channel) fn has_loan(&self, anyhow: bool) -> bool {
        (0..LOANS).any(|index| {
            let seen = self.u64(place(index)).load(Acquire);
            seen == FREE || anyhow && self.was_left(seen)
        })
    }

    /// Whether the process that had it has died.
    fn was_left(&self, seen: u64) -> bool {
        let counted = || seen & NUMBER != self.ground.head().takes() & NUMBER;
        let over = match state(seen) {
            WRITTEN => true,
            READ => counted(),
            _ => false,
        };
        over && !self.ground.is_alive(owner(seen))
    }

    fn fitting(&self, index: usize, len: usize) -> Option<At> {
        let at = self.at(place(index) + 8);
        let block = self.ground.open(at)?;
        (block.len() >= len && block.len() / 8 <= len.max(USUAL)).then_some(at)
    }

    /// Sees to it that one which is the caller's has a block.
    fn furnish(&self, index: usize, len: usize, word: u64) -> Result<Room> {
        let is_kept = |at: &At| self.ground.open(*at).is_some_and(|block| self.ground.keep(&block));
        if let Some(at) = self.fitting(index, len).filter(is_kept) {
            return Ok(Room { index, at, word });
        }
        let old = self.at(place(index) + 8);
        if !old.is_none() {
            self.ground.free(old);
        }
        match self.ground.reserve(len.max(SMALLEST)) {
            Ok((at, block)) => {
                self.set_at(place(index) + 8, at);
                // Its message outlives this process.
                self.ground.keep(&block);
                Ok(Room { index, at, word })
            }
            Err(error) => {
                self.give_back(Room { index, at: old, word });
                Err(error)
            }
        }
    }

    /// Puts the first `len` bytes of one as an item; as [`put`](Self::put), with `leave` called once, before anyone can
    /// find it.
    pub(in crate::channel) fn put_lent(
        &self,
        kind: Kind,
        room: Room,
        len: usize,
        until: Until,
        mut leave: impl FnMut(),
        still: impl FnMut() -> Result<()>,
    ) -> Result<bool> {
        let mut body = [0; 16];
        body[..8].copy_from_slice(&(room.index as u64).to_le_bytes());
        body[8..].copy_from_slice(&(len as u64).to_le_bytes());
        let commit = || {
            leave();
            let puts = self.u64(PUTS).load(Relaxed);
            self.u64(place(room.index)).store(word(PUT, room.owner(), puts), Release);
        };
        self.put(&Entry { kind, wire: &[], body: &body, lent: Some(len) }, until, commit, still)
    }

    /// Gives one back that this process has written or read.
    pub(in crate::channel) fn give_back(&self, room: Room) {
        let place = self.u64(place(room.index));
        if place.compare_exchange(room.word, FREE, AcqRel, Relaxed).is_ok() {
            RETURNED.ring(self.ground.head());
        }
    }

    /// After a producer's death: takes the block of an item back that was not put.
    pub(super) fn recover_lent(&self, puts: u64) {
        for index in 0..LOANS {
            let place = self.u64(place(index));
            let seen = place.load(Acquire);
            let number = seen & NUMBER == puts & NUMBER;
            if state(seen) == PUT && number && !self.ground.is_alive(owner(seen)) {
                let _ = place.compare_exchange(seen, FREE, AcqRel, Relaxed);
            }
        }
    }

    /// Has the sink take the item's bytes, wherever they are, if it does not keep them.
    #[inline]
    pub(super) fn accept(
        &self,
        sink: &mut impl Sink,
        block: &G::Block,
        item: Item,
        takes: u64,
    ) -> Result<Option<(Room, usize)>> {
        let (at, len) = item.body;
        if !item.lent {
            return sink.accept(item.kind, block, at, len).map(|()| None);
        }
        let (room, block, len) = self.read_lent(block, item, takes)?;
        if !sink.keeps() {
            sink.accept(item.kind, &block, 0, len)?;
        }
        Ok(Some((room, len)))
    }

    /// Gives a block back that the sink does not keep.
    #[inline]
    pub(super) fn kept(
        &self,
        sink: &impl Sink,
        lent: Option<(Room, usize)>,
    ) -> Option<(Room, usize)> {
        let (room, len) = lent?;
        if sink.keeps() {
            return Some((room, len));
        }
        self.give_back(room);
        None
    }

    /// Marks the block of an item that is about to be taken as read by this process; gives it, and how many bytes
    /// of it are the item's.
    fn read_lent(
        &self,
        block: &G::Block,
        item: Item,
        takes: u64,
    ) -> Result<(Room, G::Block, usize)> {
        let (at, len) = item.body;
        if len != 16 {
            return Err(broken());
        }
        let number = |at| usize::try_from(block.u64(at).load(Relaxed)).map_err(|_| broken());
        let (index, len) = (number(at)?, number(at + 8)?);
        if index >= LOANS {
            return Err(broken());
        }
        let at = self.at(place(index) + 8);
        let bytes = self.ground.open(at).filter(|bytes| len <= bytes.len()).ok_or_else(broken)?;
        let state_word = self.u64(place(index));
        // One who has read it before has not counted it as taken.
        if !matches!(state(state_word.load(Acquire)), PUT | READ) {
            return Err(broken());
        }
        let word = word(READ, self.ground.own()?, takes);
        state_word.store(word, Release);
        Ok((Room { index, at, word }, bytes, len))
    }

    /// Frees the blocks that nobody uses, of a lane by which nothing more can be sent.
    pub(in crate::channel) fn free_loans(&self) {
        let Ok(own) = self.ground.own() else { return };
        let mine = word(WRITTEN, own, 0);
        for index in 0..LOANS {
            let state = self.u64(place(index));
            if state.compare_exchange(FREE, mine, Acquire, Relaxed).is_ok() {
                let at = self.at(place(index) + 8);
                self.ground.free(at);
                self.clear_at(place(index) + 8);
                self.give_back(Room { index, at, word: mine });
            }
        }
    }

    /// The blocks that there are.
    pub(super) fn lent_blocks(&self) -> impl Iterator<Item = At> {
        (0..LOANS).map(|index| self.at(place(index) + 8))
    }
}
