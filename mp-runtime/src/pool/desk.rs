//! What is written when a call is placed: slots and ledger together, under one lock. What a call's end means is decided
//! by the `ledger`; who is told is in `settle`.

use crate::codec::Items;
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use crate::pool::ledger::{Ledger, Phase};
use crate::pool::owner::{Chunk, Owner, Settled};
use crate::task::registry::Entry;
use crate::transport::board::Board;
use crate::transport::bytes::Bytes;
use crate::transport::segment::Block;
use crate::transport::slots::{Slots, What};
use std::time::Duration;

pub(super) struct Desk {
    pub(super) slots: Slots,
    pub(super) ledger: Ledger<Placed, Waiting>,
    /// Why the pool is broken, if it is.
    pub(super) broken: Option<Error>,
}

/// A call, but for its arguments' bytes.
pub(super) struct Call {
    pub(super) owner: Owner,
    pub(super) what: What,
    pub(super) terms: Terms,
    /// The descriptors of its arguments, until a worker has begun it.
    pub(super) attachments: Attachments,
}

impl Call {
    pub(super) fn new(
        task: &'static Entry,
        owner: Owner,
        terms: Terms,
        attachments: Attachments,
    ) -> Self {
        let chunk = matches!(owner, Owner::Chunk(_));
        let (attached, timed) = (attachments.has_descriptors(), terms.limit.is_some());
        let what = What { code: task.index(), attached, chunk, timed };
        Self { owner, what, terms, attachments }
    }

    fn waiting(&self) -> Stage {
        if self.attachments.is_empty() { Stage::Waiting } else { Stage::WaitingLaden }
    }
}

/// What a call may take.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Terms {
    /// How long running it may take, or each item of it.
    pub(super) limit: Option<Duration>,
    /// How often it may be run again if it fails.
    pub(super) retries: u32,
}

impl Terms {
    /// What the arguments' handles are to be attached to.
    pub(super) fn attachments(self) -> Attachments {
        // A call that may be run again is read again.
        if self.retries > 0 { Attachments::for_many() } else { Attachments::default() }
    }
}

/// A call in a slot.
pub(super) struct Placed {
    pub(super) call: Call,
    pub(super) block: Option<Block>,
}

/// A call that waits for a slot.
pub(super) struct Waiting {
    pub(super) call: Call,
    pub(super) arguments: Bytes,
}

impl Desk {
    pub(super) fn refuse_if_not_open(&self) -> Result<()> {
        Err(match self.ledger.phase {
            Phase::Open => return Ok(()),
            Phase::Closed => Error::new(ErrorKind::NotRunning, "the pool is closed"),
            Phase::Terminated => Error::new(ErrorKind::NotRunning, "the pool is terminated"),
            Phase::Broken => match &self.broken {
                Some(error) => error.clone(),
                None => Error::new(ErrorKind::Broken, "the pool is broken"),
            },
        })
    }

    /// Places a call, or has it wait for a slot.
    pub(super) fn put(
        &mut self,
        board: &Board,
        call: Call,
        arguments: &mut Vec<u8>,
    ) -> std::result::Result<(), (Owner, Error)> {
        if self.slots.can_offer(board)
            && let Some(reserved) = self.ledger.reserve()
        {
            return self.place(board, reserved, call, arguments);
        }
        call.owner.stage(call.waiting());
        self.ledger.wait(Waiting { call, arguments: Bytes::take(arguments) });
        Ok(())
    }

    pub(super) fn place(
        &mut self,
        board: &Board,
        (slot, generation): (usize, u32),
        call: Call,
        arguments: &[u8],
    ) -> std::result::Result<(), (Owner, Error)> {
        match self.slots.write(slot, call.what, arguments) {
            Ok(block) => {
                call.owner.stage(Stage::Placed);
                self.ledger.place(slot, generation, Placed { call, block });
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

    /// Frees the memory of a call that was taken out of its slot.
    pub(super) fn free(&mut self, placed: Placed) -> Call {
        placed.block.into_iter().for_each(|block| self.slots.free(block));
        placed.call
    }

    /// Has a call wait before all others to be run again, if it may; it has just left its slot.
    pub(super) fn retry(&mut self, slot: usize, mut placed: Placed) -> Option<Placed> {
        let Some(retries) = placed.call.terms.retries.checked_sub(1) else { return Some(placed) };
        placed.call.terms.retries = retries;
        let arguments = self.slots.payload(slot, placed.block.as_ref()).into();
        let call = self.free(placed);
        call.owner.stage(call.waiting());
        self.ledger.wait_first(Waiting { call, arguments });
        None
    }

    /// What a worker's death means for a call that it had begun: it fails, and of a chunk the item that
    /// was being run; none was if there is no error. The rest of a chunk waits for another worker.
    pub(super) fn fail(
        &mut self,
        slot: usize,
        placed: Placed,
        error: Option<Error>,
    ) -> Option<Settled> {
        let payload = match placed.call.owner {
            Owner::Call(_) => Vec::new(),
            Owner::Chunk(_) => self.slots.payload(slot, placed.block.as_ref()),
        };
        let Call { owner, what, terms, attachments } = self.free(placed);
        let mut chunk = match owner {
            Owner::Chunk(chunk) => chunk,
            call @ Owner::Call(_) => return error.map(|error| call.fail(error)),
        };
        if chunk.gather.is_unwanted() {
            let error =
                error.unwrap_or_else(|| Error::new(ErrorKind::Cancelled, "nobody wants it"));
            return Some(Owner::Chunk(chunk).fail(error));
        }
        let settled = error.map(|error| chunk.fail_one(error));
        let mut items = Items::new(&payload, Attachments::default());
        if chunk.left > 0 && items.skip(chunk.done.into()) {
            let arguments = items.remainder().into();
            let owner = Owner::Chunk(Chunk { done: 0, ..chunk });
            self.ledger
                .wait_first(Waiting { call: Call { owner, what, terms, attachments }, arguments });
        }
        settled
    }
}

/// Where a call is, as its handle needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not accepted, or no longer the pool's.
    Elsewhere,
    /// It waits for a slot.
    Waiting,
    /// The same, and there are handles in its arguments.
    WaitingLaden,
    /// It lies in a slot, or is run.
    Placed,
    /// It was taken back.
    Cancelled,
}
