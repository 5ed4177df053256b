//! How a pool is to be: the options, checked, and its making. What the pool does is elsewhere.

use crate::error::{Error, ErrorKind, Result};
use crate::identity::{self, StartMethod};
use crate::pool::desk::Terms;
use crate::pool::engine::Engine;
use crate::pool::options::{Encoded, Options, Setup};
use crate::pool::supervise::Supervisor;
use crate::pool::{Pool, finish};
use crate::process::exit;
use crate::process::info::cpu_count;
use crate::task::{Task, registry};
use crate::transport::board::SEATS;
use serde::Serialize;
use std::ffi::OsString;
use std::sync::{Arc, Mutex, RwLockReadGuard, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How many levels below the main program a process may be that has a pool.
const DEEPEST: usize = 10;

/// The options of a pool; made by [`Pool::builder`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// #[mp::task]
/// fn connect(host: &str) {
///     mp::set_worker_state(host.to_owned());
/// }
///
/// #[mp::task]
/// fn disconnect() {}
///
/// #[mp::task]
/// fn ask(question: &str) -> String {
///     let answer = |host: &mut String| format!("{host}: {question}?");
///     mp::with_worker_state(answer).expect("the initializer has kept one")
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let pool = mp::Pool::builder()
///         .processes(3)
///         .worker_name("Client")
///         .env("RUST_BACKTRACE", "1")
///         .initializer(connect, "localhost")
///         .finalizer(disconnect, ())
///         .task_timeout(Duration::from_secs(60))
///         .max_tasks_per_child(1000)
///         .max_pending(10_000)
///         .build()?;
///     assert_eq!(pool.apply(ask, "who")?, "localhost: who?");
///     assert!(pool.workers().iter().all(|worker| worker.name().starts_with("Client-")));
///     pool.close();
///     pool.join()
/// }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until build() is called"]
pub struct PoolBuilder {
    processes: Option<usize>,
    task_timeout: Option<Duration>,
    method: Option<StartMethod>,
    options: Options,
}

impl PoolBuilder {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// How many workers, 1 to 1024. Without this, one for each usable CPU.
    pub fn processes(mut self, processes: usize) -> Self {
        self.processes = Some(processes);
        self
    }

    /// Makes each worker lead a process group of its own, which ends with it: programs that tasks have
    /// started by `std::process::Command` do not outlive the worker, however it ends. They do outlive
    /// the task. See [`Process::with_process_group`](crate::Process::with_process_group).
    pub fn process_group(mut self, own: bool) -> Self {
        self.options.process_group = own;
        self
    }

    /// How long running each task may take, unless its call says otherwise by
    /// [`Call::timeout`](crate::Call::timeout); in the map family, each item.
    pub fn task_timeout(mut self, limit: Duration) -> Self {
        self.task_timeout = Some(limit);
        self
    }

    /// Has each worker run `task` with `arguments` before its first task; what that keeps in statics, or by
    /// [`set_worker_state`](crate::set_worker_state), is there for all its tasks. A replacement runs it,
    /// too.
    ///
    /// A worker whose initializer panics is replaced; five in a row make the pool
    /// [`Broken`](ErrorKind::Broken), with the panic's message.
    pub fn initializer<T: Task>(mut self, task: T, arguments: T::Args<'_>) -> Self {
        let _ = task;
        self.options.initializer = Some(Setup::new::<T>(&arguments));
        self
    }

    /// Has each worker run `task` with `arguments` after its last task, if it ends in order: when the
    /// pool is closed, or the worker is replaced after so many tasks; not when it is killed or the pool
    /// terminated. If one fails, [`Pool::join`] gives its error.
    pub fn finalizer<T: Task>(mut self, task: T, arguments: T::Args<'_>) -> Self {
        let _ = task;
        self.options.finalizer = Some(Setup::new::<T>(&arguments));
        self
    }

    /// How long a worker may take to start and run its initializer before it is killed and replaced.
    pub fn initializer_timeout(mut self, limit: Duration) -> Self {
        self.options.initializer_timeout = Some(limit);
        self
    }

    /// How long a worker's finalizer may take before the worker is killed; then [`Pool::join`] says so.
    pub fn finalizer_timeout(mut self, limit: Duration) -> Self {
        self.options.finalizer_timeout = Some(limit);
        self
    }

    /// Replaces each worker after so many tasks, at least 1. Items that are given to a worker at once
    /// count as one task.
    pub fn max_tasks_per_child(mut self, tasks: u64) -> Self {
        self.options.max_tasks = Some(tasks);
        self
    }

    /// Replaces a worker after the task with which its memory has grown by more than so many bytes
    /// since its initializer.
    pub fn max_memory_growth(mut self, bytes: u64) -> Self {
        self.options.memory_growth = Some(bytes);
        self
    }

    /// Has the system refuse each worker more than so many bytes of heap and other private memory
    /// (`RLIMIT_DATA`). A Rust program that is refused memory aborts: the task is a
    /// [`WorkerDied`](ErrorKind::WorkerDied), and the worker is replaced.
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.options.memory_limit = Some(bytes);
        self
    }

    /// Ends workers that have had nothing to do for so long. They come back when they are needed.
    pub fn idle_timeout(mut self, idle: Duration) -> Self {
        self.options.idle_timeout = Some(idle);
        self
    }

    /// Starts workers only when there are tasks for them, one for each that waits, up to the pool's
    /// size. Without this they start at once.
    pub fn on_demand(mut self, on_demand: bool) -> Self {
        self.options.on_demand = on_demand;
        self
    }

    /// Has whoever submits wait while so many calls, at least 1, have no outcome yet, so that they do not
    /// pile up in memory. Callbacks never wait, since they are what may free a place. Without this, calls
    /// wait in this process's memory without limit, and nobody who submits waits.
    pub fn max_pending(mut self, calls: usize) -> Self {
        self.options.max_pending = Some(calls);
        self
    }

    /// Whether the death of one worker breaks the pool, as in Python's `concurrent.futures`: then all calls
    /// without an outcome, and all later ones, give [`Broken`](ErrorKind::Broken). Without this a death
    /// fails the one task that the worker had begun, and the worker is replaced.
    pub fn break_on_death(mut self, break_on_death: bool) -> Self {
        self.options.break_on_death = break_on_death;
        self
    }

    /// Binds each worker to one of the CPUs that this process may use, one after the other.
    pub fn cpu_affinity(mut self, bind: bool) -> Self {
        self.options.affinity = bind;
        self
    }

    /// The nice value of workers, from -20 (which takes privileges) to 19; 0 without this.
    pub fn nice(mut self, nice: i32) -> Self {
        self.options.nice = nice;
        self
    }

    /// Sets an environment variable for the workers only.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.options.environment.push((name.into(), value.into()));
        self
    }

    /// What workers' names begin with, before a hyphen and their number; "PoolWorker" without this.
    pub fn worker_name(mut self, name: impl Into<String>) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// A value that all tasks of the pool can read, by [`shared`](crate::shared): encoded once here, and
    /// mapped, not sent, by each worker.
    pub fn shared<S: Serialize + ?Sized>(mut self, value: &S) -> Self {
        self.options.shared = Some(Encoded::new(value));
        self
    }

    /// How its workers are started. Without this, as [`set_start_method`](crate::set_start_method) says
    /// when the pool is made.
    pub fn start_method(mut self, method: StartMethod) -> Self {
        self.method = Some(method);
        self
    }

    /// Makes the pool and starts its workers, without waiting for them to be up.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for an option out of its range;
    /// [`Encode`](ErrorKind::Encode) if a value among the options could not be encoded;
    /// [`DaemonicChild`](ErrorKind::DaemonicChild) inside a daemon that is no pool's worker;
    /// [`NotRunning`](ErrorKind::NotRunning) if the program is ending;
    /// [`Unsupported`](ErrorKind::Unsupported) if it has not called [`mp::init`](crate::init), or this
    /// process is more than ten levels below the main program; and
    /// [`Io`](ErrorKind::Io) if the operating system refused. Nothing is left of it then.
    pub fn build(self) -> Result<Pool> {
        self.build_under(exit::starting()?)
    }

    /// As [`build`](Self::build), in the server of a manager, which is a daemon.
    pub(crate) fn build_served(self) -> Result<Pool> {
        self.build_under(exit::starting_here()?)
    }

    fn build_under(self, starting: RwLockReadGuard<'_, ()>) -> Result<Pool> {
        exit::arm();
        let size = self.processes.unwrap_or_else(cpu_count);
        let method = self.method.unwrap_or_else(identity::start_method);
        check_size(size)?;
        check_depth()?;
        // Tasks have their numbers from it, also where no worker is started yet.
        registry::table()?;
        self.options.check()?;
        let limit = self.task_timeout;
        Engine::check_limit(limit)?;
        let engine = Engine::new(size, Terms { limit, retries: 0 }, self.options)?;
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        let io = |error| Error::io("a thread of the pool could not be started", error);
        // The threads first, so that no failure leaves a worker that nobody looks after.
        let (hand_over, taken) = mpsc::channel::<(Supervisor, JoinHandle<()>)>();
        let thread = named("mp-supervisor").spawn(move || {
            taken.iter().take(1).for_each(|(supervisor, collector)| supervisor.run(collector));
        });
        let thread = thread.map_err(io)?;
        let reader = Arc::clone(&engine);
        let collector = named("mp-collector").spawn(move || reader.collect()).map_err(io)?;
        let mut supervisor = Supervisor::new(Arc::clone(&engine), method);
        let at_once = if engine.options.on_demand { 0 } else { size };
        let started = (0..at_once).try_for_each(|_| supervisor.start_worker());
        if let Err(error) = started {
            supervisor.give_up();
            engine.end_threads(collector);
            return Err(error);
        }
        finish::add(&engine);
        // The thread waits for this.
        let _ = hand_over.send((supervisor, collector));
        drop(starting);
        tracing::debug!(target: "mp::pool", "a pool was started, of {size} workers");
        Ok(Pool { engine, supervisor: Mutex::new(Some(thread)) })
    }
}

/// Refuses pools in workers of pools without end.
fn check_depth() -> Result<()> {
    let depth = identity::current().path.split(':').count();
    if depth <= DEEPEST {
        return Ok(());
    }
    let text = format!("a pool in a process {depth} levels deep: at most {DEEPEST} may have one");
    Err(Error::new(ErrorKind::Unsupported, text))
}

pub(super) fn check_size(size: usize) -> Result<()> {
    if (1..=SEATS).contains(&size) {
        return Ok(());
    }
    let text = format!("a pool needs 1 to {SEATS} processes, not {size}");
    Err(Error::new(ErrorKind::InvalidArgument, text))
}
