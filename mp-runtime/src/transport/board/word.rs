//! A slot's word, and the steps by which it passes from hand to hand, on words of any kind. Who takes them, and when,
//! is not known here.

use super::NUMBERS;
use crate::transport::word::Long;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};

/// The state of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The parent may fill it.
    Free,
    /// It holds a task that nobody has claimed.
    Filled,
    /// A worker has taken it and not begun.
    Claimed,
    /// A worker has begun the task: if that worker dies, the task fails.
    Running,
}

/// What a slot's word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) generation: u32,
    pub(crate) worker: u32,
    pub(crate) state: State,
}

impl Word {
    pub(super) fn pack(self) -> u64 {
        let state = match self.state {
            State::Free => 0,
            State::Filled => 1,
            State::Claimed => 2,
            State::Running => 3,
        };
        u64::from(self.generation) << 32 | u64::from(self.worker % NUMBERS) << 3 | state
    }

    /// A state that does not exist, which only a scribbler can have stored, reads as running.
    pub(super) fn unpack(word: u64) -> Self {
        let state = match word & 7 {
            0 => State::Free,
            1 => State::Filled,
            2 => State::Claimed,
            _ => State::Running,
        };
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(0);
        Self { generation: half(word >> 32), worker: half(word) >> 3, state }
    }
}

/// The word of one slot.
#[derive(Debug)]
pub(in crate::transport) struct Slot<'a, L>(pub(in crate::transport) &'a L);

impl<L: Long> Slot<'_, L> {
    #[inline]
    pub(in crate::transport) fn read(&self) -> Word {
        Word::unpack(self.0.load(Acquire))
    }

    #[inline]
    pub(in crate::transport) fn set(&self, generation: u32, state: State) {
        self.0.store(Word { generation, worker: 0, state }.pack(), Release);
    }

    #[inline]
    pub(in crate::transport) fn claim(&self, seen: Word, worker: u32) -> bool {
        let claimed = Word { worker, state: State::Claimed, ..seen };
        self.replace(seen, claimed)
    }

    #[inline]
    pub(in crate::transport) fn begin(&self, generation: u32, worker: u32) -> bool {
        let claimed = Word { generation, worker, state: State::Claimed };
        self.replace(claimed, Word { state: State::Running, ..claimed })
    }

    #[inline]
    pub(in crate::transport) fn withdraw(&self, generation: u32) -> bool {
        loop {
            let seen = self.read();
            let waits = matches!(seen.state, State::Filled | State::Claimed);
            if seen.generation != generation || !waits {
                return false;
            }
            let free = Word { worker: 0, state: State::Free, ..seen };
            if self.replace(seen, free) {
                return true;
            }
        }
    }

    #[inline]
    fn replace(&self, old: Word, new: Word) -> bool {
        self.0.exchange(old.pack(), new.pack(), AcqRel)
    }
}
