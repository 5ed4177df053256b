//! One start: the running image again, with an exact descriptor set and its bootstrap. Whoever starts what is for the
//! callers, `Process` and the pool.

use crate::child::entry;
use crate::error::{Error, ErrorKind, Result};
use crate::identity::{self, AuthKey};
use crate::process::children::{self, Channels, Child, Facts};
use crate::process::exit;
use crate::protocol::handshake::{self, Bootstrap, VARIABLE};
use crate::sys::spawn::Spawn;
use crate::sys::{lifeline, own, pidfd, socket};
use crate::task::registry::{self, Entry};
use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
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
}

impl Launch<'_> {
    pub(crate) fn start(self) -> Result<Arc<Child>> {
        check_program()?;
        exit::arm();
        let table = registry::table()?;
        let io = |error| Error::io(format!("process {} could not be started", self.name), error);
        let ours = children::lifeline().map_err(io)?;
        let end = lifeline::for_one_child(ours.for_children.as_fd()).map_err(io)?;
        let (post, post_for_child) = socket::pair().map_err(io)?;
        let parent = identity::current();
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
            authkey: self.authkey.clone(),
            lifeline: end.as_raw_fd(),
            post: post_for_child.as_raw_fd(),
            descriptors: self.descriptors.iter().map(AsRawFd::as_raw_fd).collect(),
        };
        let (memory, layout) = handshake::write(&bootstrap, self.arguments)?;
        let mut descriptors = vec![memory.as_fd(), end.as_fd(), post_for_child.as_fd()];
        descriptors.extend(self.descriptors);
        let spawn = Spawn {
            arguments: std::env::args_os().collect(),
            environment: environment(self.environment, memory.as_fd()),
            descriptors: &descriptors,
            // Until a worker disregards it, by itself.
            interruptible: !self.pooled,
            leads_group: self.leads_group,
        };
        let pid = spawn.start().map_err(io)?;
        // The child does the same, unless something stops it before it comes to that.
        let tied = lifeline::tie(end.as_fd(), pid);
        let handle = tied.and_then(|()| pidfd::open(pid)).map_err(|error| {
            pidfd::kill_unopened(pid);
            io(error)
        })?;
        let (name, daemon, authkey) = (self.name.to_owned(), self.daemon, self.authkey);
        let facts = Facts { pid, name, daemon, leads_group: self.leads_group, authkey };
        let reply = (!self.pooled).then_some((memory, layout));
        Ok(children::add(facts, Channels { handle, reply, post, lifeline: ours }))
    }
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

fn environment(
    more: &[(OsString, OsString)],
    bootstrap: BorrowedFd<'_>,
) -> Vec<(OsString, OsString)> {
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
    all.push((VARIABLE.into(), bootstrap.as_raw_fd().to_string().into()));
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
