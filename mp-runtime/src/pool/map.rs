//! The map family as users see it: a batch with its options, and the iterator over results.

use crate::error::{Error, ErrorKind, Result};
use crate::pool::completion::{self, Completion};
use crate::pool::desk::Terms;
use crate::pool::engine::Engine;
use crate::pool::feed::{CALLS, Feed};
use crate::pool::gather::{Gather, Outcomes};
use crate::pool::handle::AsyncResult;
use crate::pool::map_async::{AsyncMap, Encoded};
use crate::pool::sizes::Sizes;
use crate::sys::clock::Deadline;
use crate::task::Task;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// How many items an iterator takes ahead of what was consumed, at least.
const AHEAD: u64 = 64;

/// Many calls of one task, with options; made by [`Pool::batch`](crate::Pool::batch).
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let pool = mp::Pool::new(2)?;
///     let squares = pool.batch(square, 0..1000).chunksize(64).run()?;
///     assert_eq!(squares[30], 900);
///
///     let limit = std::time::Duration::from_secs(60);
///     let mut rest = pool.batch(square, 0..9).ordered(false).timeout(limit).iter();
///     while let Some(result) = rest.next_timeout(limit) {
///         println!("{}", result?); // as they are ready
///     }
///     Ok(())
/// }
/// ```
#[must_use = "a batch does nothing until run() or iter() is called"]
pub struct Batch<'a, T: Task, I> {
    engine: Arc<Engine>,
    items: I,
    chunk: Option<usize>,
    ahead: Option<usize>,
    ordered: bool,
    fail_fast: bool,
    limit: Option<Duration>,
    total: Option<Duration>,
    task: PhantomData<(T, &'a ())>,
}

impl<'a, T: Task, I: Iterator<Item = T::Args<'a>>> Batch<'a, T, I> {
    pub(super) fn new(engine: &Arc<Engine>, items: I) -> Self {
        Self {
            engine: Arc::clone(engine),
            items,
            chunk: None,
            ahead: None,
            ordered: true,
            fail_fast: false,
            limit: None,
            total: None,
            task: PhantomData,
        }
    }

    /// How many items a worker is given at once, at least 1. Without this, as many as take about a
    /// millisecond, and no more than a quarter of each worker's share if the number of items is known.
    pub fn chunksize(mut self, items: usize) -> Self {
        self.chunk = Some(items);
        self
    }

    /// How many items [`iter`](Self::iter) may take from the input ahead of the results that were
    /// consumed, at least 1. Without this, as many as keep the workers busy.
    pub fn look_ahead(mut self, items: usize) -> Self {
        self.ahead = Some(items);
        self
    }

    /// Whether results come in the order of the input (the default) or as they are ready.
    pub fn ordered(mut self, ordered: bool) -> Self {
        self.ordered = ordered;
        self
    }

    /// Whether the first error stops it, an `Err` that a task returned included: no further items are taken, and calls that no worker has
    /// begun are withdrawn.
    pub fn fail_fast(mut self, fail_fast: bool) -> Self {
        self.fail_fast = fail_fast;
        self
    }

    /// How long running each item may take. One that takes longer gives a
    /// [`Timeout`](ErrorKind::Timeout) at its place, its worker is ended and replaced, and the others
    /// still come.
    pub fn timeout(mut self, each: Duration) -> Self {
        self.limit = Some(each);
        self
    }

    /// How long all of it may take, from the call of [`run`](Self::run) or [`iter`](Self::iter): then
    /// there is a [`Timeout`](ErrorKind::Timeout), which is the last result, and what no worker has begun
    /// is taken back.
    pub fn total_timeout(mut self, all: Duration) -> Self {
        self.total = Some(all);
        self
    }

    /// Runs it, waits for all of it, and gives the values. Memory for their results aside, no more
    /// is in use than the calls under way.
    ///
    /// # Errors
    ///
    /// The first error that came, after all other items were run, or, with
    /// [`fail_fast`](Self::fail_fast), at once (stopped by an `Err` that a task returned, it gives the
    /// values up to that one's call). Each is as of [`AsyncResult::get`](crate::AsyncResult::get);
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for an option out of its range, and if the
    /// input iterator panicked.
    pub fn run(self) -> Result<Vec<T::Output>> {
        let mut values = Vec::new();
        let mut failure = None;
        let mut results = self.start()?;
        let total = results.total;
        while let Some(outcomes) = results.next_part(total)? {
            if failure.is_some() {
                continue;
            }
            let before = values.len();
            failure = outcomes.append(&mut values).err();
            let new = &values[before..];
            if results.fail_fast && (failure.is_some() || new.iter().any(is_failure::<T>)) {
                break;
            }
        }
        failure.map_or(Ok(values), Err)
    }

    /// An iterator over the results. Work begins at once, and goes on as results are consumed;
    /// dropped half-way, it takes back what no worker has begun.
    ///
    /// An error takes the place of the item that it belongs to, and the others still come. An option
    /// out of its range is the first and only result.
    pub fn iter(self) -> Results<'a, T, I> {
        let invalid = self.check().err();
        self.begin(invalid)
    }

    /// Gives it to the pool without waiting: all items are taken and encoded here. `callback` runs with
    /// the values as that of [`Pool::apply_async`](crate::Pool::apply_async).
    pub fn submit(
        self,
        callback: impl FnOnce(Vec<T::Output>) + Send + 'static,
    ) -> AsyncResult<Vec<T::Output>> {
        let decode = completion::decode_many::<T::Output>;
        let callback = completion::on_success(decode, callback);
        let completion = Completion::new(T::NAME, callback);
        let engine = Arc::clone(&self.engine);
        let terms = self.terms();
        // Encoding runs user code, which may panic: nothing must be begun before it.
        let encoded = self
            .check()
            .and_then(|()| engine.refuse_map())
            .map(|()| Encoded::new(self.items, self.fail_fast))
            .and_then(|encoded| engine.begin_map().map(|()| encoded));
        match encoded {
            Err(error) => engine.refuse(&completion, error),
            Ok(encoded) => {
                // The first error counts that comes, not the first of all.
                let gather = Gather::new(T::NAME, !self.fail_fast);
                let (entry, chunk, fast) = (T::__entry(), self.chunk, self.fail_fast);
                let own = Arc::clone(&completion);
                let workers = engine.size();
                let driver = AsyncMap::new(entry, own, encoded, chunk, terms, workers, fast);
                engine.drive(&gather, driver);
            }
        }
        AsyncResult::new(completion, Arc::downgrade(&engine), decode)
    }

    fn terms(&self) -> Terms {
        // Items are not run again: which of a chunk failed is told at once.
        Terms { limit: self.limit.or(self.engine.terms.limit), retries: 0 }
    }

    fn check(&self) -> Result<()> {
        for (option, value) in [("chunksize", self.chunk), ("look_ahead", self.ahead)] {
            if value == Some(0) {
                let text = format!("{option} must be at least 1, not 0");
                return Err(Error::new(ErrorKind::InvalidArgument, text));
            }
        }
        Engine::check_limit(self.limit)
    }

    fn start(mut self) -> Result<Results<'a, T, I>> {
        self.check()?;
        // All results are kept anyway, so that nothing need be held back.
        self.ahead = self.ahead.or(Some(usize::MAX));
        Ok(self.begin(None))
    }

    fn begin(self, failure: Option<Error>) -> Results<'a, T, I> {
        let (least, most) = self.items.size_hint();
        let known = most.filter(|most| *most == least);
        let sizes = Sizes::new(self.chunk, known, self.engine.size());
        let terms = self.terms();
        let gather = Gather::new(T::NAME, self.ordered);
        let mut results = Results {
            feed: Feed::new(&self.engine, gather, self.items, sizes, terms),
            ahead: self.ahead,
            fail_fast: self.fail_fast,
            total: self.total.and_then(Deadline::after),
            consumed: 0,
            current: None,
            failure,
            task: PhantomData,
        };
        match results.failure {
            None => results.fill(),
            Some(_) => results.feed.stop(),
        }
        results
    }
}

impl<T: Task, I> fmt::Debug for Batch<'_, T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("task", &T::NAME)
            .field("chunksize", &self.chunk)
            .field("look_ahead", &self.ahead)
            .field("ordered", &self.ordered)
            .field("fail_fast", &self.fail_fast)
            .finish_non_exhaustive()
    }
}

/// An iterator over the results of many calls; made by [`Pool::imap`](crate::Pool::imap),
/// [`Pool::imap_unordered`](crate::Pool::imap_unordered) and [`Batch::iter`]. See the examples of [`Batch`].
#[must_use = "dropped, it takes back what no worker has begun"]
pub struct Results<'a, T: Task, I> {
    feed: Feed<I>,
    ahead: Option<usize>,
    fail_fast: bool,
    /// When all of it is to be over.
    total: Option<Deadline>,
    /// How many outcomes have been given out, or thrown away.
    consumed: u64,
    current: Option<Outcomes>,
    /// What is given next, and last.
    failure: Option<Error>,
    task: PhantomData<(T, &'a ())>,
}

impl<'a, T: Task, I: Iterator<Item = T::Args<'a>>> Results<'a, T, I> {
    /// As `next`, waiting at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`Timeout`](ErrorKind::Timeout): the item is still to come, and a later call gives it. Others
    /// are the item's own.
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<Result<T::Output>> {
        self.next_until(Deadline::after(timeout)).transpose()
    }

    fn next_until(&mut self, deadline: Option<Deadline>) -> Result<Option<T::Output>> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        loop {
            if let Some(outcome) = self.current.as_mut().and_then(Outcomes::next) {
                self.consumed += 1;
                if self.fail_fast && outcome.as_ref().is_ok_and(is_failure::<T>) | outcome.is_err()
                {
                    self.stop();
                }
                return outcome.map(Some);
            }
            self.current = None;
            match self.next_part(deadline)? {
                Some(outcomes) => {
                    self.consumed -= outcomes.count();
                    self.current = Some(outcomes);
                }
                None => return Ok(None),
            }
        }
    }

    fn fill(&mut self) {
        let workers = self.feed.engine.size();
        let calls = (CALLS * workers + 1) as u64;
        let ahead = match self.ahead {
            Some(ahead) => ahead as u64,
            None => AHEAD.max((2 * calls).saturating_mul(self.feed.size() as u64)),
        };
        self.feed.fill::<T>(calls, self.consumed.saturating_add(ahead));
    }

    /// The next outcomes, which count as consumed; `None` after the last.
    fn next_part(&mut self, deadline: Option<Deadline>) -> Result<Option<Outcomes>> {
        loop {
            self.fill();
            if self.feed.has_ended() && self.consumed == self.feed.taken() {
                return Ok(None);
            }
            if let Err(error) = self.feed.engine.refuse_copy() {
                // What was under way is the original's.
                self.stop();
                return Err(error);
            }
            if let Some(part) = self.feed.gather.take() {
                let outcomes = Outcomes::new(part);
                self.consumed += outcomes.count();
                return Ok(Some(outcomes));
            }
            let first = [deadline, self.total].into_iter().flatten().min();
            let Feed { engine, gather, .. } = &self.feed;
            if !engine.wait(gather, first) && first.is_some_and(Deadline::has_passed) {
                if self.total.is_some_and(Deadline::has_passed) {
                    self.stop();
                }
                let text = format!("an item of task {} has no outcome yet", T::NAME);
                return Err(Error::new(ErrorKind::Timeout, text));
            }
        }
    }
}

/// Whether the task returned an `Err`.
fn is_failure<T: Task>(value: &T::Output) -> bool {
    T::__failure(value).is_some()
}

impl<T: Task, I> Results<'_, T, I> {
    /// Takes back what no worker has begun, and wants nothing more.
    fn stop(&mut self) {
        self.feed.stop();
        self.consumed = self.feed.taken();
        self.current = None;
    }
}

impl<'a, T: Task, I: Iterator<Item = T::Args<'a>>> Iterator for Results<'a, T, I> {
    type Item = Result<T::Output>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_until(None).transpose()
    }
}

impl<T: Task, I> Drop for Results<'_, T, I> {
    fn drop(&mut self) {
        if !self.feed.has_ended() || self.consumed < self.feed.taken() {
            self.stop();
        }
    }
}

impl<T: Task, I> fmt::Debug for Results<'_, T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Results")
            .field("task", &T::NAME)
            .field("consumed", &self.consumed)
            .finish_non_exhaustive()
    }
}
