//! Running one task in the process that was asked to: decode, call, catch a panic, encode the outcome.
//! Where the bytes come from and go to is for the callers.

use crate::codec::{self, Aside, Fit, Items, Kind, Sequence};
use crate::custody::Attachments;
use crate::error::Error;
use crate::identity;
use crate::protocol::message::{PanicReport, Reply};
use crate::task::{Task, failure};
use crate::transport::ring::Room;
use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

/// Runs a task on encoded arguments and what is attached to them, and leaves its reply.
pub(crate) type Runner = fn(&[u8], Attachments, &mut Left);

/// Runs a task once for each item of a [`Sequence`] of arguments, with scratch space.
pub(crate) type ChunkRunner = fn(&[u8], Attachments, &mut Vec<u8>, &mut dyn Sink);

/// Runs a task without arguments for what it does, or says how that failed: "panicked: ..".
pub(crate) type Act = fn() -> Result<(), String>;

/// Takes the outcomes of items, in order.
pub(crate) trait Sink {
    /// Whether it wants to be told of each item that is begun.
    fn is_timed(&self) -> bool;
    /// An item is begun.
    fn begin(&mut self);
    /// The bytes as a [`Sequence`] of that kind has them.
    fn value(&mut self, kind: Kind, bytes: &[u8], attachments: Option<Attachments>);
    /// Room for the next values, which are numbers of that kind; none if they are to be given one by one.
    fn room(&mut self, kind: Kind) -> Option<Room<'_>>;
    /// Any other outcome.
    fn other(&mut self, reply: &Reply<'_>);
}

/// What a task leaves.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// Its reply's bytes.
    pub(crate) reply: Vec<u8>,
    /// The descriptors of its value, and what holds its objects.
    pub(crate) attachments: Attachments,
}

impl Left {
    /// Puts another reply in its place.
    pub(crate) fn replace(&mut self, reply: &Reply<'_>) {
        self.attachments = Attachments::default();
        self.reply.clear();
        reply.write(&mut self.reply);
    }
}

thread_local! {
    /// Inside a task, what its last panic reported.
    static REPORT: RefCell<Option<Option<PanicReport>>> = const { RefCell::new(None) };
    static REPORTED: Cell<bool> = const { Cell::new(false) };
}

/// Does something for a caller elsewhere, to whom a panic is reported, and to nobody else.
pub(crate) fn caught<R>(work: impl FnOnce() -> R) -> Result<R, PanicReport> {
    REPORT.set(Some(None));
    let before = REPORTED.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    REPORTED.set(before);
    let report = REPORT.take().flatten();
    outcome.map_err(|payload| report.unwrap_or_else(|| bare_report(&*payload)))
}

/// Whether a panic on this thread is reported to a caller elsewhere.
pub(crate) fn is_reported() -> bool {
    REPORTED.try_with(Cell::get).unwrap_or(false)
}

pub(crate) fn run<T: Task>(arguments: &[u8], attachments: Attachments, left: &mut Left) {
    REPORT.set(Some(None));
    // The task's own state is lost with it, and what it left is replaced.
    let work = || call::<T>(arguments, attachments, left);
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    let report = REPORT.take().flatten();
    if let Err(payload) = outcome {
        let report = report.unwrap_or_else(|| bare_report(&*payload));
        left.replace(&Reply::Panicked(report));
    }
}

fn call<T: Task>(arguments: &[u8], attachments: Attachments, left: &mut Left) {
    let mut attachments = attachments;
    match T::__decode(codec::From::new(arguments, &mut attachments)) {
        Ok(arguments) => {
            let value = T::__call(arguments);
            let Left { reply, attachments } = &mut *left;
            if let Err(error) = Reply::write_value(&value, reply, attachments) {
                left.replace(&Reply::NotEncoded(&format!("{error:?}")));
            } else if !identity::current().pooled {
                // In a pool an error is a value like any other.
                failure::note(T::__failure(&value));
            }
        }
        Err(error) => left.replace(&Reply::not_decoded(error.kind(), &format!("{error:?}"))),
    }
}

pub(crate) fn run_chunk<T: Task>(
    arguments: &[u8],
    attachments: Attachments,
    scratch: &mut Vec<u8>,
    sink: &mut dyn Sink,
) {
    scratch.clear();
    let mut items = Items::new(arguments, attachments);
    let mut attached = Attachments::default();
    let mut values = Sequence::new(scratch, &mut attached);
    loop {
        REPORT.set(Some(None));
        let work = || call_all::<T>(&mut items, &mut values, sink);
        let outcome = panic::catch_unwind(AssertUnwindSafe(work));
        let report = REPORT.take().flatten();
        let Err(payload) = outcome else { return };
        // Nothing of that item is left; the next ones are run.
        values.clear();
        drop(values.take_attachments());
        sink.other(&Reply::Panicked(report.unwrap_or_else(|| bare_report(&*payload))));
    }
}

fn call_all<T: Task>(items: &mut Items<'_>, values: &mut Sequence<'_>, sink: &mut dyn Sink) {
    let timed = sink.is_timed();
    while items.rest() != 0 {
        if timed {
            sink.begin();
        }
        let numbers = values.kind().filter(|kind| *kind != Kind::Measured);
        let room = numbers.and_then(|kind| sink.room(kind));
        match call_some::<T>(items, values, room) {
            Called::All => {}
            Called::Value => {
                let attachments = values.take_attachments();
                let kind = values.kind().unwrap_or(Kind::Measured);
                sink.value(kind, values.content(), attachments);
                values.clear();
            }
            Called::NotDecoded(error) => {
                sink.other(&Reply::not_decoded(error.kind(), &format!("{error:?}")))
            }
            Called::NotEncoded(error) => sink.other(&Reply::NotEncoded(&format!("{error:?}"))),
        }
    }
}

/// How calls of a task have ended.
enum Called {
    /// Their values are where there was room for them.
    All,
    /// The last one's value is in the sequence.
    Value,
    NotDecoded(Error),
    NotEncoded(Error),
}

/// Calls the task for as many items as there is room for their values, or for one without any.
#[inline]
fn call_some<T: Task>(
    items: &mut Items<'_>,
    values: &mut Sequence<'_>,
    mut room: Option<Room<'_>>,
) -> Called {
    let mut aside = Aside::default();
    while let Some(arguments) = items.next::<T::Args<'_>>(&mut aside) {
        let arguments = match arguments {
            Ok(arguments) => arguments,
            Err(error) => return Called::NotDecoded(error),
        };
        let value = T::__call(arguments);
        match values.push_or(&value, |bytes| room.as_mut().is_some_and(|room| room.add(bytes))) {
            Ok(Fit::Taken) if room.as_ref().is_some_and(|room| !room.is_full()) => {}
            Ok(Fit::Taken) => return Called::All,
            Ok(Fit::Within) => return Called::Value,
            Ok(Fit::Apart) => {
                values.measure();
                return Called::Value;
            }
            Err(error) => return Called::NotEncoded(error),
        }
    }
    Called::All
}

/// As a part of what else runs on this thread: a panic on a thread that runs a task is that task's to report.
pub(crate) fn act<T: Task>() -> Result<(), String> {
    let mut attachments = Attachments::default();
    let arguments = T::__decode(codec::From::new(&[], &mut attachments));
    let arguments = arguments.map_err(|error| format!("takes arguments: {error}"))?;
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| T::__failure(&T::__call(arguments))));
    match outcome {
        Ok(None) => Ok(()),
        Ok(Some(error)) => Err(format!("returned an error: {error}")),
        Err(payload) => Err(format!("panicked: {}", message(&*payload))),
    }
}

/// For the panic hook: keeps what is known of a panic on a thread that runs a task, and says
/// whether this is one.
pub(crate) fn note_panic(info: &PanicHookInfo<'_>) -> bool {
    // In the middle of this very function's work, or while the thread ends: an ordinary panic.
    let noted = REPORT.try_with(|cell| {
        let Ok(mut report) = cell.try_borrow_mut() else { return false };
        let Some(report) = report.as_mut() else { return false };
        let backtrace = Backtrace::capture();
        let captured = backtrace.status() == BacktraceStatus::Captured;
        *report = Some(PanicReport {
            message: message(info.payload()),
            location: info.location().map_or_else(unknown_location, ToString::to_string),
            backtrace: captured.then(|| backtrace.to_string()),
        });
        true
    });
    noted.unwrap_or(false)
}

/// What can be said of a panic that the hook did not see: the task had put another in its place.
fn bare_report(payload: &(dyn Any + Send)) -> PanicReport {
    PanicReport { message: message(payload), location: unknown_location(), backtrace: None }
}

fn unknown_location() -> String {
    "unknown location".to_owned()
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic whose payload is no text").to_owned()
}
