//! What a worker notes on its seat about the call that it runs, so that it can be ended for that call and no other.
//!
//! A worker stores that it runs nothing more, makes a SeqCst fence, and looks whether it is condemned; the parent
//! condemns it, makes a SeqCst fence, and looks whether it still runs the call. If it does, the worker will see that it is
//! condemned before it begins another, and wait for its end.

use super::{BELL, BELLS, Board};
use crate::sys::futex;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64, fence};
use std::time::Duration;

// In a seat's part of the bells.
const CONDEMNED: usize = 4;
const CURRENT: usize = 8;
const SINCE: usize = 16;
const RETIRE: usize = 24;
const BUSY: usize = 32;
const DONE: usize = 40;

impl Board {
    fn condemned(&self, seat: usize) -> &AtomicU32 {
        self.0.u32(BELLS + seat * BELL + CONDEMNED)
    }

    fn current(&self, seat: usize) -> &AtomicU64 {
        self.0.u64(BELLS + seat * BELL + CURRENT)
    }

    fn since(&self, seat: usize) -> &AtomicU64 {
        self.0.u64(BELLS + seat * BELL + SINCE)
    }

    fn retire_word(&self, seat: usize) -> &AtomicU32 {
        self.0.u32(BELLS + seat * BELL + RETIRE)
    }

    fn busy(&self, seat: usize) -> &AtomicU64 {
        self.0.u64(BELLS + seat * BELL + BUSY)
    }

    fn done(&self, seat: usize) -> &AtomicU64 {
        self.0.u64(BELLS + seat * BELL + DONE)
    }

    /// Notes as the worker on `seat` which call it runs from now on, since `now` of the clock.
    pub(crate) fn enter(&self, seat: usize, (slot, generation): (usize, u32), now: Duration) {
        self.current(seat).store(entry(slot, generation), Relaxed);
        self.busy(seat).store(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Notes as the worker on `seat` how many calls it has run.
    pub(crate) fn count(&self, seat: usize, done: u64) {
        self.done(seat).store(done, Relaxed);
    }

    /// How many calls the worker on `seat` has run, and since when, of the clock, it runs one.
    pub(crate) fn work_of(&self, seat: usize) -> (u64, Option<Duration>) {
        let runs = self.current(seat).load(Acquire) != 0;
        let since = Duration::from_nanos(self.busy(seat).load(Relaxed));
        (self.done(seat).load(Relaxed), runs.then_some(since))
    }

    /// Has the worker on `seat` end when it has no call. Wake it after this.
    pub(crate) fn retire(&self, seat: usize) {
        self.retire_word(seat).store(1, Release);
    }

    /// Whether the worker on `seat` is to end.
    pub(crate) fn retires(&self, seat: usize) -> bool {
        self.retire_word(seat).load(Acquire) != 0
    }

    /// Notes as the worker on `seat` that it runs no call, and waits if it is to be ended: after this
    /// it would begin one that it is not to be ended for.
    pub(crate) fn leave(&self, seat: usize) {
        self.current(seat).store(0, Release);
        self.wait_if_condemned(seat);
    }

    fn wait_if_condemned(&self, seat: usize) {
        fence(SeqCst);
        while self.condemned(seat).load(Acquire) != 0 {
            futex::wait(self.condemned(seat), 1, None);
        }
    }

    /// Notes as the worker on `seat` that what has a limit of time begins at `now`, of the clock.
    pub(crate) fn start_clock(&self, seat: usize, now: Duration) {
        let nanos = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        self.since(seat).store(nanos.max(1), Release);
    }

    /// Notes as the worker on `seat` that it has ended, and waits if the worker is to be ended for it.
    pub(crate) fn stop_clock(&self, seat: usize) {
        self.since(seat).store(0, Release);
        self.wait_if_condemned(seat);
    }

    /// Since when, of the clock, the worker on `seat` runs what has a limit of time.
    pub(crate) fn clock_of(&self, seat: usize) -> Option<Duration> {
        match self.since(seat).load(Acquire) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    /// Whether the worker on `seat` runs this call.
    pub(crate) fn runs(&self, seat: usize, slot: usize, generation: u32) -> bool {
        self.current(seat).load(Acquire) == entry(slot, generation)
    }

    /// Has the worker on `seat` begin nothing more if it still runs this call, and, if there is one,
    /// since this time: then it may be ended for it. If not, it goes on.
    pub(crate) fn condemn(
        &self,
        seat: usize,
        (slot, generation): (usize, u32),
        since: Option<Duration>,
    ) -> bool {
        self.condemned(seat).store(1, Relaxed);
        fence(SeqCst);
        let runs = self.runs(seat, slot, generation);
        if runs && (since.is_none() || self.clock_of(seat) == since) {
            return true;
        }
        self.pardon(seat);
        false
    }

    fn pardon(&self, seat: usize) {
        self.condemned(seat).store(0, Release);
        // A wake of a mapped word cannot fail.
        let _ = futex::wake(self.condemned(seat), 1);
    }

    /// Clears the notes of a dead worker.
    pub(super) fn clear_notes(&self, seat: usize) {
        self.current(seat).store(0, Relaxed);
        self.since(seat).store(0, Relaxed);
        self.condemned(seat).store(0, Relaxed);
        self.retire_word(seat).store(0, Relaxed);
        self.busy(seat).store(0, Relaxed);
        self.done(seat).store(0, Relaxed);
    }
}

/// A call as one word; never zero.
fn entry(slot: usize, generation: u32) -> u64 {
    u64::from(generation) << 32 | (slot as u64 + 1)
}
