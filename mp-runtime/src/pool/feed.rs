//! Items on their way into a pool: taken from their iterator as they are wanted, encoded, and given to the workers many at
//! a time. How many is in `sizes`, where the outcomes arrive in `gather`.

use crate::codec::{Fit, Sequence};
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use crate::pool::desk::{Call, Terms};
use crate::pool::engine::Engine;
use crate::pool::gather::{Content, Gather, Part};
use crate::pool::owner::{Chunk, Owner};
use crate::pool::sizes::Sizes;
use crate::task::Task;
use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

/// How many calls are under way for each worker, so that none waits for its next one.
pub(super) const CALLS: usize = 2;

/// Where items come from, and how far that has got.
pub(super) struct Feed<I> {
    pub(super) engine: Arc<Engine>,
    pub(super) gather: Arc<Gather>,
    items: I,
    sizes: Sizes,
    terms: Terms,
    /// The index of the next item.
    next: u64,
    /// No more items are taken: there are none, or the pool takes none.
    ended: bool,
    /// The items are not numbers of one kind.
    mixed: bool,
    scratch: Vec<u8>,
}

impl<I> Feed<I> {
    pub(super) fn new(
        engine: &Arc<Engine>,
        gather: Arc<Gather>,
        items: I,
        sizes: Sizes,
        terms: Terms,
    ) -> Self {
        let engine = Arc::clone(engine);
        let (next, ended, mixed, scratch) = (0, false, false, Vec::new());
        Self { engine, gather, items, sizes, terms, next, ended, mixed, scratch }
    }

    /// How many items have been taken.
    pub(super) fn taken(&self) -> u64 {
        self.next
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Takes back what no worker has begun, and wants nothing more.
    pub(super) fn stop(&mut self) {
        self.ended = true;
        self.gather.abandon();
        self.engine.withdraw(&self.gather).run();
    }

    /// How many items the next calls may have.
    pub(super) fn size(&mut self) -> usize {
        if let Some(pace) = self.gather.pace() {
            self.sizes.learn(pace);
        }
        self.sizes.next()
    }
}

impl<I: Iterator> Feed<I> {
    /// Sends calls until as many items are under way as that many of them have, and none beyond the
    /// first `until`.
    pub(super) fn fill<'a, T>(&mut self, calls: u64, until: u64)
    where
        T: Task,
        I: Iterator<Item = T::Args<'a>>,
    {
        while !self.ended {
            let size = self.size() as u64;
            let under_way = self.next - self.gather.arrived();
            let room = until.saturating_sub(self.next);
            if under_way >= calls.saturating_mul(size) || room == 0 {
                return;
            }
            let size = usize::try_from(size.min(room)).unwrap_or(usize::MAX);
            self.send::<T>(size);
        }
    }

    /// Sends one call of up to so many items.
    pub(super) fn send<'a, T>(&mut self, size: usize)
    where
        T: Task,
        I: Iterator<Item = T::Args<'a>>,
    {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let mut attachments = self.terms.attachments();
        let mut sequence = match self.mixed {
            false => Sequence::new(&mut scratch, &mut attachments),
            true => Sequence::measured(&mut scratch, &mut attachments),
        };
        let mut count = 0;
        // What ends the call early and comes after it: an item with handles, one of another kind, or one that
        // is an error.
        let mut apart = None;
        while count < size {
            let item = match next_of(&mut self.items) {
                Ok(Some(item)) => item,
                other => {
                    self.ended = true;
                    apart = other.err().map(Err);
                    break;
                }
            };
            let start = sequence.len();
            let fit = match sequence.push(&item) {
                Ok(fit) => fit,
                Err(error) => {
                    apart = Some(Err(error));
                    break;
                }
            };
            let attachments = sequence.take_attachments();
            if fit == Fit::Apart || attachments.is_some() {
                self.mixed = true;
                apart = Some(Ok((sequence.take_last(start), attachments.unwrap_or_default())));
                break;
            }
            count += 1;
        }
        drop(sequence);
        if count > 0 {
            self.submit::<T>(&mut scratch, Attachments::default(), count);
        }
        match apart {
            None => {}
            Some(Ok((mut bytes, attachments))) => self.submit::<T>(&mut bytes, attachments, 1),
            Some(Err(error)) => self.fail(error, 1),
        }
        self.scratch = scratch;
    }

    fn submit<T: Task>(&mut self, bytes: &mut Vec<u8>, attachments: Attachments, count: usize) {
        let left = u32::try_from(count).unwrap_or(u32::MAX);
        let gather = Arc::clone(&self.gather);
        let chunk = Chunk { gather, next: self.next, done: 0, left };
        let refused = self.engine.refuse_new();
        let accepted = match refused {
            Err(error) => Err(error),
            Ok(()) => self
                .engine
                .accept(
                    Call::new(T::__entry(), Owner::Chunk(chunk), self.terms, attachments),
                    bytes,
                )
                .map_err(|(_, error)| error),
        };
        match accepted {
            Ok(()) => {
                self.next += u64::from(left);
                self.engine.board.wake(1);
            }
            Err(error) => {
                // It will be the same for all that follow.
                self.ended |= error.kind() != ErrorKind::Io;
                self.fail(error, left);
            }
        }
    }

    fn fail(&mut self, error: Error, count: u32) {
        let part = Part { first: self.next, count, content: Content::Error(error) };
        self.next += u64::from(count);
        // Whoever waits for it is this thread.
        drop(self.gather.deliver(part, None));
    }
}

/// The next item of an iterator of the user's, which may panic.
pub(super) fn next_of<I: Iterator>(items: &mut I) -> Result<Option<I::Item>> {
    let next = panic::catch_unwind(AssertUnwindSafe(|| items.next()));
    next.map_err(|payload| input_panicked(&*payload))
}

fn input_panicked(payload: &(dyn Any + Send)) -> Error {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("with no text");
    Error::new(ErrorKind::InvalidArgument, format!("the input iterator panicked: {text}"))
}
