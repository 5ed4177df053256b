//! A child's first steps once its descriptors are its own: compare tables, set identity, tie its life to its parent's,
//! find its task. No user code runs here.

use crate::child::{crash, output, watch};
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use crate::identity::{self, Identity, Parent};
use crate::protocol::handshake::{Bootstrap, Layout};
use crate::protocol::message::Reply;
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

/// A child that is ready to run its task.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) task: &'static Entry,
    pub(crate) memory: Memory,
    pub(crate) layout: Layout,
    /// The descriptors of the arguments.
    pub(crate) attachments: Attachments,
}

pub(crate) fn begin(
    told: &Bootstrap<'_>,
    lifeline: OwnedFd,
    memory: Memory,
    layout: Layout,
    attachments: Attachments,
) -> Result<Start> {
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
    identity::accept_key(told.authkey.clone());
    watch::begin(lifeline)?;
    crash::begin();
    if let Some(name) = std::env::args_os().next().as_deref().and_then(|a| Path::new(a).file_name())
    {
        // As the kernel would have it; the link by which we were started has another name.
        own::set_comm(name);
    }
    output::begin();
    let table = registry::table()?;
    if table.fingerprint() != told.fingerprint {
        let text = "this program's table of tasks is not its parent's: it is not the same program";
        return Err(Error::new(ErrorKind::Unsupported, text));
    }
    Ok(Start { task: table.find(&told.task)?, memory, layout, attachments })
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
        Ok(Reply::NotEncoded(text) | Reply::NotDecoded(text) | Reply::Unknown(text)) => {
            output::complain(&Error::new(ErrorKind::Decode, text));
            PANICKED
        }
        Err(_) => CANNOT_START,
    }
}
