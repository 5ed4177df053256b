//! Calls that end before their task does: cancelled, or beyond their limit of time. Waiting ones are taken back; for one
//! that runs, its worker is ended, and only if it still runs that one.

use crate::error::{Error, ErrorKind, Result};
use crate::pool::completion::Completion;
use crate::pool::desk::Stage;
use crate::pool::engine::{Engine, Link, lock};
use crate::pool::gather::Gather;
use crate::pool::owner::{Owner, Settled};
use crate::pool::settle::After;
use crate::sys::clock::{self, Deadline};
use crate::sys::signal;
use crate::transport::board::{State, Word};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

/// How long a worker may take to end after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_millis(500);

/// Why a worker is being ended.
#[derive(Debug)]
pub(super) struct Verdict {
    /// For which call.
    pub(super) call: (usize, u32),
    pub(super) error: Error,
    /// When it is killed if it has not ended.
    kill: Option<Deadline>,
}

/// When limits of time are looked at, in nanoseconds of the clock.
#[derive(Debug)]
pub(super) struct Limits {
    /// The shortest of all limits seen.
    shortest: AtomicU64,
    next_look: AtomicU64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { shortest: AtomicU64::new(u64::MAX), next_look: AtomicU64::new(u64::MAX) }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Engine {
    /// Takes a call back that no worker has begun; `false` if one has, or it is over. True again for one
    /// that was taken back.
    pub(super) fn cancel(&self, completion: &Arc<Completion>) -> bool {
        if self.is_copy() {
            return false;
        }
        let mut desk = lock(&self.desk);
        match completion.stage() {
            // It is dropped when its turn comes.
            Stage::Waiting => {}
            // Whoever waits for the other end of what it has does not wait until then.
            Stage::WaitingLaden => {
                drop(desk.ledger.take_waiting(|waiting| waiting.call.owner.is(completion)));
            }
            Stage::Placed => {
                let slots = desk.ledger.slots_of(|placed| placed.call.owner.is(completion));
                let Some((slot, generation)) = slots.first().copied() else { return false };
                if !self.board.withdraw(slot, generation) {
                    return false;
                }
                if let Some(placed) = desk.ledger.take(slot) {
                    drop(desk.free(placed));
                }
            }
            Stage::Cancelled => return true,
            Stage::Elsewhere => return false,
        }
        completion.set_stage(Stage::Cancelled);
        let (placed, failed) = self.refill(&mut desk);
        drop(desk);
        self.board.wake(placed);
        let text = format!("task {} was cancelled before it was begun", completion.task);
        let error = Error::new(ErrorKind::Cancelled, text);
        let cancelled = Settled::Call(Arc::clone(completion), Err(error));
        self.settle([cancelled].into_iter().chain(failed)).run();
        true
    }

    /// As [`cancel`](Self::cancel), and if a worker runs it, ends that one.
    pub(super) fn cancel_running(&self, completion: &Arc<Completion>) -> bool {
        if self.cancel(completion) {
            return true;
        }
        let mut links = lock(&self.rings);
        let Some(call) = self.slot_of(completion) else { return false };
        let text = format!("task {} was cancelled while it ran", completion.task);
        let error = Error::new(ErrorKind::Cancelled, text);
        let ended = self.end_worker(&mut links, call, None, error);
        drop(links);
        self.control.raise();
        ended
    }

    /// Whether a worker runs it.
    pub(super) fn is_running(&self, completion: &Arc<Completion>) -> bool {
        let call = self.slot_of(completion);
        call.is_some_and(|(slot, generation)| {
            let word = self.board.read(slot);
            (word.state, word.generation) == (State::Running, generation)
        })
    }

    fn slot_of(&self, completion: &Arc<Completion>) -> Option<(usize, u32)> {
        let desk = lock(&self.desk);
        let placed = completion.stage() == Stage::Placed;
        let slots = desk.ledger.slots_of(|placed| placed.call.owner.is(completion));
        slots.first().copied().filter(|_| placed)
    }

    /// Ends the worker that runs this call, if one still does.
    fn end_worker(
        &self,
        links: &mut [Link],
        call: (usize, u32),
        since: Option<Duration>,
        error: Error,
    ) -> bool {
        let Word { state, generation, worker } = self.board.read(call.0);
        if state != State::Running || generation != call.1 {
            return false;
        }
        let link = links.iter_mut().find(|link| link.number == worker);
        let Some(link) = link.filter(|link| link.verdict.is_none()) else { return false };
        if !self.board.condemn(link.seat, call, since) {
            return false;
        }
        // One that cannot be signalled has ended by itself.
        let _ = link.child.signal(signal::SIGTERM);
        link.verdict = Some(Verdict { call, error, kill: Deadline::after(GRACE) });
        true
    }

    /// Has the supervisor look in time at a call with this limit, which was just accepted.
    pub(super) fn watch(&self, limit: Duration) {
        self.limits.shortest.fetch_min(nanos(limit), SeqCst);
        let at = nanos(clock::now().saturating_add(limit));
        if self.limits.next_look.fetch_min(at, SeqCst) > at {
            self.control.raise();
        }
    }

    /// For the supervisor: ends workers that have taken too long, and says when to look again.
    pub(super) fn enforce_limits(&self) -> Option<Deadline> {
        if self.limits.next_look.load(SeqCst) == u64::MAX {
            return None;
        }
        let mut links = lock(&self.rings);
        let now = clock::now();
        self.limits.next_look.store(u64::MAX, SeqCst);
        let mut next = self.kill_stubborn(&mut links);
        let shortest = Duration::from_nanos(self.limits.shortest.load(SeqCst));
        let mut desk = lock(&self.desk);
        let timed = desk.ledger.slots_of(|placed| placed.call.terms.limit.is_some());
        let mut under_way = Vec::with_capacity(timed.len());
        for (slot, generation) in timed {
            let number = u32::try_from(slot).unwrap_or(u32::MAX);
            let Some(placed) = desk.ledger.call(number, generation) else { continue };
            let limit = placed.call.terms.limit.unwrap_or_default();
            under_way.push(((slot, generation), limit, placed.call.owner.task()));
        }
        let waits = desk.ledger.any_waiting(|waiting| waiting.call.terms.limit.is_some());
        drop(desk);
        let mut ended_for = Vec::new();
        let mut look_at = |at: Duration| next = Some(next.map_or(at, |next| next.min(at)));
        for (call, limit, task) in under_way {
            match self.clock_of(&links, call) {
                Some(since) if since.saturating_add(limit) <= now => {
                    let text =
                        format!("task {task} took longer than {limit:?}: its worker was ended");
                    let error = Error::new(ErrorKind::Timeout, text);
                    let ended = self.end_worker(&mut links, call, Some(since), error);
                    ended_for.extend(ended.then_some((task, limit)));
                    look_at(now + if ended { GRACE } else { limit });
                }
                Some(since) => look_at(since.saturating_add(limit)),
                // It has not begun, so it cannot be over before this.
                None => look_at(now.saturating_add(limit)),
            }
        }
        if waits {
            look_at(now.saturating_add(shortest));
        }
        drop(links);
        for (task, limit) in ended_for {
            tracing::debug!(target: "mp::pool", "task {task} has timed out, after {limit:?}");
        }
        let next = next?;
        self.limits.next_look.fetch_min(nanos(next), SeqCst);
        Deadline::after(next.saturating_sub(clock::now()))
    }

    /// Since when the worker that runs this call runs it, or its present item.
    fn clock_of(&self, links: &[Link], (slot, generation): (usize, u32)) -> Option<Duration> {
        let word = self.board.read(slot);
        let link = links.iter().find(|link| link.number == word.worker)?;
        let runs = self.board.runs(link.seat, slot, generation);
        self.board.clock_of(link.seat).filter(|_| runs)
    }

    /// Kills the workers that were told to end and have not; says when the next one is due.
    fn kill_stubborn(&self, links: &mut [Link]) -> Option<Duration> {
        let mut next = None;
        for link in links {
            let Some(Verdict { kill: Some(kill), .. }) = link.verdict else { continue };
            if kill.has_passed() {
                // One that cannot be signalled has ended.
                let _ = link.child.signal(signal::SIGKILL);
                link.verdict.as_mut().expect("it was just seen").kill = None;
            } else {
                let at = kill.since_start();
                next = Some(next.map_or(at, |next: Duration| next.min(at)));
            }
        }
        next
    }

    /// Takes back the calls of a gather that no worker has begun.
    pub(super) fn withdraw(&self, gather: &Arc<Gather>) -> After {
        if self.is_copy() {
            return After::default();
        }
        let of = |owner: &Owner| match owner {
            Owner::Chunk(chunk) => Arc::ptr_eq(&chunk.gather, gather),
            Owner::Call(_) => false,
        };
        let mut desk = lock(&self.desk);
        let waiting = desk.ledger.take_waiting(|waiting| of(&waiting.call.owner));
        let slots = desk.ledger.slots_of(|placed| of(&placed.call.owner));
        let mut taken = Vec::new();
        for (slot, generation) in slots {
            if self.board.withdraw(slot, generation)
                && let Some(placed) = desk.ledger.take(slot)
            {
                taken.push(desk.free(placed));
            }
        }
        let (placed, failed) = self.refill(&mut desk);
        drop(desk);
        self.board.wake(placed);
        let after = self.settle(failed);
        (0..waiting.len() + taken.len()).for_each(|_| self.count_settled());
        after
    }

    /// Refuses a limit that nothing could keep.
    pub(super) fn check_limit(limit: Option<Duration>) -> Result<()> {
        if limit == Some(Duration::ZERO) {
            let text = "a limit of time must be longer than nothing";
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        Ok(())
    }
}
