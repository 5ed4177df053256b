//! `ConditionProxy`: a condition of a manager. What it does is in `sync`.
#![expect(clippy::missing_errors_doc, reason = "the type says it for all its methods")]

use crate::error::{Error, ErrorKind, Result};
use crate::manager::direct::Direct;
use crate::manager::far::frame::direct as method;
use crate::manager::guard::{Has, ProxyGuard};
use crate::sync::{Condition, LockGuard};
use crate::sys::clock::Deadline;
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
    pub fn lock(&self) -> Result<ProxyGuard<'_, LockGuard<'_>>> {
        if let Some(far) = self.0.far() {
            let owner_died = far.acquire(None)?.ok_or_else(|| self.0.gone())?;
            return Ok(ProxyGuard::far(far, owner_died));
        }
        let (condition, server) = self.0.get()?;
        let guard = condition.its_lock().lock_while(server, None)?;
        guard.map(ProxyGuard::near).ok_or_else(|| self.0.gone())
    }

    /// Waits until it is notified.
    pub fn wait(&self, guard: &mut ProxyGuard<'_, LockGuard<'_>>) -> Result<()> {
        self.wait_within(guard, None).map(drop)
    }

    /// Waits until it is notified, so long at most, and says whether it was.
    pub fn wait_timeout(
        &self,
        guard: &mut ProxyGuard<'_, LockGuard<'_>>,
        timeout: Duration,
    ) -> Result<bool> {
        self.wait_within(guard, Some(timeout))
    }

    /// Waits until `predicate` is true, which is asked with the lock: now, and whenever it is notified.
    pub fn wait_for(
        &self,
        guard: &mut ProxyGuard<'_, LockGuard<'_>>,
        predicate: impl FnMut() -> bool,
    ) -> Result<()> {
        self.wait_for_within(guard, None, predicate).map(drop)
    }

    /// As [`wait_for`](Self::wait_for), so long at most in all; gives what the predicate was in the end.
    pub fn wait_for_timeout(
        &self,
        guard: &mut ProxyGuard<'_, LockGuard<'_>>,
        timeout: Duration,
        predicate: impl FnMut() -> bool,
    ) -> Result<bool> {
        self.wait_for_within(guard, Some(timeout), predicate)
    }

    /// Notifies the one that has waited longest, if one waits.
    pub fn notify_one(&self, guard: &ProxyGuard<'_, LockGuard<'_>>) -> Result<()> {
        self.notify(guard, 1)
    }

    /// Notifies so many of those that wait, or all if there are not so many.
    pub fn notify(&self, guard: &ProxyGuard<'_, LockGuard<'_>>, count: usize) -> Result<()> {
        match (self.0.far(), &guard.0) {
            (None, Has::Near(guard)) => self.0.get()?.0.notify(guard, count),
            (Some(far), Has::Far(_)) => {
                let mut request = far.request(method::NOTIFY);
                request.u64(count as u64);
                far.call(request, |_| Ok(()))
            }
            _ => Err(another()),
        }
    }

    /// Notifies all that wait.
    pub fn notify_all(&self, guard: &ProxyGuard<'_, LockGuard<'_>>) -> Result<()> {
        self.notify(guard, usize::MAX)
    }

    fn wait_within(
        &self,
        guard: &mut ProxyGuard<'_, LockGuard<'_>>,
        timeout: Option<Duration>,
    ) -> Result<bool> {
        match (self.0.far(), &mut guard.0) {
            (None, Has::Near(guard)) => {
                let (condition, server) = self.0.get()?;
                self.outcome(condition.wait_while(server, guard, timeout))
            }
            (Some(far), Has::Far(guard)) => {
                let request = far.waiting(method::WAIT, timeout);
                let (told, owner_died) =
                    far.call(request, |answer| Ok((answer.flag()?, answer.flag()?)))?;
                guard.owner_died |= owner_died;
                Ok(told)
            }
            _ => Err(another()),
        }
    }

    fn wait_for_within(
        &self,
        guard: &mut ProxyGuard<'_, LockGuard<'_>>,
        timeout: Option<Duration>,
        mut predicate: impl FnMut() -> bool,
    ) -> Result<bool> {
        if let (None, Has::Near(guard)) = (self.0.far(), &mut guard.0) {
            let (condition, server) = self.0.get()?;
            return self.outcome(condition.wait_for_while(server, guard, timeout, predicate));
        }
        let deadline = timeout.and_then(Deadline::after);
        loop {
            if predicate() {
                return Ok(true);
            }
            if !self.wait_within(guard, deadline.map(|deadline| deadline.remaining()))? {
                return Ok(predicate());
            }
        }
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

fn another() -> Error {
    Error::new(ErrorKind::InvalidArgument, "the guard is not of the condition's lock")
}
