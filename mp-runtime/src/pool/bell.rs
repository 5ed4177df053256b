//! How whoever waits for an outcome is told that it came: threads asleep, the pool's leader, its callback thread, wakers
//! of futures. What is waited for is in `completion` and `gather`.

use crate::pool::engine::lock;
use crate::sys::clock::Deadline;
use std::sync::{Condvar, Mutex, PoisonError};
use std::task::Waker;

/// Something that is waited for.
pub(super) trait Awaited: Sync {
    /// Whether it has come; looked at under the bell's lock, too.
    fn is_ready(&self) -> bool;
    fn bell(&self) -> &Bell;
    /// Where it lies, by which a callback that waits for its own handle is recognised.
    fn address(&self) -> usize;

    /// Whether the callback of the handle that lies there has to run for it.
    fn needs(&self, address: usize) -> bool {
        self.address() == address
    }

    /// Whether it cannot come before the callbacks of the handles that lie there have returned.
    fn comes_after(&self, running: &[usize]) -> bool {
        running.contains(&self.address())
    }
}

/// Who waits.
#[derive(Default)]
pub(super) struct Bell {
    waiting: Mutex<Waiting>,
    rung: Condvar,
}

#[derive(Default)]
struct Waiting {
    /// The pool's leader waits for this, or its callback thread.
    leader: bool,
    nested: bool,
    /// How many threads sleep: to wake nobody costs a system call, too.
    asleep: usize,
    wakers: Vec<Waker>,
    /// Of the handle as a future: of several polls, the last one's counts.
    future: Option<Waker>,
}

/// Who has to be told beside the threads that sleep here.
#[derive(Debug)]
#[must_use = "someone may be waiting for it"]
pub(super) struct Told {
    pub(super) leader: bool,
    pub(super) nested: bool,
    /// To be woken where no lock is held: what a waker does is the user's.
    pub(super) wakers: Vec<Waker>,
}

impl Bell {
    /// Has `change` happen, and wakes the threads that wait if it gives something.
    pub(super) fn ring<R>(&self, change: impl FnOnce() -> Option<R>) -> Option<(R, Told)> {
        let mut waiting = lock(&self.waiting);
        let changed = change()?;
        let mut wakers = std::mem::take(&mut waiting.wakers);
        wakers.extend(waiting.future.take());
        let told = Told { leader: waiting.leader, nested: waiting.nested, wakers };
        let asleep = waiting.asleep;
        drop(waiting);
        if asleep > 0 {
            self.rung.notify_all();
        }
        Some((changed, told))
    }

    /// Has the next ring tell the leader; `false` if it is too late for that.
    pub(super) fn tell_leader(&self, awaited: &dyn Awaited) -> bool {
        lock(&self.waiting).leader = true;
        !awaited.is_ready()
    }

    /// Has the next ring tell the callback thread.
    pub(super) fn tell_nested(&self) {
        lock(&self.waiting).nested = true;
    }

    /// Has the next ring wake `waker`, once; `false` if it is too late for that.
    pub(super) fn register(&self, awaited: &dyn Awaited, waker: &Waker) -> bool {
        let mut waiting = lock(&self.waiting);
        if awaited.is_ready() {
            return false;
        }
        waiting.wakers.push(waker.clone());
        true
    }

    /// The same for the handle's only future, whose earlier waker it replaces.
    pub(super) fn register_future(&self, awaited: &dyn Awaited, waker: &Waker) -> bool {
        // To copy and to drop a waker is the user's code, for which no lock is held.
        let mut other = Some(waker.clone());
        let mut waiting = lock(&self.waiting);
        let pending = !awaited.is_ready();
        if pending {
            std::mem::swap(&mut waiting.future, &mut other);
        }
        drop(waiting);
        drop(other);
        pending
    }

    /// Takes back what [`register`](Self::register) did.
    pub(super) fn forget(&self, waker: &Waker) {
        lock(&self.waiting).wakers.retain(|known| !known.will_wake(waker));
    }

    /// Sleeps until it is there, or the deadline.
    pub(super) fn sleep(&self, awaited: &dyn Awaited, deadline: Option<Deadline>) -> bool {
        let mut waiting = lock(&self.waiting);
        waiting.asleep += 1;
        while !awaited.is_ready() {
            waiting = match deadline {
                None => self.rung.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) if deadline.has_passed() => break,
                Some(deadline) => {
                    let woken = self.rung.wait_timeout(waiting, deadline.remaining());
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        waiting.asleep -= 1;
        awaited.is_ready()
    }
}
