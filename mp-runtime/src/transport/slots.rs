//! Claimable slots, many readers: what the parent asks its workers to do. The memory is written by the parent only, so a
//! worker that scribbles cannot change what others are asked. Whose a slot is stands on the `board`.
//!
//! ```text
//! | tail | stop | order: position -> slot ... | slot: header, inline bytes | slot | ... | blocks of `segment` ...
//! ```
//!
//! The order is a ring of positions: whoever looks for work takes the first position, from the board's head on, whose
//! slot is filled. A position is used again only when its slot is no longer filled.
#![expect(
    unsafe_code,
    reason = "arguments are decoded in place, from memory that the parent wrote"
)]

use crate::sys::memory::{Memory, Shared, View};
use crate::transport::board::{Board, SLOTS, State};
use crate::transport::segment::{Block, Chunks, Place, Segments};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Positions in the ring of the order: more than slots, so that claimed ones do not hold up new ones.
const POSITIONS: u64 = ORDERED as u64;
const ORDERED: usize = 4 * SLOTS;
const TAIL: usize = 0;
const STOP: usize = 64;
const ORDER: usize = 128;
const FIRST: usize = ORDER + ORDERED * 8;
const SLOT: usize = 256;
const HEADER: usize = 64;
const END: usize = FIRST + SLOTS * SLOT;

/// Payloads up to this size lie in the slot itself.
pub(crate) const INLINE: usize = SLOT - HEADER;

// In a slot's header.
const CODE: usize = 0;
const KIND: usize = 4;
const LENGTH: usize = 8;
const CHUNK_AT: usize = 16;
const CHUNK_LENGTH: usize = 24;
const OFFSET: usize = 32;
const ATTACHED: usize = 40;
const CHUNK: usize = 44;
const TIMED: usize = 48;

const IN_SLOT: u32 = 0;
const IN_BLOCK: u32 = 1;

/// The parent's side.
#[derive(Debug)]
pub(crate) struct Slots {
    memory: Memory,
    mapping: Shared,
    segments: Segments,
    /// The first position whose slot may still be filled.
    oldest: u64,
    tail: u64,
}

impl Slots {
    pub(crate) fn new() -> io::Result<Self> {
        let memory = Memory::with_len("mp-slots", END as u64)?;
        let mapping = Shared::map(&memory, 0, END)?;
        Ok(Self { memory, mapping, segments: Segments::new(END as u64), oldest: 0, tail: 0 })
    }

    /// What workers get: the same memory, not writable.
    pub(crate) fn for_workers(&self) -> io::Result<OwnedFd> {
        self.memory.read_only()
    }

    /// Writes a call into a free slot. The block, if one was needed, goes to whoever frees the slot.
    pub(crate) fn write(
        &mut self,
        slot: usize,
        what: What,
        payload: &[u8],
    ) -> io::Result<Option<Block>> {
        let at = FIRST + slot * SLOT;
        let word = |field: usize, value: u64| self.mapping.u64(at + field).store(value, Relaxed);
        word(LENGTH, payload.len() as u64);
        self.mapping.u32(at + CODE).store(what.code, Relaxed);
        self.mapping.u32(at + ATTACHED).store(what.attached.into(), Relaxed);
        self.mapping.u32(at + CHUNK).store(what.chunk.into(), Relaxed);
        self.mapping.u32(at + TIMED).store(what.timed.into(), Relaxed);
        if payload.len() <= INLINE {
            self.mapping.u32(at + KIND).store(IN_SLOT, Relaxed);
            self.mapping.write(at + HEADER, payload);
            return Ok(None);
        }
        let block = self.segments.allocate(&self.memory, payload.len())?;
        block.write(payload);
        let Place { chunk, offset } = block.place();
        word(CHUNK_AT, chunk.0);
        word(CHUNK_LENGTH, chunk.1);
        word(OFFSET, offset);
        self.mapping.u32(at + KIND).store(IN_BLOCK, Relaxed);
        Ok(Some(block))
    }

    /// Offers a slot that was written to the workers, behind all that were offered before. Wake
    /// one of them after it.
    pub(crate) fn offer(&mut self, board: &Board, slot: usize, generation: u32) {
        board.set(slot, generation, State::Filled);
        let at = usize::try_from(self.tail % POSITIONS).unwrap_or(0);
        // With the generation: a slot may be claimed without its place in the order and used again,
        // and the later call must not come first by the old place.
        let entry = u64::from(generation) << 32 | slot as u64;
        self.mapping.u64(ORDER + at * 8).store(entry, Relaxed);
        self.tail += 1;
        self.mapping.u64(TAIL).store(self.tail, Release);
    }

    /// Whether a position is left for one more slot.
    pub(crate) fn can_offer(&mut self, board: &Board) -> bool {
        if self.tail - self.oldest < POSITIONS {
            return true;
        }
        while self.oldest < self.tail {
            let at = usize::try_from(self.oldest % POSITIONS).unwrap_or(0);
            let entry = self.mapping.u64(ORDER + at * 8).load(Relaxed);
            let slot = usize::try_from(entry & u64::from(u32::MAX)).unwrap_or(0);
            if board.read(slot % SLOTS).state == State::Filled {
                break;
            }
            self.oldest += 1;
        }
        self.tail - self.oldest < POSITIONS
    }

    /// What [`write`](Self::write) has put into a slot that is still in use.
    pub(crate) fn payload(&self, slot: usize, block: Option<&Block>) -> Vec<u8> {
        let at = FIRST + slot * SLOT;
        let len = usize::try_from(self.mapping.u64(at + LENGTH).load(Relaxed)).unwrap_or(0);
        match block {
            Some(block) => block.read(len),
            None => {
                let mut payload = vec![0; len.min(INLINE)];
                self.mapping.read(at + HEADER, &mut payload);
                payload
            }
        }
    }

    pub(crate) fn free(&mut self, block: Block) {
        self.segments.free(&self.memory, block);
    }

    /// Tells the workers to end when they find nothing more to do. Wake them after it.
    pub(crate) fn stop(&self) {
        self.mapping.u32(STOP).store(1, Release);
    }
}

/// A worker's side.
#[derive(Debug)]
pub(crate) struct SlotsView {
    file: OwnedFd,
    view: View,
    chunks: Chunks,
}

/// What a call is, beside its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct What {
    /// Which task, for those who know tasks.
    pub(crate) code: u32,
    /// Whether something belongs to it that travels another way.
    pub(crate) attached: bool,
    /// Whether its payload is that of many calls.
    pub(crate) chunk: bool,
    /// Whether it, or each of those many, has a limit of time.
    pub(crate) timed: bool,
}

impl What {
    fn read(flag: impl Fn(usize) -> u32) -> Self {
        let is_set = |field| flag(field) != 0;
        let (attached, chunk, timed) = (is_set(ATTACHED), is_set(CHUNK), is_set(TIMED));
        Self { code: flag(CODE), attached, chunk, timed }
    }
}

/// A slot that a worker has claimed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) slot: usize,
    pub(crate) generation: u32,
}

impl SlotsView {
    pub(crate) fn map(file: OwnedFd) -> io::Result<Self> {
        let view = View::map(file.as_fd(), 0, END)?;
        Ok(Self { file, view, chunks: Chunks::default() })
    }

    pub(crate) fn stopped(&self) -> bool {
        self.view.u32(STOP).load(Acquire) != 0
    }

    /// Whether something was offered that the board's head has not passed: a quick look while spinning.
    pub(crate) fn may_have_work(&self, board: &Board) -> bool {
        board.head().load(Relaxed) < self.view.u64(TAIL).load(Acquire) || self.stopped()
    }

    /// Claims the first filled slot for `worker`.
    pub(crate) fn claim(&self, board: &Board, worker: u32) -> Option<Claim> {
        let tail = self.view.u64(TAIL).load(Acquire);
        // The head is a hint that any worker can have spoilt: only positions that exist.
        let head = board.head().load(Relaxed).clamp(tail.saturating_sub(POSITIONS), tail);
        for position in head..tail {
            let at = usize::try_from(position % POSITIONS).unwrap_or(0);
            let entry = self.view.u64(ORDER + at * 8).load(Relaxed);
            let slot = usize::try_from(entry & u64::from(u32::MAX)).unwrap_or(usize::MAX);
            if slot >= SLOTS {
                continue;
            }
            if u64::from(board.read(slot).generation) != entry >> 32 {
                continue;
            }
            if let Some(claim) = Self::take(board, slot, worker) {
                board.head().fetch_max(position + 1, Relaxed);
                return Some(claim);
            }
        }
        board.head().fetch_max(tail, Relaxed);
        None
    }

    /// As [`claim`](Self::claim), and if the order has nothing, by looking at every slot: right
    /// whatever the head says.
    ///
    /// It keeps the order where the head is right: what is filled and has no place yet is just being
    /// offered, and nothing behind it can be filled while the tail stays.
    pub(crate) fn claim_any(&self, board: &Board, worker: u32) -> Option<Claim> {
        let tail = || self.view.u64(TAIL).load(Acquire);
        let seen = tail();
        let filled = |slot: &usize| board.read(*slot).state == State::Filled;
        self.claim(board, worker).or_else(|| {
            let mut slots = (0..SLOTS).filter(filled).take_while(|_| tail() == seen);
            slots.find_map(|slot| Self::take(board, slot, worker))
        })
    }

    fn take(board: &Board, slot: usize, worker: u32) -> Option<Claim> {
        let seen = board.read(slot);
        (seen.state == State::Filled && board.claim(slot, seen, worker))
            .then_some(Claim { slot, generation: seen.generation })
    }

    /// Reads a claimed slot: what the call is, and its payload, in place.
    pub(crate) fn read(&mut self, claim: Claim) -> io::Result<(What, &[u8])> {
        let at = FIRST + claim.slot * SLOT;
        let word = |field: usize| self.view.u64(at + field).load(Relaxed);
        let bad = || io::Error::from(io::ErrorKind::InvalidData);
        let flag = |field: usize| self.view.u32(at + field).load(Relaxed);
        let what = What::read(flag);
        let len = usize::try_from(word(LENGTH)).map_err(|_| bad())?;
        let place = Place { chunk: (word(CHUNK_AT), word(CHUNK_LENGTH)), offset: word(OFFSET) };
        // SAFETY, both: the parent wrote the payload before it offered the slot, which our claim
        // has seen with Acquire, and writes slot and block again only after our reply or our end.
        let payload = if flag(KIND) == IN_SLOT {
            // SAFETY: see above.
            unsafe { self.view.bytes(at + HEADER, len) }
        } else {
            let offset = usize::try_from(place.offset).map_err(|_| bad())?;
            let chunk = self.chunks.get(self.file.as_fd(), place)?;
            // SAFETY: see above.
            unsafe { chunk.bytes(offset, len) }
        };
        Ok((what, payload.ok_or_else(bad)?))
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "test payloads are patterns of bytes")]
mod tests {
    use super::{INLINE, POSITIONS, Slots, SlotsView, What};
    use crate::transport::board::{Board, SLOTS, State};

    fn what(code: usize) -> What {
        let every = |n| code.is_multiple_of(n);
        What { code: code as u32, attached: every(5), chunk: every(7), timed: every(3) }
    }

    fn pool() -> (Slots, SlotsView, Board) {
        let slots = Slots::new().unwrap();
        let view = SlotsView::map(slots.for_workers().unwrap()).unwrap();
        (slots, view, Board::map(&Board::create().unwrap()).unwrap())
    }

    #[test]
    fn slots_are_claimed_in_the_order_of_filling_each_once() {
        let (mut slots, mut view, board) = pool();
        for round in 1..4 {
            for slot in (0..SLOTS).rev() {
                let payload = vec![slot as u8; if slot % 3 == 0 { INLINE + slot } else { 3 }];
                let block = slots.write(slot, what(slot), &payload).unwrap();
                slots.offer(&board, slot, round);
                block.into_iter().for_each(|block| slots.free(block));
                let claim = view.claim(&board, 1).unwrap();
                assert_eq!((claim.slot, claim.generation), (slot, round));
                assert_eq!(view.read(claim).unwrap(), (what(slot), &payload[..]));
                assert!(board.begin(slot, round, 1) && !board.begin(slot, round, 2));
                board.set(slot, round, State::Free);
                assert!(view.claim(&board, 1).is_none());
            }
        }
    }

    #[test]
    fn a_slot_that_stays_filled_holds_up_no_other_until_the_order_is_full() {
        let (mut slots, view, board) = pool();
        slots.write(0, what(0), b"").unwrap();
        slots.offer(&board, 0, 1);
        // As if a worker had been told of it and never come.
        board.head().store(1, std::sync::atomic::Ordering::Relaxed);
        for position in 1..POSITIONS {
            assert!(slots.can_offer(&board));
            slots.offer(&board, 1, position as u32);
            assert_eq!(view.claim(&board, 1).unwrap().slot, 1);
        }
        assert!(!slots.can_offer(&board), "the first position's slot is still filled");
        assert_eq!(view.claim_any(&board, 1).unwrap().slot, 0);
        assert!(slots.can_offer(&board));
    }

    #[test]
    fn a_spoilt_head_is_only_a_hint() {
        let (mut slots, view, board) = pool();
        slots.write(7, what(1), b"x").unwrap();
        slots.offer(&board, 7, 1);
        board.head().store(u64::MAX, std::sync::atomic::Ordering::Relaxed);
        assert!(view.claim(&board, 1).is_none());
        assert!(board.any_filled());
        assert_eq!(view.claim_any(&board, 1).unwrap().slot, 7);
    }
}
