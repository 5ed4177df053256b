//! `Listener`: the face of who takes connections on. How clients are let in is in `reception`, where it listens in `place`.

use crate::error::{Error, ErrorKind, Result};
use crate::identity::{self, AuthKey};
use crate::socket::address::Address;
#[cfg(feature = "tls")]
use crate::socket::address::Place;
use crate::socket::auth::Digests;
use crate::socket::client::Client;
use crate::socket::connect::{MESSAGE_MAX, PATIENCE};
use crate::socket::place::{self, SocketFile};
use crate::socket::reception::{Door, Reception, Terms};
#[cfg(feature = "tls")]
use crate::socket::tls::{self, TlsServer};
use crate::socket::turns::lock;
use crate::sys::clock::Deadline;
use crate::sys::own;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Takes connections of other programs that have the same key: by [`Client::connect`], or
/// by Python's `multiprocessing.connection.Client`.
///
/// Clients are let in by a thread of the listener's, all of them at once and each within ten seconds; so
/// [`accept`](Self::accept) has only those that have shown the key, and one that is silent, slow or hostile holds
/// nobody up. The key is never sent. See [`Client`] for what can be done with a connection, and for what the
/// handshake does not do.
///
/// Dropped, the listener closes, and the file of a path is removed; connections that it has given out go on. A program that
/// was killed leaves such a file, which the next listener there replaces.
///
/// With [`mp::wait`](crate::wait) and everything that takes descriptors, a listener is ready when `accept` would
/// not wait.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn ask(address: String) -> u32 {
///     // Children have the key of the program that started them.
///     let key = mp::current_process().authkey();
///     let server = mp::Client::connect(address, key).expect("it listens").typed::<u32, u32>();
///     server.send(20).expect("it receives");
///     server.recv().expect("it answers")
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let listener = mp::Listener::new()?;
///     let asking = mp::spawn(ask, listener.address().to_string())?;
///     let client = listener.accept()?.typed::<u32, u32>();
///     client.send(client.recv()? + 22)?;
///     assert_eq!(asking.result()?, 42);
///     Ok(())
/// }
/// ```
pub struct Listener {
    door: Arc<Door>,
    address: Address,
    open: Mutex<Option<Open>>,
}

/// What a listener has until it is closed.
struct Open {
    thread: JoinHandle<()>,
    file: Option<SocketFile>,
    /// The process that the thread runs in, by its forks.
    forks: u32,
}

impl Listener {
    /// Listens at an abstract Unix socket with a name that is made up, for programs that have
    /// this process's [key](crate::ProcessInfo::authkey): its relatives.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn new() -> Result<Self> {
        Self::bind("abstract:", identity::key())
    }

    /// Listens at an address: see [`Address`] for how those are written.
    ///
    /// At a Unix socket, only clients of the same user and of the superuser are let in.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` if somebody listens there, or something else has the path; `NotFound` if there is no such
    /// folder or host; `InvalidArgument` if that is no address.
    ///
    /// # Examples
    ///
    /// ```
    /// let listener = mp::Listener::bind("tcp://127.0.0.1:0", "the key")?;
    /// let address = listener.address().to_string(); // with the port that the system has chosen
    /// let taken = mp::Listener::bind(address, "the key").unwrap_err();
    /// assert_eq!(taken.kind(), mp::ErrorKind::AlreadyExists);
    /// # Ok::<(), mp::Error>(())
    /// ```
    pub fn bind<A>(address: A, authkey: impl Into<AuthKey>) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::builder().bind(address, authkey)
    }

    /// Options for [`bind`](Self::bind).
    pub fn builder() -> ListenerBuilder {
        ListenerBuilder::new()
    }

    /// Where it listens: what clients need, with the name or port that was chosen if none was given.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The next client that was let in; waits for one. A client may have sent something and be gone by now.
    ///
    /// # Errors
    ///
    /// `Closed` if the listener is closed, also while this waits.
    pub fn accept(&self) -> Result<Client> {
        self.door.next(None)?.ok_or_else(late)
    }

    /// As [`accept`](Self::accept), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// `Timeout` if no client was let in until then; else as `accept`.
    pub fn accept_timeout(&self, timeout: Duration) -> Result<Client> {
        self.door.next(Deadline::after(timeout))?.ok_or_else(late)
    }

    /// The address of the client that `accept` gave last, if it came by TCP.
    #[must_use]
    pub fn last_accepted(&self) -> Option<Address> {
        self.door.last_accepted()
    }

    /// How many were not let in so far, and why the last one was not: an error of kind
    /// `Authentication` if it had another key, `Timeout` or `Disconnected` if it was silent or went.
    #[must_use]
    pub fn refused(&self) -> (u64, Option<Error>) {
        self.door.refused()
    }

    /// Closes the listener, as its drop does, also for threads that just wait in `accept`. Those who were
    /// let in and not yet accepted are sent away.
    pub fn close(&self) {
        self.door.close();
        let Some(open) = lock(&self.open).take() else { return };
        if open.forks == own::forks() {
            // It waits for nobody, and the address is free when it has ended.
            let _ = open.thread.join();
        }
        drop(open.file);
    }
}

fn late() -> Error {
    Error::new(ErrorKind::Timeout, "no client came in time")
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.close();
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.door.as_fd()
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What a listener is like: made by [`Listener::builder`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let listener = mp::Listener::builder()
///     .handshake_timeout(Duration::from_secs(1))
///     .max_clients(100)
///     .max_message(1 << 20)
///     .bind("abstract:", "the key")?;
/// let nobody = listener.accept_timeout(Duration::from_millis(10)).unwrap_err();
/// assert_eq!(nobody.kind(), mp::ErrorKind::Timeout);
/// # Ok::<(), mp::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing before `bind`"]
pub struct ListenerBuilder {
    terms: Terms,
    max_clients: usize,
}

impl ListenerBuilder {
    fn new() -> Self {
        Self {
            terms: Terms {
                patience: PATIENCE,
                digests: Digests::Sha256,
                any_user: false,
                max_message: MESSAGE_MAX,
                #[cfg(feature = "tls")]
                tls: None,
            },
            max_clients: usize::MAX,
        }
    }

    /// How long a client may take to show that it has the key: ten seconds unless set.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.terms.patience = timeout;
        self
    }

    /// Lets in clients that know nothing but MD5, as Python does before 3.12.
    ///
    /// Without it they are refused. MD5 is broken as a digest, if not yet as an HMAC of random bytes; and whoever
    /// stands between the two sides can have them use it when both would. Call this where clients are
    /// such Pythons, and nowhere else.
    pub fn allow_md5(mut self) -> Self {
        self.terms.digests = Digests::Md5Too;
        self
    }

    /// Lets in clients of all users at a Unix socket that have the key, not only those of this user.
    pub fn any_user(mut self) -> Self {
        self.terms.any_user = true;
        self
    }

    /// The most bytes that a message may have that is received: 1 GiB unless set. Memory is taken as they
    /// come, not for what was announced.
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.terms.max_message = bytes;
        self
    }

    /// How many clients there may be at once that were accepted, without limit unless set:
    /// [`accept`](Listener::accept) waits until one of those is dropped, and clients meanwhile.
    pub fn max_clients(mut self, most: usize) -> Self {
        self.max_clients = most;
        self
    }

    /// Encrypts all connections, and shows clients this certificate: for addresses of TCP. Clients need
    /// [`tls`](crate::ClientBuilder::tls) too; the time and the limits for handshakes are for both of them together.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: TlsServer) -> Self {
        self.terms.tls = Some(tls);
        self
    }

    /// Listens: see [`Listener::bind`].
    ///
    /// # Errors
    ///
    /// As there; `InvalidArgument` if no client may be there, or if there is TLS and the address is not of TCP.
    pub fn bind<A>(&self, address: A, authkey: impl Into<AuthKey>) -> Result<Listener>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        self.bind_at(&address.try_into()?, authkey.into())
    }

    fn bind_at(&self, address: &Address, key: AuthKey) -> Result<Listener> {
        if self.max_clients == 0 {
            let text =
                "a listener for no clients would let nobody in: set max_clients to one or more";
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        #[cfg(feature = "tls")]
        if self.terms.tls.is_some() && !matches!(address.0, Place::Tcp { .. }) {
            return Err(tls::not_here(address));
        }
        let bound = place::listen(address)?;
        let door = Door::new(self.max_clients)?;
        let reception = Reception::new(
            Arc::clone(&door),
            bound.socket,
            &bound.address,
            self.terms.clone(),
            key,
        );
        let thread = thread::Builder::new().name("mp-listener".to_owned());
        let thread = thread
            .spawn(move || reception.run())
            .map_err(|error| Error::io("a listener's thread could not be started", error))?;
        let open = Open { thread, file: bound.file, forks: own::forks() };
        Ok(Listener { door, address: bound.address, open: Mutex::new(Some(open)) })
    }
}
