//! `TypedClient`: values on a connection. Their bytes are those of `codec` or of `pickle`; how they travel is in `client`.

use crate::codec;
use crate::error::{Error, ErrorKind, Result};
use crate::socket::client::Client;
#[cfg(feature = "serde-pickle")]
use crate::socket::pickle;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// What stands before a value: so that bytes that are none, such as what Python has pickled, are told apart.
const MARK: &[u8] = b"mp1\n";

/// A [`Client`] on which values are sent, of type `S`, and received, of type `R`: what
/// [`Client::typed`] makes, or for Python at the other end `Client::typed_pickle`, with the feature `serde-pickle`. All
/// that a client can is there too.
///
/// Without pickles the other side must have the same types the other way round, and this library: nothing checks that, since it is another
/// program, and a value read as another type is an error or another value.
pub struct TypedClient<S, R> {
    client: Client,
    format: Format,
    of: PhantomData<fn(S) -> R>,
}

/// How values are written.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
enum Format {
    Ours,
    #[cfg(feature = "serde-pickle")]
    Pickle,
}

impl<S, R> TypedClient<S, R> {
    pub(super) fn new(client: Client) -> Self {
        Self { client, format: Format::Ours, of: PhantomData }
    }

    #[cfg(feature = "serde-pickle")]
    pub(super) fn pickled(client: Client) -> Self {
        Self { client, format: Format::Pickle, of: PhantomData }
    }
}

impl<S: Serialize, R> TypedClient<S, R> {
    /// Sends a value; waits as [`send_bytes`](Client::send_bytes) does.
    ///
    /// # Errors
    ///
    /// `Encode` if the value cannot be encoded, such as one with a handle in it (a lock, a queue, a
    /// descriptor): those mean nothing outside of the tree of processes that has them. Else as
    /// [`send_bytes`](Client::send_bytes).
    pub fn send(&self, message: S) -> Result<()> {
        self.client.send_bytes(&self.encode(&message)?)
    }

    /// As [`send`](Self::send), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// `Encode` as there; else as [`send_bytes_timeout`](Client::send_bytes_timeout).
    pub fn send_timeout(&self, message: S, timeout: Duration) -> Result<()> {
        self.client.send_bytes_timeout(&self.encode(&message)?, timeout)
    }

    fn encode(&self, message: &S) -> Result<Vec<u8>> {
        match self.format {
            Format::Ours => encode(message),
            #[cfg(feature = "serde-pickle")]
            Format::Pickle => pickle::encode(message),
        }
    }
}

impl<S, R: DeserializeOwned> TypedClient<S, R> {
    /// Takes the next value; waits for it.
    ///
    /// # Errors
    ///
    /// `Decode` if what came cannot be decoded; the next message follows then. Else as
    /// [`recv_bytes`](Client::recv_bytes).
    pub fn recv(&self) -> Result<R> {
        self.decode(&self.client.recv_bytes()?)
    }

    /// As [`recv`](Self::recv), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// `Empty` if no message has come until then; what has come of one is kept. Else as `recv`.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<R> {
        self.decode(&self.client.recv_bytes_timeout(timeout)?)
    }

    /// As [`recv`](Self::recv), without waiting.
    ///
    /// # Errors
    ///
    /// `Empty` if there is no message that is whole; else as `recv`.
    pub fn try_recv(&self) -> Result<R> {
        self.recv_timeout(Duration::ZERO)
    }

    fn decode(&self, message: &[u8]) -> Result<R> {
        match self.format {
            Format::Ours => decode(message),
            #[cfg(feature = "serde-pickle")]
            Format::Pickle => self.client.unpickle(message),
        }
    }
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let mut bytes = MARK.to_vec();
    codec::encode(value, &mut bytes)?;
    Ok(bytes)
}

fn decode<T: DeserializeOwned>(message: &[u8]) -> Result<T> {
    let Some(bytes) = message.strip_prefix(MARK) else {
        let text = format!(
            "cannot decode {}: the message was not sent as a value by this library; take it by `recv_bytes`, \
             and have Python send by `send_bytes`, since `send` pickles (see the feature `serde-pickle`)",
            type_name::<T>()
        );
        return Err(Error::new(ErrorKind::Decode, text));
    };
    codec::decode(bytes)
}

impl<S, R> Deref for TypedClient<S, R> {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl<S, R> AsFd for TypedClient<S, R> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.client.as_fd()
    }
}

impl<S, R> Serialize for TypedClient<S, R> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        (&self.client, self.format).serialize(serializer)
    }
}

impl<'de, S, R> Deserialize<'de> for TypedClient<S, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (client, format) = Deserialize::deserialize(deserializer)?;
        Ok(Self { client, format, of: PhantomData })
    }
}

impl<S, R> fmt::Debug for TypedClient<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedClient").field("peer", &self.peer()).finish_non_exhaustive()
    }
}
