//! What a pool shares between its handle, its callers and its threads: the carriers, the ledger, and how a call goes in
//! and an outcome is settled. Reading results is in `collect`, keeping workers alive in `supervise`.
//!
//! Locks are taken in this order, and never the other way round: `rings`, `desk`; `turn`; a handle's own; the callback
//! queue's. None is held while user code runs.

use crate::codec::{self, Items};
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use crate::pool::callback::Callbacks;
use crate::pool::completion::Completion;
use crate::pool::gather::{Driver, Gather};
use crate::pool::ledger::{Ledger, Phase};
use crate::pool::owner::{Chunk, Owner, Settled};
use crate::pool::post::Mailbox;
use crate::process::children::Child;
use crate::process::exit;
use crate::sys::event::Event;
use crate::sys::memory::Memory;
use crate::sys::own;
use crate::task::Task;
use crate::task::registry::Entry;
use crate::transport::board::{Board, SLOTS};
use crate::transport::bytes::Bytes;
use crate::transport::ring::Reader;
use crate::transport::segment::Block;
use crate::transport::slots::{Slots, What};
use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering::{AcqRel, Acquire};
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
    pub(super) owner: Owner,
    pub(super) block: Option<Block>,
    /// The descriptors of its arguments, until a worker has begun it.
    pub(super) attachments: Attachments,
}

/// A call that waits for a slot.
pub(super) struct Waiting {
    pub(super) owner: Owner,
    pub(super) what: What,
    pub(super) arguments: Bytes,
    pub(super) attachments: Attachments,
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
            .refuse_new()
            .and_then(|()| codec::encode_with(arguments, &mut bytes, &mut attachments))
            .and_then(|()| {
                let owner = Owner::Call(Arc::clone(completion));
                self.accept(T::__entry(), &mut bytes, attachments, owner)
                    .map_err(|(_, error)| error)
            });
        if bytes.capacity() <= SCRATCH {
            // A thread that is ending has no such space any more, and does not need it.
            let _ = ENCODED.try_with(|scratch| scratch.replace(bytes));
        }
        match refused {
            Ok(()) => self.board.wake(1),
            Err(error) => self.refuse(completion, error),
        }
    }

    /// Counts a batch that nobody waits for as one call more that has no outcome.
    pub(super) fn begin_map(&self) -> Result<()> {
        self.refuse_new()?;
        let desk = lock(&self.desk);
        desk.refuse_if_not_open()?;
        self.unsettled.fetch_add(1, AcqRel);
        Ok(())
    }

    /// Has a batch that nobody waits for go on by itself, from now on.
    pub(super) fn drive(&self, gather: &Arc<Gather>, driver: Arc<dyn Driver>) {
        gather.set_driver(Arc::clone(&driver));
        let done = driver.advance(self, gather);
        self.settle(done.map(|(completion, outcome)| Settled::Call(completion, outcome))).run();
    }

    /// As [`accept`](Self::accept), for a call that belongs to what was accepted before.
    pub(super) fn accept_more(
        &self,
        task: &'static Entry,
        arguments: &mut Vec<u8>,
        attachments: Attachments,
        owner: Owner,
    ) -> std::result::Result<(), (Owner, Error)> {
        self.accept_in(&[Phase::Open, Phase::Closed], task, arguments, attachments, owner)
    }

    /// Places a call, or has it wait; gives its owner back if it is refused. Wake a worker after it.
    pub(super) fn accept(
        &self,
        task: &'static Entry,
        arguments: &mut Vec<u8>,
        attachments: Attachments,
        owner: Owner,
    ) -> std::result::Result<(), (Owner, Error)> {
        self.accept_in(&[Phase::Open], task, arguments, attachments, owner)
    }

    fn accept_in(
        &self,
        phases: &[Phase],
        task: &'static Entry,
        arguments: &mut Vec<u8>,
        attachments: Attachments,
        owner: Owner,
    ) -> std::result::Result<(), (Owner, Error)> {
        let chunk = matches!(owner, Owner::Chunk(_));
        let what = What { code: task.index(), attached: !attachments.is_empty(), chunk };
        let mut desk = lock(&self.desk);
        if !phases.contains(&desk.ledger.phase)
            && let Err(error) = desk.refuse_if_not_open()
        {
            return Err((owner, error));
        }
        desk.put(&self.board, what, arguments, attachments, owner)?;
        // Under the lock, which whoever reads the reply needs before it counts as settled.
        self.unsettled.fetch_add(1, AcqRel);
        Ok(())
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

    /// Takes back the calls of a gather that no worker has begun.
    pub(super) fn withdraw(&self, gather: &Arc<Gather>) {
        if self.is_copy() {
            return;
        }
        let of = |owner: &Owner| match owner {
            Owner::Chunk(chunk) => Arc::ptr_eq(&chunk.gather, gather),
            Owner::Call(_) => false,
        };
        let mut desk = lock(&self.desk);
        let waiting = desk.ledger.take_waiting(|call| of(&call.owner));
        let slots = desk.ledger.slots_of(|placed| of(&placed.owner));
        let mut taken = Vec::new();
        for (slot, generation) in slots {
            if self.board.withdraw(slot, generation)
                && let Some(mut placed) = desk.ledger.take(slot)
            {
                placed.block.take().into_iter().for_each(|block| desk.slots.free(block));
                taken.push(placed);
            }
        }
        let (placed, failed) = self.refill(&mut desk);
        drop(desk);
        self.board.wake(placed);
        self.settle(failed).run();
        (0..waiting.len() + taken.len()).for_each(|_| self.count_settled());
    }

    /// Moves waiting calls into slots that have become free: how many, and those for which there was
    /// no memory.
    pub(super) fn refill(&self, desk: &mut Desk) -> (usize, Vec<Settled>) {
        let (mut placed, mut failed) = (0, Vec::new());
        while desk.slots.can_offer(&self.board) {
            let Some((call, slot, generation)) = desk.ledger.next_waiting() else { break };
            let Waiting { owner, what, arguments, attachments } = call;
            let call = Placed { owner, block: None, attachments };
            match desk.place(&self.board, (slot, generation), what, &arguments, call) {
                Ok(()) => placed += 1,
                Err((owner, error)) => failed.push(owner.fail(error)),
            }
        }
        (placed, failed)
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

    /// Fails the item that a dead worker was running, and has the rest of its chunk wait for another.
    pub(super) fn fail_one(
        &mut self,
        mut chunk: Chunk,
        slot: usize,
        block: Option<&Block>,
        error: Error,
    ) -> Settled {
        let settled = chunk.fail_one(error);
        let payload = self.slots.payload(slot, block);
        let mut items = Items::new(&payload, Attachments::default());
        let skipped = (0..chunk.done).all(|_| items.skip());
        if chunk.left > 0 && skipped {
            let rest = payload[payload.len() - items.rest()..].to_vec();
            let what = self.slots.what(slot);
            let owner = Owner::Chunk(Chunk { done: 0, ..chunk });
            let attachments = Attachments::default();
            self.ledger.wait_first(Waiting { owner, what, arguments: rest.into(), attachments });
        }
        settled
    }

    /// Places a call, or has it wait for a slot.
    fn put(
        &mut self,
        board: &Board,
        what: What,
        arguments: &mut Vec<u8>,
        attachments: Attachments,
        owner: Owner,
    ) -> std::result::Result<(), (Owner, Error)> {
        if self.slots.can_offer(board)
            && let Some(reserved) = self.ledger.reserve()
        {
            let call = Placed { owner, block: None, attachments };
            return self.place(board, reserved, what, arguments, call);
        }
        let arguments = Bytes::take(arguments);
        self.ledger.wait(Waiting { owner, what, arguments, attachments });
        Ok(())
    }

    fn place(
        &mut self,
        board: &Board,
        (slot, generation): (usize, u32),
        what: What,
        arguments: &[u8],
        call: Placed,
    ) -> std::result::Result<(), (Owner, Error)> {
        match self.slots.write(slot, what, arguments) {
            Ok(block) => {
                self.ledger.place(slot, generation, Placed { block, ..call });
                self.slots.offer(board, slot, generation);
                Ok(())
            }
            Err(error) => {
                self.ledger.give_back(slot);
                let doing = format!("no memory for {} bytes of arguments", arguments.len());
                Err((call.owner, Error::io(doing, error)))
            }
        }
    }
}
