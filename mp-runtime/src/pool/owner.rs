//! Whose a call in a slot or in the backlog is: one handle's, or a part of many calls that were made as one. What comes
//! from a worker, or of a worker's death, is told to it here.

use crate::custody::Attachments;
use crate::error::{Error, ErrorKind};
use crate::pool::completion::{Completion, Outcome, Value};
use crate::pool::desk::Stage;
use crate::pool::engine::Link;
use crate::pool::gather::{Content, Gather, Part};
use crate::protocol::message::{ITEMS_AT, Reply};
use crate::protocol::post::Address;
use crate::transport::bytes::Bytes;
use crate::transport::ring::Record;
use std::sync::Arc;
use std::time::Duration;

/// Who wants a call's outcome.
pub(super) enum Owner {
    Call(Arc<Completion>),
    Chunk(Chunk),
}

/// Items side by side that a worker runs as one call.
pub(super) struct Chunk {
    pub(super) gather: Arc<Gather>,
    /// Which item is the next to have an outcome.
    pub(super) next: u64,
    /// How many have one, and how many have none yet.
    pub(super) done: u32,
    pub(super) left: u32,
}

/// An outcome on its way to whoever wants it; told where no lock of the pool's desk is held.
pub(super) enum Settled {
    Call(Arc<Completion>, Outcome),
    /// A part of many.
    Part(Box<Arrived>),
}

/// A part on its way.
pub(super) struct Arrived {
    pub(super) gather: Arc<Gather>,
    pub(super) part: Part,
    /// How long its items took.
    pub(super) took: Option<Duration>,
    /// Whether it is its chunk's last.
    pub(super) last: bool,
}

impl Owner {
    pub(super) fn task(&self) -> &'static str {
        match self {
            Self::Call(completion) => completion.task,
            Self::Chunk(chunk) => chunk.gather.task,
        }
    }

    /// Notes where the call is.
    pub(super) fn stage(&self, stage: Stage) {
        if let Self::Call(completion) = self {
            completion.set_stage(stage);
        }
    }

    /// Whether it was cancelled while it waited, and is settled.
    pub(super) fn is_cancelled(&self) -> bool {
        matches!(self, Self::Call(completion) if completion.stage() == Stage::Cancelled)
    }

    /// Whether this is the call of a handle.
    pub(super) fn is(&self, completion: &Arc<Completion>) -> bool {
        matches!(self, Self::Call(own) if Arc::ptr_eq(own, completion))
    }

    /// How many results are still to come.
    pub(super) fn results(&self) -> usize {
        match self {
            Self::Call(_) => 1,
            Self::Chunk(chunk) => usize::try_from(chunk.left).unwrap_or(usize::MAX),
        }
    }

    /// The same error for all that has no outcome yet.
    pub(super) fn fail(self, error: Error) -> Settled {
        match self {
            Self::Call(completion) => Settled::Call(completion, Err(error)),
            Self::Chunk(mut chunk) => {
                let count = chunk.left;
                chunk.settle(count, Content::Error(error), None)
            }
        }
    }
}

impl Chunk {
    /// Takes the record that a worker has sent for it, with what holds the objects in it; `None` if no worker
    /// sends such a record.
    pub(super) fn take(
        &mut self,
        record: Record,
        objects: Attachments,
        link: &mut Link,
    ) -> Option<Settled> {
        let Record { tag: [slot, generation], parts, body } = record;
        if let Some(nanos) = Reply::items_nanos(&body) {
            if parts == 0 || parts > self.left {
                return None;
            }
            let values = Content::Values(body, ITEMS_AT, Attachments::default());
            return Some(self.settle(parts, values, Some(Duration::from_nanos(nanos))));
        }
        let of = Address { slot, generation };
        let outcome = outcome(body, objects, self.gather.task, link, of);
        let content = match outcome {
            // A value is one item's.
            Ok(_) if parts == 0 => return None,
            Ok(value) => {
                let (reply, attachments) = value.into_parts();
                Content::Values(reply, 1, attachments)
            }
            Err(error) => Content::Error(error),
        };
        // What kept a worker from running the chunk at all is every item's error.
        let count = if parts == 0 { self.left } else { 1 };
        (self.left > 0).then(|| self.settle(count, content, None))
    }

    fn settle(&mut self, count: u32, content: Content, took: Option<Duration>) -> Settled {
        let part = Part { first: self.next, count, content };
        self.next += u64::from(count);
        self.done += count;
        self.left -= count;
        let (gather, last) = (Arc::clone(&self.gather), self.left == 0);
        Settled::Part(Box::new(Arrived { gather, part, took, last }))
    }

    /// Fails the item that a worker was running when it died.
    pub(super) fn fail_one(&mut self, error: Error) -> Settled {
        self.settle(1.min(self.left), Content::Error(error), None)
    }
}

/// Takes what holds the objects in a value out of its reply. Before anything else is done with that: if nobody wants the
/// value, they go with this.
pub(super) fn take_objects(reply: &mut Bytes) -> Attachments {
    match reply.first() {
        Some(first) if Reply::may_have_objects(*first) => {
            Attachments::keeping(&Reply::take_objects(reply))
        }
        _ => Attachments::NONE,
    }
}

/// What a reply, of which the objects were taken, means to the caller.
pub(super) fn outcome(
    body: Bytes,
    objects: Attachments,
    task: &str,
    link: &mut Link,
    of: Address,
) -> Outcome {
    let worker = link.child.name();
    let value = match Reply::parse(&body) {
        Ok(Reply::Value(_)) => Ok(objects),
        Ok(Reply::Attached(_)) => link.mail.open(of).map(|descriptors| descriptors.with(objects)),
        Ok(reply) => reply.into_result(task, worker).map(|_| Attachments::default()),
        Err(error) => {
            let text = format!("{worker} sent no proper reply to task {task}");
            Err(Error::with_source(ErrorKind::Decode, text, error))
        }
    };
    value.map(|attachments| Value::one(body, attachments))
}
