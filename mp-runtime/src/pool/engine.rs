//! What a pool shares between its handle, its callers and its threads: the carriers, the ledger, and how a call goes in
//! and an outcome is settled. Reading results is in `collect`, keeping workers alive in `supervise`.
//!
//! Locks are taken in this order, and never the other way round: `rings`, `desk`; `turn`; a handle's own; the callback
//! queue's. None is held while user code runs.

use crate::codec::To;
use crate::error::{Error, ErrorKind, Result};
use crate::pool::callback::Callbacks;
use crate::pool::completion::Completion;
use crate::pool::desk::{Call, Desk, Terms, Waiting};
use crate::pool::gather::{Driver, Gather};
use crate::pool::ledger::{Ledger, Phase};
use crate::pool::limits::{Limits, Verdict};
use crate::pool::options::Options;
use crate::pool::owner::{Owner, Settled};
use crate::pool::post::Mailbox;
use crate::pool::room::Room;
use crate::process::children::Child;
use crate::process::exit;
use crate::sys::event::Event;
use crate::sys::memory::Memory;
use crate::sys::own;
use crate::task::Task;
use crate::transport::board::{Board, SLOTS};
use crate::transport::constant::Constant;
use crate::transport::ring::Reader;
use crate::transport::scratch::Scratch;
use crate::transport::slots::Slots;
use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering::{Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

thread_local! {
    static ENCODED: RefCell<Scratch> = const { RefCell::new(Scratch::new()) };
}

pub(super) struct Engine {
    /// Itself, for threads that it starts.
    pub(super) this: Weak<Self>,
    /// The process that made the pool, by its forks: a copy must not touch what both have mapped.
    owner: u32,
    /// How many workers there are to be, and how many seats there ever were.
    size: AtomicUsize,
    seats: AtomicUsize,
    /// How many there are.
    pub(super) alive: AtomicUsize,
    pub(super) options: Options,
    /// The memory of the shared value.
    pub(super) shared: Option<OwnedFd>,
    /// Why a worker's finalizer failed.
    pub(super) failed_end: Mutex<Option<Error>>,
    /// The usable CPUs when the pool was made: spinning needs one that no worker needs.
    pub(super) cores: usize,
    pub(super) board: Board,
    pub(super) board_memory: Memory,
    pub(super) slots_for_workers: OwnedFd,
    pub(super) desk: Mutex<Desk>,
    /// The result rings of the workers. Whoever holds this lock reads them.
    pub(super) rings: Mutex<Vec<Link>>,
    /// Whether a caller leads: reads the rings while it waits for its own result.
    pub(super) turn: Mutex<bool>,
    pub(super) callbacks: Callbacks,
    /// Calls accepted, counted under the lock of the desk, and calls settled: apart, since different
    /// threads write them.
    accepted: Line,
    settled: Line,
    /// Submitters that wait for one more call to be settled.
    pub(super) room: Room,
    /// What calls may take unless they say so themselves.
    pub(super) terms: Terms,
    pub(super) limits: Limits,
    /// Raised to have the supervisor look.
    pub(super) control: Event,
    /// Workers are ended by SIGKILL, without a warning.
    pub(super) kill: AtomicBool,
    pub(super) collector_stop: AtomicBool,
    /// A callback has asked for the program's end, and waits for all that is unsettled.
    pub(super) ends_inside: AtomicBool,
    pub(super) ended: Mutex<Ended>,
    pub(super) ended_changed: Condvar,
}

/// A worker's way back.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) number: u32,
    pub(super) seat: usize,
    pub(super) child: Arc<Child>,
    pub(super) ring: Reader,
    pub(super) mail: Mailbox,
    /// The worker has scribbled over its ring or sends nonsense: nothing more is read, and it is killed.
    pub(super) malformed: bool,
    /// Why it is being ended, if that is for a call.
    pub(super) verdict: Option<Verdict>,
    /// Why its initializer failed.
    pub(super) stillborn: Option<Error>,
    /// It has run its last task.
    pub(super) leaving: bool,
}

/// How far the pool's end has come.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) workers: bool,
    pub(super) threads: bool,
}

/// A counter on a cache line of its own.
#[derive(Default)]
#[repr(align(64))]
struct Line(AtomicUsize);

/// Locks; a panic elsewhere has left nothing half done, since user code runs outside.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    pub(super) fn new(size: usize, terms: Terms, options: Options) -> Result<Arc<Self>> {
        let io = |error| Error::io("the memory of a pool could not be set up", error);
        let board_memory = Board::create().map_err(io)?;
        let slots = Slots::new().map_err(io)?;
        let board = Board::map(&board_memory).map_err(io)?;
        let slots_for_workers = slots.for_workers().map_err(io)?;
        let control = Event::new().map_err(io)?;
        let shared = options.shared.clone().transpose()?;
        let shared = shared.map(|bytes| Constant::create(bytes.bytes())).transpose().map_err(io)?;
        Ok(Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            owner: own::forks(),
            size: AtomicUsize::new(size),
            seats: AtomicUsize::new(size),
            alive: AtomicUsize::new(0),
            options,
            shared,
            failed_end: Mutex::new(None),
            cores: crate::process::info::cpu_count(),
            board,
            board_memory,
            slots_for_workers,
            desk: Mutex::new(Desk { slots, ledger: Ledger::new(SLOTS), broken: None }),
            rings: Mutex::new(Vec::new()),
            turn: Mutex::new(false),
            callbacks: Callbacks::default(),
            accepted: Line::default(),
            settled: Line::default(),
            room: Room::default(),
            terms,
            limits: Limits::default(),
            control,
            kill: AtomicBool::new(false),
            collector_stop: AtomicBool::new(false),
            ends_inside: AtomicBool::new(false),
            ended: Mutex::new(Ended::default()),
            ended_changed: Condvar::new(),
        }))
    }

    /// Takes a call on. Whatever stands against it goes to its completion.
    pub(super) fn submit<T: Task>(
        &self,
        arguments: &T::Args<'_>,
        terms: Terms,
        completion: &Arc<Completion>,
    ) {
        // Taken, not borrowed: encoding runs user code, which may submit too.
        let bytes = ENCODED.try_with(|scratch| scratch.borrow_mut().take());
        let mut bytes = bytes.unwrap_or_default();
        let mut attachments = terms.attachments();
        let refused = self
            .refuse_new()
            .map(|()| self.wait_for_room())
            .and_then(|()| Self::check_limit(terms.limit))
            .and_then(|()| T::__encode(arguments, To::new(&mut bytes, &mut attachments)))
            .and_then(|()| {
                let owner = Owner::Call(Arc::clone(completion));
                let call = Call::new(T::__entry(), owner, terms, attachments);
                self.accept(call, &mut bytes).map_err(|(_, error)| error)
            });
        // A thread that is ending has no such space any more, and does not need it.
        let _ = ENCODED.try_with(|scratch| scratch.borrow_mut().put_back(bytes));
        match refused {
            Ok(()) => self.board.wake(1),
            Err(error) => self.refuse(completion, error),
        }
    }

    pub(super) fn size(&self) -> usize {
        self.size.load(Relaxed)
    }

    /// No worker sits on a seat from this one on.
    pub(super) fn seats(&self) -> usize {
        self.seats.load(Relaxed)
    }

    /// Has the supervisor start or retire workers until there are so many.
    pub(super) fn resize(&self, size: usize) {
        self.seats.fetch_max(size, Relaxed);
        self.size.store(size, Relaxed);
        self.control.raise();
    }

    /// Refuses a batch that would be refused when its items are encoded.
    pub(super) fn refuse_map(&self) -> Result<()> {
        self.refuse_new()?;
        lock(&self.desk).refuse_if_not_open()
    }

    /// Counts a batch that nobody waits for as one call more that has no outcome.
    pub(super) fn begin_map(&self) -> Result<()> {
        self.refuse_new()?;
        let desk = lock(&self.desk);
        desk.refuse_if_not_open()?;
        self.count_accepted();
        Ok(())
    }

    /// Has a batch that nobody waits for go on by itself, from now on.
    pub(super) fn drive(&self, gather: &Arc<Gather>, driver: Arc<dyn Driver>) {
        gather.set_driver(Arc::clone(&driver));
        let done = driver.advance(self, gather);
        let after = done.map(|(completion, outcome)| {
            self.take_back(gather, &outcome).and(self.settle([Settled::Call(completion, outcome)]))
        });
        after.unwrap_or_default().run();
    }

    /// As [`accept`](Self::accept), for a call that belongs to what was accepted before.
    pub(super) fn accept_more(
        &self,
        call: Call,
        arguments: &mut Vec<u8>,
    ) -> std::result::Result<(), (Owner, Error)> {
        self.accept_in(&[Phase::Open, Phase::Closed], call, arguments)
    }

    /// Places a call, or has it wait; gives its owner back if it is refused. Wake a worker after it.
    pub(super) fn accept(
        &self,
        call: Call,
        arguments: &mut Vec<u8>,
    ) -> std::result::Result<(), (Owner, Error)> {
        self.accept_in(&[Phase::Open], call, arguments)
    }

    fn accept_in(
        &self,
        phases: &[Phase],
        call: Call,
        arguments: &mut Vec<u8>,
    ) -> std::result::Result<(), (Owner, Error)> {
        let limit = call.terms.limit;
        let mut desk = lock(&self.desk);
        if !phases.contains(&desk.ledger.phase)
            && let Err(error) = desk.refuse_if_not_open()
        {
            return Err((call.owner, error));
        }
        desk.put(&self.board, call, arguments)?;
        // Under the lock, which whoever reads the reply needs before it counts as settled.
        self.count_accepted();
        drop(desk);
        if let Some(limit) = limit {
            self.watch(limit);
        }
        if self.options.is_lazy() && self.wants_workers() {
            self.control.raise();
        }
        Ok(())
    }

    /// Whether there are fewer workers than there may be, and none that sleeps.
    fn wants_workers(&self) -> bool {
        self.alive.load(Relaxed) < self.size() && !self.board.any_parked()
    }

    /// Whether this process is a copy of the pool's owner, made by the user's own fork.
    pub(super) fn is_copy(&self) -> bool {
        self.owner != own::forks()
    }

    /// Refuses what a copy must not do.
    pub(super) fn refuse_copy(&self) -> Result<()> {
        if self.is_copy() {
            let text = "the pool belongs to the process that this one was forked from";
            return Err(Error::new(ErrorKind::NotOwner, text));
        }
        Ok(())
    }

    /// Refuses new calls where there can be none: in a copy of the pool's process, or at its end.
    pub(super) fn refuse_new(&self) -> Result<()> {
        self.refuse_copy()?;
        exit::refuse_if_ending()
    }

    /// Moves waiting calls into slots that have become free: how many, and those for which there was
    /// no memory.
    pub(super) fn refill(&self, desk: &mut Desk) -> (usize, Vec<Settled>) {
        let (mut placed, mut failed) = (0, Vec::new());
        while desk.slots.can_offer(&self.board) {
            let Some((waiting, slot, generation)) = desk.ledger.next_waiting() else { break };
            let Waiting { call, arguments } = waiting;
            if call.owner.is_cancelled() {
                desk.ledger.give_back(slot);
                continue;
            }
            match desk.place(&self.board, (slot, generation), call, &arguments) {
                Ok(()) => placed += 1,
                Err((owner, error)) => failed.push(owner.fail(error)),
            }
        }
        (placed, failed)
    }

    pub(super) fn phase(&self) -> Phase {
        lock(&self.desk).ledger.phase
    }

    /// Under the lock of the desk.
    fn count_accepted(&self) {
        let accepted = self.accepted.0.load(Relaxed);
        self.accepted.0.store(accepted.wrapping_add(1), Release);
    }

    /// Counts one more call as settled, and gives how many are not.
    pub(super) fn count_one_settled(&self) -> usize {
        let settled = self.settled.0.fetch_add(1, SeqCst).wrapping_add(1);
        self.room.one_settled();
        self.accepted.0.load(SeqCst).wrapping_sub(settled)
    }

    /// How many calls were accepted and have no outcome.
    pub(super) fn unsettled(&self) -> usize {
        // In this order, so that it is never negative.
        let settled = self.settled.0.load(SeqCst);
        self.accepted.0.load(SeqCst).wrapping_sub(settled)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.unsettled() == 0
    }

    /// Takes no more calls; what was accepted is run.
    pub(super) fn close(&self) {
        let mut desk = lock(&self.desk);
        let was_open = desk.ledger.phase == Phase::Open;
        if was_open {
            desk.ledger.phase = Phase::Closed;
            if self.is_idle() {
                // At once, without a word to the supervisor first.
                desk.slots.stop();
                self.board.wake_all(0..self.seats());
            }
        }
        drop(desk);
        self.control.raise();
        if was_open {
            tracing::debug!(target: "mp::pool", "the pool is closed: it takes no more tasks");
        }
    }
}
