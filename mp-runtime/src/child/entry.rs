//! Is this process a child? Decided before user code runs, and if it is, the task is all that runs. What a child is
//! told is read in `bootstrap`.
#![expect(unsafe_code, reason = "adopts inherited descriptors, runs constructors, maps arguments")]

use crate::channel;
use crate::child::serve::{self, Server};
use crate::child::{bootstrap, help, output, post};
use crate::commons;
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use crate::identity;
use crate::log;
use crate::protocol::handshake::{self, Layout, VARIABLE};
use crate::protocol::message::Reply;
use crate::protocol::post::Address;
use crate::sys::memory::{Memory, View};
use crate::sys::{own, signal};
use crate::task::current;
use crate::task::registry::{self, Entry};
use crate::task::run::Left;
use std::ffi::{OsString, c_char, c_int};
use std::io;
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

static ENTERED: AtomicBool = AtomicBool::new(false);

/// Whether this program lets its children find their way: it has called `init` or stands under a macro.
pub(crate) fn entered() -> bool {
    ENTERED.load(Ordering::Relaxed)
}

/// Becomes the child if this process was started as one; otherwise notes that the program can have
/// children, and refuses one whose tasks cannot be told apart.
pub(crate) fn enter() {
    if let Some(value) = std::env::var_os(VARIABLE) {
        become_child(&value);
    }
    begin_tree();
    if let Err(error) = registry::table() {
        give_up(&error);
    }
}

/// Begins a tree of processes, whose first one this is.
fn begin_tree() {
    ENTERED.store(true, Ordering::Relaxed);
    channel::begin();
    // Whoever needs it says why it is not there.
    let _ = commons::inherit();
}

/// A constructor as the loader calls it before `main`.
pub type Constructor = extern "C" fn(c_int, *const *const c_char, *const *const c_char);

/// What `#[mp::test]` puts before `main` of a test binary, whose `main` is not the user's.
///
/// In a child, first runs the constructors that stand after `here`, so that the table of tasks is
/// whole, and never those before it, which have run: a node submitted twice makes its list endless.
pub fn enter_test(
    here: &'static Constructor,
    argc: c_int,
    argv: *const *const c_char,
    envp: *const *const c_char,
) {
    static INSIDE: AtomicBool = AtomicBool::new(false);
    if std::env::var_os(VARIABLE).is_none() {
        begin_tree();
        return;
    }
    if INSIDE.swap(true, Ordering::Relaxed) {
        return;
    }
    for constructor in constructors_after(here) {
        constructor(argc, argv, envp);
    }
    // std's own start has not run: what it would have done that tasks rely on.
    let start = own::fill_standard_descriptors().and_then(|()| signal::ignore_broken_pipe());
    if let Err(error) = start {
        give_up(&Error::io("the standard descriptors could not be set up", error));
    }
    enter();
}

fn constructors_after(here: &'static Constructor) -> &'static [Constructor] {
    unsafe extern "C" {
        /// One past the last constructor, defined by the linker.
        #[link_name = "__init_array_end"]
        static END: Constructor;
    }
    let first = std::ptr::from_ref(here).wrapping_add(1);
    let bytes = (&raw const END).addr().saturating_sub(first.addr());
    // SAFETY: `here` is an element of this image's .init_array, which the linker ends at END: what
    // lies between are its further elements, function pointers that stay for the program's life.
    unsafe { std::slice::from_raw_parts(first, bytes / size_of::<Constructor>()) }
}

fn become_child(value: &OsString) -> ! {
    match prepare(value) {
        Ok(start) => {
            let code = run(start);
            tracing::info!(target: "mp::process", "process exiting with exitcode {code}");
            leave(code)
        }
        Err(error) => give_up(&error),
    }
}

/// A child that is ready to run its task.
pub(super) struct Start {
    pub(super) task: &'static Entry,
    pub(super) memory: Memory,
    pub(super) layout: Layout,
    /// The descriptors of the arguments.
    pub(super) attachments: Attachments,
}

/// What a process has become that was started as a child.
enum Begun {
    Task(&'static Entry, Attachments),
    Server(Server),
}

fn prepare(value: &OsString) -> Result<Start> {
    let number = value.to_str().and_then(|text| text.parse().ok());
    // SAFETY: this runs before the user's code, at the very start of the program or of its main.
    unsafe { own::remove_variable(VARIABLE) };
    let number = number.ok_or_else(|| {
        let text = format!("{VARIABLE} is set to {value:?}; it is for mp's own use: unset it");
        Error::new(ErrorKind::InvalidArgument, text)
    })?;
    let adopting = |error| Error::io("an inherited descriptor is not open", error);
    // SAFETY: the parent passed this number for us, and this is the only place that adopts it.
    let memory = Memory::from_fd(unsafe { own::adopt(number) }.map_err(adopting)?);
    let (header, layout) = handshake::read(&memory)?;
    let begun = begin(number, &header);
    let begun = begun.inspect_err(|error| bootstrap::leave_failure(&memory, layout, error));
    match begun? {
        Begun::Task(task, attachments) => Ok(Start { task, memory, layout, attachments }),
        Begun::Server(server) => {
            drop(memory);
            // What comes back from there is a child that was forked.
            server.serve()
        }
    }
}

/// Becomes what the header says, and finds the task and what is attached to its arguments; `bootstrap`
/// is the number of its descriptor.
fn begin(bootstrap: RawFd, header: &[u8]) -> Result<Begun> {
    let adopting = |error| Error::io("an inherited descriptor is not open", error);
    let told = handshake::parse(header)?;
    let mut keep = vec![bootstrap, told.lifeline, told.post];
    keep.extend(&told.commons);
    keep.extend(&told.descriptors);
    // SAFETY: nothing was opened yet in this process but what the parent passed, and that is kept.
    unsafe { own::close_all_but(&mut keep) }
        .map_err(|error| Error::io("descriptors could not be closed", error))?;
    // SAFETY: as for the first one; the parent passes each number once.
    let lifeline = unsafe { own::adopt(told.lifeline) }.map_err(adopting)?;
    // SAFETY: as above.
    let descriptors = told.descriptors.iter().map(|fd| unsafe { own::adopt(*fd) });
    let descriptors: Vec<OwnedFd> = descriptors.collect::<io::Result<_>>().map_err(adopting)?;
    // SAFETY: as above.
    let post = unsafe { own::adopt(told.post) }.map_err(adopting)?;
    if let Some(commons) = told.commons {
        // SAFETY: as above.
        let file = unsafe { own::adopt(commons) }.map_err(adopting)?;
        let io = |error| Error::io("the memory that processes share could not be mapped", error);
        commons::adopt(file).map_err(io)?;
    }
    channel::begin();
    ENTERED.store(true, Ordering::Relaxed);
    if let Some(helper) = told.helps {
        drop((lifeline, post));
        leave(help::run(&told, descriptors, helper)?);
    }
    if told.serves {
        return serve::begin(&told, lifeline, post, descriptors).map(Begun::Server);
    }
    post::begin(post);
    Ok(Begun::Task(bootstrap::begin(&told, lifeline)?, descriptors.into()))
}

/// Runs the task on its arguments, where they lie.
pub(super) fn run_task(start: &mut Start) -> Result<Left> {
    let attachments = std::mem::take(&mut start.attachments);
    let view = map_arguments(start)
        .map_err(|error| Error::io("the arguments could not be mapped", error))?;
    // SAFETY: the parent wrote them before it told us of them and does not touch them again.
    let arguments = view.as_ref().and_then(|(view, len)| unsafe { view.bytes(0, *len) });
    let mut left = Left::default();
    let current = current::begin(start.task);
    (start.task.runner())(arguments.unwrap_or_default(), attachments, &mut left);
    drop(current);
    Ok(left)
}

fn run(mut start: Start) -> i32 {
    // A worker does that itself, when its pool's initializer has run.
    if !identity::current().pooled {
        log::install();
        let task = start.task.key().name;
        tracing::info!(target: "mp::process", "process started, calling task {task}");
    }
    let mut left = match run_task(&mut start) {
        Ok(left) => left,
        Err(error) => {
            bootstrap::leave_failure(&start.memory, start.layout, &error);
            return report_failure(&error);
        }
    };
    if identity::current().pooled {
        return 0;
    }
    send_attachments(&mut left);
    if let Err(error) = leave_reply(&start, &mut left) {
        return report_failure(&Error::io("the result could not be left for the parent", error));
    }
    bootstrap::exit_code(start.task, &left.reply)
}

/// The objects in a value are the parent's at the moment at which the reply is there.
fn leave_reply(start: &Start, left: &mut Left) -> io::Result<()> {
    if !left.attachments.has_objects() {
        return handshake::write_reply(&start.memory, start.layout, &left.reply);
    }
    let Left { reply, attachments } = left;
    let let_go = || attachments.let_go(commons::parent());
    handshake::write_reply_with(&start.memory, start.layout, reply, let_go)
}

fn send_attachments(left: &mut Left) {
    let attachments = left.attachments.take_descriptors();
    if attachments.is_empty() {
        return;
    }
    let count = attachments.len();
    // Nobody may be reading until this process has ended: the socket keeps them.
    if let Err(error) = post::send(Address::default(), attachments, false) {
        let text = format!("its {count} descriptors could not be sent: {error}");
        left.replace(&Reply::NotEncoded(&text));
    }
}

fn map_arguments(start: &Start) -> io::Result<Option<(View, usize)>> {
    let len =
        usize::try_from(start.layout.arguments_len).map_err(|_| io::ErrorKind::OutOfMemory)?;
    if len == 0 {
        return Ok(None);
    }
    Ok(Some((View::map(start.memory.as_fd(), start.layout.arguments_at, len)?, len)))
}

fn report_failure(error: &Error) -> i32 {
    output::complain(error);
    bootstrap::CANNOT_START
}

fn give_up(error: &Error) -> ! {
    leave(report_failure(error))
}

#[expect(
    clippy::exit,
    reason = "a child's end is the end of its program, end-of-program rules included"
)]
pub(super) fn leave(code: i32) -> ! {
    std::process::exit(code)
}
