//! The barrier's words: how parties arrive, are let go together, and learn that their round is broken. Handles and what
//! an action is are in `barrier`.
//!
//! ```text
//! lock      three words, as in `raw`: arriving, breaking and resetting are done with it
//! turn      bits 31..9: the round     bits 8..1: which of the last eight were broken     bit 0: this one is
//! last      the round that was broken last, and one: 0 if none was
//! count     how many have arrived in this round
//! slots     the processes of those that have
//! ```
//!
//! Parties sleep on `turn` without the lock, and one look at it tells how their round has ended. That is enough where each
//! round takes all who use the barrier. With more users than parties one may wake so late that more than eight rounds have
//! passed: then its round was completed if none has been broken since, by `last`; else nobody knows any more, and it takes
//! its round for broken.
//!
//! **Order.** Whoever arrives takes the lock after those that have arrived before it; the last stores `turn` with Release,
//! and those that wait load it with Acquire. So what any party wrote before is seen by all of them after.
//!
//! **Deaths.** The last to arrive asks whether the others are alive, and so does by the clock whoever waits: one that has
//! died breaks the round. One that dies with the lock leaves it with a mark, and whoever takes it over breaks the round,
//! whatever state it was left in.

use crate::sync::me::Me;
use crate::sync::raw::{Outcome, RawLock};
use crate::sync::word::{Patience, Woken, Word};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

const BROKEN: u32 = 1;
const HISTORY: u32 = 0xff << 1;
const ROUND: u32 = 1 << 9;

/// The round is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

/// How a party has arrived.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// It is to wait for the others.
    Early(Party),
    /// All are there: it is to let them go.
    Last(Party),
}

/// One that has arrived.
#[derive(Debug)]
pub(crate) struct Party {
    round: u32,
    index: u32,
}

impl Party {
    pub(crate) fn round(&self) -> u32 {
        self.round
    }

    /// 0 for the first that has arrived in its round.
    pub(crate) fn index(&self) -> u32 {
        self.index
    }
}

/// The words of one barrier.
pub(crate) struct Rounds<'a, W: Word> {
    pub(crate) lock: RawLock<'a, W>,
    pub(crate) turn: &'a W,
    pub(crate) last: &'a W,
    pub(crate) count: &'a W,
    pub(crate) slots: &'a dyn Fn(u32) -> &'a W,
    pub(crate) parties: u32,
}

impl<W: Word> Rounds<'_, W> {
    pub(crate) fn is_broken(&self) -> bool {
        self.turn.load(Acquire) & BROKEN != 0
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> u32 {
        self.count.load(Relaxed).min(self.parties)
    }

    /// Arrives. The round may be full, if there are more that use the barrier than its parties: then it waits for the next.
    pub(crate) fn arrive(&self, me: &Me<'_>, patience: &mut Patience) -> Result<Arrival, Broken> {
        loop {
            let turn = self.enter(me);
            let count = self.count.load(Relaxed);
            let is_full = turn & BROKEN == 0 && count == self.parties;
            let arrived = if is_full { None } else { Some(self.arrive_with_lock(turn, count, me)) };
            self.lock.give_back(me);
            match arrived {
                Some(arrived) => return arrived,
                // However that round ends, it is not this one's.
                None => drop(self.wait_in(round_of(turn), me, patience)),
            }
        }
    }

    fn arrive_with_lock(&self, turn: u32, count: u32, me: &Me<'_>) -> Result<Arrival, Broken> {
        if turn & BROKEN != 0 || count > self.parties {
            self.break_with_lock(turn);
            return Err(Broken);
        }
        (self.slots)(count).store(me.number(), Relaxed);
        self.count.store(count + 1, Relaxed);
        let party = Party { round: round_of(turn), index: count };
        if count + 1 < self.parties {
            return Ok(Arrival::Early(party));
        }
        if self.has_dead(me) {
            self.break_with_lock(turn);
            return Err(Broken);
        }
        Ok(Arrival::Last(party))
    }

    /// Waits for the last, in vain if the round breaks first.
    pub(crate) fn wait(
        &self,
        party: &Party,
        me: &Me<'_>,
        patience: &mut Patience,
    ) -> Result<(), Broken> {
        self.wait_in(party.round, me, patience)
    }

    fn wait_in(&self, round: u32, me: &Me<'_>, patience: &mut Patience) -> Result<(), Broken> {
        W::spin(|| self.ended(self.turn.load(Relaxed), round).is_some());
        loop {
            let turn = self.turn.load(Acquire);
            if let Some(end) = self.ended(turn, round) {
                return end;
            }
            match self.turn.sleep(turn, patience) {
                Woken::Look => {}
                Woken::Tick => self.look_for_deaths(round, me),
                Woken::TimedOut => self.break_round(round, me),
            }
        }
    }

    /// Lets all parties go, unless the round has been broken since they were complete.
    pub(crate) fn finish(&self, party: &Party, me: &Me<'_>) -> Result<(), Broken> {
        let turn = self.enter(me);
        let end = self.ended(turn, party.round).unwrap_or_else(|| {
            self.next(turn, 0);
            Ok(())
        });
        self.lock.give_back(me);
        end
    }

    /// Breaks the round that is under way, for those that wait and for those that come.
    pub(crate) fn abort(&self, me: &Me<'_>) {
        let turn = self.enter(me);
        self.break_with_lock(turn);
        self.lock.give_back(me);
    }

    /// Breaks this round, if it is under way yet.
    pub(crate) fn break_round(&self, round: u32, me: &Me<'_>) {
        let turn = self.enter(me);
        if self.ended(turn, round).is_none() {
            self.break_with_lock(turn);
        }
        self.lock.give_back(me);
    }

    /// Begins a new round; those that wait in the one under way find it broken.
    pub(crate) fn reset(&self, me: &Me<'_>) {
        let turn = self.enter(me);
        if turn & BROKEN != 0 || self.count.load(Relaxed) != 0 {
            self.next(turn, BROKEN);
        }
        self.lock.give_back(me);
    }

    fn look_for_deaths(&self, round: u32, me: &Me<'_>) {
        let turn = self.enter(me);
        if self.ended(turn, round).is_none() && self.has_dead(me) {
            self.break_with_lock(turn);
        }
        self.lock.give_back(me);
    }

    fn has_dead(&self, me: &Me<'_>) -> bool {
        (0..self.waiting()).any(|at| !me.sees_alive((self.slots)(at).load(Relaxed)))
    }

    /// Takes the lock, and says what `turn` is.
    fn enter(&self, me: &Me<'_>) -> u32 {
        let outcome = self.lock.take(me, Patience::endless);
        let turn = self.turn.load(Relaxed);
        if outcome == (Outcome::Taken { owner_died: false }) {
            return turn;
        }
        // Its owner was in the middle of a change. (Or a scribbler says that it is mine.)
        self.break_with_lock(turn);
        turn | BROKEN
    }

    fn break_with_lock(&self, turn: u32) {
        self.count.store(0, Relaxed);
        self.publish(turn | BROKEN);
    }

    fn next(&self, turn: u32, how: u32) {
        self.count.store(0, Relaxed);
        let history = (turn << 1 | how << 1) & HISTORY;
        if history & BROKEN << 1 != 0 {
            self.last.store(round_of(turn) + 1, Relaxed);
        }
        self.publish((turn & !(HISTORY | BROKEN)).wrapping_add(ROUND) | history);
    }

    /// How `round` has ended, if it has.
    fn ended(&self, turn: u32, round: u32) -> Option<Result<(), Broken>> {
        let since = rounds_between(round, round_of(turn));
        let is_whole = match since {
            0 if turn & BROKEN == 0 => return None,
            0 => false,
            1..=8 => turn >> since & 1 == 0,
            // Read after `turn`, so it may be a later one yet.
            _ => match self.last.load(Relaxed).checked_sub(1) {
                Some(last) => rounds_between(round, last) > since,
                None => true,
            },
        };
        Some(if is_whole { Ok(()) } else { Err(Broken) })
    }

    fn publish(&self, turn: u32) {
        self.turn.store(turn, Release);
        self.turn.wake(u32::MAX);
    }
}

fn round_of(turn: u32) -> u32 {
    turn / ROUND
}

/// How many rounds lie between two, of which the numbers come round after eight million.
fn rounds_between(from: u32, to: u32) -> u32 {
    round_of(to.wrapping_sub(from).wrapping_mul(ROUND))
}
