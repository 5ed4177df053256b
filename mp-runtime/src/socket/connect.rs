//! `ClientBuilder`: a client's way to a listener, as far as the end of the handshake. The connection is in `client`.

use crate::error::{Error, ErrorKind, Result};
use crate::identity::AuthKey;
use crate::socket::address::{Address, Place};
use crate::socket::auth::{Digests, Side};
use crate::socket::carrier::Carrier;
use crate::socket::client::Client;
use crate::socket::guest::Guest;
use crate::socket::link::Link;
use crate::socket::place;
#[cfg(feature = "tls")]
use crate::socket::tls::{self, TlsClient};
use crate::sys::clock::Deadline;
use crate::sys::{poll, stream};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// How long a handshake may take that nobody has set a limit for.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// The longest message that is received unless another limit is set.
pub(crate) const MESSAGE_MAX: usize = 1 << 30;

/// What a client is like and for how long it tries: made by [`Client::builder`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let client = mp::Client::builder().timeout(Duration::from_millis(500)).max_message(1 << 20);
/// let nobody = client.connect("abstract:nobody listens here", "the key");
/// assert_eq!(nobody.unwrap_err().kind(), mp::ErrorKind::NotFound);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing before `connect`"]
pub struct ClientBuilder {
    timeout: Duration,
    digests: Digests,
    any_user: bool,
    max_message: usize,
    #[cfg(feature = "tls")]
    tls: Option<TlsClient>,
}

impl ClientBuilder {
    pub(super) fn new() -> Self {
        Self {
            timeout: PATIENCE,
            digests: Digests::Sha256,
            any_user: false,
            max_message: MESSAGE_MAX,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// How long connecting may take, the handshake included: ten seconds unless set. Finding the address of
    /// a host by its name is the system's, and has its own limit.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Accepts a listener that knows nothing but MD5, as Python does before 3.12.
    ///
    /// Without it such a listener is refused. MD5 is broken as a digest, if not yet as an HMAC of random
    /// bytes; and whoever stands between the two sides can have them use it when both would. Call this where the other
    /// side is such a Python, and nowhere else.
    pub fn allow_md5(mut self) -> Self {
        self.digests = Digests::Md5Too;
        self
    }

    /// Accepts a listener of any user at a Unix socket, not only of this one or the superuser.
    pub fn any_user(mut self) -> Self {
        self.any_user = true;
        self
    }

    /// The most bytes that a message may have that is received: 1 GiB unless set. Memory is taken as they
    /// come, not for what was announced.
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self
    }

    /// Encrypts the connection, and connects only to a listener that shows a certificate which is trusted: for
    /// addresses of TCP. The listener needs [`tls`](crate::ListenerBuilder::tls) too.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: TlsClient) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Connects: see [`Client::connect`].
    ///
    /// # Errors
    ///
    /// As there. With TLS, `Authentication` also if the certificate of either side is not accepted, or the listener does
    /// not speak TLS; `InvalidArgument` if the address is not of TCP, or its host is nothing that a certificate can be for.
    pub fn connect<A>(&self, address: A, authkey: impl Into<AuthKey>) -> Result<Client>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        self.connect_to(&address.try_into()?, authkey.into())
    }

    fn connect_to(&self, address: &Address, key: AuthKey) -> Result<Client> {
        #[cfg(feature = "tls")]
        if self.tls.is_some() && !matches!(address.0, Place::Tcp { .. }) {
            return Err(tls::not_here(address));
        }
        let deadline = Deadline::after(self.timeout);
        let socket = place::connect(address, deadline)?;
        let io = |error| Error::io(format!("connecting to {address}"), error);
        let tcp = matches!(address.0, Place::Tcp { .. });
        if tcp {
            stream::prepare_tcp(socket.as_fd()).map_err(io)?;
        } else if !self.any_user {
            stream::check_peer(socket.as_fd()).map_err(|error| {
                let text = format!("the listener at {address} is of another user: see `any_user`");
                Error::with_source(ErrorKind::Authentication, text, error)
            })?;
        }
        let carrier = self.carrier(socket, address)?;
        let mut guest = Guest::new(carrier, key, Side::Client, self.digests)?;
        while !guest.go_on()? {
            if !poll::is_readable(guest.socket(), deadline).map_err(io)? {
                let text = format!(
                    "the listener at {address} did not go on with the handshake in time: it may have no key, \
                     or too many clients{}",
                    if tcp { ", or want TLS" } else { "" }
                );
                return Err(Error::new(ErrorKind::Timeout, text));
            }
        }
        let link = Link::new(guest.into_carrier(), self.max_message);
        Ok(Client::new(link, tcp.then(|| address.clone()), None))
    }

    #[cfg_attr(not(feature = "tls"), expect(unused_variables, reason = "TLS has a use for it"))]
    fn carrier(&self, socket: OwnedFd, address: &Address) -> Result<Carrier> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            let sealed = tls::Sealed::connect(socket, tls, address)?;
            return Ok(Carrier::Sealed(Box::new(sealed)));
        }
        Ok(Carrier::Open(socket))
    }
}
