//! `DictWatcher`: the changes of one key of a managed dictionary, as they come. What the server does is in `server::watchers`.
#![expect(clippy::missing_errors_doc, reason = "the type says it for all its methods")]

use crate::error::{Error, ErrorKind, Result};
use crate::manager::DictProxy;
use crate::manager::direct::Direct;
use crate::manager::far::frame::direct;
use crate::manager::proxy::Proxy;
use crate::manager::wire::{kind, watcher as method};
use crate::sync::Event;
use crate::sys::clock::Deadline;
use crate::wait::{Source, Waitable};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::time::Duration;

/// The changes of one key of a [`DictProxy`], made by [`DictProxy::watch`]: its new value, or none if it was taken out.
///
/// What it gives is what there is when it is asked, so the latest value: if several changes have come since it was last
/// asked, those between are not seen, and however slow it is, neither the server nor other clients wait for it or keep
/// anything for it. Whoever needs each of them has them sent by a [`QueueProxy`](crate::QueueProxy). A value that is put again
/// is a change, too.
///
/// Waiting for a change takes no processor time, and no thread of the server's. It can be waited for together with
/// other things, by [`mp::wait`](crate::wait()): then it is ready if there is a change, or the server has ended.
///
/// It is an object of the server's, which is gone when it is dropped or its process is, and one more handle on the
/// dictionary. As an iterator it gives the changes as they come, and ends with the server.
///
/// # Errors
///
/// All methods: `Disconnected` if the server has ended, which a call that waits sees within a second or so; `Decode` if a
/// value does not travel.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn change(states: mp::DictProxy<String, u32>) -> mp::Result<()> {
///     states.insert("job".to_owned(), 1)?;
///     states.remove(&"job".to_owned()).map(drop)
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let manager = mp::Manager::new()?;
///     let states = manager.dict::<String, u32>()?;
///     let mut job = states.watch(&"job".to_owned())?;
///     let process = mp::spawn(change, states.clone())?;
///     while let Some(state) = job.recv()? {
///         assert_eq!(state, 1); // perhaps not seen, if it was gone before
///     }
///     process.join()
/// }
/// ```
pub struct DictWatcher<V> {
    event: Direct<Event>,
    /// It is there as long as somebody watches.
    _dict: Proxy,
    of: PhantomData<fn() -> V>,
}

impl<K, V> DictProxy<K, V>
where
    K: Serialize + DeserializeOwned + Eq + Hash + 'static,
    V: Serialize + DeserializeOwned + 'static,
{
    /// Watches a key: gives its changes, from this call on. To miss none, look what there is after this.
    ///
    /// # Examples
    ///
    /// See [`DictWatcher`].
    pub fn watch(&self, key: &K) -> Result<DictWatcher<V>> {
        let dict = self.proxy();
        let event = Direct::create(&dict.any_way(), kind::PART, |request| {
            request.u64(dict.number()).value(key).map(drop)
        })?;
        Ok(DictWatcher { event, _dict: dict.clone(), of: PhantomData })
    }
}

impl<V: DeserializeOwned + 'static> DictWatcher<V> {
    /// Waits for a change, and gives what there is then.
    pub fn recv(&mut self) -> Result<Option<V>> {
        self.recv_until(None)
    }

    /// As [`recv`](Self::recv), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// [`Empty`](ErrorKind::Empty) if there was no change until then.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Option<V>> {
        self.recv_until(Deadline::after(timeout))
    }

    /// As [`recv`](Self::recv), without waiting.
    ///
    /// # Errors
    ///
    /// [`Empty`](ErrorKind::Empty) if there was no change.
    pub fn try_recv(&mut self) -> Result<Option<V>> {
        self.recv_timeout(Duration::ZERO)
    }

    fn recv_until(&mut self, deadline: Option<Deadline>) -> Result<Option<V>> {
        loop {
            if !self.wait(deadline.map(Deadline::remaining))? {
                return Err(Error::new(ErrorKind::Empty, "there was no change"));
            }
            if let Some(now) = self.fetch()? {
                return Ok(now);
            }
        }
    }

    /// Whether there was a change within so long.
    fn wait(&self, timeout: Option<Duration>) -> Result<bool> {
        if let Some(far) = self.event.far() {
            return far.call(far.waiting(direct::WAIT, timeout), |answer| answer.flag());
        }
        let (event, server) = self.event.get()?;
        let changed = event.wait_while(server, timeout);
        if !changed {
            self.event.expect_server()?;
        }
        Ok(changed)
    }

    /// As [`recv`](Self::recv), for any executor. A future that is dropped before it is ready has taken no change.
    ///
    /// # Errors
    ///
    /// [`Io`](ErrorKind::Io), if the thread could not be started that waits in its place; [`Unsupported`](ErrorKind::Unsupported)
    /// for a server of another program, as is [`mp::wait`](crate::wait()).
    pub async fn recv_async(&mut self) -> Result<Option<V>> {
        loop {
            let begun = self.event.get().map(|(event, server)| event.wait_async_while(server));
            begun?.await?;
            self.event.expect_server()?;
            if let Some(now) = self.fetch()? {
                return Ok(now);
            }
        }
    }

    /// What there is if there was a change.
    fn fetch(&self) -> Result<Option<Option<V>>> {
        self.event.proxy().ask(method::FETCH, |answer| {
            let changed = answer.flag()?;
            changed.then(|| answer.option()).transpose()
        })
    }
}

impl<V: DeserializeOwned + 'static> Iterator for DictWatcher<V> {
    type Item = Result<Option<V>>;

    fn next(&mut self) -> Option<Self::Item> {
        let change = self.recv();
        let ended = change.as_ref().is_err_and(|error| error.kind() == ErrorKind::Disconnected);
        (!ended).then_some(change)
    }
}

impl<V> Waitable for DictWatcher<V> {
    fn __source(&self) -> Result<Source<'_>> {
        self.event.get().map(|(event, _)| Source::object(self.event.served(event.sleeper(None))))
    }
}

impl<V> fmt::Debug for DictWatcher<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DictWatcher").finish_non_exhaustive()
    }
}
