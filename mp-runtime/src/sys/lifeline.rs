//! A pipe to which nothing is ever written: whoever holds its read end is killed by the kernel when the write end closes.
//! One pipe serves all children of a process, since each makes an open file of its own of it.
#![expect(unsafe_code, reason = "fcntl operations that nix lacks")]

use crate::sys::clock::Deadline;
use crate::sys::{beside_standard, check, poll};
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::sys::stat::Mode;
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

/// Has the kernel kill this process, whatever it does, as soon as the pipe's last writer is gone.
/// Gives the descriptor that must stay open for that.
pub(crate) fn tie(inherited: OwnedFd) -> io::Result<OwnedFd> {
    // Owner and signal belong to the open file, which all siblings share until it is opened anew.
    let path = format!("/proc/self/fd/{}", inherited.as_raw_fd());
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let own = open(path.as_str(), flags, Mode::empty())?;
    let pid = i32::try_from(std::process::id()).map_err(|_| io::ErrorKind::InvalidData)?;
    set(own.as_fd(), libc::F_SETOWN, pid)?;
    set(own.as_fd(), F_SETSIG, libc::SIGKILL)?;
    fcntl(&own, FcntlArg::F_SETFL(OFlag::O_ASYNC | OFlag::O_NONBLOCK))?;
    // The inherited one, since a pipe opened after its last writer went does not report that.
    if is_cut(inherited.as_fd()) {
        // As the kernel would have done a moment later, and as silently.
        nix::sys::signal::raise(nix::sys::signal::SIGKILL)?;
    }
    Ok(own)
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
