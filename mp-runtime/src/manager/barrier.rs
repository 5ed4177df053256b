//! `BarrierProxy`: a barrier of a manager. What it does is in `sync`.
#![expect(clippy::missing_errors_doc, reason = "the type says it for all its methods")]

use crate::error::{Error, ErrorKind, Result};
use crate::manager::direct::Direct;
use crate::manager::far::frame::direct as method;
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
pub struct BarrierProxy {
    direct: Direct<Barrier>,
    /// What a handle has of its own, where the barrier is in a server elsewhere.
    timeout: Option<Duration>,
    acts: bool,
}

impl BarrierProxy {
    pub(super) fn of(direct: Direct<Barrier>) -> Self {
        Self { direct, timeout: None, acts: false }
    }

    /// Has [`wait`](Self::wait) by this handle, and by those made of it, break the barrier after so long.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        let direct = self.direct.map(|barrier| barrier.with_timeout(timeout));
        Self { direct, timeout: Some(timeout), ..self }
    }

    /// Has the last party to arrive run this task: see [`Barrier::with_action`](crate::Barrier::with_action). By a barrier of
    /// another program's server that cannot be: [`wait`](Self::wait) is `Unsupported` then.
    #[must_use]
    pub fn with_action<F>(self, task: F) -> Self
    where
        F: for<'a> Task<Args<'a> = ()>,
    {
        let direct = self.direct.map(|barrier| barrier.with_action(task));
        Self { direct, acts: true, ..self }
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
        match self.direct.far() {
            Some(far) => far.order(method::ABORT),
            None => self.direct.get()?.0.abort(),
        }
    }

    /// Makes the barrier as it was at first; those that wait get `Broken`.
    pub fn reset(&self) -> Result<()> {
        match self.direct.far() {
            Some(far) => far.order(method::RESET),
            None => self.direct.get()?.0.reset(),
        }
    }

    /// Whether it is broken.
    pub fn broken(&self) -> Result<bool> {
        match self.direct.far() {
            Some(far) => far.flag(method::IS_BROKEN),
            None => self.direct.get().map(|(barrier, _)| barrier.broken()),
        }
    }

    /// How many wait at this moment.
    pub fn n_waiting(&self) -> Result<u32> {
        match self.direct.far() {
            Some(far) => far.number(method::WAITING),
            None => self.direct.get().map(|(barrier, _)| barrier.n_waiting()),
        }
    }

    /// How many have to arrive.
    pub fn parties(&self) -> Result<u32> {
        match self.direct.far() {
            Some(far) => far.number(method::PARTIES),
            None => self.direct.get().map(|(barrier, _)| barrier.parties()),
        }
    }

    fn wait_within(&self, timeout: Option<Duration>) -> Result<u32> {
        if let Some(far) = self.direct.far() {
            if self.acts {
                let text = "a barrier's action is not run by another program's server";
                return Err(Error::new(ErrorKind::Unsupported, text));
            }
            return far.call(far.waiting(method::WAIT, timeout.or(self.timeout)), |answer| {
                Ok(u32::try_from(answer.u64()?).unwrap_or(u32::MAX))
            });
        }
        let (barrier, server) = self.direct.get()?;
        barrier.wait_while(server, timeout).map_err(|error| match error.kind() {
            // A party that sees the server's end breaks it for all.
            ErrorKind::Broken => self.direct.expect_server().err().unwrap_or(error),
            _ => error,
        })
    }
}
