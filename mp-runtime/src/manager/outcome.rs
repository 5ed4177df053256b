//! `ResultProxy`: the handle of what a managed pool has been given. What the server does is in `server::pool`.

use crate::error::{Error, ErrorKind, Result};
use crate::manager::direct::Direct;
use crate::manager::proxy::Proxy;
use crate::manager::wire::{Message, kind, outcome as method};
use crate::sync::Event;
use crate::wait::{Source, Waitable};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// The handle of a task given to a pool of a manager, as [`AsyncResult`](crate::AsyncResult) is that of a pool here.
///
/// It can be cloned, and go to other processes as an argument, a result, a message, or a part of one: whoever has one
/// can wait for the outcome, any number of times. The server keeps that as long as anybody has. Dropping it cancels nothing.
///
/// Waiting takes no thread of the server's; [`mp::wait`](crate::wait()) can wait for it together with other things.
///
/// # Errors
///
/// All methods: `Disconnected` if the server has ended, which a call that waits sees within a second or so.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// #[mp::task]
/// fn wait_for(squares: Vec<mp::ResultProxy<u64>>) -> mp::Result<u64> {
///     squares.iter().map(mp::ResultProxy::get).sum()
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let manager = mp::Manager::new()?;
///     let pool = manager.pool(2)?;
///     let squares: Vec<_> = (1..4).map(|x| pool.submit(square, x)).collect::<mp::Result<_>>()?;
///     assert_eq!(squares[2].get_timeout(std::time::Duration::from_secs(60))?, 9);
///     assert_eq!(mp::spawn(wait_for, squares)?.result()??, 14);
///     Ok(())
/// }
/// ```
pub struct ResultProxy<R> {
    event: Direct<Event>,
    of: PhantomData<fn() -> R>,
}

impl<R> ResultProxy<R> {
    /// Has an object begin something, as is written.
    pub(super) fn begin(
        object: &Proxy,
        what: u8,
        write: impl FnOnce(&mut Message) -> Result<()>,
    ) -> Result<Self> {
        let event = Direct::create(&object.way()?, kind::PART, |request| {
            write(request.u64(object.number()).u8(what))
        })?;
        Ok(Self { event, of: PhantomData })
    }

    /// Whether there is an outcome.
    ///
    /// # Errors
    ///
    /// As the [type](Self) says.
    pub fn ready(&self) -> Result<bool> {
        self.event.get().map(|(event, _)| event.is_set())
    }

    /// Waits until there is an outcome, whatever it is.
    ///
    /// # Errors
    ///
    /// As the [type](Self) says.
    pub fn wait(&self) -> Result<()> {
        self.wait_within(None).map(drop)
    }

    /// As [`wait`](Self::wait), at most `timeout`; says whether there is one.
    ///
    /// # Errors
    ///
    /// As the [type](Self) says.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool> {
        self.wait_within(Some(timeout))
    }

    fn wait_within(&self, timeout: Option<Duration>) -> Result<bool> {
        let (event, server) = self.event.get()?;
        let set = event.wait_while(server, timeout);
        // A server that ends sets it, too.
        self.event.get()?;
        if !set {
            self.event.expect_server()?;
        }
        Ok(set)
    }

    /// Takes the task back if no worker has begun it: its outcome is then [`Cancelled`](ErrorKind::Cancelled). Says
    /// whether it did, now or before.
    ///
    /// # Errors
    ///
    /// As the [type](Self) says.
    pub fn cancel(&self) -> Result<bool> {
        self.event.proxy().ask(method::CANCEL, |answer| answer.flag())
    }

    /// As [`cancel`](Self::cancel), also if a worker runs it: that worker is ended, and replaced. A task that ends at
    /// this moment may still give its value.
    ///
    /// # Errors
    ///
    /// As the [type](Self) says.
    pub fn cancel_running(&self) -> Result<bool> {
        self.event.proxy().ask(method::CANCEL_RUNNING, |answer| answer.flag())
    }

    /// Whether a worker is running the task at this moment.
    ///
    /// # Errors
    ///
    /// As the [type](Self) says.
    pub fn running(&self) -> Result<bool> {
        self.event.proxy().ask(method::RUNNING, |answer| answer.flag())
    }
}

impl<R: DeserializeOwned + 'static> ResultProxy<R> {
    /// Waits for the outcome, and gives the value.
    ///
    /// # Errors
    ///
    /// As [`AsyncResult::get`](crate::AsyncResult::get); [`Encode`](ErrorKind::Encode) if there are descriptors in the
    /// value, which the server hands on to nobody; [`Disconnected`](ErrorKind::Disconnected) if the server has ended.
    pub fn get(&self) -> Result<R> {
        self.wait()?;
        self.value()
    }

    /// As [`get`](Self::get), waiting at most `timeout`. The task goes on if that is too short, and a later call
    /// gives its value.
    ///
    /// # Errors
    ///
    /// [`Timeout`](ErrorKind::Timeout), or as [`get`](Self::get).
    pub fn get_timeout(&self, timeout: Duration) -> Result<R> {
        if self.wait_timeout(timeout)? {
            return self.value();
        }
        Err(Error::new(ErrorKind::Timeout, format!("the task has no outcome after {timeout:?}")))
    }

    /// As [`get`](Self::get), for any executor; it waits since this call.
    ///
    /// # Errors
    ///
    /// From the future: as `get`, and [`Io`](ErrorKind::Io), if the thread could not be started that waits in its place.
    pub fn get_async(&self) -> impl Future<Output = Result<R>> + Send + use<R> {
        let begun = self.event.get().map(|(event, server)| event.wait_async_while(server));
        let this = self.clone();
        async move {
            begun?.await?;
            this.get()
        }
    }

    fn value(&self) -> Result<R> {
        self.event.proxy().ask(method::GET, |answer| answer.value())
    }
}

impl<R> Waitable for ResultProxy<R> {
    fn __source(&self) -> Result<Source<'_>> {
        self.event.get().map(|(event, _)| Source::object(self.event.served(event.sleeper(None))))
    }
}

impl<R> Clone for ResultProxy<R> {
    fn clone(&self) -> Self {
        Self { event: self.event.clone(), of: PhantomData }
    }
}

impl<R> fmt::Debug for ResultProxy<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ready = self.event.handle().is_some_and(Event::is_set);
        f.debug_struct("ResultProxy").field("ready", &ready).finish_non_exhaustive()
    }
}

impl<R> Serialize for ResultProxy<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.event.serialize(serializer)
    }
}

impl<'de, R> Deserialize<'de> for ResultProxy<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { event: Direct::deserialize(deserializer)?, of: PhantomData })
    }
}
