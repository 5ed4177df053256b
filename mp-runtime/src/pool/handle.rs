//! The handle of a call: wait for its outcome, and get it as often as wanted. How outcomes come in is in `collect`.

use crate::error::{Error, ErrorKind, Result};
use crate::pool::bell::Awaited;
use crate::pool::completion::{Completion, Outcome};
use crate::pool::engine::{Engine, lock};
use crate::sys::clock::Deadline;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

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
///
/// Waiting for so long and no longer, and taking calls back:
///
/// ```
/// use mp::ErrorKind;
/// use std::thread;
/// use std::time::Duration;
///
/// #[mp::task]
/// fn sleep(seconds: u64) {
///     thread::sleep(Duration::from_secs(seconds));
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let pool = mp::Pool::new(1)?;
///     let (long, behind) = (pool.submit(sleep, 3600), pool.submit(sleep, 0));
///     let early = long.get_timeout(Duration::from_millis(5)).unwrap_err();
///     assert_eq!(early.kind(), ErrorKind::Timeout);
///     assert!(!long.ready() && !long.wait_timeout(Duration::ZERO));
///     assert!(behind.cancel()); // no worker had begun it
///     assert!(long.cancel_running()); // one may have begun this one
///     assert_eq!(long.get().unwrap_err().kind(), ErrorKind::Cancelled);
///
///     let short = pool.submit(sleep, 0); // by a new worker
///     short.on_done(|outcome| assert!(outcome.is_ok()));
///     short.wait();
///     assert!(short.successful()? && !short.running());
///     Ok(())
/// }
/// ```
pub struct AsyncResult<R> {
    pub(super) completion: Arc<Completion>,
    pub(super) pool: Weak<Engine>,
    decode: fn(&Outcome) -> Result<R>,
}

impl<R> AsyncResult<R> {
    pub(super) fn new(
        completion: Arc<Completion>,
        pool: Weak<Engine>,
        decode: fn(&Outcome) -> Result<R>,
    ) -> Self {
        Self { completion, pool, decode }
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
    ///
    /// # Panics
    ///
    /// If the value's own `Deserialize` does: it runs here.
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

    /// Has `f` run with the outcome: on the pool's callback thread, after the callbacks of the call, or,
    /// if there is an outcome already, here and now. Several run in the order in which they were added.
    /// If one panics, nothing else is disturbed.
    pub fn on_done(&self, f: impl FnOnce(Result<R>) + Send + 'static)
    where
        R: 'static,
    {
        let (completion, decode) = (Arc::clone(&self.completion), self.decode);
        let run = move || {
            if let Some(outcome) = completion.outcome() {
                f(decode(outcome));
            }
        };
        let done =
            Arc::new(Done { pool: Weak::clone(&self.pool), run: Mutex::new(Some(Box::new(run))) });
        let waker = Waker::from(Arc::clone(&done));
        if !self.completion.bell().register(&self.completion, &waker) {
            done.run_here();
        }
    }

    /// Takes the task back if no worker has begun it: its outcome is then
    /// [`Cancelled`](ErrorKind::Cancelled), and its error callback runs. Says whether it did, now or
    /// before.
    pub fn cancel(&self) -> bool {
        self.pool.upgrade().is_some_and(|engine| engine.cancel(&self.completion))
            || self.is_cancelled()
    }

    /// As [`cancel`](Self::cancel), also if a worker runs it: that worker is ended, by SIGTERM and half
    /// a second later by SIGKILL, and replaced; no other task is touched. A task that ends at this
    /// moment may still give its value.
    pub fn cancel_running(&self) -> bool {
        self.pool.upgrade().is_some_and(|engine| engine.cancel_running(&self.completion))
            || self.is_cancelled()
    }

    /// Whether a worker is running the task at this moment.
    #[must_use]
    pub fn running(&self) -> bool {
        !self.ready()
            && self.pool.upgrade().is_some_and(|engine| engine.is_running(&self.completion))
    }

    fn is_cancelled(&self) -> bool {
        let error = self.completion.outcome().and_then(|outcome| outcome.as_ref().err());
        error.is_some_and(|error| error.kind() == ErrorKind::Cancelled)
    }

    fn wait_until(&self, deadline: Option<Deadline>) -> bool {
        if self.ready() {
            return true;
        }
        match self.pool.upgrade() {
            Some(engine) => engine.wait(&self.completion, deadline),
            // A pool goes when all it had taken on has its outcome.
            None => self.completion.bell().sleep(&self.completion, deadline),
        }
    }

    fn value(&self) -> Result<R> {
        match self.completion.outcome() {
            Some(outcome) => (self.decode)(outcome),
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

/// What is to be done when there is an outcome.
struct Done {
    pool: Weak<Engine>,
    run: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Done {
    fn run_here(&self) {
        let run = lock(&self.run).take();
        // A panic there was reported by the panic hook, and costs nothing else.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| run.map(|run| run())));
    }
}

impl Wake for Done {
    fn wake(self: Arc<Self>) {
        match self.pool.upgrade() {
            None => self.run_here(),
            Some(engine) => {
                let run = lock(&self.run).take();
                run.into_iter().for_each(|run| engine.callbacks.push_other(&engine, run));
            }
        }
    }
}

/// Ready when there is an outcome, on any executor. It can be asked again after that, as
/// [`get`](AsyncResult::get) can.
impl<R> Future for AsyncResult<R> {
    type Output = Result<R>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<R>> {
        if self.completion.bell().register_future(&self.completion, context.waker()) {
            return Poll::Pending;
        }
        Poll::Ready(self.value())
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
