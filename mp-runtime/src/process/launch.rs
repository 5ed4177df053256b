//! One start: the running image again, or a copy of the fork server, with an exact descriptor set and its bootstrap.
//! Whoever starts what is for the callers, `Process` and the pool.

use crate::child::entry;
use crate::commons::{self, Number};
use crate::error::{Error, ErrorKind, Result};
use crate::helper::Helper;
use crate::identity::{self, AuthKey, StartMethod};
use crate::log;
use crate::process::children::{self, Channels, Child, Facts};
use crate::process::{exit, server};
use crate::protocol::handshake::{self, Around, Bootstrap, VARIABLE};
use crate::sys::spawn::Spawn;
use crate::sys::surroundings::{self, Surroundings};
use crate::sys::{lifeline, own, pidfd, socket};
use crate::task::registry::{self, Entry};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, OnceLock};

/// A child to be started.
#[derive(Debug)]
pub(crate) struct Launch<'a> {
    pub(crate) task: &'static Entry,
    pub(crate) arguments: &'a [u8],
    pub(crate) name: &'a str,
    pub(crate) path: &'a str,
    pub(crate) daemon: bool,
    pub(crate) pooled: bool,
    /// Whether it leads a process group of its own, which ends with it.
    pub(crate) leads_group: bool,
    pub(crate) authkey: AuthKey,
    /// Variables on top of this process's own.
    pub(crate) environment: &'a [(OsString, OsString)],
    /// What is attached to the arguments.
    pub(crate) descriptors: &'a [BorrowedFd<'a>],
    pub(crate) method: StartMethod,
    /// What it is to be; [`Role::Task`] for all but one.
    pub(crate) role: Role,
}

/// What a child is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Task,
    /// Forks other children. It is on no list that users see.
    ForkServer,
    /// Serves the whole tree. On no list either, and not tied to this process's life.
    Helper(Helper),
}

impl Role {
    fn helper(self) -> Option<Helper> {
        match self {
            Self::Helper(helper) => Some(helper),
            Self::Task | Self::ForkServer => None,
        }
    }
}

impl Launch<'_> {
    pub(crate) fn start(self) -> Result<Arc<Child>> {
        check_program()?;
        exit::arm();
        let table = registry::table()?;
        let io = |error| Error::io(format!("process {} could not be started", self.name), error);
        let (ours, end) = children::lifeline().map_err(io)?;
        let (post, post_for_child) = socket::pair().map_err(io)?;
        let environment = match self.method {
            StartMethod::Reexec => Vec::new(),
            StartMethod::ForkServer => {
                surroundings::environment_block(&environment(self.environment))
            }
        };
        // A fork server's children have it from the server. Without it a child can do all but share objects,
        // which a helper does not.
        let commons = match self.method {
            StartMethod::Reexec if self.role.helper().is_none() => commons::inherit().ok(),
            StartMethod::Reexec | StartMethod::ForkServer => None,
        };
        let parent = identity::current();
        // A helper says nothing.
        let log = if self.role.helper().is_none() { log::told() } else { Vec::new() };
        let bootstrap = Bootstrap {
            fingerprint: table.fingerprint(),
            task: self.task.key(),
            name: self.name,
            path: self.path,
            daemon: self.daemon,
            pooled: self.pooled,
            parent_pid: std::process::id(),
            parent_name: &parent.name,
            parent_daemon: parent.daemon,
            // Without one, nobody answers for objects in a result on its way.
            parent_number: commons::own().map_or(0, Number::get),
            authkey: self.authkey.clone(),
            lifeline: end.as_raw_fd(),
            post: post_for_child.as_raw_fd(),
            commons: commons.map(|fd| fd.as_raw_fd()),
            descriptors: self.descriptors.iter().map(AsRawFd::as_raw_fd).collect(),
            forks: identity::start_method() == StartMethod::ForkServer,
            serves: self.role == Role::ForkServer,
            helps: self.role.helper(),
            tree: identity::tree().map_err(io)?,
            log: &log,
            around: self.around(&environment).map_err(io)?,
        };
        let (memory, layout) = handshake::write(&bootstrap, self.arguments)?;
        let mut descriptors = vec![memory.as_fd(), end.as_fd(), post_for_child.as_fd()];
        descriptors.extend(commons);
        descriptors.extend(self.descriptors);
        let forked = match self.method {
            StartMethod::Reexec => None,
            StartMethod::ForkServer => server::fork(&descriptors)?,
        };
        let (pid, handle) = match forked {
            Some(pid) => self.open_forked(pid, end.as_fd())?,
            None => self.spawn(memory.as_fd(), &descriptors, end.as_fd()).map_err(io)?,
        };
        let reply = (!self.pooled).then_some((memory, layout));
        Ok(children::add(self.facts(pid), Channels { handle, reply, post, lifeline: ours }))
    }

    fn facts(self, pid: u32) -> Facts {
        Facts {
            pid,
            name: self.name.to_owned(),
            daemon: self.daemon,
            leads_group: self.leads_group,
            authkey: self.authkey,
            hidden: self.role != Role::Task,
        }
    }

    /// What a child has to be told that is not exec'd.
    fn around<'a>(&self, environment: &'a [u8]) -> io::Result<Option<Around<'a>>> {
        if self.method == StartMethod::Reexec {
            return Ok(None);
        }
        let (surroundings, leads_group) = (Surroundings::here()?, self.leads_group);
        Ok(Some(Around { environment, surroundings, leads_group }))
    }

    /// Runs the program again; gives the child's pid and descriptor.
    fn spawn(
        &self,
        bootstrap: BorrowedFd<'_>,
        descriptors: &[BorrowedFd<'_>],
        lifeline: BorrowedFd<'_>,
    ) -> io::Result<(u32, Option<OwnedFd>)> {
        let mut environment = environment(self.environment);
        environment.push((VARIABLE.into(), bootstrap.as_raw_fd().to_string().into()));
        let spawn = Spawn {
            arguments: std::env::args_os().collect(),
            environment,
            descriptors,
            // Until a worker disregards it, by itself.
            interruptible: !self.pooled,
            leads_group: self.leads_group,
        };
        let pid = spawn.start()?;
        if self.role.helper().is_some() {
            return Ok((pid, pidfd::open(pid).inspect_err(|_| pidfd::kill_unopened(pid))?));
        }
        Ok((pid, open(pid, lifeline)?))
    }

    /// The same of a child that the fork server says it has forked.
    fn open_forked(&self, pid: u32, lifeline: BorrowedFd<'_>) -> Result<(u32, Option<OwnedFd>)> {
        let io = |error| Error::io(format!("process {} could not be opened", self.name), error);
        if !pidfd::is_child(pid).map_err(io)? {
            let text = format!("the fork server names {pid}, which is no child of this process");
            return Err(Error::new(ErrorKind::Broken, text));
        }
        if self.leads_group {
            own::lead_group(pid);
        }
        Ok((pid, open(pid, lifeline).map_err(io)?))
    }
}

/// Opens a new child, and ties its life to ours. It does that by itself, unless something stops it
/// before it comes to it.
fn open(pid: u32, lifeline: BorrowedFd<'_>) -> io::Result<Option<OwnedFd>> {
    let tied = lifeline::tie(lifeline, pid);
    tied.and_then(|()| pidfd::open(pid)).inspect_err(|_| pidfd::kill_unopened(pid))
}

/// Refuses what the system cannot hand to a child as a variable.
pub(crate) fn check_environment(variables: &[(OsString, OsString)]) -> Result<()> {
    for (name, value) in variables {
        let (bare, text) = (name.as_bytes(), value.as_bytes());
        if bare.is_empty() || bare.contains(&b'=') || bare.contains(&0) || text.contains(&0) {
            let text = format!(
                "{name:?}={value:?} cannot be an environment variable: a name is not empty and has \
                 no '=', and neither has a NUL"
            );
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
    }
    Ok(())
}

fn environment(more: &[(OsString, OsString)]) -> Vec<(OsString, OsString)> {
    // Of each name the last one counts, and of ours only our own.
    let ours = |name: &OsString| name == VARIABLE;
    let given = |name: &OsString, from: usize| more[from..].iter().any(|(other, _)| other == name);
    let inherited = std::env::vars_os().filter(|(name, _)| !ours(name) && !given(name, 0));
    let mut all: Vec<_> = inherited.collect();
    for (at, (name, value)) in more.iter().enumerate() {
        if !ours(name) && !given(name, at + 1) {
            all.push((name.clone(), value.clone()));
        }
    }
    all
}

/// A child re-runs this program from its start: it must lead to us again.
fn check_program() -> Result<()> {
    static HELD: OnceLock<bool> = OnceLock::new();
    if !entry::entered() {
        let text = "this program has not called mp::init(), so a child would run its main again: put \
                    #[mp::main] on main, #[mp::test] on at least one test, or call mp::init() first \
                    in a hand-written main";
        return Err(Error::new(ErrorKind::Unsupported, text));
    }
    let held = match HELD.get() {
        Some(held) => *held,
        None => {
            // A failure, for want of descriptors, is not kept: the next start looks again.
            let io = |error| Error::io("the running image could not be found in /proc", error);
            let held = own::image_holds(check_program as *const ()).map_err(io)?;
            *HELD.get_or_init(|| held)
        }
    };
    if held {
        return Ok(());
    }
    let text = "/proc/self/exe is not the program that mp is linked into (was it started through \
                ld.so, or is this a shared library?): children are started from there";
    Err(Error::new(ErrorKind::Unsupported, text))
}
