//! The words of one object of each kind, real ones or loom's.

use crate::sync::flag::Flag;
use crate::sync::permits::Permits;
use crate::sync::raw::{Hunger, RawLock};
use crate::sync::rounds::Rounds;
use crate::sync::tickets::{Slot, Tickets};
use crate::sync::word::Word;

pub(super) struct LockWords<W: Word> {
    pub(super) word: W,
    pub(super) holder: W::Long,
    pub(super) hungry: W,
}

impl<W: Word + From<u32>> LockWords<W>
where
    W::Long: From<u64>,
{
    pub(super) fn new() -> Self {
        Self { word: 0.into(), holder: 0.into(), hungry: 0.into() }
    }
}

impl<W: Word> LockWords<W> {
    pub(super) fn raw(&self) -> RawLock<'_, W> {
        RawLock { word: &self.word, holder: &self.holder, hunger: Hunger(&self.hungry) }
    }
}

pub(super) struct EventWords<W: Word>(pub(super) W);

impl<W: Word> EventWords<W> {
    pub(super) fn flag(&self) -> Flag<'_, W> {
        Flag(&self.0)
    }
}

pub(super) struct SemaphoreWords<W: Word> {
    pub(super) permits: W,
    pub(super) limit: W,
    pub(super) asleep: W,
    pub(super) hungry: W,
}

impl<W: Word + From<u32>> SemaphoreWords<W> {
    pub(super) fn new(permits: u32, limit: u32) -> Self {
        Self { permits: permits.into(), limit: limit.into(), asleep: 0.into(), hungry: 0.into() }
    }

    pub(super) fn permits(&self) -> Permits<'_, W> {
        Permits {
            permits: &self.permits,
            limit: &self.limit,
            asleep: &self.asleep,
            hunger: Hunger(&self.hungry),
        }
    }
}

pub(super) struct ConditionWords<W: Word> {
    pub(super) next: W,
    pub(super) used: W,
    pub(super) slots: Vec<(W, W)>,
}

impl<W: Word + From<u32>> ConditionWords<W> {
    pub(super) fn new(slots: usize) -> Self {
        let slots = (0..slots).map(|_| (0.into(), 0.into())).collect();
        Self { next: 0.into(), used: 0.into(), slots }
    }

    pub(super) fn with<R>(&self, f: impl FnOnce(Tickets<'_, W>) -> R) -> R {
        let slot = |at: usize| Slot { state: &self.slots[at].0, stamp: &self.slots[at].1 };
        f(Tickets { next: &self.next, used: &self.used, slots: &slot, len: self.slots.len() })
    }
}

pub(super) struct BarrierWords<W: Word> {
    pub(super) lock: LockWords<W>,
    pub(super) turn: W,
    pub(super) last: W,
    pub(super) count: W,
    pub(super) slots: Vec<W>,
}

impl<W: Word + From<u32>> BarrierWords<W>
where
    W::Long: From<u64>,
{
    pub(super) fn new(parties: usize) -> Self {
        let slots = (0..parties).map(|_| 0.into()).collect();
        Self { lock: LockWords::new(), turn: 0.into(), last: 0.into(), count: 0.into(), slots }
    }

    pub(super) fn with<R>(&self, f: impl FnOnce(Rounds<'_, W>) -> R) -> R {
        let slot = |at: u32| &self.slots[at as usize];
        f(Rounds {
            lock: self.lock.raw(),
            turn: &self.turn,
            last: &self.last,
            count: &self.count,
            slots: &slot,
            parties: u32::try_from(self.slots.len()).unwrap(),
        })
    }
}
