//! What a pool has taken on: which call lies in which slot, which wait behind, what a worker's death means. A pure state
//! machine: it moves no bytes and wakes nobody, and it is the truth where the board only hints.

use crate::transport::board::{State, Word};
use std::collections::VecDeque;

/// Whether a pool takes calls, and what becomes of those that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// New calls are taken.
    Open,
    /// No new calls; those taken are all run.
    Closed,
    /// No new calls, and no outcome for those that had none.
    Terminated,
    /// As terminated, because no worker could be kept alive.
    Broken,
}

/// A call that has been written to a slot; `C` is whatever its owner keeps with it.
#[derive(Debug)]
struct Placed<C> {
    generation: u32,
    call: C,
}

#[derive(Debug)]
pub(super) struct Ledger<C, W> {
    pub(super) phase: Phase,
    slots: Vec<Option<Placed<C>>>,
    generations: Vec<u32>,
    free: Vec<usize>,
    backlog: VecDeque<W>,
}

/// What a worker's death means for the slots.
#[derive(Debug)]
pub(super) struct Death<C> {
    /// Calls that it had begun, with the slots in which they lay: they fail.
    pub(super) failed: Vec<(usize, C)>,
    /// Slots that it had claimed and not begun, with their new generation: to be offered again.
    pub(super) returned: Vec<(usize, u32)>,
}

impl<C, W> Ledger<C, W> {
    pub(super) fn new(slots: usize) -> Self {
        Self {
            phase: Phase::Open,
            slots: (0..slots).map(|_| None).collect(),
            generations: vec![0; slots],
            free: (0..slots).rev().collect(),
            backlog: VecDeque::new(),
        }
    }

    /// A free slot for the next call, and the generation to give it; none while calls wait that
    /// came earlier. Follow with [`place`](Self::place), or [`give_back`](Self::give_back).
    pub(super) fn reserve(&mut self) -> Option<(usize, u32)> {
        if !self.backlog.is_empty() {
            return None;
        }
        self.take_slot()
    }

    fn take_slot(&mut self) -> Option<(usize, u32)> {
        let slot = self.free.pop()?;
        self.generations[slot] = self.generations[slot].wrapping_add(1);
        Some((slot, self.generations[slot]))
    }

    pub(super) fn place(&mut self, slot: usize, generation: u32, call: C) {
        self.slots[slot] = Some(Placed { generation, call });
    }

    pub(super) fn give_back(&mut self, slot: usize) {
        self.free.push(slot);
    }

    /// Has a call wait until a slot is free.
    pub(super) fn wait(&mut self, call: W) {
        self.backlog.push_back(call);
    }

    /// Has a call wait before all others.
    pub(super) fn wait_first(&mut self, call: W) {
        self.backlog.push_front(call);
    }

    /// Takes the waiting calls out that `which` picks.
    pub(super) fn take_waiting(&mut self, which: impl Fn(&W) -> bool) -> Vec<W> {
        let (taken, kept): (VecDeque<_>, _) =
            std::mem::take(&mut self.backlog).into_iter().partition(which);
        self.backlog = kept;
        taken.into()
    }

    /// Whether a call waits that `which` picks.
    pub(super) fn any_waiting(&self, which: impl Fn(&W) -> bool) -> bool {
        self.backlog.iter().any(which)
    }

    /// Takes the call out of a slot, which is free from now on.
    pub(super) fn take(&mut self, slot: usize) -> Option<C> {
        let placed = self.slots.get_mut(slot)?.take()?;
        self.free.push(slot);
        Some(placed.call)
    }

    /// The slots of calls that `which` picks, with their generations.
    pub(super) fn slots_of(&self, which: impl Fn(&C) -> bool) -> Vec<(usize, u32)> {
        let placed = self.slots.iter().enumerate().filter_map(|(slot, placed)| {
            let placed = placed.as_ref()?;
            which(&placed.call).then_some((slot, placed.generation))
        });
        placed.collect()
    }

    /// The next waiting call, with the slot reserved for it.
    pub(super) fn next_waiting(&mut self) -> Option<(W, usize, u32)> {
        if self.backlog.is_empty() {
            return None;
        }
        let (slot, generation) = self.take_slot()?;
        let call = self.backlog.pop_front()?;
        Some((call, slot, generation))
    }

    /// The call that a reply answers, whose slot is free from now on. None for a reply that answers
    /// nothing: its call was failed meanwhile, or its sender has scribbled.
    pub(super) fn complete(&mut self, slot: u32, generation: u32) -> Option<C> {
        let slot = usize::try_from(slot).ok()?;
        let placed = self.slots.get_mut(slot)?;
        if placed.as_ref()?.generation != generation {
            return None;
        }
        self.free.push(slot);
        placed.take().map(|placed| placed.call)
    }

    /// The call of this slot and generation, if it has no outcome yet.
    pub(super) fn call(&mut self, slot: u32, generation: u32) -> Option<&mut C> {
        let placed = self.slots.get_mut(usize::try_from(slot).ok()?)?.as_mut()?;
        (placed.generation == generation).then_some(&mut placed.call)
    }

    /// What follows from the death of `worker`, given which of the others still hold what they have
    /// claimed, and the words of the board. Its replies must have been read to the end before.
    ///
    /// A call whose word says what no word can say was lost by a worker that scribbled: it fails.
    pub(super) fn bury(
        &mut self,
        worker: u32,
        holds: impl Fn(u32) -> bool,
        word: impl Fn(usize) -> Word,
    ) -> Death<C> {
        let mut death = Death { failed: Vec::new(), returned: Vec::new() };
        for slot in 0..self.slots.len() {
            let Some(placed) = &mut self.slots[slot] else { continue };
            let word = word(slot);
            let current = word.generation == placed.generation;
            let own = current && word.worker == worker;
            let others = match word.state {
                State::Free => false,
                State::Filled => word.worker == 0,
                State::Claimed | State::Running => holds(word.worker),
            };
            if current && others && !own {
                continue;
            }
            if own && word.state == State::Claimed {
                let generation = placed.generation.wrapping_add(1);
                placed.generation = generation;
                self.generations[slot] = generation;
                death.returned.push((slot, generation));
            } else if let Some(placed) = self.slots[slot].take() {
                self.free.push(slot);
                death.failed.push((slot, placed.call));
            }
        }
        death
    }

    /// Empties it: the calls in slots, with their slots, and the waiting ones.
    pub(super) fn drain(&mut self) -> (Vec<(usize, C)>, Vec<W>) {
        let mut placed = Vec::new();
        for (slot, place) in self.slots.iter_mut().enumerate() {
            if let Some(Placed { call, .. }) = place.take() {
                self.free.push(slot);
                placed.push((slot, call));
            }
        }
        (placed, self.backlog.drain(..).collect())
    }

    /// Whether it holds no call.
    pub(super) fn is_empty(&self) -> bool {
        self.backlog.is_empty() && self.free.len() == self.slots.len()
    }
}

#[cfg(test)]
mod tests {
    use super::Ledger;
    use crate::transport::board::{State, Word};

    fn calls(failed: Vec<(usize, u32)>) -> Vec<u32> {
        failed.into_iter().map(|(_, call)| call).collect()
    }

    fn ledger(calls: u32) -> Ledger<u32, u32> {
        let mut ledger = Ledger::new(4);
        for call in 0..calls {
            match ledger.reserve() {
                Some((slot, generation)) => ledger.place(slot, generation, call),
                None => ledger.wait(call),
            }
        }
        ledger
    }

    #[test]
    fn calls_beyond_the_slots_wait_in_order() {
        let mut ledger = ledger(7);
        assert!(ledger.next_waiting().is_none(), "no slot is free");
        for (slot, expected) in [(2, 4), (0, 5), (1, 6)] {
            assert_eq!(ledger.complete(slot, 1), Some(slot), "calls lie in the slots' order");
            assert!(ledger.reserve().is_none(), "a new call would overtake a waiting one");
            let (call, slot, generation) = ledger.next_waiting().unwrap();
            assert_eq!((call, generation), (expected, 2));
            ledger.place(slot, generation, call);
        }
        assert!(!ledger.is_empty());
        assert_eq!(ledger.drain().0.len(), 4);
        assert!(ledger.is_empty());
    }

    #[test]
    fn a_reply_counts_once_and_only_for_its_generation() {
        let mut ledger = ledger(1);
        assert_eq!(ledger.complete(0, 2), None);
        assert_eq!(ledger.complete(9, 1), None);
        assert_eq!(ledger.complete(0, 1), Some(0));
        assert_eq!(ledger.complete(0, 1), None);
    }

    #[test]
    fn a_death_fails_what_was_begun_and_returns_what_was_claimed() {
        let mut ledger = ledger(4);
        let word = |slot| match slot {
            0 => Word { generation: 1, worker: 7, state: State::Running },
            1 => Word { generation: 1, worker: 7, state: State::Claimed },
            2 => Word { generation: 1, worker: 8, state: State::Running },
            _ => Word { generation: 1, worker: 0, state: State::Filled },
        };
        let death = ledger.bury(7, |other| other == 8, word);
        assert_eq!(calls(death.failed), [0]);
        assert_eq!(death.returned, [(1, 2)]);
        assert_eq!(ledger.complete(1, 1), None, "the dead worker's claim no longer counts");
        assert_eq!(ledger.complete(1, 2), Some(1));
        assert_eq!(ledger.complete(2, 1), Some(2));
        assert_eq!(ledger.complete(3, 1), Some(3));
        assert!(ledger.is_empty());
    }

    #[test]
    fn a_call_whose_word_makes_no_sense_fails_with_the_next_death() {
        let mut ledger = ledger(4);
        let word = |slot| match slot {
            0 => Word { generation: 0, worker: 0, state: State::Free },
            1 => Word { generation: 9, worker: 0, state: State::Filled },
            2 => Word { generation: 1, worker: 5, state: State::Running },
            _ => Word { generation: 1, worker: 8, state: State::Claimed },
        };
        let death = ledger.bury(7, |other| other == 8, word);
        assert_eq!(calls(death.failed), [0, 1, 2]);
        assert!(death.returned.is_empty());
        assert_eq!(ledger.complete(3, 1), Some(3), "another worker's is not touched");
        assert!(ledger.is_empty());
    }
}
