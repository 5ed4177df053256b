//! `ManagerBuilder`: what a manager's server is told before it serves.

use crate::channel::channel;
use crate::error::{Error, ErrorKind, Result};
use crate::identity::{self, AuthKey};
use crate::manager::host::ManagerServer;
use crate::manager::proxy::Way;
use crate::manager::serve::{Orders, Ready, Serve, Setup};
use crate::manager::session::Session;
use crate::manager::{Manager, SHUTDOWN_TIMEOUT, gate};
use crate::process::Process;
use crate::socket::Address;
#[cfg(feature = "tls")]
use crate::socket::TlsServer;
use crate::sys::random;
use crate::task::Task;
use crate::wait::wait;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

/// Counts the managers of this process.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// What a manager's server is to be told, made by [`Manager::builder`].
///
/// A manager is started by this builder only, once: so none can be used before, or be started twice.
#[derive(Debug)]
#[must_use = "a builder does nothing until start() is called"]
pub struct ManagerBuilder {
    name: Option<String>,
    timeout: Duration,
    address: Option<Result<Address>>,
    key: Option<AuthKey>,
    any_user: bool,
    may_end: bool,
    #[cfg(feature = "tls")]
    tls: Option<TlsServer>,
    initializer: Option<Result<Setup>>,
}

impl Default for ManagerBuilder {
    fn default() -> Self {
        Self {
            name: None,
            timeout: SHUTDOWN_TIMEOUT,
            address: None,
            key: None,
            any_user: false,
            may_end: false,
            #[cfg(feature = "tls")]
            tls: None,
            initializer: None,
        }
    }
}

impl ManagerBuilder {
    /// What the server's process is called; else "SyncManager-N".
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How long the server may take to end when it is asked to, and then again at each signal; a second unless told.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Lets other programs in that have the same key, at this address: see [`Address`] for how those are written, and
    /// [`Manager::connect`] for what they can do. Without one, only processes of this program reach the manager, and nothing
    /// listens anywhere.
    ///
    /// A manager may be started at an address as soon as another one there has ended.
    pub fn address<A>(mut self, address: A) -> Self
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        self.address = Some(address.try_into().map_err(Error::from));
        self
    }

    /// The key that other programs have to show; else this process's [own](crate::ProcessInfo::authkey), which its
    /// relatives have.
    pub fn authkey(mut self, authkey: impl Into<AuthKey>) -> Self {
        self.key = Some(authkey.into());
        self
    }

    /// Lets programs of all users in at a Unix socket that have the key, not only those of this user.
    pub fn any_user(mut self) -> Self {
        self.any_user = true;
        self
    }

    /// Whether other programs may end the server, by [`Manager::shutdown`]; not so unless set.
    pub fn remote_shutdown(mut self, may: bool) -> Self {
        self.may_end = may;
        self
    }

    /// Speaks TLS with other programs, so that nobody in between can read or change what is sent: only at addresses of TCP. They
    /// need [`ManagerConnector::tls`](crate::ManagerConnector::tls).
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: TlsServer) -> Self {
        self.tls = Some(tls);
        self
    }

    /// A task that the server runs before it serves: to open what its objects use, say. If it panics or returns an `Err`,
    /// [`start`](Self::start) fails: `Panicked` or `Remote`. Its arguments may hold no handles.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::OnceLock;
    ///
    /// static GREETING: OnceLock<String> = OnceLock::new();
    ///
    /// #[mp::task]
    /// fn learn(greeting: String) {
    ///     GREETING.get_or_init(|| greeting);
    /// }
    ///
    /// struct Greeter;
    ///
    /// #[mp::manager]
    /// impl Greeter {
    ///     pub fn new() -> Self {
    ///         Self
    ///     }
    ///
    ///     pub fn greet(&self) -> String {
    ///         GREETING.get().cloned().unwrap_or_default()
    ///     }
    /// }
    ///
    /// #[mp::main]
    /// fn main() -> mp::Result<()> {
    ///     let manager = mp::Manager::builder().initializer(learn, "hello".to_owned()).start()?;
    ///     assert_eq!(manager.create::<Greeter>(())?.greet()?, "hello");
    ///     Ok(())
    /// }
    /// ```
    pub fn initializer<T: Task>(mut self, task: T, arguments: T::Args<'_>) -> Self {
        let _ = task;
        self.initializer = Some(Setup::new::<T>(&arguments));
        self
    }

    /// Starts the server, and waits until it serves.
    ///
    /// # Errors
    ///
    /// As [`Manager::new`]; `AlreadyExists` if somebody listens at the address, and what the initializer has come to.
    pub fn start(self) -> Result<Manager> {
        let server = number()?;
        let (gate, initializer) = (self.gate()?, self.initializer.transpose()?);
        let (to, door) = channel()?;
        let (ready, answer) = channel::<Result<Ready>>()?;
        let orders = Orders { server, door, back: to.clone(), ready, gate, initializer };
        let number = || STARTED.fetch_add(1, Relaxed) + 1;
        let name = self.name.unwrap_or_else(|| format!("SyncManager-{}", number()));
        let mut process = Process::new(Serve, orders).with_name(name).with_daemon(true);
        process.start()?;
        wait(&[&answer, &process], None)?;
        let Ok(said) = answer.try_recv() else {
            // It has ended without a word, or with one.
            process.join()?;
            let text = "the manager's server did not come to serve";
            return Err(match process.result() {
                Ok(Ok(())) => Error::new(ErrorKind::Remote, text),
                Ok(Err(why)) => Error::new(ErrorKind::Remote, format!("{text}: {why}")),
                Err(error) => Error::with_source(error.kind(), text, error),
            });
        };
        let Ready { process: serving, address } = match said {
            Ok(ready) => ready,
            Err(error) => {
                process.join()?;
                return Err(error);
            }
        };
        let way = Way::Near(Session::to(server, serving, to));
        let address = address.map(|address| address.parse()).transpose()?;
        Ok(Manager { process: Some(process), way, address, timeout: self.timeout })
    }

    /// Has the server in this process, where it serves as soon as [`serve_forever`](ManagerServer::serve_forever) is called.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), but that there is no process to be started; the initializer runs here.
    pub fn server(self) -> Result<ManagerServer> {
        let gate = self.gate()?;
        self.initializer.transpose()?.map_or(Ok(()), |setup| setup.run())?;
        ManagerServer::new(number()?, gate.as_ref())
    }

    fn gate(&self) -> Result<Option<gate::Terms>> {
        let Some(address) = &self.address else {
            return Ok(None);
        };
        let address = address.as_ref().map_err(Clone::clone)?.to_string();
        let key = self.key.clone().unwrap_or_else(identity::key);
        let (key, any_user, may_end) = (key.as_bytes().to_vec(), self.any_user, self.may_end);
        Ok(Some(gate::Terms {
            address,
            key,
            any_user,
            may_end,
            #[cfg(feature = "tls")]
            tls: self.tls.as_ref().map(TlsServer::parts),
        }))
    }
}

/// The number of a server, which no other one has.
fn number() -> Result<u64> {
    let random = random::bytes().map_err(|error| Error::io("a number for a server", error))?;
    Ok(u64::from_le_bytes(random))
}
