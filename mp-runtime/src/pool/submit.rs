//! One call with its options, on its way to the engine.

use crate::error::Error;
use crate::pool::Pool;
use crate::pool::completion::{self, Callback, Completion};
use crate::pool::desk::Terms;
use crate::pool::engine::Engine;
use crate::pool::handle::AsyncResult;
use crate::task::Task;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A call that is being put together; made by [`Pool::call`].
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn half(x: u32) -> u32 {
///     assert!(x % 2 == 0, "{x} is odd");
///     x / 2
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let pool = mp::Pool::new(1)?;
///     let limit = std::time::Duration::from_secs(60);
///     assert_eq!(pool.call(half, 8).timeout(limit).retries(3).submit().get()?, 4);
///
///     let (tell, told) = std::sync::mpsc::channel();
///     pool.call(half, 3)
///         .callback(|value| unreachable!("{value}"))
///         .error_callback(move |error| tell.send(error.kind()).unwrap())
///         .submit();
///     assert_eq!(told.recv().unwrap(), mp::ErrorKind::Panicked);
///     Ok(())
/// }
/// ```
#[must_use = "a call does nothing until submit() is called"]
pub struct Call<'p, 'a, T: Task> {
    engine: &'p Arc<Engine>,
    arguments: T::Args<'a>,
    callback: Option<Box<dyn FnOnce(T::Output) + Send>>,
    error_callback: Option<Box<dyn FnOnce(Error) + Send>>,
    terms: Terms,
}

impl<'p, 'a, T: Task> Call<'p, 'a, T> {
    pub(super) fn new(pool: &'p Pool, arguments: T::Args<'a>) -> Self {
        let (engine, terms) = (&pool.engine, pool.engine.terms);
        Self { engine, arguments, callback: None, error_callback: None, terms }
    }

    /// Has `callback` run with the value: in this process, on the pool's callback thread, once, and
    /// to its end before the handle turns ready. If it panics, nothing else is disturbed.
    pub fn callback(mut self, callback: impl FnOnce(T::Output) + Send + 'static) -> Self {
        self.callback = Some(Box::new(callback));
        self
    }

    /// Has `callback` run, likewise, with the error if there is no value. An `Err` that the task
    /// returned is a value. If the call is refused at once, because its arguments cannot be encoded
    /// or the pool is closed, `callback` runs inside [`submit`](Self::submit).
    pub fn error_callback(mut self, callback: impl FnOnce(Error) + Send + 'static) -> Self {
        self.error_callback = Some(Box::new(callback));
        self
    }

    /// How long running the task may take, from when a worker has begun it. If it takes longer, the
    /// outcome is a [`Timeout`](crate::ErrorKind::Timeout), and the worker is ended, by SIGTERM and
    /// half a second later by SIGKILL, and replaced.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.terms.limit = Some(limit);
        self
    }

    /// How often the task is run again if it panics, takes too long, or its worker dies. Only the last
    /// outcome counts, and only that goes to callbacks. An `Err` that the task returned is a value.
    pub fn retries(mut self, times: u32) -> Self {
        self.terms.retries = times;
        self
    }

    /// Gives the call to the pool. It never fails itself, and never waits for a worker: whatever
    /// stands against it is what the handle gives.
    pub fn submit(self) -> AsyncResult<T::Output> {
        let Self { engine, arguments, callback, error_callback, terms } = self;
        if callback.is_none() && error_callback.is_none() {
            return submit::<T>(engine, &arguments, terms, ());
        }
        let callback = completion::on_either(callback, error_callback);
        submit::<T>(engine, &arguments, terms, callback)
    }
}

/// Gives a call to the pool.
pub(super) fn submit<T: Task>(
    engine: &Arc<Engine>,
    arguments: &T::Args<'_>,
    terms: Terms,
    callback: impl Callback + 'static,
) -> AsyncResult<T::Output> {
    let completion = Completion::new(T::NAME, callback);
    engine.submit::<T>(arguments, terms, &completion);
    AsyncResult::new(completion, Arc::downgrade(engine), completion::decode)
}

impl<T: Task> fmt::Debug for Call<'_, '_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("task", &T::NAME)
            .field("callback", &self.callback.is_some())
            .field("error_callback", &self.error_callback.is_some())
            .finish_non_exhaustive()
    }
}
