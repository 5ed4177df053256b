//! Clean-up functions of users for the end of a process: kept in order, and each run once. When that is, is for `exit`.

use crate::process::exit;
use crate::sys::own;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often who waits for a clean-up looks whether that can still end.
const LOOK: Duration = Duration::from_secs(1);

static REGISTERED: Mutex<Registered> =
    Mutex::new(Registered { cleanups: Vec::new(), running: None });
static DONE: Condvar = Condvar::new();

struct Registered {
    /// The last registered last.
    cleanups: Vec<Cleanup>,
    /// The thread that runs one, and in which copy of the program.
    running: Option<(i32, u32)>,
}

struct Cleanup {
    priority: i32,
    /// The process that it belongs to, by its forks.
    owner: u32,
    run: Box<dyn FnOnce() + Send>,
}

/// Has `f` run when this process ends: once, when its `main` or task has returned or panicked, or
/// by `std::process::exit`. Not after a signal or an abort, and never in a child: what a task
/// registers belongs to the process that runs it.
///
/// The highest priority runs first, and of one priority what was registered last. Those of zero
/// and above run before pools finish, daemons are ended and other children waited for, and those
/// below zero after that. Nothing can be started any more by then. A panic in one is reported, and
/// costs nothing else; `std::process::exit` may not be called in one.
///
/// # Examples
///
/// ```
/// #[mp::main]
/// fn main() {
///     mp::at_exit(-10, || println!("last"));
///     mp::at_exit(0, || println!("first"));
/// }
/// ```
pub fn at_exit(priority: i32, f: impl FnOnce() + Send + 'static) {
    exit::arm();
    let cleanup = Cleanup { priority, owner: own::forks(), run: Box::new(f) };
    lock().cleanups.push(cleanup);
}

/// Runs those that have a priority of at least `lowest`, also what they register. Uses no
/// thread-locals.
pub(super) fn run(lowest: i32) {
    let own = (own::thread_id(), own::forks());
    loop {
        let mut registered = lock();
        // Another thread ends the program as well: in turn, so that the order holds, and so that
        // nobody ends it under one that runs. One that calls exit itself waits for nobody.
        while let Some(other) = registered.running.filter(|other| other.1 == own.1) {
            if other == own || own::is_parked_in_exit(other.0) {
                break;
            }
            let woken = DONE.wait_timeout(registered, LOOK);
            registered = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        let Some(cleanup) = registered.take(lowest, own.1) else { return };
        let outer = registered.running.replace(own);
        drop(registered);
        if let Err(payload) = catch_unwind(AssertUnwindSafe(cleanup.run)) {
            // The panic hook has reported it. The payload is the user's, too.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
        }
        lock().running = outer;
        DONE.notify_all();
    }
}

impl Registered {
    fn take(&mut self, lowest: i32, owner: u32) -> Option<Cleanup> {
        // Those of the process that this one is a copy of stay: to drop them is to run their code.
        let own = self.cleanups.iter().enumerate().filter(|(_, cleanup)| cleanup.owner == owner);
        let (at, next) = own.max_by_key(|(at, cleanup)| (cleanup.priority, *at))?;
        (next.priority >= lowest).then(|| self.cleanups.remove(at))
    }
}

fn lock() -> MutexGuard<'static, Registered> {
    // No user code runs while it is held.
    REGISTERED.lock().unwrap_or_else(PoisonError::into_inner)
}
