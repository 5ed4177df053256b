//! What can be asked about a pool's workers. All of it is a look from outside, and may be over when it is read.

use crate::pool::engine::{Engine, Link, lock};
use crate::sys::{clock, own};
use std::time::Duration;

/// One of a pool's workers, as it was when [`Pool::workers`](crate::Pool::workers) looked.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn nothing() {}
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let pool = mp::Pool::new(2)?;
///     (0..10).try_for_each(|_| pool.apply(nothing, ()))?;
///     for worker in pool.workers() {
///         let (name, pid, memory) = (worker.name(), worker.pid(), worker.memory());
///         println!("{name} ({pid}): {} tasks, {memory:?} bytes", worker.tasks_done());
///         if let Some(time) = worker.busy_for() {
///             println!("at the present one for {time:?}");
///         }
///     }
///     assert_eq!(pool.workers().len(), 2);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct WorkerInfo {
    pid: u32,
    name: String,
    tasks_done: u64,
    busy_for: Option<Duration>,
    memory: Option<u64>,
}

impl WorkerInfo {
    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many tasks it has done; many items that it was given at once count as one.
    #[must_use]
    pub fn tasks_done(&self) -> u64 {
        self.tasks_done
    }

    /// For how long it has been at its present task, to some milliseconds; `None` if it has none.
    #[must_use]
    pub fn busy_for(&self) -> Option<Duration> {
        self.busy_for
    }

    /// How many bytes of memory it has that it shares with no file and no other process; `None` if it
    /// has just ended.
    #[must_use]
    pub fn memory(&self) -> Option<u64> {
        self.memory
    }
}

pub(super) fn workers(engine: &Engine) -> Vec<WorkerInfo> {
    let links = lock(&engine.rings);
    let seen = |link: &Link| {
        let (tasks_done, since) = engine.board.work_of(link.seat);
        let busy_for = since.map(|since| clock::now().saturating_sub(since));
        (link.child.pid(), link.child.name().to_owned(), tasks_done, busy_for)
    };
    let seen: Vec<_> = links.iter().map(seen).collect();
    drop(links);
    let info = |(pid, name, tasks_done, busy_for)| {
        let memory = own::memory_of(pid).ok();
        WorkerInfo { pid, name, tasks_done, busy_for, memory }
    };
    seen.into_iter().map(info).collect()
}
