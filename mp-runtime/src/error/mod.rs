//! The one error type of the crate: `Error`, its `ErrorKind`, and what a caller acts on (`RemotePanic`, `WorkerExit`).
//! Holds standard types and boxed sources only; no type of a higher layer.

mod travel;

use serde::{Deserialize, Serialize};
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

/// The result of this crate's fallible operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as a class that a program can act on.
///
/// More kinds may be added: match with a `_` arm.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn nothing() {}
///
/// let process = mp::Process::new(nothing, ());
/// assert_eq!(process.join().unwrap_err().kind(), mp::ErrorKind::NotStarted);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The time given ran out first; what was waited for goes on.
    Timeout,
    /// Nothing was there to take, and the call was told not to wait.
    Empty,
    /// No room was left, and the call was told not to wait.
    Full,
    /// The object was closed by its user.
    Closed,
    /// Everyone at the other end is gone.
    Disconnected,
    /// A message ended before its end.
    Truncated,
    /// The process or server has not been started.
    NotStarted,
    /// The process or server was started before.
    AlreadyStarted,
    /// The operation needs something ended or closed that still runs.
    StillRunning,
    /// The task has no outcome yet.
    NotReady,
    /// The pool is closed or terminated, or the program is ending: no new work is taken.
    NotRunning,
    /// The pool was terminated before the task had an outcome.
    Terminated,
    /// The task was cancelled before it had an outcome.
    Cancelled,
    /// The task panicked; see [`Error::panic`].
    Panicked,
    /// The process that ran the task ended without an outcome; see [`Error::worker`].
    WorkerDied,
    /// A value could not be turned into bytes.
    Encode,
    /// Bytes could not be turned into the value expected.
    Decode,
    /// The other process has no task of that name.
    UnknownTask,
    /// An argument is out of its range, or the call makes no sense here.
    InvalidArgument,
    /// The caller does not hold what it tries to give back.
    NotOwner,
    /// The object is out of order for everyone and stays so.
    Broken,
    /// The two sides do not share a key.
    Authentication,
    /// The caller's buffer is too short for the message.
    BufferTooShort,
    /// A daemonic process may not start processes.
    DaemonicChild,
    /// Nothing has that name.
    NotFound,
    /// Something has that name already.
    AlreadyExists,
    /// A served object reported an error.
    Remote,
    /// This system, or the way this program was started, does not allow it.
    Unsupported,
    /// The operating system refused; the [`io::Error`] is the source.
    Io,
}

/// An error of this crate.
///
/// [`kind`](Error::kind) says what class it is of, [`panic`](Error::panic) and
/// [`worker`](Error::worker) what happened in the other process, and `source()` the cause beneath.
/// Cloning is cheap and keeps all of it: a handle gives the same error every time it is asked. A task may return one:
/// its caller gets the same, causes as text.
///
/// `Debug` reads as `Display` followed by the causes, since that is what a `main` that returns the
/// error prints.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn half(x: u32) -> u32 {
///     match x {
///         0 => std::process::exit(3),
///         _ if x % 2 == 1 => panic!("{x} is odd"),
///         _ => x / 2,
///     }
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let pool = mp::Pool::new(1)?;
///     let error = pool.apply(half, 5).unwrap_err();
///     assert_eq!(error.kind(), mp::ErrorKind::Panicked);
///     let panic = error.panic().unwrap();
///     assert_eq!(panic.message(), "5 is odd");
///     println!("{} panicked at {}", panic.worker(), panic.location());
///
///     let error = pool.apply(half, 0).unwrap_err();
///     assert_eq!(error.kind(), mp::ErrorKind::WorkerDied);
///     let exit = error.worker().unwrap();
///     assert_eq!((exit.exit_code(), exit.signal_name()), (3, None));
///     assert_eq!(pool.apply(half, 8)?, 4); // another worker is there
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Error(Arc<Repr>);

struct Repr {
    kind: ErrorKind,
    message: String,
    source: Option<Arc<dyn StdError + Send + Sync>>,
    panic: Option<RemotePanic>,
    worker: Option<WorkerExit>,
    bytes: Option<Vec<u8>>,
}

impl Error {
    /// What class of error this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The panic that ended the task, if the kind is [`ErrorKind::Panicked`].
    #[must_use]
    pub fn panic(&self) -> Option<&RemotePanic> {
        self.0.panic.as_ref()
    }

    /// How the process that ran the task ended, if the kind is [`ErrorKind::WorkerDied`].
    #[must_use]
    pub fn worker(&self) -> Option<&WorkerExit> {
        self.0.worker.as_ref()
    }

    /// The message that did not fit, if the kind is [`ErrorKind::BufferTooShort`] and it was received.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        self.0.bytes.as_deref()
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::build(kind, message.into(), None)
    }

    pub(crate) fn with_source(
        kind: ErrorKind,
        message: impl Into<String>,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self::build(kind, message.into(), Some(Arc::new(source)))
    }

    /// An `io::Error` with what was being done when it came.
    pub(crate) fn io(doing: impl Into<String>, source: io::Error) -> Self {
        Self::with_source(ErrorKind::Io, doing, source)
    }

    /// The system's error number, where it was the system that refused.
    pub(crate) fn system(&self) -> Option<i32> {
        let source: &(dyn StdError + 'static) = self.source()?;
        source.downcast_ref::<io::Error>()?.raw_os_error()
    }

    /// `what` is what panicked: "task foo".
    pub(crate) fn panicked(what: &str, panic: RemotePanic) -> Self {
        let message = format!("{what} panicked at {}: {}", panic.location(), panic.message());
        let mut repr = Self::repr(ErrorKind::Panicked, message, None);
        repr.panic = Some(panic);
        Self(Arc::new(repr))
    }

    pub(crate) fn worker_died(task: &str, worker: WorkerExit) -> Self {
        let message = format!("{worker} before task {task} had an outcome");
        let mut repr = Self::repr(ErrorKind::WorkerDied, message, None);
        repr.worker = Some(worker);
        Self(Arc::new(repr))
    }

    /// A message that does not fit into a buffer of `room` bytes.
    pub(crate) fn too_short(room: usize, message: Vec<u8>) -> Self {
        let text = format!("a message of {} bytes does not fit into {room}", message.len());
        let mut repr = Self::repr(ErrorKind::BufferTooShort, text, None);
        repr.bytes = Some(message);
        Self(Arc::new(repr))
    }

    fn build(
        kind: ErrorKind,
        message: String,
        source: Option<Arc<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self(Arc::new(Self::repr(kind, message, source)))
    }

    fn repr(
        kind: ErrorKind,
        message: String,
        source: Option<Arc<dyn StdError + Send + Sync>>,
    ) -> Repr {
        Repr { kind, message, source, panic: None, worker: None, bytes: None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        let mut source = StdError::source(self);
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.source {
            Some(source) => Some(&**source),
            None => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(source: io::Error) -> Self {
        Self::io("the operating system refused", source)
    }
}

/// A panic that ended a task in another process: what [`Error::panic`] gives. See the example of [`Error`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemotePanic {
    message: String,
    location: String,
    backtrace: Option<String>,
    worker: String,
}

impl RemotePanic {
    pub(crate) fn new(
        message: String,
        location: String,
        backtrace: Option<String>,
        worker: String,
    ) -> Self {
        Self { message, location, backtrace, worker }
    }

    /// What the task panicked with; for a payload that is no text, a line that says so.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where it panicked, as "file:line:column"; "unknown location" if the task had put a panic
    /// hook of its own in place.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The stack at the panic, if `RUST_BACKTRACE` or `RUST_LIB_BACKTRACE` asked for one.
    #[must_use]
    pub fn backtrace(&self) -> Option<&str> {
        self.backtrace.as_deref()
    }

    /// The name of the process that ran the task.
    #[must_use]
    pub fn worker(&self) -> &str {
        &self.worker
    }
}

/// How a process ended that owed an outcome: what [`Error::worker`] gives. See the example of [`Error`].
///
/// One that crashed has said where on standard error, with a backtrace unless `RUST_BACKTRACE=0`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerExit {
    pid: u32,
    name: String,
    exit_code: i32,
}

impl WorkerExit {
    pub(crate) fn new(pid: u32, name: String, exit_code: i32) -> Self {
        Self { pid, name, exit_code }
    }

    /// The process id it had.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The name it had.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its exit code: 0 to 255, or -N when signal N ended it.
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        self.exit_code
    }

    /// The name of the signal that ended it, such as "SIGKILL".
    #[must_use]
    pub fn signal_name(&self) -> Option<&'static str> {
        signal_name(self.exit_code.checked_neg()?)
    }
}

impl fmt::Display for WorkerExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} (pid {}) ", self.name, self.pid)?;
        match self.signal_name() {
            Some(signal) => write!(f, "was killed by {signal}"),
            None if self.exit_code < 0 => write!(f, "was killed by signal {}", -self.exit_code),
            None => write!(f, "ended with exit code {}", self.exit_code),
        }
    }
}

/// The name of a signal, such as "SIGKILL".
pub(crate) fn signal_name(number: i32) -> Option<&'static str> {
    SIGNALS.iter().find(|(of, _)| *of == number).map(|(_, name)| *name)
}

/// The signals of Linux on x86-64 and aarch64, whose numbers are the same.
const SIGNALS: [(i32, &str); 31] = [
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (4, "SIGILL"),
    (5, "SIGTRAP"),
    (6, "SIGABRT"),
    (7, "SIGBUS"),
    (8, "SIGFPE"),
    (9, "SIGKILL"),
    (10, "SIGUSR1"),
    (11, "SIGSEGV"),
    (12, "SIGUSR2"),
    (13, "SIGPIPE"),
    (14, "SIGALRM"),
    (15, "SIGTERM"),
    (16, "SIGSTKFLT"),
    (17, "SIGCHLD"),
    (18, "SIGCONT"),
    (19, "SIGSTOP"),
    (20, "SIGTSTP"),
    (21, "SIGTTIN"),
    (22, "SIGTTOU"),
    (23, "SIGURG"),
    (24, "SIGXCPU"),
    (25, "SIGXFSZ"),
    (26, "SIGVTALRM"),
    (27, "SIGPROF"),
    (28, "SIGWINCH"),
    (29, "SIGIO"),
    (30, "SIGPWR"),
    (31, "SIGSYS"),
];
