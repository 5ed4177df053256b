//! A pipe to which nothing is ever written: whoever holds its read end is killed by the kernel when the write end closes.
//! One pipe serves all children of a process: each gets an open file of its own.
#![expect(unsafe_code, reason = "fcntl operations that nix lacks")]

use crate::sys::clock::Deadline;
use crate::sys::{beside_standard, check, poll};
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::sys::stat::Mode;
use nix::unistd::{getpgrp, getpid};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// From linux/fcntl.h, the same on every architecture; the libc crate lacks it.
const F_SETSIG: i32 = 10;

/// Makes the pipe: (read end, for the children; write end, never to be written).
pub(crate) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    Ok((beside_standard(read)?, beside_standard(write)?))
}

/// The read end for one child: owner and signal belong to the open file, so each child has its own.
pub(crate) fn for_one_child(shared: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", shared.as_raw_fd());
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    beside_standard(open(path.as_str(), flags, Mode::empty())?)
}

/// Has the kernel kill the process, whatever it does, as soon as the pipe's last writer is gone; for as
/// long as it holds this end open. Nothing to do for one that is gone.
///
/// The parent says this of its new child, which may be stopped before it comes to say it by itself.
pub(crate) fn tie(end: BorrowedFd<'_>, pid: u32) -> io::Result<()> {
    let pid = i32::try_from(pid).map_err(|_| io::ErrorKind::InvalidData)?;
    match own_by(end, pid) {
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
        other => other,
    }
}

/// Ties this process, and ends it if the last writer went before that.
pub(crate) fn tie_self(end: BorrowedFd<'_>) -> io::Result<()> {
    tie(end, std::process::id())?;
    if is_cut(end) {
        // As the kernel would have done a moment later, and as silently.
        nix::sys::signal::raise(nix::sys::signal::SIGKILL)?;
    }
    Ok(())
}

/// As [`tie_self`], for all that is in the process group that this process leads: an end of its own
/// that must stay open, none if it leads none. Not instead of it, since a task may go over to another
/// group.
pub(crate) fn tie_group(end: BorrowedFd<'_>) -> io::Result<Option<OwnedFd>> {
    let own = getpid();
    if getpgrp() != own {
        return Ok(None);
    }
    let end = for_one_child(end)?;
    own_by(end.as_fd(), -own.as_raw())?;
    Ok(Some(end))
}

/// Owner and signal belong to the open file; the owner is a process or, negative, a group.
fn own_by(end: BorrowedFd<'_>, owner: i32) -> io::Result<()> {
    set(end, libc::F_SETOWN, owner)?;
    set(end, F_SETSIG, libc::SIGKILL)?;
    fcntl(end, FcntlArg::F_SETFL(OFlag::O_ASYNC | OFlag::O_NONBLOCK))?;
    Ok(())
}

/// Whether the process at the other end is gone.
pub(crate) fn is_cut(end: BorrowedFd<'_>) -> bool {
    poll::is_readable(end, Deadline::after(Duration::ZERO)).unwrap_or(true)
}

fn set(fd: BorrowedFd<'_>, command: i32, value: i32) -> io::Result<()> {
    // SAFETY: both commands take an integer and change the open file `fd` only.
    let rc = unsafe { libc::fcntl(fd.as_raw_fd(), command, value) };
    check(rc.into()).map(drop)
}
