//! Objects that a manager's server keeps and that are used without it, since they lie in memory that all processes share: what
//! their proxies have in common, and how they are made. Their methods are for the kinds.

use crate::channel::Queue;
use crate::commons::Number;
use crate::error::{Error, Result};
use crate::manager::Manager;
use crate::manager::barrier::BarrierProxy;
use crate::manager::condition::ConditionProxy;
use crate::manager::event::EventProxy;
use crate::manager::far::frame::direct as method;
use crate::manager::far::travel::{self, Passed};
use crate::manager::lock::{BoundedSemaphoreProxy, LockProxy, RLockProxy, SemaphoreProxy};
use crate::manager::proxy::{Found, Proxy, Way, elsewhere};
use crate::manager::queue::QueueProxy;
use crate::manager::wire::{Message, Reader, kind};
use crate::sync::{Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore};
use crate::transport::sleeper::Sleeper;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// A handle on the managed object, which counts for the server, and one on the object itself, if that is in memory that this
/// process shares.
#[derive(Clone)]
pub(super) struct Direct<H> {
    proxy: Proxy,
    handle: Option<H>,
}

/// What lies in such memory.
pub(super) trait Handle: Serialize + DeserializeOwned + 'static {
    /// What it is in a value for somebody who does not share it.
    type Passed: DeserializeOwned;
}

impl<T: 'static> Handle for Queue<T> {
    type Passed = Passed;
}

macro_rules! handles {
    ($($handle:ident: $passed:ty,)*) => {$(
        impl Handle for $handle {
            type Passed = $passed;
        }
    )*};
}

handles! {
    Lock: Passed,
    RLock: Passed,
    Semaphore: Passed,
    BoundedSemaphore: Passed,
    Event: Passed,
    Condition: (Passed, Passed),
    Barrier: (Passed, Option<Duration>, Option<Vec<u8>>),
}

impl<H: Handle> Serialize for Direct<H> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.proxy, &self.handle).serialize(serializer)
    }
}

impl<'de, H: Handle> Deserialize<'de> for Direct<H> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (found, handle) = if travel::is_foreign() {
            let (found, _) = <(Found, Option<H::Passed>)>::deserialize(deserializer)?;
            (found, None)
        } else {
            <(Found, Option<H>)>::deserialize(deserializer)?
        };
        let (proxy, handle) = match found {
            Found::Proxy(proxy) => (proxy, handle),
            Found::Number(session, object) => {
                let found = Proxy::resolve(&session, object, |answer| answer.value().map(Some));
                found.map_err(D::Error::custom)?
            }
        };
        if handle.is_none() && proxy.lease().is_none() {
            return Err(D::Error::custom("a managed object without what it stands for"));
        }
        Ok(Self { proxy, handle })
    }
}

impl<H: Handle> Direct<H> {
    pub(super) fn create(
        way: &Way,
        kind: u8,
        write: impl FnOnce(&mut Message) -> Result<()>,
    ) -> Result<Self> {
        let (proxy, handle) = match way {
            Way::Near(_) => {
                Proxy::create_with(way, kind, write, |answer| answer.value().map(Some))?
            }
            Way::Far(_) => Proxy::create_with(way, kind, write, |_| Ok(None))?,
        };
        Ok(Self { proxy, handle })
    }
}

impl<H> Direct<H> {
    /// The object, and the server's process, which has lived lately; an error if it is elsewhere.
    #[inline]
    pub(super) fn get(&self) -> Result<(&H, Number)> {
        let server = self.proxy.server()?;
        self.handle.as_ref().map(|handle| (handle, server)).ok_or_else(elsewhere)
    }

    pub(super) fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// The object, whether the server lives or not; none if it is elsewhere.
    pub(super) fn handle(&self) -> Option<&H> {
        self.handle.as_ref()
    }

    /// Puts it beside a request to its own server.
    pub(super) fn add_to(&self, request: &mut Message) {
        if let (Some(cargo), Some(lease)) = (&mut request.far, self.proxy.lease()) {
            cargo.add(lease);
        }
    }

    /// The way to it, if it is elsewhere.
    #[inline]
    pub(super) fn far(&self) -> Option<Far<'_>> {
        match self.handle {
            Some(_) => None,
            None => Some(Far(&self.proxy)),
        }
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
        Self { proxy: self.proxy, handle: self.handle.map(change) }
    }
}

impl<H: fmt::Debug> fmt::Debug for Direct<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.handle {
            Some(handle) => handle.fmt(f),
            None => self.proxy.fmt(f),
        }
    }
}

/// An object of a server elsewhere, which does there what is asked of it.
#[derive(Clone, Copy)]
pub(super) struct Far<'a>(&'a Proxy);

impl Far<'_> {
    pub(super) fn request(&self, method: u16) -> Message {
        self.0.request(method)
    }

    pub(super) fn call<R>(
        &self,
        request: Message,
        read: impl FnOnce(&mut Reader<'_>) -> Result<R>,
    ) -> Result<R> {
        self.0.call(request, read)
    }

    /// Has something done that needs no more to be said.
    pub(super) fn order(&self, method: u16) -> Result<()> {
        self.0.ask(method, |_| Ok(()))
    }

    pub(super) fn flag(&self, method: u16) -> Result<bool> {
        self.0.ask(method, |answer| answer.flag())
    }

    pub(super) fn number(&self, method: u16) -> Result<u32> {
        let number = self.0.ask(method, |answer| answer.u64())?;
        Ok(u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// Takes it, if it can be had within so long: whether its last owner has died.
    pub(super) fn acquire(&self, timeout: Option<Duration>) -> Result<Option<bool>> {
        self.call(self.waiting(method::ACQUIRE, timeout), |answer| {
            let (taken, owner_died) = (answer.flag()?, answer.flag()?);
            Ok(taken.then_some(owner_died))
        })
    }

    pub(super) fn count(&self, method: u16) -> Result<usize> {
        self.0.ask(method, |answer| answer.len())
    }

    /// A call that waits, so long at most.
    pub(super) fn waiting(&self, method: u16, timeout: Option<Duration>) -> Message {
        let mut request = self.request(method);
        request.u8(timeout.is_some().into());
        if let Some(timeout) = timeout {
            request.u64(u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX));
        }
        request.within = timeout;
        request
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
        Direct::create(&self.way, kind::QUEUE, |_| Ok(())).map(QueueProxy::of)
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
        Direct::create(&self.way, kind::BOUNDED_QUEUE, write).map(QueueProxy::of)
    }

    /// Makes a lock that nobody has.
    ///
    /// # Errors
    ///
    /// As [`dict`](Self::dict).
    pub fn lock(&self) -> Result<LockProxy> {
        Direct::create(&self.way, kind::LOCK, |_| Ok(())).map(LockProxy::of)
    }

    /// Makes a lock that nobody has, and that its owner can take again.
    ///
    /// # Errors
    ///
    /// As [`dict`](Self::dict).
    pub fn rlock(&self) -> Result<RLockProxy> {
        Direct::create(&self.way, kind::RLOCK, |_| Ok(())).map(RLockProxy::of)
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
        Direct::create(&self.way, kind::EVENT, |_| Ok(())).map(EventProxy::of)
    }

    /// Makes a condition with a lock of its own.
    ///
    /// # Errors
    ///
    /// As [`dict`](Self::dict).
    pub fn condition(&self) -> Result<ConditionProxy> {
        Direct::create(&self.way, kind::CONDITION, |_| Ok(())).map(ConditionProxy::of)
    }

    /// Makes a condition with this lock, which may have others.
    ///
    /// # Errors
    ///
    /// As [`dict`](Self::dict).
    pub fn condition_with_lock(&self, lock: &LockProxy) -> Result<ConditionProxy> {
        let write = |request: &mut Message| lock.write(request);
        Direct::create(&self.way, kind::CONDITION_WITH_LOCK, write).map(ConditionProxy::of)
    }

    /// Makes a barrier for so many parties.
    ///
    /// # Errors
    ///
    /// As [`dict`](Self::dict); `InvalidArgument` for none.
    pub fn barrier(&self, parties: u32) -> Result<BarrierProxy> {
        self.counted(kind::BARRIER, parties).map(BarrierProxy::of)
    }

    fn counted<H: Handle>(&self, kind: u8, count: u32) -> Result<Direct<H>> {
        Direct::create(&self.way, kind, |request| {
            request.bytes.extend_from_slice(&count.to_le_bytes());
            Ok(())
        })
    }
}
