//! The children of this process, started and not yet reaped, and what is known of each. Nobody else waits for them: no
//! SIGCHLD handler, no wait for any child.

use crate::commons;
use crate::custody::Attachments;
use crate::error::{Error, Result, WorkerExit};
use crate::identity::AuthKey;
use crate::log;
use crate::protocol::handshake::{self, Layout};
use crate::protocol::message::Reply;
use crate::protocol::post::{self, Address, Mail, Parcel};
use crate::sys::clock::Deadline;
use crate::sys::event::Event;
use crate::sys::lifeline;
use crate::sys::memory::Memory;
use crate::sys::pidfd::{self, Status};
use crate::sys::poll;
use crate::sys::signal::SIGKILL;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

/// The exit code of a child whose status someone else took: the program ignores SIGCHLD, or waits
/// for children that are not its own.
const UNKNOWN: i32 = 255;

static CHILDREN: Mutex<Vec<Arc<Child>>> = Mutex::new(Vec::new());
static LIFELINE: Mutex<Weak<Lifeline>> = Mutex::new(Weak::new());

/// A child, from its start on.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) facts: Facts,
    /// None if the child had ended, and was reaped by the system, before it could be opened.
    handle: Option<OwnedFd>,
    /// The file with the reply; none for a pool's worker, whose replies go elsewhere.
    reply: Option<(Memory, Layout)>,
    /// Our end of the socket to it.
    post: OwnedFd,
    /// The descriptors of its result, once they were read.
    attachments: Mutex<Option<Result<Attachments>>>,
    /// Whether its end was told in a record.
    told: AtomicBool,
    /// In place of `handle` where there is none: readable from the first on.
    ended: OnceLock<Event>,
    state: Mutex<State>,
}

/// What connects this process with a child that was just started.
#[derive(Debug)]
pub(crate) struct Channels {
    pub(crate) handle: Option<OwnedFd>,
    pub(crate) reply: Option<(Memory, Layout)>,
    pub(crate) post: OwnedFd,
    pub(crate) lifeline: Arc<Lifeline>,
}

/// What is known of a child at its start.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) pid: u32,
    pub(crate) name: String,
    pub(crate) daemon: bool,
    /// Whether it was started as the leader of a process group, which ends with it.
    pub(crate) leads_group: bool,
    /// What it was given at its start; it may have changed that for itself.
    pub(crate) authkey: AuthKey,
    /// A fork server, which is none of the program's own.
    pub(crate) hidden: bool,
}

#[derive(Debug)]
struct State {
    exit_code: Option<i32>,
    lifeline: Option<Arc<Lifeline>>,
    /// What holds the objects of its arguments until it has them; then those of its result.
    objects: Attachments,
}

/// The pipe whose read end children hold; there as long as one lives.
#[derive(Debug)]
pub(crate) struct Lifeline {
    for_children: OwnedFd,
    _ours: OwnedFd,
}

/// The pipe of this process, and an end for one child; made anew if no child holds one, or if it was
/// made by a user that this process is not any more.
pub(crate) fn lifeline() -> std::io::Result<(Arc<Lifeline>, OwnedFd)> {
    let mut kept = lock(&LIFELINE);
    if let Some(lifeline) = kept.upgrade() {
        match lifeline::for_one_child(lifeline.for_children.as_fd()) {
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {}
            end => return Ok((lifeline, end?)),
        }
    }
    let (for_children, ours) = lifeline::pipe()?;
    let end = lifeline::for_one_child(for_children.as_fd())?;
    let lifeline = Arc::new(Lifeline { for_children, _ours: ours });
    *kept = Arc::downgrade(&lifeline);
    Ok((lifeline, end))
}

/// Takes a child that was just started into the list, and reaps those that have ended meanwhile.
pub(crate) fn add(facts: Facts, channels: Channels) -> Arc<Child> {
    let Channels { handle, reply, post, lifeline } = channels;
    let state =
        Mutex::new(State { exit_code: None, lifeline: Some(lifeline), objects: Attachments::NONE });
    let (attachments, ended) = (Mutex::new(None), OnceLock::new());
    let told = AtomicBool::new(false);
    let child = Arc::new(Child { facts, handle, reply, post, attachments, told, ended, state });
    commons::look_after_readers_by(reap);
    reap();
    lock(&CHILDREN).push(Arc::clone(&child));
    child
}

/// All children that have not ended; those that have are reaped, so that no zombie stays.
pub(crate) fn active() -> Vec<Arc<Child>> {
    reap();
    lock(&CHILDREN).iter().filter(|child| !child.facts.hidden).cloned().collect()
}

/// Forgets the children of the process of which this one is a copy, made by the user's own fork.
pub(crate) fn forget_inherited() {
    *lock(&LIFELINE) = Weak::new();
    let inherited = std::mem::take(&mut *lock(&CHILDREN));
    drop(inherited);
}

fn reap() {
    // A child that has ended leaves the list by itself: so not under the list's lock.
    let children = lock(&CHILDREN).clone();
    for child in children {
        child.exit_code();
    }
}

impl Child {
    pub(crate) fn pid(&self) -> u32 {
        self.facts.pid
    }

    pub(crate) fn name(&self) -> &str {
        &self.facts.name
    }

    /// Readable once the child has ended; none if it had before it could be opened.
    pub(crate) fn handle(&self) -> Option<BorrowedFd<'_>> {
        self.handle.as_ref().map(AsFd::as_fd)
    }

    /// Readable once the child has ended, in every case.
    pub(crate) fn sentinel(&self) -> Result<BorrowedFd<'_>> {
        if let Some(handle) = self.handle() {
            return Ok(handle);
        }
        if let Some(ended) = self.ended.get() {
            return Ok(ended.as_fd());
        }
        let io = |error| Error::io(format!("a sentinel of process {}", self.name()), error);
        let raised = Event::new().map_err(io)?;
        raised.raise();
        Ok(self.ended.get_or_init(|| raised).as_fd())
    }

    /// Looks whether it has ended; reaps it if so.
    pub(crate) fn exit_code(&self) -> Option<i32> {
        let mut state = lock(&self.state);
        if state.exit_code.is_some() {
            return state.exit_code;
        }
        let code = match self.handle().map(|handle| self.reap(handle)) {
            Some(Ok(Status::Ended(code))) => code,
            // Nobody tells how; the descriptor still tells whether.
            Some(Ok(Status::Taken)) if self.has_ended() => UNKNOWN,
            None => UNKNOWN,
            // An error could only mean a descriptor that is none: there is no better answer.
            Some(Ok(_) | Err(_)) => return None,
        };
        state.exit_code = Some(code);
        let result = self.objects_of_result();
        let left = (state.lifeline.take(), std::mem::replace(&mut state.objects, result));
        drop(state);
        commons::one_has_ended();
        lock(&CHILDREN).retain(|child| !std::ptr::eq(&raw const **child, self));
        drop(left);
        Some(code)
    }

    /// What holds the objects of its result from now on. Of one that it was about to leave nothing stays.
    fn objects_of_result(&self) -> Attachments {
        let Some((memory, layout)) = &self.reply else { return Attachments::NONE };
        let Ok(Some((reply, is_there))) = handshake::read_objects(memory, *layout) else {
            return Attachments::NONE;
        };
        let objects = Attachments::keeping(&Reply::take_objects(&mut reply.into()));
        if is_there { objects } else { Attachments::NONE }
    }

    /// Under the lock of the state.
    fn reap(&self, handle: BorrowedFd<'_>) -> std::io::Result<Status> {
        if self.facts.leads_group {
            match pidfd::look(handle)? {
                // Those that cannot be signalled are not this user's any more.
                Status::Ended(_) => drop(pidfd::signal_group(handle, self.pid(), SIGKILL)),
                other => return Ok(other),
            }
        }
        pidfd::try_wait(handle)
    }

    /// Waits until it has ended, or the deadline; says whether it has. Then its records are there, too: not under a
    /// lock that user code may want, unless it is a pool's worker.
    pub(crate) fn join(&self, deadline: Option<Deadline>) -> Result<bool> {
        let ended = self.await_end(deadline)?;
        if let (true, Some(reply)) = (ended, &self.reply) {
            log::flush();
            self.tell_end(reply);
        }
        Ok(ended)
    }

    /// Tells in a record of an end that the child could not tell itself.
    fn tell_end(&self, (memory, layout): &(Memory, Layout)) {
        let wanted = tracing::enabled!(target: "mp::process", tracing::Level::INFO);
        if !wanted || self.facts.hidden || self.told.swap(true, Relaxed) {
            return;
        }
        let code = self.exit_code().unwrap_or_default();
        if code < 0 || !handshake::has_reply(memory, *layout).unwrap_or(false) {
            let exit = WorkerExit::new(self.pid(), self.name().to_owned(), code);
            tracing::info!(target: "mp::process", "{exit}");
        }
    }

    fn await_end(&self, deadline: Option<Deadline>) -> Result<bool> {
        loop {
            if self.exit_code().is_some() {
                return Ok(true);
            }
            let Some(handle) = self.handle() else { continue };
            let io = |error| Error::io(format!("waiting for process {}", self.name()), error);
            if !poll::is_readable(handle, deadline).map_err(io)? {
                return Ok(false);
            }
            if self.exit_code().is_none() {
                // A tracer has it: it is ours to reap when that lets go.
                pidfd::await_status(handle).map_err(io)?;
            }
        }
    }

    pub(crate) fn signal(&self, signal: i32) -> Result<()> {
        let io = |error| Error::io(format!("signalling process {}", self.name()), error);
        let Some(handle) = self.handle() else { return Ok(()) };
        if self.facts.leads_group {
            // It is reaped under this lock only.
            let state = lock(&self.state);
            let reaped = state.exit_code.is_some();
            let sent =
                if reaped { Ok(()) } else { pidfd::signal_group(handle, self.pid(), signal) };
            return sent.map_err(io);
        }
        pidfd::signal(handle, signal).map_err(io)
    }

    /// What its task left; none if it ended without.
    pub(crate) fn reply(&self) -> Result<Option<Vec<u8>>> {
        let io = |error| Error::io(format!("reading the result of process {}", self.name()), error);
        let Some((memory, layout)) = &self.reply else { return Ok(None) };
        handshake::read_reply(memory, *layout).map_err(io)
    }

    /// Keeps what holds the objects of its arguments: it lets go of them itself once it has them.
    pub(crate) fn keep(&self, objects: Attachments) {
        let mut state = lock(&self.state);
        if state.exit_code.is_none() {
            state.objects = objects;
        }
    }

    /// Our end of the socket to it.
    pub(crate) fn post(&self) -> BorrowedFd<'_> {
        self.post.as_fd()
    }

    /// Copies of the descriptors of its result. For a child that has ended.
    pub(crate) fn attachments(&self) -> Result<Attachments> {
        let doing = || format!("taking the handles in the result of process {}", self.name());
        let io = |error| Error::io(doing(), error);
        let mut kept = lock(&self.attachments);
        let kept = kept.get_or_insert_with(|| self.receive_attachments().map_err(io));
        kept.as_ref().map_err(Clone::clone)?.try_clone().map_err(io)
    }

    fn receive_attachments(&self) -> std::io::Result<Attachments> {
        let mut parcel = Parcel::default();
        loop {
            match post::receive(self.post(), false)? {
                Mail::Part(of, part) if of == Address::default() => {
                    if parcel.add(part)? {
                        return parcel.open();
                    }
                }
                Mail::Nothing | Mail::End => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                Mail::Ask(_) | Mail::Part(..) | Mail::Leave => {}
            }
        }
    }

    fn has_ended(&self) -> bool {
        let now = Deadline::after(std::time::Duration::ZERO);
        self.handle().is_none_or(|handle| poll::is_readable(handle, now).unwrap_or(true))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in this file panics while it holds one of these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
