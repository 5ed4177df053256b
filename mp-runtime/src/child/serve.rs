//! The fork server's loop, and the first steps of a child that was forked there. Such a child then goes on as one that
//! was exec'd does, in `bootstrap`. Who asks the server for what is in `process::server`.

use crate::child::entry::{self, Start};
use crate::child::{bootstrap, crash, output, post};
use crate::error::{Error, Result};
use crate::identity::{self, Identity, Parent};
use crate::log;
use crate::protocol::fork::{self, Answer, FIXED, Kind, Order};
use crate::protocol::handshake::{self, Around, Bootstrap};
use crate::sys::clock::Deadline;
use crate::sys::fork::{Forked, Forker};
use crate::sys::memory::{Memory, Shared};
use crate::sys::{self, lifeline, own, poll, signal, socket, surroundings};
use crate::task::registry::{self, Entry};
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// How long threads that have been joined may still be counted, and how often to look.
const GONE: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(1);

/// What a fork server is called, where it shows.
pub(crate) const NAME: &str = "mp-fork-server";

/// A fork server. Dropped in each child, which has nothing of it.
pub(super) struct Server {
    socket: OwnedFd,
    /// Holds the end of the parent's life.
    _life: OwnedFd,
    /// Where the kernel writes the pid of what is forked, for the parent to read.
    page: Shared,
    forker: Forker,
}

/// Becomes a fork server.
pub(super) fn begin(
    told: &Bootstrap<'_>,
    lifeline: OwnedFd,
    socket: OwnedFd,
    descriptors: Vec<OwnedFd>,
) -> Result<Server> {
    identity::set(Identity {
        name: told.name.to_owned(),
        path: told.path.to_owned(),
        daemon: true,
        // What a panic says goes to whoever waits for the server.
        pooled: true,
        parent: Some(Parent {
            pid: told.parent_pid,
            name: told.parent_name.to_owned(),
            daemon: told.parent_daemon,
        }),
    });
    identity::set_tree(told.tree);
    let io = |error| Error::io("the fork server could not be set up", error);
    lifeline::tie_self(lifeline.as_fd()).map_err(io)?;
    own::set_comm(OsStr::new(NAME));
    crash::begin();
    output::begin();
    if registry::table()?.fingerprint() != told.fingerprint {
        return Err(bootstrap::other_program());
    }
    surroundings::raise_descriptors().map_err(io)?;
    let page = map_page(descriptors).map_err(io)?;
    Ok(Server { socket, _life: lifeline, page, forker: Forker::new().map_err(io)? })
}

/// The descriptor is not needed once it is mapped.
fn map_page(descriptors: Vec<OwnedFd>) -> io::Result<Shared> {
    let page = descriptors.into_iter().next().ok_or(io::ErrorKind::NotFound)?;
    Shared::map(&Memory::from_fd(page), 0, size_of::<u32>())
}

impl Server {
    /// Serves for as long as the parent lives and listens. Returns in the children only.
    pub(super) fn serve(self) -> Result<Start> {
        let stopped = |error| Error::io("the fork server cannot go on", error);
        become_child(self.run().map_err(stopped)?)
    }

    /// Takes orders. Gives, in a child, the descriptors of its order; nothing of the server's is open there.
    fn run(self) -> io::Result<Vec<OwnedFd>> {
        loop {
            let (kind, mut descriptors) = match fork::take_order(self.socket.as_fd())? {
                Order::Do(kind, descriptors) => (Some(kind), descriptors),
                Order::Cut => (None, Vec::new()),
                Order::End => entry::leave(0),
            };
            let answer = match kind {
                None => refused(&socket::no_numbers()),
                Some(Kind::Preload) => {
                    preload(std::mem::take(&mut descriptors)).unwrap_or_else(|e| refused(&e))
                }
                Some(Kind::Fork) => match self.forker.fork(self.page.u32(0)) {
                    Ok(Forked::Child) => return Ok(descriptors),
                    Ok(Forked::Original(pid)) => Answer::Forked(pid),
                    Err(error) => refused(&error),
                },
            };
            // Before the order's descriptors are closed: nobody should wait for that.
            fork::answer(self.socket.as_fd(), answer)?;
        }
    }
}

fn refused(error: &io::Error) -> Answer {
    match error.kind() {
        io::ErrorKind::ResourceBusy => Answer::Threads,
        _ => Answer::Refused(error.raw_os_error().unwrap_or_default()),
    }
}

fn preload(descriptors: Vec<OwnedFd>) -> io::Result<Answer> {
    let mut descriptors = descriptors.into_iter();
    let memory = Memory::from_fd(descriptors.next().ok_or(io::ErrorKind::InvalidData)?);
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    let (header, layout) = handshake::read(&memory).map_err(invalid)?;
    let told = handshake::parse(&header).map_err(invalid)?;
    let attachments = descriptors.collect::<Vec<_>>().into();
    let task = registry::table().and_then(|table| table.find(&told.task)).map_err(invalid)?;
    let mut start = Start { task, memory, layout, attachments };
    log::accept(told.log);
    let left = log::during(|| entry::run_task(&mut start)).map_err(invalid)?;
    // Whatever stayed in a buffer would be written once more by every child.
    let _ = io::stdout().flush();
    sys::fork::flush_c_streams();
    handshake::write_reply(&start.memory, layout, &left.reply)?;
    Ok(if has_one_thread()? { Answer::Loaded } else { Answer::Threads })
}

/// A thread that was joined may be counted for a moment longer, and nothing tells when it is not.
fn has_one_thread() -> io::Result<bool> {
    let deadline = Deadline::after(GONE);
    while !sys::fork::is_single_threaded()? {
        if deadline.is_none_or(Deadline::has_passed) {
            return Ok(false);
        }
        poll::readable(&[], Deadline::after(LOOK))?;
    }
    Ok(true)
}

/// In a child: makes everything its own that an exec'd one has by its start.
fn become_child(descriptors: Vec<OwnedFd>) -> Result<Start> {
    let io = |error| Error::io("the start could not be completed", error);
    let rest = |descriptors: Vec<OwnedFd>| io(io::Error::other(format!("{descriptors:?}")));
    let mut descriptors = descriptors;
    let of_arguments = descriptors.split_off(FIXED.min(descriptors.len()));
    let fixed: [OwnedFd; FIXED] = descriptors.try_into().map_err(rest)?;
    let [memory, lifeline, post, out, error, directory] = fixed;
    surroundings::stand([out, error, directory]).map_err(io)?;
    let memory = Memory::from_fd(memory);
    let (header, layout) = handshake::read(&memory)?;
    let task = begin_child(&header, lifeline, post);
    let task = task.inspect_err(|error| bootstrap::leave_failure(&memory, layout, error))?;
    Ok(Start { task, memory, layout, attachments: of_arguments.into() })
}

fn begin_child(header: &[u8], lifeline: OwnedFd, post: OwnedFd) -> Result<&'static Entry> {
    let io = |error| Error::io("the start could not be completed", error);
    let mut told = handshake::parse(header)?;
    if let Some(Around { environment, surroundings, leads_group }) = told.around.take() {
        if leads_group {
            own::lead_group(std::process::id());
        }
        surroundings.take_over().map_err(io)?;
        surroundings::set_environment(environment).map_err(io)?;
    }
    signal::set_mask(!told.pooled).map_err(io)?;
    post::begin(post);
    bootstrap::begin(&told, lifeline)
}
