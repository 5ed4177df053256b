//! Waiting for descriptors to become readable or writable. What they mean is for the callers.

use crate::sys::clock::Deadline;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::os::fd::BorrowedFd;

/// Waits until one of `fds` is readable or its other end is gone, and says for each whether it is.
/// All false: the deadline has passed.
pub(crate) fn readable(
    fds: &[BorrowedFd<'_>],
    deadline: Option<Deadline>,
) -> io::Result<Vec<bool>> {
    ready(fds, PollFlags::POLLIN, deadline)
}

/// As [`readable`], for one descriptor.
pub(crate) fn is_readable(fd: BorrowedFd<'_>, deadline: Option<Deadline>) -> io::Result<bool> {
    Ok(readable(&[fd], deadline)?[0])
}

/// Waits until `fd` takes more or its other end is gone; false: the deadline has passed.
pub(crate) fn is_writable(fd: BorrowedFd<'_>, deadline: Option<Deadline>) -> io::Result<bool> {
    Ok(ready(&[fd], PollFlags::POLLOUT, deadline)?[0])
}

fn ready(
    fds: &[BorrowedFd<'_>],
    flags: PollFlags,
    deadline: Option<Deadline>,
) -> io::Result<Vec<bool>> {
    let mut set: Vec<_> = fds.iter().map(|fd| PollFd::new(*fd, flags)).collect();
    loop {
        match poll(&mut set, timeout(deadline)) {
            Ok(0) if deadline.is_none_or(|at| !at.has_passed()) => {}
            Ok(_) => return Ok(set.iter().map(|fd| fd.any().unwrap_or(true)).collect()),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Poll counts in milliseconds: rounded up, so that it never ends before the deadline without cause.
fn timeout(deadline: Option<Deadline>) -> PollTimeout {
    let Some(deadline) = deadline else { return PollTimeout::NONE };
    let left = deadline.remaining();
    let millis = left.as_nanos().div_ceil(1_000_000);
    PollTimeout::try_from(i32::try_from(millis).unwrap_or(i32::MAX)).unwrap_or(PollTimeout::MAX)
}
