//! How workers go to sleep and are woken, and how the parent's sleepers are rung, on words of any kind. What they wait
//! for is not known here.

use super::{ARMED, Board, PARKED, SEATS};
use crate::sys::clock::Deadline;
use crate::transport::word::{Long, Word};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64};

/// How many seats have one word for who sleeps.
const GROUP: usize = 64;

/// The words by which workers sleep, and what is done to them.
pub(in crate::transport) trait Beds {
    type Word: Word;
    /// How many words there are of who sleeps.
    const GROUPS: usize;

    /// On which the worker on this seat sleeps.
    fn bell(&self, seat: usize) -> &Self::Word;
    /// A bit for each of a group's seats on which a worker sleeps.
    fn group(&self, group: usize) -> &<Self::Word as Word>::Long;
    /// Which of the parent's sleepers the next result rings.
    fn armed(&self) -> &Self::Word;

    #[inline]
    fn lie_down(&self, seat: usize, deadline: Option<Deadline>, work: impl Fn() -> bool) -> bool {
        let mut woken = true;
        let (parked, bit) = (self.group(seat / GROUP), 1 << (seat % GROUP));
        self.bell(seat).store(0, Relaxed);
        parked.set(bit, Relaxed);
        Self::Word::fence(SeqCst);
        if !work() {
            while woken && self.bell(seat).load(Acquire) == 0 {
                self.bell(seat).sleep(0, deadline);
                woken = deadline.is_none_or(|deadline| !deadline.has_passed());
            }
        }
        parked.clear(bit, Relaxed);
        woken
    }

    #[inline]
    fn rouse(&self, mut count: usize) {
        if count == 0 {
            return;
        }
        Self::Word::fence(SeqCst);
        for seat in self.asleep() {
            let bit = 1 << (seat % GROUP);
            // Who clears the bit is who wakes: two callers wake two workers.
            if self.group(seat / GROUP).clear(bit, Relaxed) & bit != 0 {
                self.rouse_seat(seat);
                count -= 1;
                if count == 0 {
                    return;
                }
            }
        }
    }

    #[inline]
    fn rouse_seat(&self, seat: usize) {
        self.bell(seat).store(1, Release);
        self.bell(seat).wake(1);
    }

    #[inline]
    fn asleep(&self) -> impl Iterator<Item = usize> {
        (0..Self::GROUPS).flat_map(move |group| {
            let bits = self.group(group).load(Relaxed);
            let set = move |bit: &usize| bits & 1 << bit != 0;
            (0..if bits == 0 { 0 } else { GROUP }).filter(set).map(move |bit| group * GROUP + bit)
        })
    }

    /// Has the next result ring `who`.
    #[inline]
    fn set_armed(&self, who: u32) {
        self.armed().store(who, Relaxed);
        Self::Word::fence(SeqCst);
    }

    /// Who is to be rung for a result that was just published; 0 for nobody.
    #[inline]
    fn take_armed(&self) -> u32 {
        Self::Word::fence(SeqCst);
        let armed = self.armed();
        if armed.load(Relaxed) == 0 { 0 } else { armed.swap(0, Relaxed) }
    }

    /// Rings a sleeper's bell, which it compares with what that was before its last look.
    #[inline]
    fn ring_bell(bell: &Self::Word) {
        bell.add(1, Release);
        bell.wake(1);
    }
}

impl Beds for Board {
    type Word = AtomicU32;
    const GROUPS: usize = SEATS / GROUP;

    #[inline]
    fn bell(&self, seat: usize) -> &AtomicU32 {
        self.seat_bell(seat)
    }

    #[inline]
    fn group(&self, group: usize) -> &AtomicU64 {
        self.0.u64(PARKED + group * 8)
    }

    #[inline]
    fn armed(&self) -> &AtomicU32 {
        self.0.u32(ARMED)
    }
}
