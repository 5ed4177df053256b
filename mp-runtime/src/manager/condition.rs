//! `ConditionProxy`: a condition of a manager. What it does is in `sync`.
#![expect(clippy::missing_errors_doc, reason = "the type says it for all its methods")]

use crate::error::{ErrorKind, Result};
use crate::manager::direct::Direct;
use crate::sync::{Condition, LockGuard};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A [`Condition`](crate::Condition) of a manager, in its words.
///
/// Made by [`Manager::condition`](crate::Manager::condition), or with a lock that is there by
/// [`Manager::condition_with_lock`](crate::Manager::condition_with_lock), whose guard then fits. Handles, and that it is used
/// without asking the server, are as a [`LockProxy`](crate::LockProxy)'s.
///
/// # Errors
///
/// All methods: those of a [`Condition`](crate::Condition), and `Disconnected` if the server has ended, which a call that waits
/// sees within a second or so. It has the lock again then, unless another one has it at that moment: nobody is waited for any
/// more, and the guard is one of nothing.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn finish(done: mp::ConditionProxy, count: mp::SemaphoreProxy) {
///     let guard = done.lock().expect("not held by this thread");
///     count.release().expect("one more");
///     done.notify_one(&guard).expect("it is its guard");
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let manager = mp::Manager::new()?;
///     let (done, count) = (manager.condition()?, manager.semaphore(0)?);
///     mp::spawn(finish, (done.clone(), count.clone()))?;
///     let mut guard = done.lock()?;
///     done.wait_for(&mut guard, || count.value().is_ok_and(|count| count == 1))?;
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConditionProxy(Direct<Condition>);

impl ConditionProxy {
    pub(super) fn of(direct: Direct<Condition>) -> Self {
        Self(direct)
    }

    /// Takes the condition's lock.
    pub fn lock(&self) -> Result<LockGuard<'_>> {
        let (condition, server) = self.0.get()?;
        condition.its_lock().lock_while(server, None)?.ok_or_else(|| self.0.gone())
    }

    /// Waits until it is notified.
    pub fn wait(&self, guard: &mut LockGuard<'_>) -> Result<()> {
        self.wait_within(guard, None).map(drop)
    }

    /// Waits until it is notified, so long at most, and says whether it was.
    pub fn wait_timeout(&self, guard: &mut LockGuard<'_>, timeout: Duration) -> Result<bool> {
        self.wait_within(guard, Some(timeout))
    }

    /// Waits until `predicate` is true, which is asked with the lock: now, and whenever it is notified.
    pub fn wait_for(
        &self,
        guard: &mut LockGuard<'_>,
        predicate: impl FnMut() -> bool,
    ) -> Result<()> {
        self.wait_for_within(guard, None, predicate).map(drop)
    }

    /// As [`wait_for`](Self::wait_for), so long at most in all; gives what the predicate was in the end.
    pub fn wait_for_timeout(
        &self,
        guard: &mut LockGuard<'_>,
        timeout: Duration,
        predicate: impl FnMut() -> bool,
    ) -> Result<bool> {
        self.wait_for_within(guard, Some(timeout), predicate)
    }

    /// Notifies the one that has waited longest, if one waits.
    pub fn notify_one(&self, guard: &LockGuard<'_>) -> Result<()> {
        self.notify(guard, 1)
    }

    /// Notifies so many of those that wait, or all if there are not so many.
    pub fn notify(&self, guard: &LockGuard<'_>, count: usize) -> Result<()> {
        self.0.get()?.0.notify(guard, count)
    }

    /// Notifies all that wait.
    pub fn notify_all(&self, guard: &LockGuard<'_>) -> Result<()> {
        self.notify(guard, usize::MAX)
    }

    fn wait_within(&self, guard: &mut LockGuard<'_>, timeout: Option<Duration>) -> Result<bool> {
        let (condition, server) = self.0.get()?;
        self.outcome(condition.wait_while(server, guard, timeout))
    }

    fn wait_for_within(
        &self,
        guard: &mut LockGuard<'_>,
        timeout: Option<Duration>,
        predicate: impl FnMut() -> bool,
    ) -> Result<bool> {
        let (condition, server) = self.0.get()?;
        self.outcome(condition.wait_for_while(server, guard, timeout, predicate))
    }

    /// Whether it was in vain because of the server.
    fn outcome(&self, waited: Result<bool>) -> Result<bool> {
        match waited {
            Ok(false) => self.0.expect_server().map(|()| false),
            Err(error) if error.kind() == ErrorKind::Disconnected => Err(self.0.gone()),
            other => other,
        }
    }
}
