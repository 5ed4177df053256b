//! Who waits on a condition: a slot for each waiter, in which it is told. That waiters have the condition's lock before
//! and after is for `condition`.
//!
//! ```text
//! next    the ticket of the next waiter
//! used    how many slots were ever in use
//! slots   state: bit 31: notified; bits 30..0: the waiter's process, 0 for a free slot
//!         stamp: the waiter's ticket; of one that was notified, the first ticket that comes too late for it
//!
//!         waiter           notifier            waiter
//!   FREE ────────> WAITING ────────> NOTIFIED ────────> FREE
//!     ^               │ its time is over  │ it has died: another waiter takes the slot for its own
//!     └───────────────┘                   └──> NOTIFIED
//! ```
//!
//! Each step is one exchange of the state, so that a notification is in one slot and nowhere else: it wakes just one, and nothing is
//! left of it for who comes later. Whoever notifies picks the oldest of the living. A waiter that is killed before it has
//! the lock again leaves its slot notified: another one that waited then, and looks by the clock, takes it over.
//!
//! **Order.** Waiters come and notifiers go through the condition's lock, which orders what they write. A state is
//! exchanged with Release and read with Acquire all the same, since waiters take slots over without the lock, and
//! the stamp lies beside it: it is written before the state that it belongs to.

use crate::sync::me::Me;
use crate::sync::word::{Patience, Woken, Word};
use std::cmp::Reverse;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

const NOTIFIED: u32 = 1 << 31;
const OWNER: u32 = !NOTIFIED;

/// The two words of a waiter.
#[derive(Debug)]
pub(crate) struct Slot<'a, W: Word> {
    pub(crate) state: &'a W,
    pub(crate) stamp: &'a W,
}

/// The words of one condition.
pub(crate) struct Tickets<'a, W: Word> {
    pub(crate) next: &'a W,
    pub(crate) used: &'a W,
    pub(crate) slots: &'a dyn Fn(usize) -> Slot<'a, W>,
    pub(crate) len: usize,
}

/// A waiter's place.
#[derive(Debug)]
pub(crate) struct Place {
    at: usize,
    ticket: u32,
}

/// What a wait has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Notified,
    /// The time was over, and the place is given up.
    TimedOut,
    /// Somebody has written over the place.
    Lost,
}

impl<'a, W: Word> Tickets<'a, W> {
    /// Takes a place, with the lock; `None` if all are taken by the living.
    pub(crate) fn enlist(&self, me: &Me<'_>) -> Option<Place> {
        let ticket = self.next.load(Relaxed);
        self.next.store(ticket.wrapping_add(1), Relaxed);
        let at = self.take_free(me).or_else(|| {
            self.free_the_dead(me);
            self.take_free(me)
        })?;
        self.slot(at).stamp.store(ticket, Relaxed);
        Some(Place { at, ticket })
    }

    /// Sleeps until it is notified, without the lock. Once that is there again, the place
    /// to be [`leave`](Self::leave)d.
    pub(crate) fn wait(&self, place: &mut Place, me: &Me<'_>, patience: &mut Patience) -> Told {
        loop {
            let state = self.slot(place.at).state;
            let seen = state.load(Acquire);
            if seen != me.number() {
                return if seen == me.number() | NOTIFIED { Told::Notified } else { Told::Lost };
            }
            match state.sleep(seen, patience) {
                Woken::Look => {}
                Woken::Tick => self.inherit(place, me),
                Woken::TimedOut if state.exchange(seen, 0, Relaxed).is_ok() => {
                    return Told::TimedOut;
                }
                // Notified at the last moment.
                Woken::TimedOut => {}
            }
        }
    }

    /// Gives up the place of one that was notified, with the lock.
    pub(crate) fn leave(&self, place: &Place, me: &Me<'_>) {
        let _ = self.slot(place.at).state.exchange(me.number() | NOTIFIED, 0, Relaxed);
    }

    /// Gives up the place of one that does not wait after all.
    pub(crate) fn withdraw(&self, place: &Place, me: &Me<'_>) {
        if self.slot(place.at).state.exchange(me.number(), 0, Relaxed).is_err() {
            self.leave(place, me);
        }
    }

    /// Notifies so many of those that wait, the oldest first, with the lock.
    pub(crate) fn notify(&self, most: u32, me: &Me<'_>) {
        // No waiter has the next ticket: that stamp is of one who has died while notifying it.
        let is_due = |age| age == 0 || is_earlier(age);
        self.notify_due(is_due, self.next.load(Relaxed), most, me);
    }

    /// Notifies of those that had a ticket when `late` was not yet given out.
    fn notify_before(&self, late: u32, most: u32, me: &Me<'_>) {
        self.notify_due(is_earlier, late, most, me);
    }

    fn notify_due(&self, is_due: impl Fn(u32) -> bool, late: u32, most: u32, me: &Me<'_>) {
        let mut waiting = Vec::new();
        for at in self.all() {
            let slot = self.slot(at);
            let owner = slot.state.load(Relaxed);
            let age = late.wrapping_sub(slot.stamp.load(Relaxed));
            if owner != 0 && owner & NOTIFIED == 0 && is_due(age) {
                waiting.push((Reverse(age), at, owner));
            }
        }
        waiting.sort_unstable();
        let mut rest = most;
        for (_, at, owner) in waiting {
            if rest == 0 {
                return;
            }
            let slot = self.slot(at);
            if !me.sees_alive(owner) {
                let _ = slot.state.exchange(owner, 0, Relaxed);
                continue;
            }
            slot.stamp.store(late, Relaxed);
            if slot.state.exchange(owner, owner | NOTIFIED, Release).is_ok() {
                slot.state.wake(1);
                rest -= 1;
            }
        }
    }

    /// Takes over the notification of a waiter that has died with it, if this one waited then.
    fn inherit(&self, place: &mut Place, me: &Me<'_>) {
        for at in self.all() {
            let slot = self.slot(at);
            let left = slot.state.load(Acquire);
            let late = slot.stamp.load(Relaxed);
            if left & NOTIFIED == 0
                || !is_earlier(late.wrapping_sub(place.ticket))
                || me.sees_alive(left & OWNER)
                || slot.state.exchange(left, me.number() | NOTIFIED, AcqRel).is_err()
            {
                continue;
            }
            // From here on it is mine, and if I die, another's in turn.
            if self.slot(place.at).state.exchange(me.number(), 0, Relaxed).is_ok() {
                place.at = at;
            } else {
                // One came to myself, too.
                self.notify_before(late, 1, me);
                let _ = slot.state.exchange(me.number() | NOTIFIED, 0, Relaxed);
            }
            return;
        }
    }

    fn take_free(&self, me: &Me<'_>) -> Option<usize> {
        let at = (0..self.len).find(|at| {
            let state = self.slot(*at).state;
            state.load(Relaxed) == 0 && state.exchange(0, me.number(), Relaxed).is_ok()
        })?;
        let used = u32::try_from(at + 1).unwrap_or(u32::MAX);
        if self.used.load(Relaxed) < used {
            self.used.store(used, Relaxed);
        }
        Some(at)
    }

    fn free_the_dead(&self, me: &Me<'_>) {
        for at in 0..self.len {
            let state = self.slot(at).state;
            let seen = state.load(Relaxed);
            if !me.sees_alive(seen & OWNER) {
                let _ = state.exchange(seen, 0, Relaxed);
            }
        }
    }

    /// Those that may be in use.
    fn all(&self) -> std::ops::Range<usize> {
        let used = usize::try_from(self.used.load(Relaxed)).unwrap_or(usize::MAX);
        0..used.min(self.len)
    }

    fn slot(&self, at: usize) -> Slot<'a, W> {
        (self.slots)(at)
    }
}

/// Whether a difference between tickets, which come round after four thousand million, is one forward.
fn is_earlier(difference: u32) -> bool {
    (1..1 << 31).contains(&difference)
}
