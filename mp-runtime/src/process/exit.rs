//! The end of the program: what is refused, ended, waited for, in which order, once. What upper layers add to it they
//! register here.

use crate::child::entry;
use crate::error::{Error, ErrorKind, Result};
use crate::identity;
use crate::log;
use crate::process::at_exit;
use crate::process::children::{self, Child};
use crate::process::{helpers, server};
use crate::sys::clock::Deadline;
use crate::sys::{own, signal};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

/// How long a daemon may take to end after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(1);

/// Set by whoever ends the program first.
static ENDING: AtomicBool = AtomicBool::new(false);
/// The process that these statics belong to, by its forks: a copy must not end our children.
static OWNER: AtomicU32 = AtomicU32::new(0);
/// Held while something is started, so that the end of the program misses nothing.
static STARTS: RwLock<()> = RwLock::new(());
static HOOKS: Mutex<Vec<fn()>> = Mutex::new(Vec::new());

/// Makes this program able to have children, and ends them by the rules when dropped.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn double(x: i64) -> i64 {
///     2 * x
/// }
///
/// fn main() -> mp::Result<()> {
///     let _guard = mp::init(); // first: a child gets no further than this line
///     assert_eq!(mp::spawn(double, 21)?.result()?, 42);
///     Ok(())
/// }
/// ```
#[derive(Debug)]
#[must_use = "the guard's drop ends daemons and waits for other children: keep it to the end of main"]
pub struct Guard(());

/// Must be the first thing that a hand-written `main` does: in a child it runs the child's task and
/// never returns. `#[mp::main]` calls it by itself.
///
/// The guard's drop applies the end-of-program rules: closed pools finish, daemons are ended, other
/// children are waited for, and what [`mp::at_exit`](crate::at_exit) was given is run.
/// `std::process::exit` applies them too.
///
/// If two tasks have the same given name, the program ends here with a message that names both places.
pub fn init() -> Guard {
    entry::enter();
    arm();
    Guard(())
}

impl Drop for Guard {
    fn drop(&mut self) {
        end_of_program();
    }
}

/// Has the end-of-program rules run when the program ends by `exit`.
pub(crate) fn arm() {
    static ARMED: Once = Once::new();
    ARMED.call_once(|| {
        own::count_forks();
        own::at_exit(at_program_exit);
    });
    // A copy of the program, made by the user's own fork, has children of its own from now on.
    let forks = own::forks();
    if OWNER.swap(forks, Ordering::Relaxed) != forks {
        children::forget_inherited();
    }
}

/// Has `hook` run at the end of the program, before children are ended and waited for.
pub(crate) fn before_children(hook: fn()) {
    let mut hooks = HOOKS.lock().unwrap_or_else(PoisonError::into_inner);
    hooks.push(hook);
}

pub(crate) fn refuse_if_ending() -> Result<()> {
    if ENDING.load(Ordering::Acquire) {
        let text = "the program is ending: nothing new is begun";
        return Err(Error::new(ErrorKind::NotRunning, text));
    }
    Ok(())
}

/// Has the end of the program wait until what is started under this guard is on the lists.
///
/// # Errors
///
/// `DaemonicChild` in a daemon that is no pool's worker: ended by a signal, it could not end what
/// it has started; `NotRunning` if the program is ending.
pub(crate) fn starting() -> Result<RwLockReadGuard<'static, ()>> {
    let identity = identity::current();
    if identity.daemon && !identity.pooled {
        let text = format!("{} is a daemon, and daemons may not start processes", identity.name);
        return Err(Error::new(ErrorKind::DaemonicChild, text));
    }
    starting_here()
}

/// The same in a daemon as well: one of the library's own, which ends what it starts, or has it end with itself.
pub(crate) fn starting_here() -> Result<RwLockReadGuard<'static, ()>> {
    let guard = STARTS.read().unwrap_or_else(PoisonError::into_inner);
    refuse_if_ending().map(|()| guard)
}

extern "C" fn at_program_exit() {
    end_of_program();
}

/// Applies the rules. Uses no thread-locals: at this point those of the main thread may be gone.
fn end_of_program() {
    if OWNER.load(Ordering::Relaxed) != own::forks() {
        return;
    }
    let no_start = STARTS.write().unwrap_or_else(PoisonError::into_inner);
    ENDING.store(true, Ordering::Release);
    drop(no_start);
    // A second caller, such as a callback that calls exit while main has returned and waits for it,
    // does all of it again: nothing is done twice, and it does not wait for itself.
    at_exit::run(0);
    let hooks = HOOKS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for hook in hooks {
        hook();
    }
    let (daemons, others): (Vec<_>, Vec<_>) =
        children::active().into_iter().partition(|child| child.facts.daemon);
    for daemon in &daemons {
        // One that cannot be signalled is gone, or is waited for and killed below.
        let _ = daemon.signal(signal::SIGTERM);
    }
    end_daemons(&daemons);
    for child in others {
        // An error would come from poll itself; there is nobody left to tell.
        let _ = child.join(None);
    }
    log::flush();
    at_exit::run(i32::MIN);
    server::stop();
    helpers::finish();
}

fn end_daemons(daemons: &[Arc<Child>]) {
    let deadline = Deadline::after(GRACE);
    for daemon in daemons {
        if !matches!(daemon.join(deadline), Ok(true)) {
            let _ = daemon.signal(signal::SIGKILL);
            let _ = daemon.join(None);
        }
    }
}
