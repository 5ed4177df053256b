//! Managers: objects that a process of their own serves, for any number of others. The proxies are `dict`, `list`, `set`,
//! `namespace` and `cell`, what they have in common `proxy`; those of objects that are used without the server are `queue`, `lock`,
//! `event`, `condition` and `barrier`, and what these have in common `direct`. A process's way to the server is `session`, what goes
//! over it `wire`; the server's side is `serve` and `server`. Types of users' own are
//! `class` and `object`. What the server does with values by itself is asked for in `change` and `number`, who watches one is
//! `watcher`; pools are `pool`, `outcome` and
//! `results`.

mod barrier;
mod builder;
mod cell;
mod change;
mod class;
mod condition;
mod connector;
mod dict;
mod direct;
mod event;
mod far;
mod gate;
mod guard;
mod host;
mod list;
mod lock;
mod names;
mod namespace;
mod number;
mod object;
mod outcome;
mod pool;
mod proxy;
mod queue;
mod results;
mod serve;
mod server;
mod session;
mod set;
mod status;
mod watcher;
mod wire;

pub use barrier::BarrierProxy;
pub use builder::ManagerBuilder;
pub use cell::{ArrayProxy, ValueProxy};
pub use change::{Change, Changed, Changes};
pub use class::{Class, ClassRegistration, Kept, Made, Managed, Method, MethodEntry};
pub use condition::ConditionProxy;
pub use connector::ManagerConnector;
pub use dict::{DictEntries, DictProxy};
pub use event::EventProxy;
pub use guard::ProxyGuard;
pub use host::ManagerServer;
pub use list::{ListProxy, ListValues};
pub use lock::{BoundedSemaphoreProxy, LockProxy, RLockProxy, SemaphoreProxy};
pub use namespace::NamespaceProxy;
pub use number::Number;
pub use object::{Object, Steps};
pub use outcome::ResultProxy;
pub use pool::{PoolCall, PoolProxy};
pub use queue::QueueProxy;
pub use results::PoolResults;
pub use set::SetProxy;
pub use watcher::DictWatcher;

/// What is done with any bytes, for the fuzzers.
#[cfg(fuzzing)]
pub(crate) use server::fuzz::calls as fuzz;

use crate::error::{Error, ErrorKind, Result};
use crate::manager::proxy::{Proxy, Way};
use crate::manager::serve::Serve;
use crate::manager::wire::{kind, method};
use crate::process::Process;
use crate::socket::Address;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::hash::Hash;
use std::time::Duration;

/// How long each step of its end may take: asked, by SIGTERM, by SIGKILL.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// Objects in a process of their own, which others use by proxies: dictionaries, lists, sets and values of any type that
/// travels.
///
/// The proxies are clones of each other wherever they come to; an object is gone with the last of them, also when
/// whoever had it was killed. Dropping the manager ends the server, and so does the end of this process, however it comes;
/// proxies then give `Disconnected`.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn register(names: mp::DictProxy<u32, String>, list: mp::ListProxy<u32>, number: u32) -> mp::Result<()> {
///     names.insert(number, format!("number {number}"))?;
///     list.push(number)
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let manager = mp::Manager::new()?;
///     let (names, list) = (manager.dict()?, manager.list_from([0])?);
///     let pool = mp::Pool::new(2)?;
///     pool.starmap(register, (1..4).map(|n| (names.clone(), list.clone(), n)))?;
///     assert_eq!(names.get(&2)?.as_deref(), Some("number 2"));
///     assert_eq!(list.len()?, 4);
///     Ok(())
/// }
/// ```
pub struct Manager {
    /// The server's; none for one that is reached otherwise.
    process: Option<Process<Serve>>,
    way: Way,
    /// Where other programs reach the server.
    address: Option<Address>,
    timeout: Duration,
}

impl Manager {
    /// Starts a server, which is usable at once. Its process is called "SyncManager-N".
    ///
    /// # Errors
    ///
    /// As [`Process::start`](crate::Process::start), and what the server could not do at its start.
    pub fn new() -> Result<Self> {
        Self::builder().start()
    }

    /// A manager whose server is to be told something first.
    pub fn builder() -> ManagerBuilder {
        ManagerBuilder::default()
    }

    /// Makes an empty dictionary.
    ///
    /// # Errors
    ///
    /// `Disconnected` if the server has ended.
    pub fn dict<K, V>(&self) -> Result<DictProxy<K, V>> {
        self.make(kind::MAP).map(DictProxy::of)
    }

    /// Makes a dictionary of these entries.
    ///
    /// # Errors
    ///
    /// As [`dict`](Self::dict); `Encode` if one of them cannot travel.
    pub fn dict_from<K, V>(
        &self,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<DictProxy<K, V>>
    where
        K: Serialize + DeserializeOwned + Eq + Hash + 'static,
        V: Serialize + DeserializeOwned + 'static,
    {
        let dict = self.dict()?;
        dict.extend(entries)?;
        Ok(dict)
    }

    /// Makes an empty list.
    ///
    /// # Errors
    ///
    /// As [`dict`](Self::dict).
    pub fn list<T>(&self) -> Result<ListProxy<T>> {
        self.make(kind::LIST).map(ListProxy::of)
    }

    /// Makes a list of these values.
    ///
    /// # Errors
    ///
    /// As [`dict_from`](Self::dict_from).
    pub fn list_from<T>(&self, values: impl IntoIterator<Item = T>) -> Result<ListProxy<T>>
    where
        T: Serialize + DeserializeOwned + 'static,
    {
        let list = self.list()?;
        list.extend(values)?;
        Ok(list)
    }

    /// Makes an empty set.
    ///
    /// # Errors
    ///
    /// As [`dict`](Self::dict).
    pub fn set<T>(&self) -> Result<SetProxy<T>> {
        self.make(kind::MAP).map(SetProxy::of)
    }

    /// Makes a namespace without names.
    ///
    /// # Errors
    ///
    /// As [`dict`](Self::dict).
    pub fn namespace(&self) -> Result<NamespaceProxy> {
        self.make(kind::MAP).map(NamespaceProxy::of)
    }

    /// Makes a value, of any type that travels.
    ///
    /// # Errors
    ///
    /// As [`dict_from`](Self::dict_from).
    pub fn value<T: Serialize + DeserializeOwned + 'static>(
        &self,
        value: T,
    ) -> Result<ValueProxy<T>> {
        self.list_from([value]).map(ValueProxy::of)
    }

    /// Makes an array of these values, as long as they are.
    ///
    /// # Errors
    ///
    /// As [`dict_from`](Self::dict_from).
    pub fn array<T>(&self, values: impl IntoIterator<Item = T>) -> Result<ArrayProxy<T>>
    where
        T: Serialize + DeserializeOwned + 'static,
    {
        self.list_from(values).map(ArrayProxy::of)
    }

    fn make(&self, kind: u8) -> Result<Proxy> {
        Proxy::create(&self.way, kind)
    }

    /// How many objects the server keeps: those that somebody has, here, in another process, in a message, or inside
    /// another object.
    ///
    /// # Errors
    ///
    /// As [`dict`](Self::dict).
    pub fn number_of_objects(&self) -> Result<usize> {
        self.way.call(self.way.request(method::COUNT), |answer, _| answer.len())
    }

    /// The server's process id; none of one that is elsewhere.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        match self.process() {
            Some(process) => process.pid(),
            None => matches!(self.way, Way::Near(_)).then(std::process::id),
        }
    }

    /// How the server ended, as [`Process::exit_code`](crate::Process::exit_code) says; `None` while it lives.
    #[must_use]
    pub fn exit_code(&self) -> Option<i32> {
        self.process()?.exit_code()
    }

    /// Ends the server: asked first, then by SIGTERM, then by SIGKILL, each after a second, or what
    /// [`shutdown_timeout`](ManagerBuilder::shutdown_timeout) says. It can be repeated.
    ///
    /// # Errors
    ///
    /// If its end cannot be waited for.
    pub fn shutdown(&self) -> Result<()> {
        let Some(process) = self.process() else {
            return self.end();
        };
        if !process.is_alive() {
            return process.join();
        }
        self.end()?;
        if process.join_timeout(self.timeout)? {
            return Ok(());
        }
        process.terminate()?;
        if process.join_timeout(self.timeout)? {
            return Ok(());
        }
        process.kill()?;
        process.join()
    }

    /// Tells the server to end, without waiting for that.
    fn end(&self) -> Result<()> {
        match &self.way {
            Way::Near(session) => {
                session.end();
                session.look_again();
                Ok(())
            }
            Way::Far(remote) => remote.shutdown(),
        }
    }

    fn process(&self) -> Option<&Process<Serve>> {
        self.process.as_ref()
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        if self.process.is_some() {
            // What cannot be ended now ends with this process.
            let _ = self.shutdown();
        }
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Manager").field(&self.process()).finish()
    }
}

/// What a call gives whose index is not there.
fn outside(index: usize) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("index {index} is outside"))
}
