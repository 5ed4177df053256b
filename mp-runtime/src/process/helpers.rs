//! The processes that serve the whole tree, from outside: started when the first one needs them, and waited for at the
//! program's end. Who talks to them is in `shared::tracker` and `custody::store`, their first steps are in `child::help`.

use crate::custody::store;
use crate::error::Result;
use crate::helper::{Helper, Starter};
use crate::identity::{self, AuthKey, StartMethod};
use crate::process::children::Child;
use crate::process::launch::{Launch, Role};
use crate::shared::tracker;
use crate::sys::clock::Deadline;
use crate::sys::own;
use crate::task::registry::{Entry, Registration};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long the end of the program waits for them to do what is left.
const PATIENCE: Duration = Duration::from_secs(10);

/// The task of a helper's bootstrap, which it does not run.
static HELPER: Entry = Entry::internal("mp::helper", |_, _, _| {});

inventory::submit! { Registration(&HELPER) }
inventory::submit! { Starter(start) }

/// Those that this process has started, and by its forks which process that is.
static STARTED: Mutex<Vec<(u32, Arc<Child>)>> = Mutex::new(Vec::new());

/// Starts one that hears on this socket. It is to end later than its parent if that is killed, by
/// nothing that is sent to the program's process group, and whatever rights the parent gives up.
fn start(helper: Helper, listener: OwnedFd) -> Result<()> {
    let child = Launch {
        task: &HELPER,
        arguments: &[],
        name: helper.name(),
        path: "",
        daemon: true,
        pooled: true,
        leads_group: true,
        authkey: AuthKey::from(Vec::new()),
        environment: &[],
        descriptors: &[listener.as_fd()],
        method: StartMethod::Reexec,
        role: Role::Helper(helper),
    }
    .start()?;
    started().push((own::forks(), child));
    Ok(())
}

/// At the end of a main program: has them do what is left, and waits for that.
pub(crate) fn finish() {
    if identity::current().parent.is_some() {
        return;
    }
    let deadline = Deadline::after(PATIENCE);
    store::client::finish(deadline);
    tracker::client::finish(deadline);
    let own: Vec<_> = started().extract_if(.., |(forks, _)| *forks == own::forks()).collect();
    for (_, child) in own {
        // An error would come from poll itself; there is nobody left to tell.
        let _ = child.join(deadline);
    }
}

fn started() -> MutexGuard<'static, Vec<(u32, Arc<Child>)>> {
    // Nothing here panics while it holds the lock.
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}
