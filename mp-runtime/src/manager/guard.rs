//! `ProxyGuard`: has a lock of a manager, of this program's or of a server elsewhere.

use crate::manager::direct::Far;
use crate::manager::far::frame::direct as method;
use crate::sync::{LockGuard, RLockGuard, SemaphoreGuard};
use std::fmt;
use std::marker::PhantomData;

/// Has a lock of a manager; dropping it gives the lock back, during a panic too.
///
/// `G` is the guard of such a lock without a manager: [`LockGuard`](crate::LockGuard), [`RLockGuard`](crate::RLockGuard) or
/// [`SemaphoreGuard`](crate::SemaphoreGuard).
#[must_use = "the lock is given back when the guard is dropped, so at once if it is not kept"]
pub struct ProxyGuard<'a, G>(pub(super) Has<'a, G>);

/// By which way it has it.
pub(super) enum Has<'a, G> {
    Near(G),
    Far(FarGuard<'a>),
}

/// Has a lock of a server elsewhere.
pub(super) struct FarGuard<'a> {
    pub(super) far: Far<'a>,
    pub(super) owner_died: bool,
    /// Ownership is a thread's, whose connection has it.
    of_this_thread: PhantomData<*const ()>,
}

impl Drop for FarGuard<'_> {
    fn drop(&mut self) {
        // If the server is gone, so is the lock.
        let _ = self.far.order(method::RELEASE);
    }
}

impl<'a, G> ProxyGuard<'a, G> {
    pub(super) fn near(guard: G) -> Self {
        Self(Has::Near(guard))
    }

    pub(super) fn far(far: Far<'a>, owner_died: bool) -> Self {
        Self(Has::Far(FarGuard { far, owner_died, of_this_thread: PhantomData }))
    }
}

macro_rules! owner_died {
    ($($guard:ident),*) => {$(
        impl ProxyGuard<'_, $guard<'_>> {
            /// Whether the lock was taken over from a process that has died with it; see
            /// [`LockGuard::owner_died`](crate::LockGuard::owner_died).
            #[must_use]
            pub fn owner_died(&self) -> bool {
                match &self.0 {
                    Has::Near(guard) => guard.owner_died(),
                    Has::Far(guard) => guard.owner_died,
                }
            }
        }

        impl fmt::Debug for ProxyGuard<'_, $guard<'_>> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let owner_died = self.owner_died();
                f.debug_struct("ProxyGuard").field("owner_died", &owner_died).finish_non_exhaustive()
            }
        }
    )*};
}

owner_died!(LockGuard, RLockGuard);

impl fmt::Debug for ProxyGuard<'_, SemaphoreGuard<'_>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyGuard").finish_non_exhaustive()
    }
}
