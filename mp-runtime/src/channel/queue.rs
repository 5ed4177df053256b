//! `Queue`: values from any process to any other, first in, first out.

use crate::channel::future::{Receiving, Sending};
use crate::channel::ground::Head;
use crate::channel::handle::{Handle, Way};
use crate::channel::iter::Messages;
use crate::channel::lane::{Lane, Until};
use crate::channel::message::{self, Encoded};
use crate::channel::unsent::TrySendError;
use crate::channel::waiting::Waiting;
use crate::commons::{Kind, Role};
use crate::error::{Error, ErrorKind, Result};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// A queue that any number of processes and threads put values into and get them from, each value
/// once, in the order in which they were put.
///
/// A handle can be an argument, a result, a message, and a part of any of these, and be sent on by
/// whoever has got it. [`clone`](Clone::clone) makes one more, for the same queue.
///
/// What was put stays, whatever becomes of the process that put it: there is no thread that has yet to
/// write it, and a process whose items nobody has got yet can be joined. A process that is killed in the middle
/// of a call leaves the queue in order: an item is there whole, or not at all; what it was just getting
/// is lost with it or comes to the next one. When nobody has a handle any more, what is left is dropped.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn square_all(from: mp::Queue<u64>, to: mp::Queue<u64>) {
///     for number in from.iter() {
///         let number = number.expect("the queue is in order");
///         to.put(number * number).expect("the queue is there");
///     }
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let (numbers, squares) = (mp::Queue::new()?, mp::Queue::new()?);
///     let process = mp::spawn(square_all, (numbers.clone(), squares.clone()))?;
///     for number in 0..3 {
///         numbers.put(number)?;
///     }
///     assert_eq!([squares.get()?, squares.get()?, squares.get()?], [0, 1, 4]);
///     drop(numbers); // so that nothing more can come, and the loop there ends
///     process.join()
/// }
/// ```
pub struct Queue<T> {
    pub(super) handle: Handle,
    of: PhantomData<fn(T) -> T>,
}

impl<T> Queue<T> {
    /// Makes a queue that takes any number of items.
    ///
    /// # Errors
    ///
    /// If there is no memory to share.
    ///
    /// # Examples
    ///
    /// ```
    /// let queue = mp::Queue::new()?;
    /// queue.put("item".to_owned())?;
    /// assert_eq!(queue.get()?, "item");
    /// # Ok::<(), mp::Error>(())
    /// ```
    pub fn new() -> Result<Self> {
        Ok(Self::of(Handle::new(Kind::Queue, Role::ANY)?))
    }

    /// Makes a queue that takes so many items: who puts one more waits until one is got.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if that is none, and if there is no memory to share.
    ///
    /// # Examples
    ///
    /// ```
    /// let queue = mp::Queue::bounded(2)?;
    /// queue.put(1)?;
    /// queue.put(2)?;
    /// assert!(queue.is_full() && queue.try_put(3).is_err());
    /// # Ok::<(), mp::Error>(())
    /// ```
    pub fn bounded(items: usize) -> Result<Self> {
        if items == 0 {
            let text =
                "a queue that holds no items passes none on; Queue::new makes one without a bound";
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        let queue = Self::new()?;
        queue.lane().set_limits(items as u64, 0);
        Ok(queue)
    }

    fn of(handle: Handle) -> Self {
        Self { handle, of: PhantomData }
    }

    #[inline]
    pub(super) fn lane(&self) -> Lane<Head<'_>> {
        self.handle.lane(0)
    }

    /// Whether there is any sense in waiting for other handles.
    fn expect_others(&self) -> Result<()> {
        self.others().still()
    }

    pub(crate) fn incoming(&self) -> Result<Waiting> {
        self.handle.incoming(0, Role::ANY)
    }

    /// The queue's lane, of whose other end any handle is.
    pub(super) fn others(&self) -> Way<'_> {
        Way { handle: &self.handle, lane: 0, by: Role::ANY }
    }

    #[cfg(fuzzing)]
    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.lane().len()).unwrap_or(usize::MAX)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lane().is_empty()
    }

    /// Whether there are as many as it takes; never, if it has no bound.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.lane().is_full()
    }

    /// How many items it takes; none if it has no bound.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        usize::try_from(self.lane().most_items()).ok().filter(|items| *items != 0)
    }

    /// Says that one of the items that were got has been dealt with, for [`join`](Self::join).
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if all items that were put are done already.
    ///
    /// # Examples
    ///
    /// ```
    /// let queue = mp::Queue::new()?;
    /// queue.put(1)?;
    /// queue.get()?;
    /// queue.task_done()?;
    /// queue.join()?;
    /// assert_eq!(queue.task_done().unwrap_err().kind(), mp::ErrorKind::InvalidArgument);
    /// # Ok::<(), mp::Error>(())
    /// ```
    pub fn task_done(&self) -> Result<()> {
        self.handle.open()?;
        if self.lane().done() {
            return Ok(());
        }
        let text = "task_done was called more often than items were put";
        Err(Error::new(ErrorKind::InvalidArgument, text))
    }

    /// Waits until [`task_done`](Self::task_done) was called for every item that was put.
    ///
    /// # Errors
    ///
    /// `Disconnected` if other handles were there, of which none is left to call it; `Closed` if this handle is closed.
    pub fn join(&self) -> Result<()> {
        self.handle.open()?;
        self.lane().all_done(Until::Ever, || self.expect_others()).map(drop)
    }

    /// As [`join`](Self::join), for so long at most; `false` if something is not done by then.
    ///
    /// # Errors
    ///
    /// `Closed` if this handle is closed.
    pub fn join_timeout(&self, timeout: Duration) -> Result<bool> {
        self.handle.open()?;
        self.lane().all_done(Until::after(timeout), || self.handle.open())
    }

    /// Closes this handle: what is then asked of it is an error, `Closed`, and calls that wait end with that.
    /// Other handles, in this process and others, go on, and get what was put. Dropping a handle closes it.
    ///
    /// # Examples
    ///
    /// ```
    /// let queue = mp::Queue::new()?;
    /// let other = queue.clone();
    /// queue.put(1)?;
    /// queue.close();
    /// assert_eq!(queue.get().unwrap_err().kind(), mp::ErrorKind::Closed);
    /// assert_eq!(other.get()?, 1);
    /// # Ok::<(), mp::Error>(())
    /// ```
    pub fn close(&self) {
        self.handle.close();
    }

    /// Closes the queue for everyone: nothing more can be put, and when the items that are there have been got,
    /// whoever wants one gets the error `Closed`, and a loop over [`iter`](Self::iter) ends.
    ///
    /// # Examples
    ///
    /// ```
    /// let queue = mp::Queue::new()?;
    /// queue.put(1)?;
    /// queue.close_all();
    /// assert_eq!(queue.put(2).unwrap_err().kind(), mp::ErrorKind::Closed);
    /// assert_eq!(queue.iter().collect::<mp::Result<Vec<_>>>()?, [1]);
    /// # Ok::<(), mp::Error>(())
    /// ```
    pub fn close_all(&self) {
        self.lane().close();
    }
}

impl<T: Serialize + 'static> Queue<T> {
    /// Puts an item at the end; waits for room if the queue is full.
    ///
    /// # Errors
    ///
    /// `Encode` if the item cannot be encoded, of which the queue knows nothing then; `Closed` if this
    /// handle or the queue is closed; `Disconnected` if the queue is full, and all other handles are gone.
    #[inline]
    pub fn put(&self, item: T) -> Result<()> {
        self.handle.open()?;
        message::put(&self.lane(), &item, Until::Ever, || self.expect_others()).map(drop)
    }

    /// As [`put`](Self::put), for any executor: the future waits for room.
    ///
    /// # Errors
    ///
    /// As `put`, from the future; and [`Io`](ErrorKind::Io) if the thread could not be started that waits
    /// in its place.
    pub fn put_async(&self, item: T) -> Sending<'_> {
        Sending::new(self.others(), Encoded::new(item))
    }

    /// As [`put`](Self::put), without waiting.
    ///
    /// # Errors
    ///
    /// With the item: `Full` if there is no room; else as `put`.
    #[inline]
    pub fn try_put(&self, item: T) -> Result<(), TrySendError<T>> {
        self.put_until(item, Until::Now)
    }

    /// As [`put`](Self::put), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// With the item: `Full` if there was no room until then; else as `put`.
    pub fn put_timeout(&self, item: T, timeout: Duration) -> Result<(), TrySendError<T>> {
        self.put_until(item, Until::after(timeout))
    }

    fn put_until(&self, item: T, until: Until) -> Result<(), TrySendError<T>> {
        let still = || self.handle.open();
        match still().and_then(|()| message::put(&self.lane(), &item, until, still)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(TrySendError::Full(item)),
            Err(error) => Err(TrySendError::new(item, error)),
        }
    }
}

impl<T: DeserializeOwned + 'static> Queue<T> {
    /// Takes the item at the front; waits for one if there is none.
    ///
    /// # Errors
    ///
    /// `Disconnected` if there is none, and all other handles that there were are gone, dropped or with
    /// their processes: nothing can come any more. (A thread that uses this very handle, as a reference, is not seen: give it
    /// a clone.) `Closed` if this handle is closed, or the queue is and has no item left. `Decode` if the item
    /// cannot be decoded; it is taken then, and the next one follows.
    #[inline]
    pub fn get(&self) -> Result<T> {
        self.handle.open()?;
        let item = message::take(&self.lane(), Until::Ever, || self.expect_others())?;
        item.ok_or_else(empty)
    }

    /// As [`get`](Self::get), for any executor. A future that is dropped before it is ready leaves the queue as it
    /// is.
    ///
    /// # Errors
    ///
    /// As `get`, from the future; and [`Io`](ErrorKind::Io) if the thread could not be started that waits
    /// in its place.
    ///
    /// # Examples
    ///
    /// ```
    /// async fn sum_of_two(numbers: &mp::Queue<u64>) -> mp::Result<u64> {
    ///     Ok(numbers.get_async().await? + numbers.get_async().await?)
    /// }
    /// ```
    pub fn get_async(&self) -> Receiving<'_, T> {
        Receiving::new(self.others(), || {
            self.handle.open()?;
            message::take(&self.lane(), Until::Now, || self.expect_others())
        })
    }

    /// As [`get`](Self::get), without waiting.
    ///
    /// # Errors
    ///
    /// `Empty` if there is no item; else as `get`, but never `Disconnected`.
    #[inline]
    pub fn try_get(&self) -> Result<T> {
        self.get_until(Until::Now)
    }

    /// As [`get`](Self::get), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// `Empty` if there was no item until then; else as `get`, but never `Disconnected`.
    pub fn get_timeout(&self, timeout: Duration) -> Result<T> {
        self.get_until(Until::after(timeout))
    }

    fn get_until(&self, until: Until) -> Result<T> {
        self.handle.open()?;
        message::take(&self.lane(), until, || self.handle.open())?.ok_or_else(empty)
    }

    /// The items as they come, each waited for, until no more can come: see [`get`](Self::get) and
    /// [`close_all`](Self::close_all).
    #[must_use]
    pub fn iter(&self) -> Messages<'_, T> {
        Messages::new(|| self.get())
    }
}

pub(super) fn empty() -> Error {
    Error::new(ErrorKind::Empty, "nothing came in the time given")
}

impl<'a, T: DeserializeOwned + 'static> IntoIterator for &'a Queue<T> {
    type Item = Result<T>;
    type IntoIter = Messages<'a, T>;

    fn into_iter(self) -> Messages<'a, T> {
        self.iter()
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self::of(self.handle.clone())
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl<T> Serialize for Queue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.handle.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Queue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Handle::deserialize(Kind::Queue, &[Role::ANY], deserializer).map(Self::of)
    }
}
