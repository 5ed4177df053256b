//! `Manager::connect`: a program's way to another one's manager.

use crate::error::{Error, ErrorKind, Result};
use crate::identity::AuthKey;
use crate::manager::far::{Remote, Terms};
use crate::manager::proxy::Way;
use crate::manager::{Manager, SHUTDOWN_TIMEOUT};
use crate::socket::Address;
#[cfg(feature = "tls")]
use crate::socket::TlsClient;
use std::error::Error as _;
use std::io;
use std::time::Duration;

/// How long connecting may take unless another limit is set.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a program connects to another one's manager: made by [`Manager::connector`].
///
/// # Examples
///
/// ```
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let manager = mp::Manager::builder().address("abstract:").authkey("a key").start()?;
///     let remote = mp::Manager::connector().reconnect(true);
///     let remote = remote.connect(manager.address().unwrap(), "a key")?;
///     assert_eq!(remote.list_from([1, 2])?.len()?, 2);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing before `connect`"]
pub struct ManagerConnector {
    terms: Terms,
}

impl ManagerConnector {
    /// How long connecting may take, the handshake included, at first and whenever one more connection is needed: ten seconds
    /// unless set. A call with a limit of time of its own is `Timeout` if there is no answer so long after that, since the
    /// server or the network is held up; others wait.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.terms.timeout = timeout;
        self
    }

    /// Accepts a server of any user at a Unix socket, not only of this one or the superuser.
    pub fn any_user(mut self) -> Self {
        self.terms.any_user = true;
        self
    }

    /// Whether another server will do that comes in the place of one that has ended: calls by proxies that were
    /// [looked up](Manager::lookup) then find what is published there by the same name; by others they are
    /// `Disconnected`. The call during which a server ends is an error in any case, since it may have been done.
    ///
    /// Not so unless set: proxies end with their server.
    pub fn reconnect(mut self, reconnect: bool) -> Self {
        self.terms.reconnects = reconnect;
        self
    }

    /// Speaks TLS with the server, which needs [`ManagerBuilder::tls`](crate::ManagerBuilder::tls) too; only by TCP.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: TlsClient) -> Self {
        self.terms.tls = Some(tls);
        self
    }

    /// Connects: see [`Manager::connect`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn connect<A>(&self, address: A, authkey: impl Into<AuthKey>) -> Result<Manager>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        let remote = Remote::connect(address.try_into()?, authkey.into(), self.terms.clone());
        let remote = remote.map_err(nobody)?;
        Ok(Manager {
            process: None,
            address: Some(remote.address().clone()),
            way: Way::Far(remote),
            timeout: SHUTDOWN_TIMEOUT,
        })
    }
}

/// Says what the system has said of an address where nobody listens: `NotFound` is for names here.
fn nobody(error: Error) -> Error {
    let system = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    match system.map(io::Error::kind) {
        Some(kind @ (io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound))
            if error.kind() == ErrorKind::NotFound =>
        {
            Error::io(error.to_string(), kind.into())
        }
        _ => error,
    }
}

impl Manager {
    /// Connects to the manager of another program: one that was started with an
    /// [`address`](crate::ManagerBuilder::address) and has the same key.
    ///
    /// What it gives is used as a manager of one's own is; but each call goes over a socket, and those of queues and locks
    /// too, which are used without the server elsewhere. What the other program has
    /// [published](Self::publish) is [looked up](Self::lookup); what is made here is gone with the last proxy of it, also when this
    /// program is killed, and a lock that it had is given back. A thread that waits holds up no other: each call that is
    /// made while others are under way has a connection of its own.
    ///
    /// Dropped, it leaves the server as it is.
    ///
    /// Proxies travel to the processes of this program, which connect by themselves, and in values to their own server, where
    /// others find them alive. Locks, queues and other things that processes of one program share do not travel to
    /// another: make them by the manager.
    ///
    /// The key is never sent, but nothing is encrypted: see [`Client`](crate::Client), and `ManagerConnector::tls` of the feature `tls`.
    ///
    /// # Errors
    ///
    /// `Io` if nobody listens there, of which `ConnectionRefused` is the source (`NotFound` for a path that is not there);
    /// `Authentication` if the server has another key, `Timeout` if it does not answer in time, `InvalidArgument` if that is no
    /// address.
    ///
    /// # Examples
    ///
    /// ```
    /// #[mp::main]
    /// fn main() -> mp::Result<()> {
    ///     let manager = mp::Manager::builder().address("tcp://127.0.0.1:0").authkey("a key").start()?;
    ///     let address = manager.address().unwrap().to_string(); // for the other program
    ///
    ///     let remote = mp::Manager::connect(address, "a key")?;
    ///     let prices = remote.dict()?;
    ///     prices.insert("tea".to_owned(), 3)?;
    ///     assert_eq!(prices.get(&"tea".to_owned())?, Some(3));
    ///     Ok(())
    /// }
    /// ```
    pub fn connect<A>(address: A, authkey: impl Into<AuthKey>) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::connector().connect(address, authkey)
    }

    /// Options for [`connect`](Self::connect).
    pub fn connector() -> ManagerConnector {
        let terms = Terms {
            timeout: PATIENCE,
            any_user: false,
            reconnects: false,
            #[cfg(feature = "tls")]
            tls: None,
        };
        ManagerConnector { terms }
    }

    /// Where the server can be reached from other programs; none if it cannot.
    #[must_use]
    pub fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }
}
