//! What a pool shares between its handle, its callers and its threads: the carriers, the ledger, and how a call goes in
//! and an outcome is settled. Reading results is in `collect`, keeping workers alive in `supervise`.
//!
//! Locks are taken in this order, and never the other way round: `rings`, `desk`; `turn`; a handle's own; the callback
//! queue's. None is held while user code runs.

use crate::codec;
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use crate::pool::callback::{Callbacks, Due};
use crate::pool::completion::{Completion, Outcome};
use crate::pool::ledger::{Ledger, Phase};
use crate::pool::post::Mailbox;
use crate::process::children::Child;
use crate::process::exit;
use crate::sys::event::Event;
use crate::sys::memory::Memory;
use crate::sys::own;
use crate::task::Task;
use crate::task::registry::Entry;
use crate::transport::board::{Board, SLOTS, Sleeper, State};
use crate::transport::bytes::Bytes;
use crate::transport::ring::Reader;
use crate::transport::segment::Block;
use crate::transport::slots::{Slots, What};
use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering::{AcqRel, Acquire, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

/// Scratch space for encoding that grew beyond this is given back.
const SCRATCH: usize = 1 << 20;

thread_local! {
    static ENCODED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

pub(super) struct Engine {
    /// Itself, for threads that it starts.
    pub(super) this: Weak<Self>,
    /// The process that made the pool, by its forks: a copy must not touch what both have mapped.
    owner: u32,
    pub(super) size: usize,
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
    /// Calls accepted and not settled.
    pub(super) unsettled: AtomicUsize,
    /// Raised to have the supervisor look.
    pub(super) control: Event,
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
    pub(super) child: Arc<Child>,
    pub(super) ring: Reader,
    pub(super) mail: Mailbox,
    /// The worker has scribbled over its ring or sends nonsense: nothing more is read, and it is killed.
    pub(super) malformed: bool,
}

/// How far the pool's end has come.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) workers: bool,
    pub(super) threads: bool,
}

/// What is written when a call is placed.
pub(super) struct Desk {
    pub(super) slots: Slots,
    pub(super) ledger: Ledger<Placed, Waiting>,
}

/// A call in a slot.
pub(super) struct Placed {
    pub(super) completion: Arc<Completion>,
    pub(super) block: Option<Block>,
    /// The descriptors of its arguments, until a worker has begun it.
    pub(super) attachments: Attachments,
}

/// A call that waits for a slot.
pub(super) struct Waiting {
    pub(super) completion: Arc<Completion>,
    task: &'static Entry,
    arguments: Bytes,
    attachments: Attachments,
}

/// Locks; a panic elsewhere has left nothing half done, since user code runs outside.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    pub(super) fn new(size: usize) -> Result<Arc<Self>> {
        let io = |error| Error::io("the memory of a pool could not be set up", error);
        let board_memory = Board::create().map_err(io)?;
        let slots = Slots::new().map_err(io)?;
        let board = Board::map(&board_memory).map_err(io)?;
        let slots_for_workers = slots.for_workers().map_err(io)?;
        let control = Event::new().map_err(io)?;
        Ok(Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            owner: own::forks(),
            size,
            cores: crate::process::cpu_count(),
            board,
            board_memory,
            slots_for_workers,
            desk: Mutex::new(Desk { slots, ledger: Ledger::new(SLOTS) }),
            rings: Mutex::new(Vec::new()),
            turn: Mutex::new(false),
            callbacks: Callbacks::default(),
            unsettled: AtomicUsize::new(0),
            control,
            collector_stop: AtomicBool::new(false),
            ends_inside: AtomicBool::new(false),
            ended: Mutex::new(Ended::default()),
            ended_changed: Condvar::new(),
        }))
    }

    /// Takes a call on. Whatever stands against it goes to its completion.
    pub(super) fn submit<T: Task>(&self, arguments: &T::Args<'_>, completion: &Arc<Completion>) {
        // Taken, not borrowed: encoding runs user code, which may submit too.
        let mut bytes = ENCODED.try_with(RefCell::take).unwrap_or_default();
        bytes.clear();
        let mut attachments = Attachments::default();
        let refused = self
            .refuse_copy()
            .and_then(|()| exit::refuse_if_ending())
            .and_then(|()| codec::encode_with(arguments, &mut bytes, &mut attachments))
            .and_then(|()| self.accept(T::__entry(), &mut bytes, attachments, completion));
        if bytes.capacity() <= SCRATCH {
            // A thread that is ending has no such space any more, and does not need it.
            let _ = ENCODED.try_with(|scratch| scratch.replace(bytes));
        }
        match refused {
            Ok(()) => self.board.wake_one(),
            Err(error) => self.refuse(completion, error),
        }
    }

    fn accept(
        &self,
        task: &'static Entry,
        arguments: &mut Vec<u8>,
        attachments: Attachments,
        completion: &Arc<Completion>,
    ) -> Result<()> {
        let mut desk = lock(&self.desk);
        desk.refuse_if_not_open()?;
        if let Some(error) = desk.put(&self.board, task, arguments, attachments, completion) {
            return Err(error);
        }
        // Under the lock, which whoever reads the reply needs before it counts as settled.
        self.unsettled.fetch_add(1, AcqRel);
        Ok(())
    }

    /// Settles a call that was not taken on. Its error callback, if any, runs here and now.
    fn refuse(&self, completion: &Completion, error: Error) {
        let outcome = Err(error);
        completion.callback().run(&outcome);
        completion.set(outcome);
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

    /// Moves waiting calls into slots that have become free: how many, and those for which there was
    /// no memory.
    pub(super) fn refill(&self, desk: &mut Desk) -> (usize, Vec<(Arc<Completion>, Error)>) {
        let (mut placed, mut failed) = (0, Vec::new());
        while desk.slots.can_offer(&self.board) {
            let Some((call, slot, generation)) = desk.ledger.next_waiting() else { break };
            let Waiting { completion, task, arguments, attachments } = call;
            let what = What { code: task.index(), attached: !attachments.is_empty() };
            let call = Placed { completion, block: None, attachments };
            match desk.place(&self.board, (slot, generation), what, &arguments, call) {
                Ok(()) => placed += 1,
                Err((call, error)) => failed.push((call.completion, error)),
            }
        }
        (placed, failed)
    }

    /// Takes outcomes for calls that were accepted: to their callbacks first, where they have one.
    /// Gives those whose callbacks will not run, as [`Callbacks::push`].
    pub(super) fn settle(
        &self,
        settled: impl IntoIterator<Item = (Arc<Completion>, Outcome)>,
    ) -> Vec<Arc<Completion>> {
        let mut due = Vec::new();
        for (completion, outcome) in settled {
            if completion.callback().is_some() {
                due.push(Due { completion, outcome });
            } else {
                self.finish(&completion, outcome);
            }
        }
        self.callbacks.push(self, due)
    }

    /// Sets a call's outcome and wakes whoever waits for it.
    pub(super) fn finish(&self, completion: &Completion, outcome: Outcome) {
        let Some(told) = completion.set(outcome) else { return };
        if told.leader {
            self.board.ring(Sleeper::Leader);
        }
        if told.nested {
            self.callbacks.look_again();
        }
        // SeqCst, as `ends_inside`: either this is seen by who waits inside a callback, or the wait
        // is seen here.
        let left = self.unsettled.fetch_sub(1, SeqCst) - 1;
        if self.ends_inside.load(SeqCst) {
            self.callbacks.look_again();
        }
        if left == 0 {
            let open = lock(&self.desk).ledger.phase == Phase::Open;
            if !open {
                self.control.raise();
            }
        }
    }

    pub(super) fn phase(&self) -> Phase {
        lock(&self.desk).ledger.phase
    }

    pub(super) fn is_idle(&self) -> bool {
        self.unsettled.load(Acquire) == 0
    }

    /// Takes no more calls; what was accepted is run.
    pub(super) fn close(&self) {
        let mut desk = lock(&self.desk);
        if desk.ledger.phase == Phase::Open {
            desk.ledger.phase = Phase::Closed;
        }
        drop(desk);
        self.control.raise();
    }

    /// Takes no more calls, and settles all that have no outcome yet with `error`. The supervisor
    /// ends the workers.
    pub(super) fn abandon(&self, phase: Phase, error: &Error) {
        let mut desk = lock(&self.desk);
        if matches!(desk.ledger.phase, Phase::Terminated | Phase::Broken) {
            return;
        }
        desk.ledger.phase = phase;
        let (placed, waiting) = desk.ledger.drain();
        let mut completions = Vec::with_capacity(placed.len() + waiting.len());
        for (slot, Placed { completion, .. }) in placed {
            // What no worker has begun, none will begin.
            self.board.set(slot, 0, State::Free);
            completions.push(completion);
        }
        drop(desk);
        completions.extend(waiting.into_iter().map(|call| call.completion));
        completions.extend(self.callbacks.abandon(error).into_iter().map(|due| due.completion));
        completions.iter().for_each(|completion| self.finish(completion, Err(error.clone())));
        self.control.raise();
        // Last, since it runs the user's code.
        discard(&completions);
    }
}

/// Drops callbacks that will not run; what they have captured is the user's.
pub(super) fn discard(completions: &[Arc<Completion>]) {
    completions.iter().for_each(|completion| completion.callback().discard());
}

impl Desk {
    fn refuse_if_not_open(&self) -> Result<()> {
        Err(match self.ledger.phase {
            Phase::Open => return Ok(()),
            Phase::Closed => Error::new(ErrorKind::NotRunning, "the pool is closed"),
            Phase::Terminated => Error::new(ErrorKind::NotRunning, "the pool is terminated"),
            Phase::Broken => Error::new(
                ErrorKind::Broken,
                "the pool is broken: its workers end before they are up",
            ),
        })
    }

    /// Places a call, or has it wait for a slot.
    fn put(
        &mut self,
        board: &Board,
        task: &'static Entry,
        arguments: &mut Vec<u8>,
        attachments: Attachments,
        completion: &Arc<Completion>,
    ) -> Option<Error> {
        let completion = Arc::clone(completion);
        if self.slots.can_offer(board)
            && let Some(reserved) = self.ledger.reserve()
        {
            let what = What { code: task.index(), attached: !attachments.is_empty() };
            let call = Placed { completion, block: None, attachments };
            return self
                .place(board, reserved, what, arguments, call)
                .err()
                .map(|(_, error)| error);
        }
        let arguments = Bytes::take(arguments);
        self.ledger.wait(Waiting { completion, task, arguments, attachments });
        None
    }

    fn place(
        &mut self,
        board: &Board,
        (slot, generation): (usize, u32),
        what: What,
        arguments: &[u8],
        call: Placed,
    ) -> std::result::Result<(), (Placed, Error)> {
        match self.slots.write(slot, what, arguments) {
            Ok(block) => {
                self.ledger.place(slot, generation, Placed { block, ..call });
                self.slots.offer(board, slot, generation);
                Ok(())
            }
            Err(error) => {
                self.ledger.give_back(slot);
                let doing = format!("no memory for {} bytes of arguments", arguments.len());
                Err((call, Error::io(doing, error)))
            }
        }
    }
}
