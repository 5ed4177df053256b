//! A child's first steps once its descriptors are its own: compare tables, set identity, tie its life to its parent's,
//! find its task. No user code runs here.

use crate::child::{crash, output, watch};
use crate::commons;
use crate::error::{Error, ErrorKind, Result};
use crate::identity::{self, Identity, Parent, StartMethod};
use crate::log;
use crate::protocol::handshake::{self, Bootstrap, Layout};
use crate::protocol::message::{Hindrance, Reply};
use crate::sys::memory::Memory;
use crate::sys::own;
use crate::task::failure;
use crate::task::registry::{self, Entry};
use std::os::fd::OwnedFd;
use std::path::Path;

/// A child's exit code if it could not run its task at all (EX_SOFTWARE of sysexits.h).
pub(crate) const CANNOT_START: i32 = 70;
/// A child's exit code if its task returned an error, as that of a main that does.
const FAILED: i32 = 1;
/// A child's exit code if its task panicked, as in every Rust program.
const PANICKED: i32 = 101;

pub(crate) fn begin(told: &Bootstrap<'_>, lifeline: OwnedFd) -> Result<&'static Entry> {
    let method = if told.forks { StartMethod::ForkServer } else { StartMethod::Reexec };
    identity::set_start_method(method);
    identity::set(Identity {
        name: told.name.to_owned(),
        path: told.path.to_owned(),
        daemon: told.daemon,
        pooled: told.pooled,
        parent: Some(Parent {
            pid: told.parent_pid,
            name: told.parent_name.to_owned(),
            daemon: told.parent_daemon,
        }),
    });
    identity::set_tree(told.tree);
    commons::set_parent(told.parent_number);
    identity::accept_key(told.authkey.clone());
    watch::begin(lifeline)?;
    crash::begin();
    if let Some(name) = std::env::args_os().next().as_deref().and_then(|a| Path::new(a).file_name())
    {
        // As the kernel would have it; the link by which we were started has another name.
        own::set_comm(name);
    }
    output::begin();
    log::accept(told.log);
    let table = registry::table()?;
    if table.fingerprint() != told.fingerprint {
        return Err(other_program());
    }
    table.find(&told.task)
}

pub(crate) fn other_program() -> Error {
    let text = "this program's table of tasks is not its parent's: it is not the same program";
    Error::new(ErrorKind::Unsupported, text)
}

/// The exit code of a child that leaves this reply.
pub(crate) fn exit_code(task: &Entry, reply: &[u8]) -> i32 {
    match Reply::parse(reply) {
        Ok(Reply::Value(_) | Reply::Attached(_)) => match failure::take() {
            None => 0,
            Some(error) => {
                output::say(&format!("task {} returned Err: {error}", task.key().name));
                FAILED
            }
        },
        Ok(Reply::Panicked(_)) => PANICKED,
        Ok(
            Reply::NotEncoded(text)
            | Reply::NotDecoded(text)
            | Reply::NotFound(text)
            | Reply::Unknown(text),
        ) => {
            output::complain(&Error::new(ErrorKind::Decode, text));
            PANICKED
        }
        Ok(Reply::NotBegun(_)) | Err(_) => CANNOT_START,
    }
}

/// Leaves for the parent why the task is not begun, as far as that is possible.
pub(crate) fn leave_failure(memory: &Memory, layout: Layout, error: &Error) {
    let text = error.to_string();
    let reply = match error.kind() {
        ErrorKind::UnknownTask => Reply::Unknown(&text),
        _ => Reply::NotBegun(Hindrance { text, system: error.system() }),
    };
    let mut bytes = Vec::new();
    reply.write(&mut bytes);
    // The parent is told by the exit code, too.
    let _ = handshake::write_reply(memory, layout, &bytes);
}

#[cfg(test)]
mod tests {
    use super::leave_failure;
    use crate::error::{Error, ErrorKind};
    use crate::identity::{self, AuthKey};
    use crate::protocol::handshake::{self, Bootstrap};
    use crate::protocol::message::{Reply, TaskKey};
    use crate::task::registry;
    use std::io;

    /// What the parent reads if a child could not begin because of `error`.
    fn told(error: &Error) -> Error {
        let bootstrap = Bootstrap {
            fingerprint: 1,
            task: TaskKey { name: "t", type_name: "t", file: "f", line: 1, column: 1 },
            name: "Process-1",
            path: "1",
            daemon: false,
            pooled: false,
            parent_pid: 1,
            parent_name: "MainProcess",
            parent_daemon: false,
            parent_number: 0,
            authkey: AuthKey::from("secret"),
            post: -1,
            lifeline: 3,
            commons: None,
            descriptors: Vec::new(),
            forks: false,
            serves: false,
            helps: None,
            tree: identity::Tree { root: 1, started: 2, namespace: 3, token: 4 },
            log: &[],
            around: None,
        };
        let shown = format!("{bootstrap:?}");
        assert!(!shown.contains("secret") && !shown.contains("115"), "{shown}");
        let (memory, layout) = handshake::write(&bootstrap, b"arguments").unwrap();
        leave_failure(&memory, layout, error);
        let reply = handshake::read_reply(&memory, layout).unwrap().expect("it was left");
        Reply::parse(&reply).unwrap().into_result("t", "Process-1").unwrap_err()
    }

    #[test]
    fn task_06_what_kept_a_child_from_its_task_is_told() {
        let unknown = told(&registry::unknown("library::task"));
        assert_eq!(unknown.kind(), ErrorKind::UnknownTask);
        assert!(unknown.to_string().contains("unknown task library::task"), "{unknown}");
        let other = told(&Error::new(ErrorKind::Unsupported, "not the same program"));
        assert_eq!(other.kind(), ErrorKind::Unsupported);
        assert!(other.to_string().contains("Process-1"), "{other}");
        let refused = told(&Error::io("watching", io::Error::from_raw_os_error(24)));
        assert_eq!((refused.kind(), refused.system()), (ErrorKind::Io, Some(24)));
    }
}
