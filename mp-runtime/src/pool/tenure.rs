//! How a worker is set up by its pool's options, and when it has done enough to be replaced. Its loop is in `worker`.

use crate::error::{Error, Result};
use crate::pool::local;
use crate::pool::options::Manner;
use crate::pool::worker::Orders;
use crate::sys::own;
use crate::transport::constant::Constant;
use std::os::fd::{AsFd, OwnedFd};

/// What a worker has done, and how much it may.
#[derive(Debug)]
pub(super) struct Tenure {
    done: u64,
    max_tasks: Option<u64>,
    growth: Option<u64>,
    memory_before: u64,
}

impl Tenure {
    pub(super) fn new(manner: &Manner) -> Self {
        let Manner { max_tasks, memory_growth, .. } = *manner;
        Self { done: 0, max_tasks, growth: memory_growth, memory_before: 0 }
    }

    /// The first task is about to come: what is in use now is no growth.
    pub(super) fn begin(&mut self) {
        if self.growth.is_some() {
            self.memory_before = memory();
        }
    }

    /// Notes that a call is done, and gives how many are.
    pub(super) fn count(&mut self) -> u64 {
        self.done += 1;
        self.done
    }

    /// How many calls are done.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    /// Whether the worker is to be replaced.
    pub(super) fn is_over(&self) -> bool {
        self.max_tasks.is_some_and(|most| self.done >= most)
            || self.growth.is_some_and(|most| memory() > self.memory_before.saturating_add(most))
    }
}

fn memory() -> u64 {
    // Without /proc nothing is known, and no worker is replaced for it.
    own::memory_of(std::process::id()).unwrap_or(0)
}

/// Makes this process what the pool wants its workers to be.
pub(super) fn take_up(orders: &Orders, shared: Option<OwnedFd>) -> Result<()> {
    let manner = &orders.manner;
    let io = |doing: &'static str| move |error| Error::io(doing, error);
    if let (Some(file), Some(len)) = (shared, manner.shared) {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let value = Constant::map(file.as_fd(), len);
        local::set_shared(value.map_err(io("the pool's shared value could not be mapped"))?);
    }
    if manner.affinity {
        let seat = usize::try_from(orders.seat).unwrap_or(0);
        own::pin(seat).map_err(io("the worker could not be bound to a CPU"))?;
    }
    if manner.nice != 0 {
        own::set_nice(manner.nice).map_err(io("the worker's nice value could not be set"))?;
    }
    if let Some(bytes) = manner.memory_limit {
        own::limit_data(bytes).map_err(io("the worker's memory could not be limited"))?;
    }
    Ok(())
}
