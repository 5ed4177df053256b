//! How a pool is to be: the options, checked, and its making. What the pool does is elsewhere.

use crate::error::{Error, ErrorKind, Result};
use crate::pool::engine::Engine;
use crate::pool::supervise::Supervisor;
use crate::pool::{Pool, finish};
use crate::process::{cpu_count, exit};
use crate::transport::board::SEATS;
use std::sync::{Arc, Mutex};
use std::thread;

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

    /// Makes the pool and starts its workers, without waiting for them to be up.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for an option out of its range;
    /// [`NotRunning`](ErrorKind::NotRunning) if the program is ending;
    /// [`Unsupported`](ErrorKind::Unsupported) if it has not called [`mp::init`](crate::init); and
    /// [`Io`](ErrorKind::Io) if the operating system refused. Nothing is left of it then.
    pub fn build(self) -> Result<Pool> {
        exit::refuse_if_ending()?;
        let size = self.processes.unwrap_or_else(cpu_count);
        if !(1..=SEATS).contains(&size) {
            let text = format!("a pool needs 1 to {SEATS} processes, not {size}");
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        let engine = Arc::new(Engine::new(size)?);
        let mut supervisor = Supervisor::new(Arc::clone(&engine));
        for _ in 0..size {
            if let Err(error) = supervisor.start_worker() {
                supervisor.give_up();
                return Err(error);
            }
        }
        let io = |error| Error::io("a thread of the pool could not be started", error);
        let reader = Arc::clone(&engine);
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        let collector = match named("mp-collector").spawn(move || reader.collect()) {
            Ok(collector) => collector,
            Err(error) => {
                supervisor.give_up();
                return Err(io(error));
            }
        };
        let thread = named("mp-supervisor").spawn(move || supervisor.run(collector));
        let thread = thread.map_err(io)?;
        finish::add(&engine);
        Ok(Pool { engine, supervisor: Mutex::new(Some(thread)) })
    }
}
