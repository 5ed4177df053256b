//! `LockProxy`, `RLockProxy`, `SemaphoreProxy` and `BoundedSemaphoreProxy`: those of a manager. What they do is in `sync`.
#![expect(clippy::missing_errors_doc, reason = "the types say it for all their methods")]

use crate::error::Result;
use crate::manager::direct::Direct;
use crate::manager::far::frame::direct as method;
use crate::manager::guard::ProxyGuard;
use crate::manager::wire::Message;
use crate::sync::{
    BoundedSemaphore, Lock, LockGuard, RLock, RLockGuard, Semaphore, SemaphoreGuard,
};
use serde::{Deserialize, Serialize};
use std::mem::ManuallyDrop;
use std::time::Duration;

/// What all have in the same way.
macro_rules! lock {
    ($proxy:ident, $direct:ident, $guard:ident) => {
        impl $proxy {
            pub(super) fn of(direct: Direct<$direct>) -> Self {
                Self(direct)
            }

            #[doc = concat!("As [`", stringify!($direct), "::lock`](crate::", stringify!($direct), "::lock).")]
            pub fn lock(&self) -> Result<ProxyGuard<'_, $guard<'_>>> {
                if self.0.far().is_some() {
                    return self.lock_far(None)?.ok_or_else(|| self.0.gone());
                }
                let (lock, server) = self.0.get()?;
                let guard = lock.lock_while(server, None)?;
                guard.map(ProxyGuard::near).ok_or_else(|| self.0.gone())
            }

            #[doc = concat!("As [`", stringify!($direct), "::try_lock`](crate::", stringify!($direct), "::try_lock).")]
            pub fn try_lock(&self) -> Result<Option<ProxyGuard<'_, $guard<'_>>>> {
                if self.0.far().is_some() {
                    return self.lock_far(Some(Duration::ZERO));
                }
                self.0.get()?.0.try_lock().map(|guard| guard.map(ProxyGuard::near))
            }

            #[doc = concat!("As [`", stringify!($direct), "::lock_timeout`](crate::", stringify!($direct), "::lock_timeout).")]
            pub fn lock_timeout(
                &self,
                timeout: Duration,
            ) -> Result<Option<ProxyGuard<'_, $guard<'_>>>> {
                if self.0.far().is_some() {
                    return self.lock_far(Some(timeout));
                }
                let (lock, server) = self.0.get()?;
                let guard = lock.lock_while(server, Some(timeout))?;
                if guard.is_none() {
                    self.0.expect_server()?;
                }
                Ok(guard.map(ProxyGuard::near))
            }

            fn lock_far(
                &self,
                timeout: Option<Duration>,
            ) -> Result<Option<ProxyGuard<'_, $guard<'_>>>> {
                let Some(far) = self.0.far() else { return Ok(None) };
                Ok(far.acquire(timeout)?.map(|owner_died| ProxyGuard::far(far, owner_died)))
            }

            #[doc = concat!("As [`", stringify!($direct), "::acquire`](crate::", stringify!($direct), "::acquire).")]
            pub fn acquire(&self) -> Result<()> {
                self.lock().map(keep)
            }

            #[doc = concat!("As [`", stringify!($direct), "::try_acquire`](crate::", stringify!($direct), "::try_acquire).")]
            pub fn try_acquire(&self) -> Result<bool> {
                self.try_lock().map(|guard| guard.map(keep).is_some())
            }

            #[doc = concat!("As [`", stringify!($direct), "::acquire_timeout`](crate::", stringify!($direct), "::acquire_timeout).")]
            pub fn acquire_timeout(&self, timeout: Duration) -> Result<bool> {
                self.lock_timeout(timeout).map(|guard| guard.map(keep).is_some())
            }

            #[doc = concat!("As [`", stringify!($direct), "::release`](crate::", stringify!($direct), "::release); it is given back also when the server has ended.")]
            pub fn release(&self) -> Result<()> {
                let Some(lock) = self.0.handle() else { return self.release_far() };
                let released = lock.release();
                self.0.get()?;
                released
            }

            fn release_far(&self) -> Result<()> {
                self.0.far().map_or(Ok(()), |far| far.order(method::RELEASE))
            }
        }
    };
}

/// Lets it stay taken.
fn keep<G>(guard: G) {
    let _ = ManuallyDrop::new(guard);
}

/// A [`Lock`](crate::Lock) of a manager, in its words.
///
/// Made by [`Manager::lock`](crate::Manager::lock). A handle can be cloned, be an argument, a result or a message, part of one,
/// and a value in another managed object; each is another way to the same lock. It is used without asking the server, so taking
/// it costs hardly more than without one, and a killed process's is given back in the same way. But it ends with the server.
///
/// # Errors
///
/// All methods: those of a [`Lock`](crate::Lock), and `Disconnected` if the server has ended, which a call that waits sees
/// within a second or so, and others within a tenth of one.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn count(total: mp::ValueProxy<u32>, lock: mp::LockProxy) -> mp::Result<(), String> {
///     let add = || {
///         let _guard = lock.lock()?;
///         total.set(total.get()? + 1) // two calls, which none comes between
///     };
///     (0..10).try_for_each(|_| add()).map_err(|error: mp::Error| error.to_string())
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let manager = mp::Manager::new()?;
///     let (total, lock) = (manager.value(0)?, manager.lock()?);
///     let pool = mp::Pool::new(2)?;
///     pool.starmap(count, [(total.clone(), lock.clone()), (total.clone(), lock.clone())])?;
///     assert_eq!(total.get()?, 20);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LockProxy(Direct<Lock>);

lock!(LockProxy, Lock, LockGuard);

impl LockProxy {
    /// Says which lock it is, for a condition.
    pub(super) fn write(&self, request: &mut Message) -> Result<()> {
        match self.0.handle() {
            Some(lock) => request.value(lock).map(drop),
            None => {
                self.0.add_to(request);
                Ok(())
            }
        }
    }

    /// Whether anybody has it at this moment.
    pub fn is_locked(&self) -> Result<bool> {
        match self.0.far() {
            Some(far) => far.flag(method::IS_TAKEN),
            None => self.0.get().map(|(lock, _)| lock.is_locked()),
        }
    }
}

/// An [`RLock`](crate::RLock) of a manager, in its words, and else as a [`LockProxy`].
///
/// Made by [`Manager::rlock`](crate::Manager::rlock).
///
/// # Errors
///
/// As a [`LockProxy`]'s.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RLockProxy(Direct<RLock>);

lock!(RLockProxy, RLock, RLockGuard);

impl RLockProxy {
    /// Whether anybody has it at this moment.
    pub fn is_locked(&self) -> Result<bool> {
        match self.0.far() {
            Some(far) => far.flag(method::IS_TAKEN),
            None => self.0.get().map(|(lock, _)| lock.is_locked()),
        }
    }
}

/// A [`Semaphore`](crate::Semaphore) of a manager, in its words, and else as a [`LockProxy`].
///
/// Made by [`Manager::semaphore`](crate::Manager::semaphore). The permits of a process that is killed are lost, as there.
///
/// # Errors
///
/// As a [`LockProxy`]'s.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SemaphoreProxy(Direct<Semaphore>);

lock!(SemaphoreProxy, Semaphore, SemaphoreGuard);

impl SemaphoreProxy {
    /// How many permits are free at this moment.
    pub fn value(&self) -> Result<u32> {
        match self.0.far() {
            Some(far) => far.number(method::FREE),
            None => self.0.get().map(|(semaphore, _)| semaphore.value()),
        }
    }
}

/// A [`BoundedSemaphore`](crate::BoundedSemaphore) of a manager, in its words, and else as a [`SemaphoreProxy`].
///
/// Made by [`Manager::bounded_semaphore`](crate::Manager::bounded_semaphore).
///
/// # Errors
///
/// As a [`LockProxy`]'s.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BoundedSemaphoreProxy(Direct<BoundedSemaphore>);

lock!(BoundedSemaphoreProxy, BoundedSemaphore, SemaphoreGuard);

impl BoundedSemaphoreProxy {
    /// How many permits are free at this moment.
    pub fn value(&self) -> Result<u32> {
        match self.0.far() {
            Some(far) => far.number(method::FREE),
            None => self.0.get().map(|(semaphore, _)| semaphore.value()),
        }
    }
}
