//! How a pool is to be: the options, checked, and its making. What the pool does is elsewhere.

use crate::error::{Error, ErrorKind, Result};
use crate::pool::desk::Terms;
use crate::pool::engine::Engine;
use crate::pool::supervise::Supervisor;
use crate::pool::{Pool, finish};
use crate::process::{cpu_count, exit};
use crate::transport::board::SEATS;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The options of a pool; made by [`Pool::builder`].
///
/// # Examples
///
/// ```
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let pool = mp::Pool::builder().processes(3).build()?;
///     assert_eq!(mp::active_children().len(), 3);
///     drop(pool);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until build() is called"]
pub struct PoolBuilder {
    processes: Option<usize>,
    process_group: bool,
    task_timeout: Option<Duration>,
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
        self.process_group = own;
        self
    }

    /// How long running each task may take, unless its call says otherwise by
    /// [`Call::timeout`](crate::Call::timeout); in the map family, each item.
    pub fn task_timeout(mut self, limit: Duration) -> Self {
        self.task_timeout = Some(limit);
        self
    }

    /// Makes the pool and starts its workers, without waiting for them to be up.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for an option out of its range;
    /// [`NotRunning`](ErrorKind::NotRunning) if the program is ending;
    /// [`Unsupported`](ErrorKind::Unsupported) if it has not called [`mp::init`](crate::init); and
    /// [`Io`](ErrorKind::Io) if the operating system refused. Nothing is left of it then.
    pub fn build(self) -> Result<Pool> {
        let _starting = exit::starting()?;
        exit::arm();
        let size = self.processes.unwrap_or_else(cpu_count);
        if !(1..=SEATS).contains(&size) {
            let text = format!("a pool needs 1 to {SEATS} processes, not {size}");
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        let limit = self.task_timeout;
        Engine::check_limit(limit)?;
        let engine = Engine::new(size, Terms { limit, retries: 0 })?;
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
        let mut supervisor = Supervisor::new(Arc::clone(&engine), self.process_group);
        let started = (0..size).try_for_each(|_| supervisor.start_worker());
        if let Err(error) = started {
            supervisor.give_up();
            engine.end_threads(collector);
            return Err(error);
        }
        finish::add(&engine);
        // The thread waits for this.
        let _ = hand_over.send((supervisor, collector));
        Ok(Pool { engine, supervisor: Mutex::new(Some(thread)) })
    }
}
