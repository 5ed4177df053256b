//! Pools of worker processes: the public methods, and who owns what. A call starts in `submit`, lies in the `ledger`,
//! runs in a `worker`, comes back through `collect` to its `handle` and its `callback`; `supervise` keeps the workers.
//! Calls that come as bytes are `served`.

mod bell;
mod builder;
mod burial;
mod callback;
mod collect;
mod completion;
mod desk;
mod engine;
mod feed;
pub(crate) mod finish;
mod gather;
mod handle;
mod info;
mod ledger;
mod limits;
mod local;
mod map;
mod map_async;
mod options;
mod owner;
mod post;
mod results;
mod room;
pub(crate) mod served;
mod settle;
mod sizes;
mod submit;
mod supervise;
mod tenure;
mod wait;
mod worker;

pub use builder::PoolBuilder;
pub use handle::AsyncResult;
pub use info::WorkerInfo;
pub use local::{set_worker_state, shared, with_worker_state};
pub use map::{Batch, Results};
pub use submit::Call;
pub use wait::{AsCompleted, Waited, as_completed, wait_all, wait_any};

use crate::error::{Error, ErrorKind, Result};
use crate::log;
use crate::task::Task;
use engine::{Engine, lock};
use ledger::Phase;
use std::fmt;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Worker processes that run tasks.
///
/// A worker that dies fails the task that it had begun, and no other, and is replaced. Workers end
/// when the pool does, and die with this process.
///
/// Dropping a pool closes it without waiting: what it has accepted still runs, callbacks too, and
/// the end of the program waits for that. While a panic unwinds, dropping it terminates it.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn foo(i: i32) -> i32 {
///     i + 100
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let pool = mp::Pool::new(2)?;
///     for i in 0..10 {
///         pool.apply_async(foo, i, move |value| assert_eq!(value, i + 100));
///     }
///     pool.close();
///     pool.join()
/// }
/// ```
///
/// Ways to give it work:
///
/// ```
/// # #[mp::task] fn add(a: i32, b: i32) -> i32 { a + b }
/// # #[mp::main] fn main() -> mp::Result<()> {
/// let pool = mp::Pool::with_default_size()?; // or Pool::builder()
/// assert_eq!(pool.apply(add, (1, 2))?, 3);
/// let one = pool.submit(add, (1, 2)); // does not wait
/// let retried = pool.call(add, (3, 4)).retries(2).submit();
/// assert_eq!(one.get()? + retried.get()?, 10);
///
/// let pairs = (0..100).map(|i| (i, i));
/// assert_eq!(pool.starmap(add, pairs.clone())?[99], 198); // map is the same
/// let all = pool.map_async(add, pairs.clone(), |sums| assert_eq!(sums.len(), 100));
/// let sums: mp::Result<Vec<_>> = pool.imap_unordered(add, pairs.clone()).collect();
/// assert_eq!(sums?.iter().sum::<i32>(), all.get()?.iter().sum());
/// assert_eq!(pool.batch(add, pairs).chunksize(10).fail_fast(true).run()?.len(), 100);
/// pool.terminate(); // close() has it do first what it has accepted
/// pool.join()
/// # }
/// ```
pub struct Pool {
    engine: Arc<Engine>,
    supervisor: Mutex<Option<JoinHandle<()>>>,
}

impl Pool {
    /// A pool of so many workers, which are started at once. See the [examples](Self#examples).
    ///
    /// # Errors
    ///
    /// As [`PoolBuilder::build`].
    pub fn new(processes: usize) -> Result<Self> {
        Self::builder().processes(processes).build()
    }

    /// A pool with one worker for each usable CPU. See the [examples](Self#examples).
    ///
    /// # Errors
    ///
    /// As [`PoolBuilder::build`].
    pub fn with_default_size() -> Result<Self> {
        Self::builder().build()
    }

    /// The way to a pool with options. See the [examples](Self#examples).
    pub fn builder() -> PoolBuilder {
        PoolBuilder::new()
    }

    /// Runs `task` in a worker, waits for it, and gives its value. See the [examples](Self#examples).
    ///
    /// # Errors
    ///
    /// As [`AsyncResult::get`].
    pub fn apply<T: Task>(&self, task: T, arguments: T::Args<'_>) -> Result<T::Output> {
        self.submit(task, arguments).get()
    }

    /// Gives `task` to the workers, and has `callback` run with its value: in this process, on the
    /// pool's callback thread, to its end before the handle turns ready. [`call`](Self::call) also
    /// takes a callback for errors.
    ///
    /// It never fails itself, and never waits for a worker: whatever stands against it is what the
    /// handle gives. See the [examples](Self#examples).
    pub fn apply_async<T: Task>(
        &self,
        task: T,
        arguments: T::Args<'_>,
        callback: impl FnOnce(T::Output) + Send + 'static,
    ) -> AsyncResult<T::Output> {
        let _ = task;
        let callback = completion::on_success(completion::decode, callback);
        submit::submit::<T>(&self.engine, &arguments, self.engine.terms, callback)
    }

    /// As [`apply_async`](Self::apply_async), without a callback. See the [examples](Self#examples).
    pub fn submit<T: Task>(&self, task: T, arguments: T::Args<'_>) -> AsyncResult<T::Output> {
        let _ = task;
        submit::submit::<T>(&self.engine, &arguments, self.engine.terms, ())
    }

    /// A call with options, given to the workers by [`Call::submit`].
    /// See the [examples](Self#examples).
    pub fn call<'p, 'a, T: Task>(&'p self, task: T, arguments: T::Args<'a>) -> Call<'p, 'a, T> {
        let _ = task;
        Call::new(self, arguments)
    }

    /// Runs `task` on each item, and gives the values in the order of the items.
    ///
    /// Items go to the workers many at a time; [`batch`](Self::batch) has the options. They are taken
    /// from their iterator as workers come to them. A task of several parameters takes tuples.
    ///
    /// # Errors
    ///
    /// As [`Batch::run`]: the first error that came, after all other items were run.
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
    ///     assert_eq!(pool.map(square, 0..1000)?.iter().sum::<u64>(), 332_833_500);
    ///     Ok(())
    /// }
    /// ```
    pub fn map<'a, T, I>(&self, task: T, items: I) -> Result<Vec<T::Output>>
    where
        T: Task,
        I: IntoIterator<Item = T::Args<'a>>,
    {
        self.batch(task, items).run()
    }

    /// As [`map`](Self::map), under the name that Python has for a task of several parameters.
    /// See the [examples](Self#examples).
    ///
    /// # Errors
    ///
    /// As [`map`](Self::map).
    pub fn starmap<'a, T, I>(&self, task: T, items: I) -> Result<Vec<T::Output>>
    where
        T: Task,
        I: IntoIterator<Item = T::Args<'a>>,
    {
        self.batch(task, items).run()
    }

    /// As [`map`](Self::map), without waiting: all items are taken from their iterator at once, and
    /// `callback` runs with the values, as that of [`apply_async`](Self::apply_async).
    /// See the [examples](Self#examples).
    pub fn map_async<'a, T, I>(
        &self,
        task: T,
        items: I,
        callback: impl FnOnce(Vec<T::Output>) + Send + 'static,
    ) -> AsyncResult<Vec<T::Output>>
    where
        T: Task,
        I: IntoIterator<Item = T::Args<'a>>,
    {
        self.batch(task, items).submit(callback)
    }

    /// Runs `task` on each item, and gives the results one by one, in the order of the items.
    ///
    /// The input may be endless: it is taken as results are consumed, a bounded number of items ahead.
    /// An error takes the place of the item that it belongs to, and the others still come.
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
    ///     for (i, result) in (0..).zip(pool.imap(square, 0..)).take(100) {
    ///         assert_eq!(result?, i * i);
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn imap<'a, T, I>(&self, task: T, items: I) -> Results<'a, T, I::IntoIter>
    where
        T: Task,
        I: IntoIterator<Item = T::Args<'a>>,
    {
        self.batch(task, items).iter()
    }

    /// As [`imap`](Self::imap), in the order in which results are ready. See the [examples](Self#examples).
    pub fn imap_unordered<'a, T, I>(&self, task: T, items: I) -> Results<'a, T, I::IntoIter>
    where
        T: Task,
        I: IntoIterator<Item = T::Args<'a>>,
    {
        self.batch(task, items).ordered(false).iter()
    }

    /// Many calls of one task, with options: run by [`Batch::run`] or [`Batch::iter`].
    /// See the [examples](Self#examples).
    pub fn batch<'a, T, I>(&self, task: T, items: I) -> Batch<'a, T, I::IntoIter>
    where
        T: Task,
        I: IntoIterator<Item = T::Args<'a>>,
    {
        let _ = task;
        Batch::new(&self.engine, items.into_iter())
    }

    /// Has the pool have so many workers from now on, 1 to 1024: more are started at once, and those that
    /// are too many end when they have finished their tasks.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a number out of range.
    pub fn resize(&self, processes: usize) -> Result<()> {
        builder::check_size(processes)?;
        self.engine.refuse_copy()?;
        self.engine.resize(processes);
        tracing::debug!(target: "mp::pool", "the pool is to have {processes} workers");
        Ok(())
    }

    /// The workers as they are now. See [`WorkerInfo`].
    #[must_use]
    pub fn workers(&self) -> Vec<WorkerInfo> {
        info::workers(&self.engine)
    }

    /// Takes no more tasks. Those accepted are all run; then the workers end. Does not wait.
    /// See the [examples](Self#examples).
    pub fn close(&self) {
        self.engine.close();
    }

    /// Ends the workers whatever they do, by SIGTERM and soon by SIGKILL, and waits for that. Tasks
    /// without an outcome give [`Terminated`](ErrorKind::Terminated); callbacks that have not begun
    /// are dropped. See the [examples](Self#examples).
    pub fn terminate(&self) {
        if self.engine.is_copy() {
            return;
        }
        let text = "the pool was terminated before the task had an outcome";
        self.engine.abandon(Phase::Terminated, &Error::new(ErrorKind::Terminated, text));
        self.engine.wait_ended(|ended| ended.workers);
    }

    /// As [`terminate`](Self::terminate), by SIGKILL at once.
    pub fn kill(&self) {
        if self.engine.is_copy() {
            return;
        }
        let text = "the pool was killed before the task had an outcome";
        self.engine.abandon(Phase::Terminated, &Error::new(ErrorKind::Terminated, text));
        self.engine.kill.store(true, SeqCst);
        self.engine.control.raise();
        self.engine.wait_ended(|ended| ended.workers);
    }

    /// Waits until a closed or terminated pool has ended: all accepted tasks and their callbacks,
    /// the workers, and the pool's threads. See the [examples](Self#examples).
    ///
    /// # Errors
    ///
    /// [`StillRunning`](ErrorKind::StillRunning) if it was neither closed nor terminated;
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) inside one of its own callbacks, which would
    /// wait for itself; once, when all has ended, the error of a finalizer that failed or took too long;
    /// [`NotOwner`](ErrorKind::NotOwner) in a process that the program has forked
    /// by itself.
    pub fn join(&self) -> Result<()> {
        self.engine.refuse_copy()?;
        if self.engine.phase() == Phase::Open {
            let text = "the pool still takes tasks: call close() or terminate() before join()";
            return Err(Error::new(ErrorKind::StillRunning, text));
        }
        if self.engine.callbacks.is_current_thread() {
            let text = "a callback cannot join its own pool: it would wait for itself";
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        self.engine.wait_ended(|ended| ended.threads);
        let supervisor = lock(&self.supervisor).take();
        if let Some(supervisor) = supervisor {
            // It runs no user code, and does not panic.
            let _ = supervisor.join();
        }
        log::flush();
        let failed = lock(&self.engine.failed_end).take();
        failed.map_or(Ok(()), Err)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if self.engine.is_copy() {
            return;
        }
        if std::thread::panicking() {
            let text = "the pool was dropped by a panic before the task had an outcome";
            self.engine.abandon(Phase::Terminated, &Error::new(ErrorKind::Terminated, text));
        } else {
            self.engine.close();
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("processes", &self.engine.size())
            .field("phase", &self.engine.phase())
            .finish_non_exhaustive()
    }
}
