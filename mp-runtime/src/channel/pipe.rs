//! `pipe`: two connected ends, each of which sends what the other one receives.

use crate::channel::future::{Receiving, Sending};
use crate::channel::ground::Head;
use crate::channel::handle::{Handle, Way};
use crate::channel::iter::Messages;
use crate::channel::lane::{Lane, Until};
use crate::channel::message::{self, Bytes, Encoded, Into};
use crate::channel::one_way::{BUDGET, unsent};
use crate::channel::queue::empty;
use crate::channel::unsent::TrySendError;
use crate::channel::waiting::Waiting;
use crate::commons::{Kind, Role};
use crate::error::{Error, ErrorKind, Result};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// The two ends, as parts of the object: the left one sends by lane 0.
const LEFT: Role = Role::SENDER;
const RIGHT: Role = Role::RECEIVER;

/// Makes a pipe: what one end sends, the other one receives.
///
/// Each way holds about a megabyte of messages, or one that is larger: who sends more waits.
///
/// # Errors
///
/// If there is no memory to share.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn answer(father: mp::Connection<String, u32>) {
///     let number = father.recv().expect("it sends one");
///     father.send(format!("{number} it is")).expect("it waits for that");
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let (son, end) = mp::pipe::<u32, String>()?;
///     mp::spawn(answer, end)?;
///     son.send(7)?;
///     assert_eq!(son.recv()?, "7 it is");
///     assert_eq!(son.recv().unwrap_err().kind(), mp::ErrorKind::Disconnected);
///     Ok(())
/// }
/// ```
pub fn pipe<A, B>() -> Result<(Connection<A, B>, Connection<B, A>)> {
    let left = Handle::new(Kind::Pipe, LEFT)?;
    for number in 0..2 {
        left.lane(number).set_limits(0, BUDGET);
    }
    let right = left.in_part(RIGHT)?;
    Ok((Connection::of(left), Connection::of(right)))
}

/// One end of a [`pipe`]: sends `S`, and receives `R` from the other end.
///
/// An end can be an argument, a result, a message, and a part of one, with what is unread in it. A clone
/// is the same end: each message comes to one of them. When an end is gone with all of its clones, dropped
/// or with their processes, the other one receives what was sent and then the error `Disconnected`.
///
/// Beside values, bytes can be sent as they are: by [`send_bytes`](Self::send_bytes), for a
/// [`recv_bytes`](Self::recv_bytes) at the other end.
pub struct Connection<S, R> {
    handle: Handle,
    of: PhantomData<fn(S) -> R>,
}

impl<S, R> Connection<S, R> {
    fn of(handle: Handle) -> Self {
        Self { handle, of: PhantomData }
    }

    fn other(&self) -> Role {
        if self.handle.role() == LEFT { RIGHT } else { LEFT }
    }

    /// The number of the lane that it sends by; of the other one if it receives.
    #[inline]
    fn number(&self, receives: bool) -> usize {
        usize::from((self.handle.role() == LEFT) == receives)
    }

    #[inline]
    fn out(&self) -> Lane<Head<'_>> {
        self.handle.lane(self.number(false))
    }

    #[inline]
    fn into(&self) -> Lane<Head<'_>> {
        self.handle.lane(self.number(true))
    }

    pub(crate) fn incoming(&self) -> Result<Waiting> {
        self.handle.incoming(self.number(true), self.other())
    }

    /// The lane by which it sends; or by which it receives.
    pub(super) fn way(&self, receives: bool) -> Way<'_> {
        Way { handle: &self.handle, lane: self.number(receives), by: self.other() }
    }

    /// What a receiver that waits asks.
    pub(super) fn expect_sender(&self) -> Result<()> {
        self.handle.expect_from(self.other(), &self.into())
    }

    /// Whether there is something to receive, waiting for it for so long at most. It takes nothing away.
    /// That the other end is gone counts too, since [`recv`](Self::recv) would not wait then.
    ///
    /// # Errors
    ///
    /// `Closed` if this handle is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let (left, right) = mp::pipe::<u8, u8>()?;
    /// assert!(!right.poll(Duration::ZERO)?);
    /// left.send(1)?;
    /// assert!(right.poll(Duration::ZERO)? && right.poll(Duration::from_secs(1))?);
    /// assert_eq!(right.recv()?, 1);
    /// # Ok::<(), mp::Error>(())
    /// ```
    pub fn poll(&self, timeout: Duration) -> Result<bool> {
        self.handle.open()?;
        let still = || self.handle.expect(self.other());
        match self.into().poll(Until::after(timeout), still) {
            Err(error) if error.kind() == ErrorKind::Disconnected => Ok(true),
            other => other,
        }
    }

    /// Sends bytes as they are; waits for room if there is none.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_bytes(&self, bytes: &[u8]) -> Result<()> {
        let lane = self.out();
        self.handle.expect_lately(self.other(), &lane)?;
        let still = || self.handle.expect(self.other());
        message::put_bytes(&lane, bytes, Until::Ever, still).map(drop)
    }

    /// Takes the next message, which must be bytes; waits for it.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn recv_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Bytes::default();
        self.take_bytes(&mut bytes)?;
        Ok(bytes.bytes)
    }

    /// As [`recv_bytes`](Self::recv_bytes), of at most so many bytes.
    ///
    /// # Errors
    ///
    /// `BufferTooShort` if the message is longer. It is lost, and this end receives no more: what it was sent is
    /// not what it expects. Else as `recv_bytes`.
    pub fn recv_bytes_max(&self, most: usize) -> Result<Vec<u8>> {
        let mut bytes = Bytes { most: Some(most), ..Bytes::default() };
        self.take_bytes(&mut bytes)?;
        let Some(len) = bytes.longer else { return Ok(bytes.bytes) };
        self.handle.stop_receiving();
        let text = format!("a message of {len} bytes came where at most {most} were expected");
        Err(Error::new(ErrorKind::BufferTooShort, text))
    }

    /// As [`recv_bytes`](Self::recv_bytes), into the front of `buffer`; gives how many bytes came.
    ///
    /// # Errors
    ///
    /// `BufferTooShort` if the message is longer; it is whole in the error, see [`Error::bytes`]. Else as `recv_bytes`.
    ///
    /// # Examples
    ///
    /// ```
    /// let (left, right) = mp::pipe::<(), ()>()?;
    /// left.send_bytes(b"four")?;
    /// left.send_bytes(b"too long")?;
    /// let mut buffer = [0; 4];
    /// assert_eq!(right.recv_bytes_into(&mut buffer)?, 4);
    /// let error = right.recv_bytes_into(&mut buffer).unwrap_err();
    /// assert_eq!(error.kind(), mp::ErrorKind::BufferTooShort);
    /// assert_eq!(error.bytes(), Some(&b"too long"[..]));
    /// # Ok::<(), mp::Error>(())
    /// ```
    pub fn recv_bytes_into(&self, buffer: &mut [u8]) -> Result<usize> {
        let mut into = Into { buffer, len: 0, whole: None };
        self.take_bytes(&mut into)?;
        let Into { buffer, len, whole } = into;
        match whole {
            None => Ok(len),
            Some(whole) => Err(Error::too_short(buffer.len(), whole)),
        }
    }

    fn take_bytes(&self, sink: &mut impl super::lane::Sink) -> Result<()> {
        self.handle.may_receive()?;
        let came = message::take_bytes(&self.into(), sink, Until::Ever, || self.expect_sender())?;
        if came { Ok(()) } else { Err(empty()) }
    }

    /// Closes this handle, as its drop does: what is then asked of it is an error, `Closed`.
    pub fn close(&self) {
        self.handle.close();
    }
}

impl<S: Serialize + 'static, R> Connection<S, R> {
    /// Sends a message; waits for room if there is none.
    ///
    /// # Errors
    ///
    /// `Disconnected` if the other end is gone. That it was killed shows at the next call that has to wait, or
    /// after a tenth of a second. `Encode` if the message cannot be encoded, `Closed` if this handle is closed.
    #[inline]
    pub fn send(&self, message: S) -> Result<()> {
        self.put(&message, Until::Ever).map(drop)
    }

    /// As [`send`](Self::send), for any executor: the future waits for room.
    ///
    /// # Errors
    ///
    /// As `send`, from the future; and [`Io`](ErrorKind::Io) if the thread could not be started that waits
    /// in its place.
    pub fn send_async(&self, message: S) -> Sending<'_> {
        Sending::new(self.way(false), Encoded::new(message))
    }

    /// As [`send`](Self::send), without waiting.
    ///
    /// # Errors
    ///
    /// With the message: `Full` if there is no room; else as `send`.
    pub fn try_send(&self, message: S) -> Result<(), TrySendError<S>> {
        unsent(self.put(&message, Until::Now), message)
    }

    /// As [`send`](Self::send), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// With the message: `Full` if there was no room until then; else as `send`.
    pub fn send_timeout(&self, message: S, timeout: Duration) -> Result<(), TrySendError<S>> {
        unsent(self.put(&message, Until::after(timeout)), message)
    }

    #[inline]
    fn put(&self, message: &S, until: Until) -> Result<bool> {
        let lane = self.out();
        self.handle.expect_lately(self.other(), &lane)?;
        message::put(&lane, message, until, || self.handle.expect(self.other()))
    }
}

impl<S, R: DeserializeOwned + 'static> Connection<S, R> {
    /// Takes the next message; waits for it.
    ///
    /// # Errors
    ///
    /// `Disconnected` if there is none, and the other end is gone; `Truncated`, once, if it was killed in
    /// the middle of a message. `Decode` if the message cannot be decoded, or is of the other kind, values or bytes;
    /// the next one follows then. `Closed` if this handle is closed.
    #[inline]
    pub fn recv(&self) -> Result<R> {
        self.take(Until::Ever)
    }

    /// As [`recv`](Self::recv), for any executor. A future that is dropped before it is ready has taken
    /// no message.
    ///
    /// # Errors
    ///
    /// As `recv`, from the future; and [`Io`](ErrorKind::Io) if the thread could not be started that waits
    /// in its place.
    ///
    /// # Examples
    ///
    /// ```
    /// async fn ask(server: &mp::Connection<String, u32>, question: &str) -> mp::Result<u32> {
    ///     server.send_async(question.to_owned()).await?;
    ///     server.recv_async().await
    /// }
    /// ```
    pub fn recv_async(&self) -> Receiving<'_, R> {
        Receiving::new(self.way(true), || self.take_until(Until::Now))
    }

    /// As [`recv`](Self::recv), without waiting.
    ///
    /// # Errors
    ///
    /// `Empty` if there is none; else as `recv`.
    #[inline]
    pub fn try_recv(&self) -> Result<R> {
        self.take(Until::Now)
    }

    /// As [`recv`](Self::recv), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// `Empty` if there was none until then; else as `recv`.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<R> {
        self.take(Until::after(timeout))
    }

    #[inline]
    fn take(&self, until: Until) -> Result<R> {
        self.take_until(until)?.ok_or_else(empty)
    }

    #[inline]
    fn take_until(&self, until: Until) -> Result<Option<R>> {
        self.handle.may_receive()?;
        message::take(&self.into(), until, || self.expect_sender())
    }

    /// The messages as they come, each waited for, until the other end is gone.
    #[must_use]
    pub fn iter(&self) -> Messages<'_, R> {
        Messages::new(|| self.recv())
    }
}

impl<S, R> Clone for Connection<S, R> {
    fn clone(&self) -> Self {
        Self::of(self.handle.clone())
    }
}

impl<S, R> fmt::Debug for Connection<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl<S, R> Serialize for Connection<S, R> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        self.handle.serialize(serializer)
    }
}

impl<'de, S, R> Deserialize<'de> for Connection<S, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Handle::deserialize(Kind::Pipe, &[LEFT, RIGHT], deserializer).map(Self::of)
    }
}
