//! Results on their way from the workers' rings to the handles. One thread at a time reads the rings: a caller that waits
//! for its own result, who then leads, so that no other thread stands between a worker and it; or the collector.
//!
//! Reading never waits for user code: callbacks run on another thread, and values are decoded by whoever wants them.
//!
//! Workers ring one bell at most, that of whoever is *armed*. A leader disarms the collector when it comes, and arms it
//! again when it goes, so that a loop of `apply` wakes nobody else. Between the two there is always someone who is
//! awake, or armed.

use crate::custody::Attachments;
use crate::pool::bell::Awaited;
use crate::pool::desk::{Desk, Stage};
use crate::pool::engine::{Engine, Link, lock};
use crate::pool::owner::{self, Owner, Settled};
use crate::pool::settle::After;
use crate::pool::worker::{ERRANDS, INITIALIZER};
use crate::protocol::message::Reply;
use crate::protocol::post::Address;
use crate::sys::clock::Deadline;
use crate::transport::board::{Sleeper, State};
use crate::transport::bytes::Bytes;
use crate::transport::park::Spinner;
use crate::transport::ring::{Malformed, Record};
use std::cell::Cell;
use std::sync::atomic::Ordering::Acquire;
use std::time::Duration;

/// How often the collector looks whether work lies about while those who could do it sleep.
const TICK: Duration = Duration::from_secs(3);

thread_local! {
    /// What spinning has paid this thread, from one wait to the next.
    /// Taken, not borrowed: what runs meanwhile may wait for another pool.
    static SPINNER: Cell<Option<Spinner>> = const { Cell::new(None) };
}

impl Engine {
    /// Waits for an outcome; says whether it is there.
    pub(super) fn wait(&self, awaited: &dyn Awaited, deadline: Option<Deadline>) -> bool {
        if self.is_copy() {
            return awaited.is_ready();
        }
        if self.callbacks.is_current_thread() {
            return self.wait_in_callback(awaited, deadline);
        }
        match self.lead(awaited, deadline) {
            Some(ready) => ready,
            None => awaited.bell().sleep(awaited, deadline),
        }
    }

    /// Reads all rings once, and settles what came; says whether anything did.
    pub(super) fn drain(&self) -> bool {
        let (any, after) = self.read_all();
        after.run();
        any
    }

    fn read_all(&self) -> (bool, After) {
        let mut links = lock(&self.rings);
        let settled = self.read(&mut links);
        let any = !settled.is_empty();
        // Still under the lock: whoever reads later settles later, so callbacks keep their order.
        (any, self.settle(settled))
    }

    /// Reads the ring of a dead worker to its end, and takes it away.
    pub(super) fn drain_dead(&self, worker: u32) -> Option<Link> {
        let mut links = lock(&self.rings);
        let at = links.iter().position(|link| link.number == worker)?;
        let mut link = links.swap_remove(at);
        let mut settled = self.read(std::slice::from_mut(&mut link));
        // What it had added to a record that it did not finish was done, too.
        if let Some(record) = link.ring.pop_unfinished().filter(|_| !link.malformed) {
            settled.extend(self.book(std::slice::from_mut(&mut link), vec![(0, record)]));
        }
        // And of what it was about to hand over nothing stays.
        if let Some(Record { mut body, .. }) = link.ring.pop_intended() {
            drop(owner::take_objects(&mut body));
        }
        let after = self.settle(settled);
        drop(links);
        after.run();
        Some(link)
    }

    /// Takes what lies in some rings and books it, under the lock of the rings: so a death is looked
    /// at only when all that was read before is booked.
    fn read(&self, links: &mut [Link]) -> Vec<Settled> {
        let mut batch = Vec::new();
        for (at, link) in links.iter_mut().enumerate().filter(|(_, link)| !link.malformed) {
            if link.ring.pop_all(|record| batch.push((at, record))) == Err(Malformed) {
                link.malformed = true;
                self.control.raise();
            }
        }
        self.book(links, batch)
    }

    /// Books what workers have sent: by the index of its link, each record.
    fn book(&self, links: &mut [Link], batch: Vec<(usize, Record)>) -> Vec<Settled> {
        if batch.is_empty() {
            return Vec::new();
        }
        for (at, _) in batch.iter().filter(|(_, record)| Reply::is_attached(&record.body)) {
            // It was sent before the reply, and what it belongs to is still in the ledger.
            self.read_post_of(&mut links[*at]);
        }
        let mut desk = lock(&self.desk);
        let mut settled = Vec::with_capacity(batch.len());
        // Objects that nobody wants go when no lock of the desk is held.
        let mut unwanted = Vec::new();
        for (at, mut record) in batch {
            let objects = owner::take_objects(&mut record.body);
            let [slot, generation] = record.tag;
            let link = &mut links[at];
            if slot == ERRANDS {
                self.note_errand(link, generation, record.body);
                continue;
            }
            let Some(placed) = desk.ledger.call(slot, generation) else {
                unwanted.push(objects);
                continue;
            };
            if let Owner::Chunk(chunk) = &mut placed.call.owner {
                let Some(part) = chunk.take(record, objects, link) else {
                    link.malformed = true;
                    self.control.raise();
                    continue;
                };
                settled.push(part);
                if chunk.left == 0 {
                    self.free(&mut desk, slot, generation);
                    link.mail.clear(Address { slot, generation });
                }
            } else if Reply::is_panic(&record.body) && self.retry(&mut desk, slot, generation) {
                link.mail.clear(Address { slot, generation });
            } else if let Some(Owner::Call(completion)) = self.free(&mut desk, slot, generation) {
                let of = Address { slot, generation };
                let outcome = owner::outcome(record.body, objects, completion.task, link, of);
                link.mail.clear(of);
                settled.push(Settled::Call(completion, outcome));
            }
        }
        let (placed, failed) = self.refill(&mut desk);
        drop(desk);
        drop(unwanted);
        self.board.wake(placed);
        settled.extend(failed);
        settled
    }

    /// Notes why a worker's initializer or finalizer failed.
    fn note_errand(&self, link: &mut Link, which: u32, body: Bytes) {
        let name = if which == INITIALIZER { "the initializer" } else { "the finalizer" };
        let objects = Attachments::NONE;
        let Err(error) = owner::outcome(body, objects, name, link, Address::default()) else {
            return;
        };
        match which {
            INITIALIZER => link.stillborn = Some(error),
            _ => drop(lock(&self.failed_end).get_or_insert(error)),
        }
    }

    /// Frees the slot of a call that is over.
    fn free(&self, desk: &mut Desk, slot: u32, generation: u32) -> Option<Owner> {
        let placed = desk.ledger.complete(slot, generation)?;
        self.board.set(slot as usize, generation, State::Free);
        let owner = desk.free(placed).owner;
        owner.stage(Stage::Elsewhere);
        Some(owner)
    }

    /// Has a call that failed wait to be run again, if it may.
    fn retry(&self, desk: &mut Desk, slot: u32, generation: u32) -> bool {
        let may = desk.ledger.call(slot, generation);
        if may.is_none_or(|placed| placed.call.terms.retries == 0) {
            return false;
        }
        let Some(placed) = desk.ledger.complete(slot, generation) else { return false };
        let at = usize::try_from(slot).unwrap_or(usize::MAX);
        self.board.set(at, generation, State::Free);
        desk.retry(at, placed).is_none()
    }

    fn has_results(&self) -> bool {
        lock(&self.rings).iter().any(|link| !link.malformed && !link.ring.is_empty())
    }

    /// Leads until the outcome is there, or the deadline; `None` if someone else leads.
    fn lead(&self, awaited: &dyn Awaited, deadline: Option<Deadline>) -> Option<bool> {
        loop {
            let mut led = lock(&self.turn);
            if *led {
                return None;
            }
            *led = true;
            self.board.disarm();
            drop(led);
            let mut spinner = SPINNER.take().unwrap_or_else(Spinner::new);
            let read = self.read_until(awaited, deadline, &mut spinner);
            SPINNER.set(Some(spinner));
            let mut led = lock(&self.turn);
            *led = false;
            self.board.arm(Sleeper::Collector);
            drop(led);
            // What came before the collector was armed rang nobody.
            if self.has_results() {
                self.board.ring(Sleeper::Collector);
            }
            match read {
                Ok(ready) => return Some(ready),
                // It may wait for this very pool, whose results somebody must read then.
                Err(after) => after.run(),
            }
        }
    }

    /// Whether the outcome is there; or what is to be run first, by a thread that does not lead.
    fn read_until(
        &self,
        awaited: &dyn Awaited,
        deadline: Option<Deadline>,
        spinner: &mut Spinner,
    ) -> Result<bool, After> {
        loop {
            let (_, after) = self.read_all();
            if !after.is_empty() {
                return Err(after);
            }
            if awaited.is_ready() {
                return Ok(true);
            }
            if deadline.is_some_and(Deadline::has_passed) {
                return Ok(false);
            }
            if self.spins() && spinner.spin(|| awaited.is_ready() || self.has_results()) {
                continue;
            }
            let seen = self.board.bell_of(Sleeper::Leader);
            if !awaited.bell().tell_leader(awaited) {
                return Ok(true);
            }
            self.board.arm(Sleeper::Leader);
            if !self.has_results() {
                self.board.sleep(Sleeper::Leader, seen, deadline);
                spinner.woken();
            }
            self.board.disarm();
        }
    }

    /// Spinning needs a core that the worker does not.
    fn spins(&self) -> bool {
        self.cores >= 2
    }

    /// Wakes all workers if calls are under way: the one that was woken for them may have been
    /// stopped, or a worker may have scribbled over the board.
    fn look_after_sleepers(&self) {
        if !self.is_idle() {
            self.board.wake_all(0..self.seats());
        }
    }

    /// Waits inside a callback, whose thread runs the other callbacks meanwhile.
    fn wait_in_callback(&self, awaited: &dyn Awaited, deadline: Option<Deadline>) -> bool {
        if self.callbacks.waits_for_itself(awaited) {
            return false;
        }
        awaited.bell().tell_nested();
        self.callbacks.run_until(self, Some(awaited), deadline, |_| awaited.is_ready())
    }

    /// The collector thread: reads the rings whenever no caller does.
    pub(super) fn collect(&self) {
        let mut spinner = Spinner::new();
        let mut next_look = Deadline::after(TICK);
        while !self.collector_stop.load(Acquire) {
            if next_look.is_some_and(Deadline::has_passed) {
                self.look_after_sleepers();
                next_look = Deadline::after(TICK);
            }
            if self.drain() {
                continue;
            }
            let led = *lock(&self.turn);
            if !led && self.spins() && spinner.spin(|| self.has_results()) {
                continue;
            }
            let seen = self.board.bell_of(Sleeper::Collector);
            let led = lock(&self.turn);
            if !*led {
                self.board.arm(Sleeper::Collector);
            }
            drop(led);
            if !self.has_results() && !self.collector_stop.load(Acquire) {
                self.board.sleep(Sleeper::Collector, seen, next_look);
                spinner.woken();
            }
        }
    }
}
