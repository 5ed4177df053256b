//! Records of `tracing` and `log`: which of them children make, and where those go: to standard error, or to the process
//! that asked for them. The library makes its own records where things happen, by the macros of `tracing`.
//!
//! Nothing is made, sent or printed unless [`log_to_stderr`] or [`forward_logs`] has asked for it.

mod callsite;
mod forward;
mod level;
mod record;
mod relay;
mod stderr;
mod subscriber;

pub use level::LogLevel;
pub(crate) use subscriber::{during, install};

use crate::codec;
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use forward::Way;
use record::Record;
use relay::Relay;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

/// Up to which level records are printed, of this process and of those that it starts; 0 for none.
static PRINTED: AtomicU8 = AtomicU8::new(0);
/// Up to which level the processes send theirs that this one starts.
static ASKED: AtomicU8 = AtomicU8::new(0);
/// Up to which level this process sends its own.
static SENT: AtomicU8 = AtomicU8::new(0);
static SINK: RwLock<Option<Sink>> = RwLock::new(None);

/// Where records go that are sent.
#[derive(Clone, Debug)]
enum Sink {
    /// They come here.
    Here(Arc<Relay>),
    /// They go to a process that has started this one, or its parent.
    There(Arc<Way>),
}

impl Sink {
    /// How a child finds it.
    fn way(&self) -> &[u8] {
        match self {
            Self::Here(relay) => relay.way(),
            Self::There(way) => way.told(),
        }
    }
}

/// What a child is told of all this.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Told {
    printed: u8,
    asked: u8,
    way: Vec<u8>,
}

/// Prints records on standard error from now on, as "[LEVEL/ProcessName] text": those of this library, and all that
/// are made by `tracing` or `log`, in this process and in those that it starts from now on, with theirs.
///
/// Each line is one write, so that lines of several processes never mix; what is longer than 4096 bytes becomes several
/// lines with the same beginning. The records go to the standard error of the process that makes them. Called again,
/// it changes the level.
///
/// # Errors
///
/// [`AlreadyExists`](ErrorKind::AlreadyExists) if this process has a subscriber for `tracing` of its own, which goes on to
/// get the records of this process: [`forward_logs`] has it get those of children, too.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn add(a: i32, b: i32) -> i32 {
///     tracing::info!(a, b, "adding");
///     a + b
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     mp::log_to_stderr(mp::LogLevel::Info)?;
///     // [INFO/Process-1] process started, calling task example::add
///     // [INFO/Process-1] adding a=1 b=2
///     // [INFO/Process-1] process exiting with exitcode 0
///     assert_eq!(mp::spawn(add, (1, 2))?.result()?, 3);
///     Ok(())
/// }
/// ```
pub fn log_to_stderr(level: LogLevel) -> Result<()> {
    if !subscriber::subscribe() {
        let text = "this process has a subscriber for tracing already, which gets its records";
        return Err(Error::new(ErrorKind::AlreadyExists, text));
    }
    PRINTED.store(number(level), Relaxed);
    install();
    Ok(())
}

/// Has the processes that are started from now on, and those that they start, send the records of this level here: to
/// the `tracing` subscriber that is this thread's now, or else the program's when a record comes. Without any, they go
/// to the logger of `log`.
///
/// They arrive with their own level, target, place in the program and fields, as if made here, and have `process.name` and
/// `process.pid` beside those; the time is that of their arrival, and spans do not come. Those of one process come in
/// order, and a record that was made comes, however its process ends. When [`join`](crate::Process::join) or
/// [`result`](crate::Process::result) of a process, or that of a [pool](crate::Pool::join), returns, the subscriber has had
/// all its records. Whoever logs more than this process takes waits for it; if nothing is taken for ten seconds, records are left
/// out, and one says how many.
///
/// A subscriber or logger that a child sets by itself is that child's: in a pool, by the
/// [initializer](crate::PoolBuilder::initializer). Called again, it changes the level.
///
/// # Errors
///
/// [`Io`](ErrorKind::Io) if there is no memory to share, or no thread to be had.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn work(number: u32) {
///     log::info!("working on {number}"); // or tracing::info!
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     tracing_subscriber::fmt().init();
///     mp::forward_logs(mp::LogLevel::Info)?;
///     // ..  INFO example: working on 7 process.name="Process-1" process.pid=4711
///     mp::spawn(work, 7)?.join()
/// }
/// ```
pub fn forward_logs(level: LogLevel) -> Result<()> {
    let mut sink = SINK.write().unwrap_or_else(PoisonError::into_inner);
    let mut before = None;
    match &*sink {
        Some(Sink::There(_)) => SENT.store(number(level), Relaxed),
        Some(Sink::Here(relay)) if relay.is_ours() => before = relay.use_subscriber(),
        Some(Sink::Here(_)) | None => *sink = Some(Sink::Here(Relay::start()?)),
    }
    drop(sink);
    // A subscriber is user code, which may come back here.
    drop(before);
    ASKED.store(number(level), Relaxed);
    subscriber::refresh();
    Ok(())
}

fn number(level: LogLevel) -> u8 {
    // From 1 on, so that 0 is less than any.
    level as u8 + 1
}

/// Up to which level something becomes of this process's own records.
fn own_level() -> Option<LogLevel> {
    let most = PRINTED.load(Relaxed).max(SENT.load(Relaxed));
    LogLevel::ALL.get(usize::from(most.checked_sub(1)?)).copied()
}

/// What a child is told; nothing if nothing was asked for.
pub(crate) fn told() -> Vec<u8> {
    let (printed, asked) = (PRINTED.load(Relaxed), ASKED.load(Relaxed));
    if printed == 0 && asked == 0 {
        return Vec::new();
    }
    let way = sink().map_or(Vec::new(), |sink| sink.way().to_vec());
    let mut told = Vec::new();
    // Bytes and numbers can be written.
    let _ = codec::encode(&Told { printed, asked, way }, &mut told);
    told
}

/// In a child: goes by what the parent has told, which may be nothing. Who then [`install`]s is who runs user code.
pub(crate) fn accept(told: &[u8]) {
    let Told { printed, asked, way } = codec::decode(told).unwrap_or_default();
    let sender = (asked != 0).then(|| codec::decode_with(&way, Attachments::NONE));
    // Without the memory that processes share, which a child can do without, there is no way.
    let sender = sender.and_then(Result::ok);
    let asked = if sender.is_some() { asked } else { 0 };
    PRINTED.store(printed, Relaxed);
    ASKED.store(asked, Relaxed);
    SENT.store(asked, Relaxed);
    let sink = sender.map(|sender| Sink::There(Arc::new(Way::new(sender, way))));
    // One that a fork server has forked may have what that was told.
    *SINK.write().unwrap_or_else(PoisonError::into_inner) = sink;
}

/// Waits until this process's subscriber has had all that has been sent here. Never under a lock that user code may want.
pub(crate) fn flush() {
    if ASKED.load(Relaxed) != 0
        && let Some(Sink::Here(relay)) = sink()
    {
        relay.flush();
    }
}

/// Tells what is missing at the end of this process.
extern "C" fn tell_missing() {
    if let Some(Sink::There(way)) = sink() {
        way.end();
    }
}

fn sink() -> Option<Sink> {
    SINK.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Brings a record of this process to where it belongs.
fn deliver(mut record: Record<'_>) {
    let level = number(record.level);
    if level <= PRINTED.load(Relaxed) {
        stderr::write(&record);
    }
    if level <= SENT.load(Relaxed)
        && let Some(Sink::There(way)) = sink()
    {
        way.send(&mut record);
    }
}
