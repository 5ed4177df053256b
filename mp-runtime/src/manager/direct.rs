//! Objects that a manager's server keeps and that are used without it, since they lie in memory that all processes share: what
//! their proxies have in common, and how they are made. Their methods are for the kinds.

use crate::commons::Number;
use crate::error::{Error, Result};
use crate::manager::barrier::BarrierProxy;
use crate::manager::condition::ConditionProxy;
use crate::manager::event::EventProxy;
use crate::manager::lock::{BoundedSemaphoreProxy, LockProxy, RLockProxy, SemaphoreProxy};
use crate::manager::proxy::Proxy;
use crate::manager::queue::QueueProxy;
use crate::manager::wire::{Message, kind};
use crate::manager::{Manager, Session};
use crate::transport::sleeper::Sleeper;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

/// A handle on the managed object, which counts for the server, and one on the object itself.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Direct<H> {
    proxy: Proxy,
    handle: H,
}

impl<H: DeserializeOwned + 'static> Direct<H> {
    pub(super) fn create(
        session: &Arc<Session>,
        kind: u8,
        write: impl FnOnce(&mut Message) -> Result<()>,
    ) -> Result<Self> {
        let (proxy, handle) = Proxy::create_with(session, kind, write, |answer| answer.value())?;
        Ok(Self { proxy, handle })
    }
}

impl<H> Direct<H> {
    /// The object, and the server's process, which has lived lately.
    #[inline]
    pub(super) fn get(&self) -> Result<(&H, Number)> {
        self.proxy.server().map(|server| (&self.handle, server))
    }

    pub(super) fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// The object, whether the server lives or not.
    pub(super) fn handle(&self) -> &H {
        &self.handle
    }

    /// An error if the server has ended.
    pub(super) fn expect_server(&self) -> Result<()> {
        self.proxy.expect_server()
    }

    /// What is then to be said.
    pub(super) fn gone(&self) -> Error {
        self.proxy.gone()
    }

    /// As this waits, and no longer than the server lives.
    pub(super) fn served<S: Sleeper>(&self, sleeper: S) -> Served<'_, S> {
        Served { sleeper, proxy: &self.proxy }
    }

    /// The same with another handle of the same object.
    pub(super) fn map(self, change: impl FnOnce(H) -> H) -> Self {
        Self { proxy: self.proxy, handle: change(self.handle) }
    }
}

impl<H: fmt::Debug> fmt::Debug for Direct<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}

/// Somebody who waits, beside other things, for an object or its server's end.
pub(super) struct Served<'a, S> {
    sleeper: S,
    proxy: &'a Proxy,
}

impl<S: Sleeper> Sleeper for Served<'_, S> {
    fn is_ready(&self) -> bool {
        self.sleeper.is_ready()
    }

    fn is_over(&self) -> bool {
        self.sleeper.is_over() || self.proxy.expect_server().is_err()
    }

    fn announce(&self) -> (&AtomicU32, u32) {
        self.sleeper.announce()
    }
}

/// What is used without asking the server.
impl Manager {
    /// Makes a queue that takes any number of items.
    ///
    /// # Errors
    ///
    /// As [`dict`](Self::dict).
    pub fn queue<T: 'static>(&self) -> Result<QueueProxy<T>> {
        Direct::create(&self.session, kind::QUEUE, |_| Ok(())).map(QueueProxy::of)
    }

    /// Makes a queue that takes so many items.
    ///
    /// # Errors
    ///
    /// As [`dict`](Self::dict); `InvalidArgument` if that is none.
    pub fn bounded_queue<T: 'static>(&self, items: usize) -> Result<QueueProxy<T>> {
        let write = |request: &mut Message| {
            request.u64(items as u64);
            Ok(())
        };
        Direct::create(&self.session, kind::BOUNDED_QUEUE, write).map(QueueProxy::of)
    }

    /// Makes a lock that nobody has.
    ///
    /// # Errors
    ///
    /// As [`dict`](Self::dict).
    pub fn lock(&self) -> Result<LockProxy> {
        Direct::create(&self.session, kind::LOCK, |_| Ok(())).map(LockProxy::of)
    }

    /// Makes a lock that nobody has, and that its owner can take again.
    ///
    /// # Errors
    ///
    /// As [`dict`](Self::dict).
    pub fn rlock(&self) -> Result<RLockProxy> {
        Direct::create(&self.session, kind::RLOCK, |_| Ok(())).map(RLockProxy::of)
    }

    /// Makes a semaphore with so many free permits; 0 is allowed.
    ///
    /// # Errors
    ///
    /// As [`dict`](Self::dict); `InvalidArgument` for more than 2,147,483,647.
    pub fn semaphore(&self, permits: u32) -> Result<SemaphoreProxy> {
        self.counted(kind::SEMAPHORE, permits).map(SemaphoreProxy::of)
    }

    /// Makes a semaphore that never has more free permits than these.
    ///
    /// # Errors
    ///
    /// As [`semaphore`](Self::semaphore).
    pub fn bounded_semaphore(&self, permits: u32) -> Result<BoundedSemaphoreProxy> {
        self.counted(kind::BOUNDED_SEMAPHORE, permits).map(BoundedSemaphoreProxy::of)
    }

    /// Makes an event that is not set.
    ///
    /// # Errors
    ///
    /// As [`dict`](Self::dict).
    pub fn event(&self) -> Result<EventProxy> {
        Direct::create(&self.session, kind::EVENT, |_| Ok(())).map(EventProxy::of)
    }

    /// Makes a condition with a lock of its own.
    ///
    /// # Errors
    ///
    /// As [`dict`](Self::dict).
    pub fn condition(&self) -> Result<ConditionProxy> {
        Direct::create(&self.session, kind::CONDITION, |_| Ok(())).map(ConditionProxy::of)
    }

    /// Makes a condition with this lock, which may have others.
    ///
    /// # Errors
    ///
    /// As [`dict`](Self::dict).
    pub fn condition_with_lock(&self, lock: &LockProxy) -> Result<ConditionProxy> {
        let write = |request: &mut Message| request.value(lock.handle()).map(drop);
        Direct::create(&self.session, kind::CONDITION_WITH_LOCK, write).map(ConditionProxy::of)
    }

    /// Makes a barrier for so many parties.
    ///
    /// # Errors
    ///
    /// As [`dict`](Self::dict); `InvalidArgument` for none.
    pub fn barrier(&self, parties: u32) -> Result<BarrierProxy> {
        self.counted(kind::BARRIER, parties).map(BarrierProxy::of)
    }

    fn counted<H: DeserializeOwned + 'static>(&self, kind: u8, count: u32) -> Result<Direct<H>> {
        Direct::create(&self.session, kind, |request| {
            request.bytes.extend_from_slice(&count.to_le_bytes());
            Ok(())
        })
    }
}
