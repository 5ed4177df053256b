//! The handle of a call: wait for its outcome, and get it as often as wanted. How outcomes come in is in `collect`.

use crate::codec;
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use crate::pool::callback::Callback;
use crate::pool::engine::{Engine, lock};
use crate::sys::clock::Deadline;
use crate::task::Task;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

/// A value as it came, or why there is none.
pub(super) type Outcome = Result<Value>;

/// A value in transit.
#[derive(Debug)]
pub(super) struct Value {
    /// Its reply's bytes, the variant's byte first.
    pub(super) reply: Vec<u8>,
    /// The descriptors of handles in it, for as long as it is kept.
    pub(super) attachments: Attachments,
}

/// Decodes an outcome's value.
pub(super) fn decode<R: serde::de::DeserializeOwned>(outcome: &Outcome) -> Result<R> {
    match outcome {
        Ok(Value { reply, attachments }) => {
            let copies = attachments.try_clone().map_err(|error| {
                Error::io("the handles in the result of a task could not be copied", error)
            })?;
            codec::decode_with(reply.get(1..).unwrap_or_default(), copies)
        }
        Err(error) => Err(error.clone()),
    }
}

/// Where a call's outcome arrives, shared by its handle and the pool.
pub(super) struct Completion {
    pub(super) task: &'static str,
    outcome: OnceLock<Outcome>,
    waiting: Mutex<Waiting>,
    settled: Condvar,
}

#[derive(Default)]
struct Waiting {
    callback: Option<Callback>,
    /// Whether the pool's leader waits for this one, or its callback thread.
    leader: bool,
    nested: bool,
}

/// Who has to be told beside those who wait on the handle itself.
pub(super) struct Told {
    pub(super) leader: bool,
    pub(super) nested: bool,
}

impl Completion {
    pub(super) fn new(task: &'static str, callback: Option<Callback>) -> Arc<Self> {
        Arc::new(Self {
            task,
            outcome: OnceLock::new(),
            waiting: Mutex::new(Waiting { callback, ..Waiting::default() }),
            settled: Condvar::new(),
        })
    }

    pub(super) fn is_ready(&self) -> bool {
        self.outcome.get().is_some()
    }

    pub(super) fn take_callback(&self) -> Option<Callback> {
        lock(&self.waiting).callback.take()
    }

    /// Sets the outcome; `None` if there was one.
    pub(super) fn set(&self, outcome: Outcome) -> Option<Told> {
        let waiting = lock(&self.waiting);
        self.outcome.set(outcome).ok()?;
        let told = Told { leader: waiting.leader, nested: waiting.nested };
        drop(waiting);
        self.settled.notify_all();
        Some(told)
    }

    /// Has [`set`](Self::set) tell the leader; `false` if it is too late for that.
    pub(super) fn tell_leader(&self) -> bool {
        lock(&self.waiting).leader = true;
        !self.is_ready()
    }

    /// Has [`set`](Self::set) tell the callback thread.
    pub(super) fn tell_nested(&self) {
        lock(&self.waiting).nested = true;
    }

    /// Sleeps until the outcome is there, or the deadline.
    pub(super) fn sleep(&self, deadline: Option<Deadline>) -> bool {
        let mut waiting = lock(&self.waiting);
        while !self.is_ready() {
            waiting = match deadline {
                None => self.settled.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) if deadline.has_passed() => return false,
                Some(deadline) => {
                    let woken = self.settled.wait_timeout(waiting, deadline.remaining());
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        true
    }
}

/// The handle of a task given to a pool.
///
/// Dropping it cancels nothing. It may be kept and asked after its pool is gone, any number of
/// times: the result's bytes are kept, and decoded each time.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let pool = mp::Pool::new(2)?;
///     let handles: Vec<_> = (0..10).map(|i| pool.submit(square, i)).collect();
///     for (i, handle) in (0..).zip(&handles) {
///         assert_eq!(handle.get()?, i * i);
///     }
///     Ok(())
/// }
/// ```
pub struct AsyncResult<R> {
    completion: Arc<Completion>,
    pool: Weak<Engine>,
    value: PhantomData<fn() -> R>,
}

impl<R: serde::de::DeserializeOwned> AsyncResult<R> {
    pub(super) fn new(completion: Arc<Completion>, pool: Weak<Engine>) -> Self {
        Self { completion, pool, value: PhantomData }
    }

    /// Waits for the outcome, and gives the value.
    ///
    /// Inside a callback of the same pool, runs the other callbacks that are due meanwhile; nested
    /// very deeply, only the one of this handle. A callback that waits for its own handle is told
    /// so at once ([`InvalidArgument`](ErrorKind::InvalidArgument), or not ready).
    ///
    /// # Errors
    ///
    /// [`Panicked`](ErrorKind::Panicked) if the task panicked;
    /// [`WorkerDied`](ErrorKind::WorkerDied) if the process that had begun it ended;
    /// [`Terminated`](ErrorKind::Terminated) if the pool was terminated first;
    /// [`NotRunning`](ErrorKind::NotRunning) if it had been closed before;
    /// [`Broken`](ErrorKind::Broken) if the pool could not keep a worker alive;
    /// [`Encode`](ErrorKind::Encode) or [`Decode`](ErrorKind::Decode) if arguments or value did not
    /// get across.
    pub fn get(&self) -> Result<R> {
        self.wait();
        self.value()
    }

    /// As [`get`](Self::get), waiting at most `timeout`. The task goes on if that is too short, and
    /// a later call gives its value.
    ///
    /// # Errors
    ///
    /// [`Timeout`](ErrorKind::Timeout), or as [`get`](Self::get).
    pub fn get_timeout(&self, timeout: Duration) -> Result<R> {
        if self.wait_timeout(timeout) {
            return self.value();
        }
        let text = format!("task {} has no outcome after {timeout:?}", self.completion.task);
        Err(Error::new(ErrorKind::Timeout, text))
    }

    /// Waits until there is an outcome, whatever it is.
    pub fn wait(&self) {
        self.wait_until(None);
    }

    /// As [`wait`](Self::wait), at most `timeout`; says whether there is one.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.wait_until(Deadline::after(timeout))
    }

    /// Whether there is an outcome. Callbacks have run by then.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.completion.is_ready()
    }

    /// Whether [`get`](Self::get) would give a value; an `Err` that the task returned is one.
    ///
    /// # Errors
    ///
    /// [`NotReady`](ErrorKind::NotReady) while there is no outcome.
    pub fn successful(&self) -> Result<bool> {
        if !self.ready() {
            let text = format!("task {} has no outcome yet", self.completion.task);
            return Err(Error::new(ErrorKind::NotReady, text));
        }
        Ok(self.value().is_ok())
    }

    fn wait_until(&self, deadline: Option<Deadline>) -> bool {
        if self.ready() {
            return true;
        }
        match self.pool.upgrade() {
            Some(engine) => engine.wait(&self.completion, deadline),
            // A pool goes when all it had taken on has its outcome.
            None => self.completion.sleep(deadline),
        }
    }

    fn value(&self) -> Result<R> {
        match self.completion.outcome.get() {
            Some(outcome) => decode(outcome),
            // It was waited for: only a copy of the pool's process, or the handle's own callback,
            // comes here without.
            None if self.pool.upgrade().is_some_and(|engine| engine.is_copy()) => {
                let text = "the outcome goes to the process that this one was forked from";
                Err(Error::new(ErrorKind::NotOwner, text))
            }
            None => {
                let text = "a callback cannot wait for its own handle, which is ready after it";
                Err(Error::new(ErrorKind::InvalidArgument, text))
            }
        }
    }
}

impl<R> fmt::Debug for AsyncResult<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncResult")
            .field("task", &self.completion.task)
            .field("ready", &self.completion.is_ready())
            .finish_non_exhaustive()
    }
}

/// A callback for success, and one for errors, as one for an outcome.
pub(super) fn callback<T: Task>(
    success: Option<Box<dyn FnOnce(T::Output) + Send>>,
    failure: Option<Box<dyn FnOnce(Error) + Send>>,
) -> Option<Callback> {
    if success.is_none() && failure.is_none() {
        return None;
    }
    Some(Box::new(move |outcome| match (decode::<T::Output>(outcome), success, failure) {
        (Ok(value), Some(success), _) => success(value),
        (Err(error), _, Some(failure)) => failure(error),
        _ => {}
    }))
}
