//! `channel`: values one way, from any number of senders to any number of receivers, each value to one of them.

use crate::channel::future::{Receiving, Sending};
use crate::channel::ground::Head;
use crate::channel::handle::{Handle, Way};
use crate::channel::iter::Messages;
use crate::channel::lane::{Lane, Until};
use crate::channel::message::{self, Encoded};
use crate::channel::queue::empty;
use crate::channel::unsent::TrySendError;
use crate::channel::waiting::Waiting;
use crate::commons::{Kind, Role};
use crate::error::Result;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// How many bytes of messages may wait to be received.
pub(super) const BUDGET: u64 = 1 << 20;

/// Makes a channel. Each end can be cloned, and go to other processes as an argument, a result, a message, or a
/// part of one; each message comes to one receiver.
///
/// A channel holds about a megabyte of messages, or one that is larger: who sends more waits. When all
/// senders are gone, dropped or with their processes, receivers get what was sent and then the error `Disconnected`; when
/// all receivers are gone, senders do.
///
/// # Errors
///
/// If there is no memory to share.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn count(to: mp::Sender<u32>) {
///     for number in 0..3 {
///         to.send(number).expect("the receiver is there");
///     }
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let (sender, receiver) = mp::channel()?;
///     mp::spawn(count, sender)?;
///     assert_eq!(receiver.iter().collect::<mp::Result<Vec<_>>>()?, [0, 1, 2]);
///     Ok(())
/// }
/// ```
pub fn channel<T>() -> Result<(Sender<T>, Receiver<T>)> {
    let sender = Handle::new(Kind::Channel, Role::SENDER)?;
    sender.lane(0).set_limits(0, BUDGET);
    let receiver = sender.in_part(Role::RECEIVER)?;
    Ok((Sender::of(sender), Receiver::of(receiver)))
}

/// The sending end of a [`channel`].
pub struct Sender<T> {
    pub(super) handle: Handle,
    of: PhantomData<fn(T)>,
}

/// The receiving end of a [`channel`].
pub struct Receiver<T> {
    pub(super) handle: Handle,
    of: PhantomData<fn() -> T>,
}

impl<T> Sender<T> {
    fn of(handle: Handle) -> Self {
        Self { handle, of: PhantomData }
    }

    pub(super) fn way(&self) -> Way<'_> {
        Way { handle: &self.handle, lane: 0, by: Role::RECEIVER }
    }

    /// Closes this handle, as its drop does: what is then asked of it is an error, `Closed`.
    pub fn close(&self) {
        self.handle.close();
    }
}

impl<T: Serialize + 'static> Sender<T> {
    /// Sends a message; waits for room if there is none.
    ///
    /// # Errors
    ///
    /// `Disconnected` if all receivers are gone. That one was killed shows at the next call that has to wait,
    /// or after a tenth of a second. `Encode` if the message cannot be encoded, `Closed` if this handle is closed.
    #[inline]
    pub fn send(&self, message: T) -> Result<()> {
        self.put(&message, Until::Ever).map(drop)
    }

    /// As [`send`](Self::send), for any executor: the future waits for room.
    ///
    /// # Errors
    ///
    /// As `send`, from the future; and [`Io`](crate::ErrorKind::Io) if the thread could not be started
    /// that waits in its place.
    pub fn send_async(&self, message: T) -> Sending<'_> {
        Sending::new(self.way(), Encoded::new(message))
    }

    /// As [`send`](Self::send), without waiting.
    ///
    /// # Errors
    ///
    /// With the message: `Full` if there is no room; else as `send`.
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        unsent(self.put(&message, Until::Now), message)
    }

    /// As [`send`](Self::send), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// With the message: `Full` if there was no room until then; else as `send`.
    pub fn send_timeout(&self, message: T, timeout: Duration) -> Result<(), TrySendError<T>> {
        unsent(self.put(&message, Until::after(timeout)), message)
    }

    #[inline]
    fn put(&self, message: &T, until: Until) -> Result<bool> {
        let lane = self.handle.lane(0);
        self.handle.expect_lately(Role::RECEIVER, &lane)?;
        message::put(&lane, message, until, || self.handle.expect(Role::RECEIVER))
    }
}

/// What a send that may have found no room gives.
pub(super) fn unsent<T>(sent: Result<bool>, message: T) -> Result<(), TrySendError<T>> {
    match sent {
        Ok(true) => Ok(()),
        Ok(false) => Err(TrySendError::Full(message)),
        Err(error) => Err(TrySendError::new(message, error)),
    }
}

impl<T> Receiver<T> {
    fn of(handle: Handle) -> Self {
        Self { handle, of: PhantomData }
    }

    #[inline]
    fn lane(&self) -> Lane<Head<'_>> {
        self.handle.lane(0)
    }

    pub(super) fn way(&self) -> Way<'_> {
        Way { handle: &self.handle, lane: 0, by: Role::SENDER }
    }

    pub(super) fn expect_sender(&self) -> Result<()> {
        self.handle.expect_from(Role::SENDER, &self.lane())
    }

    pub(crate) fn incoming(&self) -> Result<Waiting> {
        self.handle.incoming(0, Role::SENDER)
    }

    /// How many messages wait to be received.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.lane().len()).unwrap_or(usize::MAX)
    }

    /// How many messages were ever sent.
    pub(crate) fn sent(&self) -> u64 {
        self.lane().puts()
    }

    /// Whether none does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lane().is_empty()
    }

    /// Closes this handle, as its drop does: what is then asked of it is an error, `Closed`.
    pub fn close(&self) {
        self.handle.close();
    }
}

impl<T: DeserializeOwned + 'static> Receiver<T> {
    /// Takes the next message; waits for it.
    ///
    /// # Errors
    ///
    /// `Disconnected` if there is none, and all senders are gone; `Truncated`, once, if the last of them
    /// was killed in the middle of a message. `Decode` if the message cannot be decoded, after which the next one follows;
    /// `Closed` if this handle is closed.
    #[inline]
    pub fn recv(&self) -> Result<T> {
        self.take(Until::Ever)
    }

    /// As [`recv`](Self::recv), for any executor. A future that is dropped before it is ready has taken
    /// no message.
    ///
    /// # Errors
    ///
    /// As `recv`, from the future; and [`Io`](crate::ErrorKind::Io) if the thread could not be started
    /// that waits in its place.
    ///
    /// # Examples
    ///
    /// ```
    /// async fn print_all(names: mp::Receiver<String>) {
    ///     while let Ok(name) = names.recv_async().await {
    ///         println!("{name}");
    ///     }
    /// }
    /// ```
    pub fn recv_async(&self) -> Receiving<'_, T> {
        Receiving::new(self.way(), || self.take_until(Until::Now))
    }

    /// As [`recv`](Self::recv), without waiting.
    ///
    /// # Errors
    ///
    /// `Empty` if there is none; else as `recv`.
    #[inline]
    pub fn try_recv(&self) -> Result<T> {
        self.take(Until::Now)
    }

    /// As [`recv`](Self::recv), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// `Empty` if there was none until then; else as `recv`.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T> {
        self.take(Until::after(timeout))
    }

    #[inline]
    fn take(&self, until: Until) -> Result<T> {
        self.take_until(until)?.ok_or_else(empty)
    }

    #[inline]
    fn take_until(&self, until: Until) -> Result<Option<T>> {
        self.handle.open()?;
        message::take(&self.lane(), until, || self.expect_sender())
    }

    /// The messages as they come, each waited for, until all senders are gone.
    #[must_use]
    pub fn iter(&self) -> Messages<'_, T> {
        Messages::new(|| self.recv())
    }
}

impl<'a, T: DeserializeOwned + 'static> IntoIterator for &'a Receiver<T> {
    type Item = Result<T>;
    type IntoIter = Messages<'a, T>;

    fn into_iter(self) -> Messages<'a, T> {
        self.iter()
    }
}

/// What both ends have in the same way.
macro_rules! ends {
    ($($end:ident as $role:ident),*) => {$(
        impl<T> Clone for $end<T> {
            fn clone(&self) -> Self {
                Self::of(self.handle.clone())
            }
        }

        impl<T> fmt::Debug for $end<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($end)).finish_non_exhaustive()
            }
        }

        impl<T> Serialize for $end<T> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.handle.serialize(serializer)
            }
        }

        impl<'de, T> Deserialize<'de> for $end<T> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Handle::deserialize(Kind::Channel, &[Role::$role], deserializer).map(Self::of)
            }
        }
    )*};
}

ends!(Sender as SENDER, Receiver as RECEIVER);
