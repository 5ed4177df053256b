//! Queues of which the use depends on something beside the queue: those that the server of a manager keeps. Everything else of
//! queues is in `queue`.

use crate::channel::lane::Until;
use crate::channel::message;
use crate::channel::queue::{Queue, empty};
use crate::channel::unsent::TrySendError;
use crate::error::Result;
use serde::de::DeserializeOwned;
use serde::ser::Serialize;
use std::time::Duration;

fn until(timeout: Option<Duration>) -> Until {
    timeout.map_or(Until::Ever, Until::after)
}

impl<T> Queue<T> {
    /// As `join` or `join_timeout`, but that a wait ends with what `still` gives, which is asked whenever it looks again; and does
    /// not care whether others have a handle.
    pub(crate) fn join_while(
        &self,
        timeout: Option<Duration>,
        still: impl Fn() -> Result<()>,
    ) -> Result<bool> {
        self.handle.open()?;
        self.lane().all_done(until(timeout), || self.handle.open().and_then(|()| still()))
    }
}

impl<T: Serialize + 'static> Queue<T> {
    /// As `put` or `put_timeout`, as [`join_while`](Self::join_while).
    #[inline]
    pub(crate) fn put_while(
        &self,
        item: T,
        timeout: Option<Duration>,
        still: impl Fn() -> Result<()>,
    ) -> Result<(), TrySendError<T>> {
        let open = || self.handle.open();
        let still = || open().and_then(|()| still());
        let put = open().and_then(|()| message::put(&self.lane(), &item, until(timeout), still));
        match put {
            Ok(true) => Ok(()),
            Ok(false) => Err(TrySendError::Full(item)),
            Err(error) => Err(TrySendError::new(item, error)),
        }
    }
}

impl<T: DeserializeOwned + 'static> Queue<T> {
    /// As `get` or `get_timeout`, as [`join_while`](Self::join_while).
    #[inline]
    pub(crate) fn get_while(
        &self,
        timeout: Option<Duration>,
        still: impl Fn() -> Result<()>,
    ) -> Result<T> {
        self.handle.open()?;
        let still = || self.handle.open().and_then(|()| still());
        message::take(&self.lane(), until(timeout), still)?.ok_or_else(empty)
    }
}
