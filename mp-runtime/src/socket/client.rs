//! `Client`: one connection, as both sides have it. How it comes about is in `connect` and `reception`.

use crate::custody::Fd;
use crate::error::{Error, ErrorKind, Result};
use crate::identity::AuthKey;
use crate::socket::address::Address;
use crate::socket::carrier::Carrier;
use crate::socket::connect::ClientBuilder;
use crate::socket::link::Link;
#[cfg(feature = "serde-pickle")]
use crate::socket::pickle;
use crate::socket::reception::Seat;
use crate::socket::typed::TypedClient;
use crate::sys::clock::Deadline;
#[cfg(feature = "serde-pickle")]
use serde::de::DeserializeOwned;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, Serializer};
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// A connection between two programs that have shown each other the same key: what [`Client::connect`] makes
/// in one, and [`Listener::accept`](crate::Listener::accept) gives in the other.
///
/// Messages are bytes here, as by the methods of the same names in Python's `multiprocessing.connection`: in a format
/// that both programs know, such as JSON. Programs in Rust have values instead, by [`typed`](Self::typed).
/// All methods take `&self`, so one thread may receive while another one sends; each message goes out
/// whole and comes to one receiver.
///
/// A connection can be an argument, a result, a message within the tree of processes, and a part of one: a pool's workers
/// can serve what one process accepts. The receiver has the same connection then, and should be the only one to
/// use it: drop the one that was sent. For [`max_clients`](crate::ListenerBuilder::max_clients) it is gone with that.
///
/// Nothing is encrypted by itself: the handshake shows that the other side has the key, and neither hides what is sent
/// afterwards nor protects it from somebody between the two. Over networks that you do not trust, use TLS (the feature `tls`,
/// and `tls` of both builders) or a tunnel. A connection with TLS stays in its process; one that ends without the other side's
/// word, as when that is killed, gives `Truncated` once, also between two messages.
///
/// With [`mp::wait`](crate::wait) and everything that takes descriptors it is ready when
/// [`poll`](Self::poll) says so.
///
/// # Examples
///
/// ```
/// let listener = mp::Listener::bind("abstract:", "the key")?;
/// let ours = mp::Client::connect(listener.address(), "the key")?;
/// let theirs = listener.accept()?;
/// ours.send_bytes(b"who is there?")?;
/// assert_eq!(theirs.recv_bytes()?, b"who is there?");
/// drop(ours);
/// assert_eq!(theirs.recv_bytes().unwrap_err().kind(), mp::ErrorKind::Disconnected);
/// # Ok::<(), mp::Error>(())
/// ```
pub struct Client {
    link: Link,
    peer: Option<Address>,
    _seat: Option<Seat>,
}

impl Client {
    pub(super) fn new(link: Link, peer: Option<Address>, seat: Option<Seat>) -> Self {
        Self { link, peer, _seat: seat }
    }

    /// Connects to the [`Listener`](crate::Listener) at `address`, which must have the same key. So may
    /// Python's: one before 3.12 needs [`allow_md5`](ClientBuilder::allow_md5).
    ///
    /// # Errors
    ///
    /// `NotFound` if nobody listens there, `Authentication` if the listener has another key, `Timeout` if it
    /// has not let this program in within ten seconds, as one without a key never does;
    /// `InvalidArgument` if that is no address.
    pub fn connect<A>(address: A, authkey: impl Into<AuthKey>) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::builder().connect(address, authkey)
    }

    /// Options for [`connect`](Self::connect).
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// The other side's address, if it is by TCP: of a client what the system gave it, of a listener where it
    /// listens.
    #[must_use]
    pub fn peer(&self) -> Option<&Address> {
        self.peer.as_ref()
    }

    /// The same connection, on which values of these types are sent and received: `S` here, `R` there.
    ///
    /// # Examples
    ///
    /// ```
    /// let listener = mp::Listener::bind("abstract:", "the key")?;
    /// let ours = mp::Client::connect(listener.address(), "the key")?.typed::<u32, String>();
    /// let theirs = listener.accept()?.typed::<String, u32>();
    /// ours.send(7)?;
    /// theirs.send(format!("{} it is", theirs.recv()?))?;
    /// assert_eq!(ours.recv()?, "7 it is");
    /// # Ok::<(), mp::Error>(())
    /// ```
    #[must_use]
    pub fn typed<S, R>(self) -> TypedClient<S, R> {
        TypedClient::new(self)
    }

    /// As [`typed`](Self::typed), for a program in Python at the other end: values are what its `send` and `recv` mean,
    /// as by [`send_pickle`](Self::send_pickle) and [`recv_pickle`](Self::recv_pickle).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::collections::BTreeMap;
    ///
    /// let listener = mp::Listener::bind("abstract:", "the key")?;
    /// // As Python would: c = Client(address, authkey=b"the key"); c.send({"i": 1})
    /// let python = mp::Client::connect(listener.address(), "the key")?;
    /// python.send_bytes(b"\x80\x04\x95\x0a\0\0\0\0\0\0\0}\x94\x8c\x01i\x94K\x01s.")?;
    ///
    /// let client = listener.accept()?.typed_pickle::<(), BTreeMap<String, i64>>();
    /// assert_eq!(client.recv()?["i"], 1);
    /// # Ok::<(), mp::Error>(())
    /// ```
    #[cfg(feature = "serde-pickle")]
    #[must_use]
    pub fn typed_pickle<S, R>(self) -> TypedClient<S, R> {
        TypedClient::pickled(self)
    }

    /// Sends a value as a pickle, which is what Python's `recv` reads; waits as [`send_bytes`](Self::send_bytes) does.
    ///
    /// Structs and maps are dictionaries there, sequences lists, tuples tuples, an `Option` the value or `None`, variants
    /// of an enum their name or a dictionary of one entry. Bytes are bytes where serde knows them for such, as by the
    /// crate serde_bytes; a `Vec<u8>` by itself is a list of numbers.
    ///
    /// # Errors
    ///
    /// `Encode` if the value cannot be pickled, such as one with a handle in it. Else as
    /// [`send_bytes`](Self::send_bytes).
    #[cfg(feature = "serde-pickle")]
    pub fn send_pickle<T: Serialize + ?Sized>(&self, value: &T) -> Result<()> {
        self.send_bytes(&pickle::encode(value)?)
    }

    /// As [`send_pickle`](Self::send_pickle), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// `Encode` as there; else as [`send_bytes_timeout`](Self::send_bytes_timeout).
    #[cfg(feature = "serde-pickle")]
    pub fn send_pickle_timeout<T: Serialize + ?Sized>(
        &self,
        value: &T,
        timeout: Duration,
    ) -> Result<()> {
        self.send_bytes_timeout(&pickle::encode(value)?, timeout)
    }

    /// Takes the next message as a pickle, which is what Python's `send` makes; waits for it.
    ///
    /// Nothing of Python's is run or looked up: numbers (integers within `i64`), strings, bytes, `None`, lists, tuples, dictionaries and sets
    /// are read; a pickle with an object of any class in it, or with a function, is an error that says which. So is one that lies more than 128
    /// deep, or that refers to its own parts so often that it would unfold to more memory than
    /// [`max_message`](ClientBuilder::max_message). Reading one takes more memory than it has bytes, 32 for each value
    /// and 4 KiB for each tuple of more than three.
    /// Bytes come into what serde knows for bytes, as by the crate serde_bytes, not into a `Vec<u8>`.
    ///
    /// # Errors
    ///
    /// `Decode` if what came is no such pickle, or one of another type; the next message follows then. Else as
    /// [`recv_bytes`](Self::recv_bytes).
    ///
    /// # Examples
    ///
    /// ```
    /// #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    /// struct Order {
    ///     what: String,
    ///     count: Option<u32>,
    /// }
    ///
    /// let listener = mp::Listener::bind("abstract:", "the key")?;
    /// let ours = mp::Client::connect(listener.address(), "the key")?;
    /// let theirs = listener.accept()?;
    /// let order = Order { what: "eggs".into(), count: Some(12) };
    /// ours.send_pickle(&order)?; // in Python: {'what': 'eggs', 'count': 12}
    /// assert_eq!(theirs.recv_pickle::<Order>()?, order);
    /// # Ok::<(), mp::Error>(())
    /// ```
    #[cfg(feature = "serde-pickle")]
    pub fn recv_pickle<T: DeserializeOwned>(&self) -> Result<T> {
        self.unpickle(&self.recv_bytes()?)
    }

    /// As [`recv_pickle`](Self::recv_pickle), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// `Empty` if no message has come until then; what has come of one is kept. Else as `recv_pickle`.
    #[cfg(feature = "serde-pickle")]
    pub fn recv_pickle_timeout<T: DeserializeOwned>(&self, timeout: Duration) -> Result<T> {
        self.unpickle(&self.recv_bytes_timeout(timeout)?)
    }

    #[cfg(feature = "serde-pickle")]
    pub(super) fn unpickle<T: DeserializeOwned>(&self, message: &[u8]) -> Result<T> {
        pickle::decode(message, self.link.most())
    }

    /// Sends a message; waits until the system has taken it, which keeps a few hundred kilobytes that the
    /// other side has not received.
    ///
    /// Two sides that send each other large messages and receive none meanwhile wait for ever: have one of them
    /// receive first, or another thread do it.
    ///
    /// # Errors
    ///
    /// `Disconnected` if the other side is gone. A message just before that may not have come to it.
    /// `Closed` if this connection is closed, `Broken` if an earlier message was cut off.
    pub fn send_bytes(&self, bytes: &[u8]) -> Result<()> {
        self.link.send(bytes, None)
    }

    /// As [`send_bytes`](Self::send_bytes), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// `Timeout` if the other side has not taken it until then. If it has taken a part, the message is cut off,
    /// nothing more can be sent, and the other side finds that out: the error is `Truncated` there, and `Broken` here
    /// from then on. Else as `send_bytes`.
    pub fn send_bytes_timeout(&self, bytes: &[u8], timeout: Duration) -> Result<()> {
        self.link.send(bytes, Deadline::after(timeout))
    }

    /// Takes the next message as it is; waits for it.
    ///
    /// # Errors
    ///
    /// `Disconnected` if there is none, and the other side is gone; `Truncated`, once, if it went in the
    /// middle of a message. `BufferTooShort` if one is longer than
    /// [`max_message`](ClientBuilder::max_message), and `Decode` if what came is no message: after these two nothing more
    /// can be received, and the error is `Broken`. `Closed` if this connection is closed.
    pub fn recv_bytes(&self) -> Result<Vec<u8>> {
        self.link.receive(None)?.ok_or_else(empty)
    }

    /// As [`recv_bytes`](Self::recv_bytes), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// `Empty` if no message has come until then; what has come of one is kept. Else as `recv_bytes`.
    pub fn recv_bytes_timeout(&self, timeout: Duration) -> Result<Vec<u8>> {
        self.link.receive(Deadline::after(timeout))?.ok_or_else(empty)
    }

    /// As [`recv_bytes`](Self::recv_bytes), into the front of `buffer`; gives how many bytes came.
    ///
    /// # Errors
    ///
    /// `BufferTooShort` if the message is longer; it is whole in the error, see [`Error::bytes`]. Else as `recv_bytes`.
    pub fn recv_bytes_into(&self, buffer: &mut [u8]) -> Result<usize> {
        let message = self.recv_bytes()?;
        match buffer.get_mut(..message.len()) {
            Some(front) => {
                front.copy_from_slice(&message);
                Ok(message.len())
            }
            None => Err(Error::too_short(buffer.len(), message)),
        }
    }

    /// Whether something has come, waiting for it for so long at most; that the other side is gone counts too. It takes
    /// nothing away. Of a long message, the rest may still be under way.
    ///
    /// # Errors
    ///
    /// `Closed` if this connection is closed.
    pub fn poll(&self, timeout: Duration) -> Result<bool> {
        self.link.poll(Deadline::after(timeout))
    }

    /// Closes the connection, as its drop does, also for other threads that are just waiting here: the error is
    /// `Closed` from then on.
    pub fn close(&self) {
        self.link.close();
    }
}

fn empty() -> Error {
    Error::new(ErrorKind::Empty, "there is no message")
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.link.socket()
    }
}

/// What of a client travels: its descriptor, the longest message, and the other side's address.
type Parts<T> = (Fd<T>, u64, Option<String>);

impl Serialize for Client {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let most = self.link.limit_between_messages().map_err(S::Error::custom)?;
        let peer = self.peer.as_ref().map(ToString::to_string);
        let parts: Parts<BorrowedFd<'_>> = (self.link.socket().into(), most as u64, peer);
        parts.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Client {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (socket, most, peer): Parts<OwnedFd> = Deserialize::deserialize(deserializer)?;
        let peer = peer.map(|peer| peer.parse()).transpose().map_err(D::Error::custom)?;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Ok(Self::new(Link::new(Carrier::Open(socket.into_inner()), most), peer, None))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("peer", &self.peer).finish_non_exhaustive()
    }
}
