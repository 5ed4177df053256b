//! The memory that a pool and all its workers write: a word for each slot that says whose it is, and who sleeps where.
//! What lies in the slots is in `slots`, which workers cannot write. All here are hints to the parent, whose own ledger
//! is the truth: a worker that scribbles over them costs work, not memory safety.
//!
//! A slot's word holds, from the top: 32 bits generation, 29 bits worker number, 3 bits state.
//!
//! ```text
//!          parent            worker            worker             parent
//!   FREE ─────────> FILLED ─────────> CLAIMED ─────────> RUNNING ─────────> FREE
//!                      ^                 │ claimer died      │ its reply came, or it died
//!                      └─────────────────┘
//! ```
//!
//! **Sleeping.** Whoever publishes something stores it, makes a SeqCst fence, and then looks whether the other side
//! sleeps; whoever goes to sleep says so, makes a SeqCst fence, and then looks again whether something was published.
//! One of the two sees the other, whatever the interleaving. Explicit fences, since loom models those.

mod seat;
pub(super) mod sleep;
pub(super) mod word;

pub(crate) use word::{State, Word};

use crate::sys::clock::Deadline;
use crate::sys::memory::{Memory, Shared};
use crate::transport::word::Word as _;
use sleep::Beds;
use std::io;
use std::ops::Range;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::atomic::{AtomicU32, AtomicU64, fence};
use word::Slot;

/// How many tasks can be under way in a pool at once; more wait in the parent's backlog.
pub(crate) const SLOTS: usize = 1024;
/// How many workers a pool can have at once.
pub(crate) const SEATS: usize = 1024;
/// Worker numbers are below this; 0 is nobody.
pub(crate) const NUMBERS: u32 = 1 << 29;

/// Who may sleep in the parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sleeper {
    /// A caller that waits for its own result, and reads the rings meanwhile.
    Leader,
    /// The collector thread.
    Collector,
}

const HEAD: usize = 0;
const ARMED: usize = 64;
const LEADER_BELL: usize = 128;
const COLLECTOR_BELL: usize = 192;
const PARKED: usize = 256;
const SPINNING: usize = PARKED + SEATS / 8;
const BELLS: usize = SPINNING + SEATS / 8;
const BELL: usize = 64;
const WORDS: usize = BELLS + SEATS * BELL;
const SIZE: usize = WORDS + SLOTS * 8;

/// The board, as the parent and every worker map it.
#[derive(Debug)]
pub(crate) struct Board(Shared);

impl Board {
    /// Makes the memory of a board.
    pub(crate) fn create() -> io::Result<Memory> {
        Memory::with_len("mp-board", SIZE as u64)
    }

    pub(crate) fn map(memory: &Memory) -> io::Result<Self> {
        Shared::map(memory, 0, SIZE).map(Self)
    }

    /// Where the search for a filled slot begins: a position in the order of filling.
    pub(crate) fn head(&self) -> &AtomicU64 {
        self.0.u64(HEAD)
    }

    fn word(&self, slot: usize) -> Slot<'_, AtomicU64> {
        Slot(self.0.u64(WORDS + slot * 8))
    }

    pub(crate) fn read(&self, slot: usize) -> Word {
        self.word(slot).read()
    }

    /// The parent's store; Release, so that whoever sees it sees what was written to the slot.
    pub(crate) fn set(&self, slot: usize, generation: u32, state: State) {
        self.word(slot).set(generation, state);
    }

    /// Makes a filled slot the worker's own, if it still is what `seen` says.
    pub(crate) fn claim(&self, slot: usize, seen: Word, worker: u32) -> bool {
        self.word(slot).claim(seen, worker)
    }

    /// Begins a claimed slot's task; `false` if the claim was taken back.
    pub(crate) fn begin(&self, slot: usize, generation: u32, worker: u32) -> bool {
        self.word(slot).begin(generation, worker)
    }

    /// Takes a slot back that no worker has begun; `false` if one has.
    pub(crate) fn withdraw(&self, slot: usize, generation: u32) -> bool {
        self.word(slot).withdraw(generation)
    }

    /// Whether any slot is filled, by looking at all: what a worker asks before it sleeps.
    pub(crate) fn any_filled(&self) -> bool {
        (0..SLOTS).any(|slot| self.read(slot).state == State::Filled)
    }

    fn seat_bell(&self, seat: usize) -> &AtomicU32 {
        self.0.u32(BELLS + seat * BELL)
    }

    fn bits(&self, of: usize, seat: usize) -> (&AtomicU64, u64) {
        (self.0.u64(of + seat / 64 * 8), 1 << (seat % 64))
    }

    /// Sleeps as the worker on `seat` until it is woken or the deadline, unless `work` finds something;
    /// `false` if the deadline came first.
    pub(crate) fn park(
        &self,
        seat: usize,
        deadline: Option<Deadline>,
        work: impl Fn() -> bool,
    ) -> bool {
        self.lie_down(seat, deadline, work)
    }

    /// Whether any worker sleeps.
    pub(crate) fn any_parked(&self) -> bool {
        self.asleep().next().is_some()
    }

    /// Wakes so many sleeping workers, if there are any: after as many slots were filled.
    pub(crate) fn wake(&self, count: usize) {
        self.rouse(count);
    }

    /// Wakes every worker, asleep or about to be: after a death, and at the end.
    pub(crate) fn wake_all(&self, seats: Range<usize>) {
        fence(std::sync::atomic::Ordering::SeqCst);
        seats.for_each(|seat| self.wake_seat(seat));
    }

    pub(crate) fn wake_seat(&self, seat: usize) {
        self.rouse_seat(seat);
    }

    /// Takes one of `most` places among the spinning workers, if one is left.
    pub(crate) fn start_spinning(&self, seat: usize, most: u32) -> bool {
        let count = |group| self.0.u64(SPINNING + group * 8).load(Relaxed).count_ones();
        // Two that look at once may both go: one spinner too many for one short spin.
        if (0..SEATS / 64).map(count).sum::<u32>() >= most {
            return false;
        }
        let (spinning, bit) = self.bits(SPINNING, seat);
        spinning.fetch_or(bit, Relaxed);
        true
    }

    pub(crate) fn stop_spinning(&self, seat: usize) {
        let (spinning, bit) = self.bits(SPINNING, seat);
        spinning.fetch_and(!bit, Relaxed);
    }

    /// Clears what a dead worker has left on its seat.
    pub(crate) fn clear_seat(&self, seat: usize) {
        self.stop_spinning(seat);
        let (parked, bit) = self.bits(PARKED, seat);
        parked.fetch_and(!bit, Relaxed);
        self.clear_notes(seat);
    }

    fn sleeper_bell(&self, who: Sleeper) -> &AtomicU32 {
        self.0.u32(match who {
            Sleeper::Leader => LEADER_BELL,
            Sleeper::Collector => COLLECTOR_BELL,
        })
    }

    /// What the bell of `who` shows now: to be read before the last look for something to do.
    pub(crate) fn bell_of(&self, who: Sleeper) -> u32 {
        self.sleeper_bell(who).load(Acquire)
    }

    /// Has the next result ring the bell of `who`. Look for results once more after it.
    pub(crate) fn arm(&self, who: Sleeper) {
        self.set_armed(who as u32 + 1);
    }

    /// Has results ring nobody.
    pub(crate) fn disarm(&self) {
        self.0.u32(ARMED).store(0, Relaxed);
    }

    /// Sleeps as `who` unless its bell was rung since it showed `seen`.
    pub(crate) fn sleep(&self, who: Sleeper, seen: u32, deadline: Option<Deadline>) {
        self.sleeper_bell(who).sleep(seen, deadline);
    }

    /// Rings the bell of `who`.
    pub(crate) fn ring(&self, who: Sleeper) {
        Self::ring_bell(self.sleeper_bell(who));
    }

    /// Rings for a result that was just published: whoever is armed, once.
    pub(crate) fn announce(&self) {
        match self.take_armed() {
            1 => self.ring(Sleeper::Leader),
            2 => self.ring(Sleeper::Collector),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
