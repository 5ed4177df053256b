//! The blocks of a lane: where producers and consumers stand, the block that comes next, and what becomes of one that is
//! read to its end. Only whoever holds a side's lock comes here.
//!
//! Where a side stands takes more than one word. So there are two records of it, and which one counts is told by the
//! lowest bit of the side's count: the other is filled in, and the count's store makes it the one that counts.

use super::entry::{Entry, Found, Item, JUMP_SIZE, find, lent_weight, write_jump};
use super::ground::{At, Ground, Words};
use super::{FIRST, HEAD, LARGEST_SPARE, Lane, PENDING, RETIRED, SPARES, SPARES_AT, TAIL, broken};
use crate::error::{Error, ErrorKind, Result};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Where in a block the count of the items before its first one stands, and where that one begins.
const BEFORE: usize = 0;
const BEGIN: usize = 8;
/// How large a lane's first block is, and the others that hold little.
const LITTLE: usize = 4 << 10;
pub(super) const USUAL: usize = 64 << 10;

/// Where a side stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) block: At,
    pub(super) at: usize,
    /// How many bytes have passed there, in all.
    pub(super) bytes: u64,
    /// The block that was left on the way here; none on most ways, and never for producers.
    pub(super) left: At,
}

const PLACE_SIZE: usize = 48;

impl<G: Ground> Lane<G> {
    #[inline]
    pub(super) fn at(&self, word: usize) -> At {
        let offset = self.u64(word).load(Acquire);
        // A generation that is none opens no block.
        let generation = u32::try_from(self.u64(word + 8).load(Relaxed)).unwrap_or(0);
        At { offset, generation }
    }

    /// The offset is stored last: until then there is none.
    #[inline]
    pub(super) fn set_at(&self, word: usize, to: At) {
        self.u64(word + 8).store(to.generation.into(), Relaxed);
        self.u64(word).store(to.offset, Release);
    }

    pub(super) fn clear_at(&self, word: usize) {
        self.u64(word).store(0, Release);
    }

    #[inline]
    fn place(&self, side: usize, count: u64) -> Result<Place> {
        let record = record(side, count);
        let at = usize::try_from(self.u64(record + 16).load(Relaxed)).ok();
        Ok(Place {
            block: self.at(record),
            at: at.filter(|at| at.is_multiple_of(8)).ok_or_else(broken)?,
            bytes: self.u64(record + 24).load(Relaxed),
            left: self.at(record + 32),
        })
    }

    #[inline]
    fn set_place(&self, side: usize, count: u64, place: Place) {
        let record = record(side, count);
        self.set_at(record, place.block);
        self.u64(record + 16).store(place.at as u64, Relaxed);
        self.u64(record + 24).store(place.bytes, Relaxed);
        if side == HEAD {
            self.set_at(record + 32, place.left);
        }
    }

    #[inline]
    pub(super) fn tail(&self, puts: u64) -> Result<Place> {
        self.place(TAIL, puts)
    }

    /// How many bytes consumers have taken; may be those of an item more than is counted yet.
    pub(super) fn bytes_taken(&self, takes: u64) -> u64 {
        self.place(HEAD, takes).map_or(0, |place| place.bytes)
    }

    /// Writes an item that takes `size` bytes behind the `puts` that are there, where nobody finds it
    /// before they are one more.
    #[inline]
    pub(super) fn append(
        &self,
        entry: &Entry<'_>,
        size: usize,
        puts: u64,
        tail: Place,
    ) -> Result<()> {
        let bytes = tail.bytes.wrapping_add(entry.weight(size) as u64);
        let mut place = Place { bytes, ..tail };
        let room = size.checked_add(JUMP_SIZE).ok_or_else(too_large)?;
        let last = match tail.block.is_none() {
            true => None,
            false => Some(self.ground.open(tail.block).ok_or_else(broken)?),
        };
        let fits =
            |block: &G::Block| tail.at.checked_add(room).is_some_and(|end| end <= block.len());
        match &last {
            Some(block) if fits(block) => entry.write(block, tail.at),
            _ => {
                let least = if last.is_some() { USUAL } else { LITTLE };
                let (at, block) = self.next_block(room + BEGIN, least)?;
                block.u64(BEFORE).store(puts, Relaxed);
                self.drop_spare(at);
                entry.write(&block, BEGIN);
                match &last {
                    Some(last)
                        if tail.at.checked_add(JUMP_SIZE).is_none_or(|end| end > last.len()) =>
                    {
                        return Err(broken());
                    }
                    Some(last) => write_jump(last, tail.at, at),
                    None => self.set_at(FIRST, at),
                }
                place = Place { block: at, at: BEGIN, ..place };
            }
        }
        place.at += size;
        self.set_place(TAIL, puts.wrapping_add(1), place);
        Ok(())
    }

    /// A block for an item of so many bytes. It stands in a word of its own until the item is there,
    /// so that it is not lost if this process is.
    fn next_block(&self, room: usize, least: usize) -> Result<(At, G::Block)> {
        let fits = |block: &G::Block| block.len() >= room && block.len() / 8 <= room.max(USUAL);
        let pending = self.at(PENDING);
        let fitting = self.ground.open(pending).filter(fits);
        if let Some(block) = fitting.filter(|block| self.ground.keep(block)) {
            return Ok((pending, block));
        }
        if !pending.is_none() {
            self.ground.free(pending);
            self.clear_at(PENDING);
        }
        let mut unfit = 0;
        for (word, _) in spares() {
            let spare = self.at(word);
            match self.ground.open(spare) {
                Some(block) if fits(&block) => {
                    self.set_at(PENDING, spare);
                    return Ok((spare, block));
                }
                Some(_) => unfit += 1,
                // Into a word that says nothing a consumer may be writing.
                None if spare.is_none() => {}
                None => self.clear_at(word),
            }
        }
        if unfit == SPARES {
            // Else none of the size that is now needed could be kept.
            let spare = self.at(SPARES_AT);
            self.set_at(PENDING, spare);
            self.clear_at(SPARES_AT);
            self.ground.free(spare);
            self.clear_at(PENDING);
        }
        let len = room.max(least).checked_next_multiple_of(LITTLE).ok_or_else(too_large)?;
        let (at, block) = self.ground.reserve(len)?;
        self.set_at(PENDING, at);
        self.ground.keep(&block);
        Ok((at, block))
    }

    /// Takes a block that is in use off the spare ones.
    fn drop_spare(&self, at: At) {
        for (word, _) in spares().filter(|(word, _)| self.at(*word) == at) {
            self.clear_at(word);
        }
    }

    /// Forgets the block that was pending: it is in the chain.
    #[inline]
    pub(super) fn settle_pending(&self) {
        if self.u64(PENDING).load(Relaxed) != 0 {
            self.clear_at(PENDING);
        }
    }

    /// After a producer's death: keeps a block that it has not put into the chain for the next use, and
    /// takes no other for one.
    pub(super) fn recover_pending(&self, puts: u64) -> Result<()> {
        self.recover_lent(puts);
        let pending = self.at(PENDING);
        if pending.is_none() {
            return Ok(());
        }
        if self.tail(puts)?.block == pending {
            self.clear_at(PENDING);
        } else if let Some(block) = self.ground.open(pending)
            && block.len() >= BEGIN
            && self.ground.keep(&block)
        {
            // So that it is in use for `recover_left` too.
            block.u64(BEFORE).store(puts, Relaxed);
        }
        self.drop_spare(pending);
        Ok(())
    }

    /// The next item, of which there is one: the place where it begins, its block and its parts.
    #[inline]
    pub(super) fn front(&self, takes: u64) -> Result<(Place, G::Block, Item)> {
        let mut place = self.place(HEAD, takes)?;
        place.left = At::default();
        if place.block.is_none() {
            place = Place { block: self.at(FIRST), at: BEGIN, ..place };
        }
        let mut block = self.ground.open(place.block).ok_or_else(broken)?;
        let mut found = find(&block, place.at)?;
        if let Found::Jump(to) = found {
            let next = self.ground.open(to).ok_or_else(broken)?;
            if next.len() < BEGIN || next.u64(BEFORE).load(Relaxed) != takes {
                return Err(broken());
            }
            place = Place { block: to, at: BEGIN, left: place.block, ..place };
            found = find(&next, BEGIN)?;
            block = next;
        }
        match found {
            Found::Item(item) => Ok((place, block, item)),
            Found::Jump(_) => Err(broken()),
        }
    }

    /// Fills in where consumers stand behind that item, which has `lent` bytes in a block of its own, where nobody
    /// looks before it is counted.
    #[inline]
    pub(super) fn step_over(&self, takes: u64, place: Place, item: Item, lent: usize) {
        let size = item.end.wrapping_sub(place.at).wrapping_add(lent_weight(lent)) as u64;
        let after = Place { at: item.end, bytes: place.bytes.wrapping_add(size), ..place };
        self.set_place(HEAD, takes.wrapping_add(1), after);
    }

    /// Keeps a block that consumers have left for producers, or gives it back.
    pub(super) fn retire(&self, left: At) {
        let Some(block) = self.ground.open(left) else { return };
        let len = block.len();
        match spares().find(|(word, most)| len <= *most && self.u64(*word).load(Acquire) == 0) {
            Some((word, _)) => self.set_at(word, left),
            None => self.ground.free(left),
        }
    }

    /// Frees every block of a lane in which nothing is left, and which nobody uses any more.
    pub(super) fn free_all(&self, puts: u64, takes: u64) {
        let mut blocks = vec![self.at(FIRST), self.at(PENDING)];
        blocks.extend(self.tail(puts).map(|tail| tail.block));
        blocks.extend(self.place(HEAD, takes).map(|head| head.block));
        blocks.extend(spares().map(|(word, _)| self.at(word)));
        blocks.extend(self.lent_blocks());
        blocks.into_iter().filter(|at| !at.is_none()).for_each(|at| self.ground.free(at));
    }

    /// After a consumer's death: it may have left a block and not said so.
    pub(super) fn recover_left(&self, takes: u64) -> Result<()> {
        let left = self.place(HEAD, takes)?.left;
        if self.u64(RETIRED).load(Relaxed) == takes
            || spares().any(|(word, _)| self.at(word) == left)
        {
            return Ok(());
        }
        // Among the spare ones before, it would be in use again by now, for items yet to be taken.
        let old = self
            .ground
            .open(left)
            .is_some_and(|block| block.len() >= BEGIN && block.u64(BEFORE).load(Acquire) < takes);
        if old {
            self.ground.free(left);
        }
        Ok(())
    }
}

/// Where the spare blocks stand, and how large each may be.
fn spares() -> impl Iterator<Item = (usize, usize)> {
    let most = |number| if number < SPARES / 2 { LARGEST_SPARE } else { USUAL };
    (0..SPARES).map(move |number| (SPARES_AT + 16 * number, most(number)))
}

/// Where the record is that counts at this count.
fn record(side: usize, count: u64) -> usize {
    side + if count.is_multiple_of(2) { 0 } else { PLACE_SIZE }
}

pub(super) fn too_large() -> Error {
    Error::new(ErrorKind::InvalidArgument, "no memory is large enough for the message")
}
