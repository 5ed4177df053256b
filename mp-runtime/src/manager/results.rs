//! `PoolResults`: the results of many calls of a managed pool, one by one. The calls are `pool`'s, each with a handle of its own.

use crate::error::{ErrorKind, Result};
use crate::manager::outcome::ResultProxy;
use crate::manager::pool::PoolProxy;
use crate::task::Task;
use crate::wait::{Waitable, wait};
use std::collections::VecDeque;
use std::fmt;
use std::iter::Fuse;
use std::marker::PhantomData;

/// How many items are taken ahead of what was consumed; no more than can be waited for at once.
const AHEAD: usize = 64;

/// An iterator over the results of many calls; made by [`PoolProxy::imap`] and [`PoolProxy::imap_unordered`].
///
/// An error takes the place of the item that it belongs to, and the others still come, unless the pool takes no more
/// calls: then the error is the last.
#[must_use = "dropped, it takes back what no worker has begun"]
pub struct PoolResults<'a, T: Task, I> {
    pool: PoolProxy,
    task: T,
    items: Fuse<I>,
    ordered: bool,
    calls: VecDeque<Result<ResultProxy<T::Output>>>,
    ended: bool,
    of: PhantomData<&'a ()>,
}

impl PoolProxy {
    /// Runs `task` on each item, and gives the results one by one, in the order of the items. The input may be endless: it
    /// is taken as results are consumed, some items ahead. Each item is a call of its own: many small ones are better
    /// [mapped](Self::map).
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
    ///     let manager = mp::Manager::new()?;
    ///     let pool = manager.pool(2)?;
    ///     for (i, result) in (0..).zip(pool.imap(square, 0..)).take(100) {
    ///         assert_eq!(result?, i * i);
    ///     }
    ///     let mut all: Vec<_> = pool.imap_unordered(square, 1..4).collect::<mp::Result<_>>()?;
    ///     all.sort();
    ///     assert_eq!(all, [1, 4, 9]);
    ///     Ok(())
    /// }
    /// ```
    pub fn imap<'a, T, I>(&self, task: T, items: I) -> PoolResults<'a, T, I::IntoIter>
    where
        T: Task,
        I: IntoIterator<Item = T::Args<'a>>,
    {
        PoolResults::new(self, task, items.into_iter(), true)
    }

    /// As [`imap`](Self::imap), in the order in which results are ready.
    pub fn imap_unordered<'a, T, I>(&self, task: T, items: I) -> PoolResults<'a, T, I::IntoIter>
    where
        T: Task,
        I: IntoIterator<Item = T::Args<'a>>,
    {
        PoolResults::new(self, task, items.into_iter(), false)
    }
}

impl<'a, T: Task, I: Iterator<Item = T::Args<'a>>> PoolResults<'a, T, I> {
    fn new(pool: &PoolProxy, task: T, items: I, ordered: bool) -> Self {
        let (pool, items, calls) = (pool.clone(), items.fuse(), VecDeque::new());
        let mut this = Self { pool, task, items, ordered, calls, ended: false, of: PhantomData };
        this.fill();
        this
    }

    fn fill(&mut self) {
        while !self.ended && self.calls.len() < AHEAD {
            let Some(arguments) = self.items.next() else { return };
            self.calls.push_back(self.pool.submit(self.task, arguments));
        }
    }

    /// Which of the calls is to be consumed next, if there is one.
    fn next_call(&self) -> Result<usize> {
        let mut handles: Vec<&dyn Waitable> = Vec::new();
        for (index, call) in self.calls.iter().enumerate() {
            match call {
                Ok(handle) if !self.ordered => handles.push(handle),
                _ => return Ok(index),
            }
        }
        if handles.is_empty() {
            return Ok(0);
        }
        wait(&handles, None).map(|ready| ready.first().copied().unwrap_or(0))
    }
}

impl<'a, T: Task, I: Iterator<Item = T::Args<'a>>> Iterator for PoolResults<'a, T, I> {
    type Item = Result<T::Output>;

    fn next(&mut self) -> Option<Self::Item> {
        // Where it cannot be waited for several, the first is as good as any.
        let next = self.next_call().unwrap_or(0);
        let result = self.calls.remove(next)?.and_then(|handle| handle.get());
        let over = [ErrorKind::Disconnected, ErrorKind::NotRunning, ErrorKind::Terminated];
        if result.as_ref().is_err_and(|error| over.contains(&error.kind())) {
            self.ended = true;
            self.calls.clear();
        }
        self.fill();
        Some(result)
    }
}

impl<T: Task, I> Drop for PoolResults<'_, T, I> {
    fn drop(&mut self) {
        // What cannot be taken back is run for nobody.
        self.calls.drain(..).flatten().for_each(|handle| _ = handle.cancel());
    }
}

impl<T: Task, I> fmt::Debug for PoolResults<'_, T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ahead = self.calls.len();
        f.debug_struct("PoolResults").field("task", &T::NAME).field("ahead", &ahead).finish()
    }
}
