//! `QueueProxy`: a queue of a manager. What it does is in `channel`.
#![expect(clippy::missing_errors_doc, reason = "the type says it for all its methods")]

use crate::channel::{Messages, Queue, TrySendError};
use crate::error::{Error, ErrorKind, Result};
use crate::manager::direct::Direct;
use crate::manager::far::frame::direct as method;
use crate::manager::far::item;
use crate::wait::{Source, Waitable};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A [`Queue`](crate::Queue) of a manager, in its words.
///
/// Made by [`Manager::queue`](crate::Manager::queue) and [`Manager::bounded_queue`](crate::Manager::bounded_queue). Handles, and
/// that it is used without asking the server, are as a [`LockProxy`](crate::LockProxy)'s. The server has a handle too, so one
/// who waits waits on when no other process has one, and what was put stays while anybody has.
///
/// # Errors
///
/// All methods: those of a [`Queue`](crate::Queue), and `Disconnected` if the server has ended, which a call that waits sees
/// within a second or so.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn square_all(from: mp::QueueProxy<u64>, to: mp::QueueProxy<u64>) {
///     for number in from.iter() {
///         let number = number.expect("the queue is in order");
///         to.put(number * number).expect("the server is there");
///     }
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let manager = mp::Manager::new()?;
///     let (numbers, squares) = (manager.queue()?, manager.queue()?);
///     let process = mp::spawn(square_all, (numbers.clone(), squares.clone()))?;
///     for number in 0..3 {
///         numbers.put(number)?;
///     }
///     assert_eq!([squares.get()?, squares.get()?, squares.get()?], [0, 1, 4]);
///     numbers.close_all()?; // so that the loop there ends
///     process.join()
/// }
/// ```
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "T: 'static")]
pub struct QueueProxy<T>(Direct<Queue<T>>);

impl<T> Clone for QueueProxy<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> QueueProxy<T> {
    pub(super) fn of(direct: Direct<Queue<T>>) -> Self {
        Self(direct)
    }

    /// How many items there are.
    pub fn len(&self) -> Result<usize> {
        match self.0.far() {
            Some(far) => far.count(method::LEN),
            None => self.0.get().map(|(queue, _)| queue.len()),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> Result<bool> {
        match self.0.far() {
            Some(_) => self.len().map(|len| len == 0),
            None => self.0.get().map(|(queue, _)| queue.is_empty()),
        }
    }

    /// Whether there are as many as it takes; never, if it has no bound.
    pub fn is_full(&self) -> Result<bool> {
        match self.0.far() {
            Some(_) => {
                let capacity = self.capacity()?;
                Ok(capacity.is_some_and(|capacity| self.len().is_ok_and(|len| len >= capacity)))
            }
            None => self.0.get().map(|(queue, _)| queue.is_full()),
        }
    }

    /// How many items it takes; none if it has no bound.
    pub fn capacity(&self) -> Result<Option<usize>> {
        match self.0.far() {
            Some(far) => Ok(Some(far.count(method::CAPACITY)?).filter(|items| *items != 0)),
            None => self.0.get().map(|(queue, _)| queue.capacity()),
        }
    }

    /// Says that one of the items that were got has been dealt with, for [`join`](Self::join).
    pub fn task_done(&self) -> Result<()> {
        match self.0.far() {
            Some(far) => far.order(method::TASK_DONE),
            None => self.0.get()?.0.task_done(),
        }
    }

    /// Waits until [`task_done`](Self::task_done) was called for every item that was put.
    pub fn join(&self) -> Result<()> {
        self.join_within(None).map(drop)
    }

    /// As [`join`](Self::join), for so long at most; `false` if something is not done by then.
    pub fn join_timeout(&self, timeout: Duration) -> Result<bool> {
        self.join_within(Some(timeout))
    }

    fn join_within(&self, timeout: Option<Duration>) -> Result<bool> {
        if let Some(far) = self.0.far() {
            return far.call(far.waiting(method::JOIN, timeout), |answer| answer.flag());
        }
        self.0.get()?.0.join_while(timeout, || self.0.expect_server())
    }

    /// Closes this handle: see [`Queue::close`](crate::Queue::close). One of a queue in another program's server stays as it
    /// is: drop it.
    pub fn close(&self) {
        self.0.handle().into_iter().for_each(Queue::close);
    }

    /// Closes the queue for everyone: see [`Queue::close_all`](crate::Queue::close_all).
    pub fn close_all(&self) -> Result<()> {
        match self.0.far() {
            Some(far) => far.order(method::CLOSE),
            None => self.0.get().map(|(queue, _)| queue.close_all()),
        }
    }
}

impl<T: Serialize + 'static> QueueProxy<T> {
    /// Puts an item at the end; waits for room if the queue is full.
    pub fn put(&self, item: T) -> Result<()> {
        if self.0.far().is_some() {
            return self.put_far(&item, None);
        }
        let queue = self.0.get()?.0;
        queue.put_while(item, None, || self.0.expect_server()).map_err(|error| match error {
            TrySendError::Disconnected(_) => self.0.gone(),
            other => Error::from(other),
        })
    }

    /// As [`put`](Self::put), without waiting.
    ///
    /// # Errors
    ///
    /// With the item: `Full` if there is no room.
    pub fn try_put(&self, item: T) -> Result<(), TrySendError<T>> {
        if self.0.far().is_some() {
            return self.try_put_far(item, Duration::ZERO);
        }
        match self.0.get() {
            Ok((queue, _)) => queue.try_put(item),
            Err(_) => Err(TrySendError::Disconnected(item)),
        }
    }

    /// As [`put`](Self::put), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// With the item: `Full` if there was no room until then.
    pub fn put_timeout(&self, item: T, timeout: Duration) -> Result<(), TrySendError<T>> {
        if self.0.far().is_some() {
            return self.try_put_far(item, timeout);
        }
        match self.0.get() {
            Ok((queue, _)) => queue.put_while(item, Some(timeout), || self.0.expect_server()),
            Err(_) => Err(TrySendError::Disconnected(item)),
        }
    }
}

impl<T: Serialize + 'static> QueueProxy<T> {
    fn put_far(&self, item: &T, timeout: Option<Duration>) -> Result<()> {
        let far = self.0.far().ok_or_else(|| self.0.gone())?;
        let mut request = far.waiting(method::PUT, timeout);
        request.item(item)?;
        far.call(request, |_| Ok(()))
    }

    fn try_put_far(&self, item: T, timeout: Duration) -> Result<(), TrySendError<T>> {
        self.put_far(&item, Some(timeout)).map_err(|error| match error.kind() {
            ErrorKind::Full => TrySendError::Full(item),
            _ => TrySendError::new(item, error),
        })
    }
}

impl<T: DeserializeOwned + 'static> QueueProxy<T> {
    fn get_far(&self, timeout: Option<Duration>) -> Result<T> {
        let Some(far) = self.0.far() else { return Err(self.0.gone()) };
        far.call(far.waiting(method::GET, timeout), |answer| answer.value_by(item::decode))
    }

    /// Takes the item at the front; waits for one if there is none.
    pub fn get(&self) -> Result<T> {
        match self.0.far() {
            Some(_) => self.get_far(None),
            None => self.0.get()?.0.get_while(None, || self.0.expect_server()),
        }
    }

    /// As [`get`](Self::get), without waiting.
    ///
    /// # Errors
    ///
    /// `Empty` if there is no item.
    pub fn try_get(&self) -> Result<T> {
        match self.0.far() {
            Some(_) => self.get_far(Some(Duration::ZERO)),
            None => self.0.get()?.0.try_get(),
        }
    }

    /// As [`get`](Self::get), waiting for so long at most.
    ///
    /// # Errors
    ///
    /// `Empty` if there was no item until then.
    pub fn get_timeout(&self, timeout: Duration) -> Result<T> {
        match self.0.far() {
            Some(_) => self.get_far(Some(timeout)),
            None => self.0.get()?.0.get_while(Some(timeout), || self.0.expect_server()),
        }
    }

    /// The items as they come, each waited for, until no more can come: the queue is closed, or the server has ended.
    #[must_use]
    pub fn iter(&self) -> Messages<'_, T> {
        Messages::new(|| self.get())
    }
}

impl<'a, T: DeserializeOwned + 'static> IntoIterator for &'a QueueProxy<T> {
    type Item = Result<T>;
    type IntoIter = Messages<'a, T>;

    fn into_iter(self) -> Messages<'a, T> {
        self.iter()
    }
}

impl<T> Waitable for QueueProxy<T> {
    fn __source(&self) -> Result<Source<'_>> {
        let incoming = self.0.get()?.0.incoming()?;
        Ok(Source::object(self.0.served(incoming)))
    }
}
