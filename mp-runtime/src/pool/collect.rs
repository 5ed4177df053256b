//! Results on their way from the workers' rings to the handles. One thread at a time reads the rings: a caller that waits
//! for its own result, who then leads, so that no other thread stands between a worker and it; or the collector.
//!
//! Reading never waits for user code: callbacks run on another thread, and values are decoded by whoever wants them.
//!
//! Workers ring one bell at most, that of whoever is *armed*. A leader disarms the collector when it comes, and arms it
//! again when it goes, so that a loop of `apply` wakes nobody else. Between the two there is always someone who is
//! awake, or armed.

use crate::custody::Attachments;
use crate::error::{Error, ErrorKind};
use crate::pool::bell::Awaited;
use crate::pool::completion::{Completion, Outcome, Value};
use crate::pool::engine::{Engine, Link, Placed, discard, lock};
use crate::protocol::message::Reply;
use crate::protocol::post::Address;
use crate::sys::clock::Deadline;
use crate::transport::board::{Sleeper, State};
use crate::transport::bytes::Bytes;
use crate::transport::park::Spinner;
use crate::transport::ring::{Malformed, Record};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering::Acquire;
use std::time::Duration;

/// How often the collector looks whether work lies about while those who could do it sleep.
const TICK: Duration = Duration::from_secs(3);

thread_local! {
    /// What spinning has paid this thread, from one wait to the next.
    static SPINNER: RefCell<Spinner> = RefCell::new(Spinner::new());
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
        let mut links = lock(&self.rings);
        let settled = self.read(&mut links);
        let any = !settled.is_empty();
        // Still under the lock: whoever reads later settles later, so callbacks keep their order.
        let unused = self.settle(settled);
        drop(links);
        discard(&unused);
        any
    }

    /// Reads the ring of a dead worker to its end, and takes it away.
    pub(super) fn drain_dead(&self, worker: u32) -> Option<Link> {
        let mut links = lock(&self.rings);
        let at = links.iter().position(|link| link.number == worker)?;
        let mut link = links.swap_remove(at);
        let settled = self.read(std::slice::from_mut(&mut link));
        let unused = self.settle(settled);
        drop(links);
        discard(&unused);
        Some(link)
    }

    /// Takes what lies in some rings and books it, under the lock of the rings: so a death is looked
    /// at only when all that was read before is booked.
    fn read(&self, links: &mut [Link]) -> Vec<(Arc<Completion>, Outcome)> {
        let mut batch = Vec::new();
        for (at, link) in links.iter_mut().enumerate().filter(|(_, link)| !link.malformed) {
            if link.ring.pop_all(|record| batch.push((at, record))) == Err(Malformed) {
                link.malformed = true;
                self.control.raise();
            }
        }
        if batch.is_empty() {
            return Vec::new();
        }
        for (at, _) in batch.iter().filter(|(_, record)| Reply::is_attached(&record.body)) {
            // It was sent before the reply, and what it belongs to is still in the ledger.
            self.read_post_of(&mut links[*at]);
        }
        let mut desk = lock(&self.desk);
        let mut settled = Vec::with_capacity(batch.len());
        for (at, Record { tag: [slot, generation], body }) in batch {
            let link = &mut links[at];
            let call = desk.ledger.complete(slot, generation);
            let Some(Placed { completion, block, .. }) = call else { continue };
            self.board.set(slot as usize, generation, State::Free);
            if let Some(block) = block {
                desk.slots.free(block);
            }
            let outcome = outcome(body, completion.task, link, Address { slot, generation });
            settled.push((completion, outcome));
        }
        let (placed, failed) = self.refill(&mut desk);
        drop(desk);
        (0..placed).for_each(|_| self.board.wake_one());
        settled.extend(failed.into_iter().map(|(completion, error)| (completion, Err(error))));
        settled
    }

    fn has_results(&self) -> bool {
        lock(&self.rings).iter().any(|link| !link.malformed && !link.ring.is_empty())
    }

    /// Leads until the outcome is there, or the deadline; `None` if someone else leads.
    fn lead(&self, awaited: &dyn Awaited, deadline: Option<Deadline>) -> Option<bool> {
        let mut led = lock(&self.turn);
        if *led {
            return None;
        }
        *led = true;
        self.board.disarm();
        drop(led);
        let ready = SPINNER.with_borrow_mut(|spinner| self.read_until(awaited, deadline, spinner));
        let mut led = lock(&self.turn);
        *led = false;
        self.board.arm(Sleeper::Collector);
        drop(led);
        // What came before the collector was armed rang nobody.
        if self.has_results() {
            self.board.ring(Sleeper::Collector);
        }
        Some(ready)
    }

    fn read_until(
        &self,
        awaited: &dyn Awaited,
        deadline: Option<Deadline>,
        spinner: &mut Spinner,
    ) -> bool {
        loop {
            self.drain();
            if awaited.is_ready() {
                return true;
            }
            if deadline.is_some_and(Deadline::has_passed) {
                return false;
            }
            if self.spins() && spinner.spin(|| awaited.is_ready() || self.has_results()) {
                continue;
            }
            let seen = self.board.bell_of(Sleeper::Leader);
            if !awaited.bell().tell_leader(awaited) {
                return true;
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
            self.board.wake_all(0..self.size);
        }
    }

    /// Waits inside a callback, whose thread runs the other callbacks meanwhile.
    fn wait_in_callback(&self, awaited: &dyn Awaited, deadline: Option<Deadline>) -> bool {
        if self.callbacks.is_running(awaited) {
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

/// What a reply means to the caller.
fn outcome(body: Bytes, task: &str, link: &mut Link, of: Address) -> Outcome {
    let worker = link.child.name();
    let value = match Reply::parse(&body) {
        Ok(Reply::Value(_)) => Ok(Attachments::default()),
        Ok(Reply::Attached(_)) => link.mail.open(of),
        Ok(reply) => reply.into_result(task, worker).map(|_| Attachments::default()),
        Err(error) => {
            let text = format!("{worker} sent no proper reply to task {task}");
            Err(Error::with_source(ErrorKind::Decode, text, error))
        }
    };
    link.mail.clear(of);
    value.map(|attachments| Value { reply: body, attachments })
}
