//! The parent's death, as a child sees it: its own end, at once, whatever it is doing. The pipe itself is `sys::lifeline`.

use crate::error::{Error, ErrorKind, Result};
use crate::sys::clock::Deadline;
use crate::sys::{lifeline, poll};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::OnceLock;

static PARENT: OnceLock<OwnedFd> = OnceLock::new();
static OF_GROUP: OnceLock<OwnedFd> = OnceLock::new();

/// Ties this process's life to its parent's: to the process, not to the thread that started it.
pub(crate) fn begin(inherited: OwnedFd) -> Result<()> {
    let io = |error| Error::io("the parent's life could not be watched", error);
    // Both are kept open for as long as this process lives; a second call does not happen.
    if let Some(end) = lifeline::tie_group(inherited.as_fd()).map_err(io)? {
        let _ = OF_GROUP.set(end);
    }
    lifeline::tie_self(inherited.as_fd()).map_err(io)?;
    let _ = PARENT.set(inherited);
    Ok(())
}

/// Whether the parent lives; in a main program, whose parent is not ours, false.
pub(crate) fn parent_is_alive() -> bool {
    PARENT.get().is_some_and(|end| !lifeline::is_cut(end.as_fd()))
}

/// Waits for the parent's end, or the deadline; says whether it has come. This process hardly ever
/// sees it: it is killed at the same moment.
pub(crate) fn await_parents_end(deadline: Option<Deadline>) -> Result<bool> {
    let Some(end) = PARENT.get() else {
        return Err(Error::new(ErrorKind::InvalidArgument, "this process has no parent of ours"));
    };
    let io = |error| Error::io("waiting for the parent's end", error);
    poll::is_readable(end.as_fd(), deadline).map_err(io)
}
