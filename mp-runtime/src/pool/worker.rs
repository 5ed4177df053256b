//! The loop in a pool's worker: claim, run, reply, until told to stop. An ordinary child process whose task is this one;
//! what the parent does about it is in `supervise`.

use crate::child::post;
use crate::codec;
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use crate::log;
use crate::pool::options::{Errand, Manner};
use crate::pool::results::{self, Results};
use crate::pool::tenure::{self, Tenure};
use crate::protocol::message::Reply;
use crate::protocol::post::Address;
use crate::sys::clock::{self, Deadline};
use crate::sys::memory::Memory;
use crate::sys::signal;
use crate::task::current;
use crate::task::registry::{self, Entry, Registration, Table};
use crate::task::run::Left;
use crate::transport::board::Board;
use crate::transport::park::Spinner;
use crate::transport::ring::Writer;
use crate::transport::scratch::Scratch;
use crate::transport::slots::{Claim, SlotsView};
use serde::{Deserialize, Serialize};
use std::hint;
use std::os::fd::OwnedFd;

/// In place of a slot: a record about one of the pool's own errands.
pub(super) const ERRANDS: u32 = u32::MAX;
pub(super) const INITIALIZER: u32 = 0;
pub(super) const FINALIZER: u32 = 1;

/// The task that a worker runs.
pub(super) static WORKER: Entry = Entry::internal("mp::pool::worker", run);

inventory::submit! { Registration(&WORKER) }

/// What a worker is told; with it go the descriptors of board, slots and ring, in this order, and that
/// of the shared value, if there is one.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Orders {
    pub(super) number: u32,
    pub(super) seat: u32,
    /// How many of the pool's workers may spin at once.
    pub(super) spinners: u32,
    pub(super) manner: Manner,
}

struct Worker {
    orders: Orders,
    seat: usize,
    table: &'static Table,
    board: Board,
    slots: SlotsView,
    ring: Writer,
    spinner: Spinner,
    left: Left,
    scratch: Scratch,
    tenure: Tenure,
}

fn run(arguments: &[u8], attachments: Attachments, _: &mut Left) {
    match Worker::new(arguments, attachments) {
        Ok(mut worker) => worker.serve(),
        // The parent sees a worker that ended before it was up.
        Err(error) => crate::child::output::complain(&error),
    }
}

impl Worker {
    fn new(arguments: &[u8], attachments: Attachments) -> Result<Self> {
        let orders: Orders = codec::decode(arguments)?;
        let mut descriptors = attachments.into_descriptors();
        let shared = (descriptors.len() > 3).then(|| descriptors.pop()).flatten();
        let descriptors: [OwnedFd; 3] = descriptors
            .try_into()
            .map_err(|_| Error::new(ErrorKind::Unsupported, "a worker needs three descriptors"))?;
        let [board, slots, ring] = descriptors;
        let tenure = Tenure::new(&orders.manner);
        tenure::take_up(&orders, shared)?;
        let io = |error| Error::io("a pool's memory could not be mapped", error);
        let worker = Self {
            seat: usize::try_from(orders.seat).unwrap_or(0),
            orders,
            table: registry::table()?,
            board: Board::map(&Memory::from_fd(board)).map_err(io)?,
            slots: SlotsView::map(slots).map_err(io)?,
            ring: Writer::map(Memory::from_fd(ring)).map_err(io)?,
            spinner: Spinner::new(),
            left: Left::default(),
            scratch: Scratch::new(),
            tenure,
        };
        // Ctrl-C is for the main program, whose end is ours.
        signal::disregard_interrupt().map_err(io)?;
        Ok(worker)
    }

    fn serve(&mut self) {
        let Manner { initializer, finalizer, .. } = self.orders.manner.clone();
        let initialize = |errand| log::during(|| self.run_errand(&errand, INITIALIZER));
        let begun = initializer.is_none_or(initialize);
        log::install();
        if !begun {
            return;
        }
        tracing::info!(target: "mp::pool", "process started, as a worker of a pool");
        self.tenure.begin();
        self.ring.greet();
        self.work();
        if let Some(errand) = finalizer {
            // The parent looks after those that take too long.
            let _ = post::leave();
            self.run_errand(&errand, FINALIZER);
        }
    }

    /// Runs one of the pool's own errands; tells the parent if that fails.
    fn run_errand(&mut self, errand: &Errand, which: u32) -> bool {
        let Some(task) = self.table.at(errand.task) else { return false };
        let current = current::begin(task);
        let mut left = Left::default();
        (task.runner())(&errand.arguments, Attachments::default(), &mut left);
        drop(current);
        if matches!(Reply::parse(&left.reply), Ok(Reply::Value(_) | Reply::Attached(_))) {
            return true;
        }
        // What is too large for memory is lost; that it failed shows anyway.
        let _ = self.ring.push([ERRANDS, which], &left.reply);
        self.board.announce();
        false
    }

    fn work(&mut self) {
        loop {
            if self.tenure.is_over() || self.board.retires(self.seat) {
                let done = self.tenure.done();
                tracing::debug!(target: "mp::pool", "worker exiting after {done} tasks");
                return;
            }
            if let Some(claim) = self.slots.claim(&self.board, self.orders.number) {
                self.answer(claim);
                continue;
            }
            // Before an end or a sleep, a look that does not depend on any hint.
            if let Some(claim) = self.slots.claim_any(&self.board, self.orders.number) {
                self.answer(claim);
            } else if self.board.any_filled() {
                // Not ours, or being offered at this moment: look again.
                hint::spin_loop();
            } else if self.slots.stopped() || !self.idle() {
                return;
            }
        }
    }

    fn answer(&mut self, claim: Claim) {
        let Claim { slot, generation } = claim;
        if !self.board.begin(slot, generation, self.orders.number) {
            return;
        }
        self.board.enter(self.seat, (slot, generation), clock::lately());
        let slot = u32::try_from(slot).unwrap_or(u32::MAX);
        let of = Address { slot, generation };
        self.left.reply = self.scratch.take();
        if let Err(text) = self.run(claim, of) {
            self.left.replace(&Reply::NotDecoded(&text));
        }
        // Before the outcome is there, so that whoever has that sees it counted.
        self.board.count(self.seat, self.tenure.count());
        self.send(of);
        self.board.leave(self.seat);
    }

    fn run(&mut self, claim: Claim, of: Address) -> std::result::Result<(), String> {
        let (what, arguments) = self
            .slots
            .read(claim)
            .map_err(|error| format!("the arguments could not be mapped: {error}"))?;
        let attachments = match what.attached {
            true => post::fetch(of)
                .map_err(|error| format!("the handles in them did not arrive: {error}"))?,
            false => Attachments::default(),
        };
        let Some(task) = self.table.at(what.code) else {
            self.left.replace(&Reply::Unknown("a task beyond the table's end"));
            return Ok(());
        };
        let _current = current::begin(task);
        match task.chunk_runner().filter(|_| what.chunk) {
            None => {
                if what.timed {
                    self.board.start_clock(self.seat, clock::now());
                }
                (task.runner())(arguments, attachments, &mut self.left);
                if what.timed {
                    self.board.stop_clock(self.seat);
                }
            }
            Some(run) => {
                let timed = what.timed.then_some(self.seat);
                let mut results = Results::new(&mut self.ring, &self.board, of, timed);
                run(arguments, attachments, &mut self.left.reply, &mut results);
                results.close();
                // All has been sent.
                self.left.reply.clear();
            }
        }
        Ok(())
    }

    fn send(&mut self, of: Address) {
        if self.left.reply.is_empty() {
            self.scratch.put_back(std::mem::take(&mut self.left.reply));
            return;
        }
        let Left { reply, attachments } = &mut self.left;
        if let Err(text) = results::send_attached(&mut self.ring, of, true, reply, attachments) {
            self.left.replace(&Reply::NotEncoded(&text));
            // A reply of this size lies in the ring itself, for which there is memory.
            let _ = self.ring.push_whole([of.slot, of.generation], &self.left.reply);
        }
        self.board.announce();
        self.scratch.put_back(std::mem::take(&mut self.left.reply));
    }

    /// Waits for work; `false` if it has waited for as long as it may.
    fn idle(&mut self) -> bool {
        let work = || self.slots.may_have_work(&self.board);
        if self.board.start_spinning(self.seat, self.orders.spinners) {
            let found = self.spinner.spin(work);
            self.board.stop_spinning(self.seat);
            if found {
                return true;
            }
        }
        self.ring.trim();
        let deadline = self.orders.manner.idle_timeout.and_then(Deadline::after);
        let look =
            || self.board.any_filled() || self.slots.stopped() || self.board.retires(self.seat);
        let woken = self.board.park(self.seat, deadline, look);
        self.spinner.woken();
        woken
    }
}
