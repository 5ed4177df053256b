//! The tracker of named blocks, from outside: started when the first block is made, and waited for at the program's end.
//! Who talks to it is in `shared::tracker`, its first steps are in `child::track`.

use crate::error::Result;
use crate::identity::{self, AuthKey, StartMethod};
use crate::process::children::Child;
use crate::process::launch::{Launch, Role};
use crate::shared::tracker::{NAME, Starter, client};
use crate::sys::clock::Deadline;
use crate::sys::own;
use crate::task::registry::{Entry, Registration};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long the end of the program waits for it to remove what is left.
const PATIENCE: Duration = Duration::from_secs(10);

/// The task of a tracker's bootstrap, which it does not run.
static TRACKER: Entry = Entry::internal("mp::tracker", |_, _, _| {});

inventory::submit! { Registration(&TRACKER) }
inventory::submit! { Starter(start) }

/// The one that this process has started last, if it has, and by its forks which process that is.
static STARTED: Mutex<Option<(u32, Arc<Child>)>> = Mutex::new(None);

/// Starts a tracker that hears on this socket. It is to end later than its parent if that is killed, by
/// nothing that is sent to the program's process group, and whatever rights the parent gives up.
fn start(listener: OwnedFd) -> Result<()> {
    let child = Launch {
        task: &TRACKER,
        arguments: &[],
        name: NAME,
        path: "",
        daemon: true,
        pooled: true,
        leads_group: true,
        authkey: AuthKey(Vec::new()),
        environment: &[],
        descriptors: &[listener.as_fd()],
        method: StartMethod::Reexec,
        role: Role::Tracker,
    }
    .start()?;
    *started() = Some((own::forks(), child));
    Ok(())
}

/// At the end of a main program: has the tracker remove what is left, and waits for that.
pub(crate) fn finish() {
    if identity::current().parent.is_some() {
        return;
    }
    let deadline = Deadline::after(PATIENCE);
    client::finish(deadline);
    if let Some((_, child)) = started().take_if(|(forks, _)| *forks == own::forks()) {
        // An error would come from poll itself; there is nobody left to tell.
        let _ = child.join(deadline);
    }
}

fn started() -> MutexGuard<'static, Option<(u32, Arc<Child>)>> {
    // Nothing here panics while it holds the lock.
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}
