//! A batch that nobody waits for: its items are all encoded at once, cut into calls as workers become free, and its list
//! is an outcome like that of one call. The same with someone who waits is in `map`.

use crate::codec::{Fit, Items, Kind, Sequence};
use crate::custody::Attachments;
use crate::error::Error;
use crate::pool::completion::{Completion, Outcome, Value};
use crate::pool::desk::{Call, Terms};
use crate::pool::engine::{Engine, lock};
use crate::pool::feed::{CALLS, next_of};
use crate::pool::gather::{Content, Driver, Gather, Part};
use crate::pool::owner::{Chunk, Owner};
use crate::pool::sizes::Sizes;
use crate::task::registry::Entry;
use serde::Serialize;
use std::sync::{Arc, Mutex};

/// The items of a batch, all encoded.
#[derive(Default)]
pub(super) struct Encoded {
    /// As [`Sequence`] writes them.
    pub(super) bytes: Vec<u8>,
    pub(super) count: u64,
    /// From which item on they are not of the kind that the bytes begin with, but lie behind their lengths.
    pub(super) turn: Option<u64>,
    /// Of the items that hold handles, the descriptors, the first item last.
    pub(super) attached: Vec<(u64, Attachments)>,
    /// Why an item is missing.
    pub(super) failure: Option<Error>,
}

impl Encoded {
    /// Takes all items, or, with `fail_fast`, those before the first that is an error.
    pub(super) fn new<T: Serialize>(mut items: impl Iterator<Item = T>, fail_fast: bool) -> Self {
        let mut this = Self::default();
        let mut attachments = Attachments::default();
        let mut sequence = Sequence::new(&mut this.bytes, &mut attachments);
        while !(fail_fast && this.failure.is_some()) {
            let pushed = match next_of(&mut items) {
                Ok(None) => break,
                Ok(Some(item)) => sequence.push(&item),
                Err(error) => {
                    this.failure.get_or_insert(error);
                    break;
                }
            };
            match pushed {
                Ok(fit) => {
                    if fit == Fit::Apart {
                        this.turn = Some(this.count);
                        sequence.measure();
                    }
                    let attached = sequence.take_attachments();
                    this.attached.extend(attached.map(|attached| (this.count, attached)));
                    this.count += 1;
                }
                Err(error) => drop(this.failure.get_or_insert(error)),
            }
        }
        drop(sequence);
        this.attached.reverse();
        this
    }
}

/// What is still to be sent, and what has come.
pub(super) struct AsyncMap {
    task: &'static Entry,
    completion: Arc<Completion>,
    fail_fast: bool,
    state: Mutex<State>,
}

struct State {
    encoded: Encoded,
    /// How far the bytes were sent, of what kind what follows is, and how many items were sent.
    at: usize,
    kind: Kind,
    sent: u64,
    sizes: Sizes,
    terms: Terms,
    parts: Vec<Part>,
    /// How many outcomes were taken. More may have arrived, and whoever brought them comes here, too.
    taken: u64,
    done: bool,
}

impl AsyncMap {
    pub(super) fn new(
        task: &'static Entry,
        completion: Arc<Completion>,
        encoded: Encoded,
        chunk: Option<usize>,
        terms: Terms,
        workers: usize,
        fail_fast: bool,
    ) -> Arc<Self> {
        let items = usize::try_from(encoded.count).ok();
        let sizes = Sizes::new(chunk, items, workers);
        let (parts, taken, done) = (Vec::new(), 0, false);
        // The first byte is none of an item's.
        let kind = Items::new(&encoded.bytes, Attachments::default()).kind();
        let (at, kind, sent) = (1, kind.unwrap_or(Kind::Measured), 0);
        let state = State { encoded, at, kind, sent, sizes, terms, parts, taken, done };
        Arc::new(Self { task, completion, fail_fast, state: Mutex::new(state) })
    }
}

impl Driver for AsyncMap {
    fn advance(&self, engine: &Engine, gather: &Arc<Gather>) -> Option<(Arc<Completion>, Outcome)> {
        let mut state = lock(&self.state);
        let state = &mut *state;
        while let Some(part) = gather.take() {
            state.taken += u64::from(part.count);
            match part.content {
                Content::Values(..) => state.parts.push(part),
                Content::Error(error) => drop(state.encoded.failure.get_or_insert(error)),
            }
        }
        if let Some(pace) = gather.pace() {
            state.sizes.learn(pace);
        }
        if self.fail_fast && !state.done && state.encoded.failure.is_some() {
            state.done = true;
            state.encoded.count = state.sent;
            gather.abandon();
            let failure = state.encoded.failure.take();
            return failure.map(|error| (Arc::clone(&self.completion), Err(error)));
        }
        let mut placed = 0;
        let calls = (CALLS * engine.size() + 1) as u64;
        while state.sent < state.encoded.count
            && state.sent - gather.arrived() < calls.saturating_mul(state.sizes.next() as u64)
        {
            if let Err(error) = state.send(self.task, engine, gather) {
                // It will be the same for all that follow.
                state.encoded.failure.get_or_insert(error);
                state.encoded.count = state.sent;
            }
            placed += 1;
        }
        engine.board.wake(placed);
        if state.done || state.sent < state.encoded.count || state.taken < state.sent {
            return None;
        }
        state.done = true;
        let mut parts = std::mem::take(&mut state.parts);
        parts.sort_by_key(|part| part.first);
        let outcome = state.encoded.failure.take().map_or(Ok(Value::many(parts)), Err);
        Some((Arc::clone(&self.completion), outcome))
    }
}

impl State {
    /// Sends the next call.
    fn send(
        &mut self,
        task: &'static Entry,
        engine: &Engine,
        gather: &Arc<Gather>,
    ) -> Result<(), Error> {
        let mut attachments = Attachments::default();
        let mut most = (self.sizes.next() as u64).min(self.encoded.count - self.sent);
        match self.encoded.turn {
            Some(turn) if turn > self.sent => most = most.min(turn - self.sent),
            Some(_) => self.kind = Kind::Measured,
            None => {}
        }
        if let Some((at, _)) = self.encoded.attached.last() {
            if *at == self.sent {
                most = 1;
                attachments = self.encoded.attached.pop().map(|(_, fds)| fds).unwrap_or_default();
            } else {
                most = most.min(at - self.sent);
            }
        }
        let count = u32::try_from(most).unwrap_or(u32::MAX);
        let rest = &self.encoded.bytes[self.at..];
        let mut items = Items::rest_of(Some(self.kind), rest, Attachments::default());
        let skipped = items.skip(count.into());
        debug_assert!(skipped, "as many items were encoded as are counted");
        let end = rest.len() - items.rest();
        let mut bytes = [&[self.kind as u8], &rest[..end]].concat();
        let gather = Arc::clone(gather);
        let chunk = Chunk { gather, next: self.sent, done: 0, left: count };
        engine
            .accept_more(Call::new(task, Owner::Chunk(chunk), self.terms, attachments), &mut bytes)
            .map_err(|(_, error)| error)?;
        self.at += end;
        self.sent += u64::from(count);
        Ok(())
    }
}
