//! `BarrierProxy`: a barrier of a manager. What it does is in `sync`.
#![expect(clippy::missing_errors_doc, reason = "the type says it for all its methods")]

use crate::error::{ErrorKind, Result};
use crate::manager::direct::Direct;
use crate::sync::Barrier;
use crate::task::Task;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A [`Barrier`](crate::Barrier) of a manager, in its words.
///
/// Made by [`Manager::barrier`](crate::Manager::barrier). Handles, and that it is used without asking the server, are as a
/// [`LockProxy`](crate::LockProxy)'s; timeout and action are the handle's own, and travel with it.
///
/// # Errors
///
/// All methods: those of a [`Barrier`](crate::Barrier), and `Disconnected` if the server has ended, which a call that waits sees
/// within a second or so.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn step(together: mp::BarrierProxy) -> u32 {
///     together.wait().expect("nobody is missing")
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let manager = mp::Manager::new()?;
///     let together = manager.barrier(2)?;
///     let pool = mp::Pool::new(2)?;
///     let places = pool.map(step, vec![together; 2])?;
///     assert_eq!(places.iter().sum::<u32>(), 1);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BarrierProxy(Direct<Barrier>);

impl BarrierProxy {
    pub(super) fn of(direct: Direct<Barrier>) -> Self {
        Self(direct)
    }

    /// Has [`wait`](Self::wait) by this handle, and by those made of it, break the barrier after so long.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self(self.0.map(|barrier| barrier.with_timeout(timeout)))
    }

    /// Has the last party to arrive run this task: see [`Barrier::with_action`](crate::Barrier::with_action).
    #[must_use]
    pub fn with_action<F>(self, task: F) -> Self
    where
        F: for<'a> Task<Args<'a> = ()>,
    {
        Self(self.0.map(|barrier| barrier.with_action(task)))
    }

    /// Waits for the other parties, and gives the place in which this one has arrived in its round, from 0.
    pub fn wait(&self) -> Result<u32> {
        self.wait_within(None)
    }

    /// As [`wait`](Self::wait), with a timeout for this once. When it runs out the barrier breaks for everyone.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<u32> {
        self.wait_within(Some(timeout))
    }

    /// Breaks the barrier: those that wait, and those that come, get `Broken`.
    pub fn abort(&self) -> Result<()> {
        self.0.get()?.0.abort()
    }

    /// Makes the barrier as it was at first; those that wait get `Broken`.
    pub fn reset(&self) -> Result<()> {
        self.0.get()?.0.reset()
    }

    /// Whether it is broken.
    pub fn broken(&self) -> Result<bool> {
        self.0.get().map(|(barrier, _)| barrier.broken())
    }

    /// How many wait at this moment.
    pub fn n_waiting(&self) -> Result<u32> {
        self.0.get().map(|(barrier, _)| barrier.n_waiting())
    }

    /// How many have to arrive.
    pub fn parties(&self) -> Result<u32> {
        self.0.get().map(|(barrier, _)| barrier.parties())
    }

    fn wait_within(&self, timeout: Option<Duration>) -> Result<u32> {
        let (barrier, server) = self.0.get()?;
        barrier.wait_while(server, timeout).map_err(|error| match error.kind() {
            // A party that sees the server's end breaks it for all.
            ErrorKind::Broken => self.0.expect_server().err().unwrap_or(error),
            _ => error,
        })
    }
}
