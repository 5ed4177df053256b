//! The only code that talks to the kernel, one file per facility. Nothing here knows what a task or a pool is.

pub(crate) mod byte_lock;
pub(crate) mod clock;
pub(crate) mod crash;
pub(crate) mod event;
pub(crate) mod fork;
pub(crate) mod futex;
pub(crate) mod futexes;
pub(crate) mod lifeline;
pub(crate) mod memory;
pub(crate) mod named;
pub(crate) mod own;
pub(crate) mod pidfd;
pub(crate) mod poll;
pub(crate) mod random;
pub(crate) mod rendezvous;
pub(crate) mod sealed;
pub(crate) mod signal;
pub(crate) mod socket;
pub(crate) mod spawn;
#[cfg(feature = "__steps")]
pub mod steps;
pub(crate) mod stream;
pub(crate) mod surroundings;

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// Whether steps are counted: then nothing is to spin, which takes any number of them.
pub(crate) const COUNTS_STEPS: bool = cfg!(feature = "__steps");

/// Counts a step of this thread in memory that others share, in builds where it may be its last.
#[inline]
pub(crate) fn step() {
    #[cfg(feature = "__steps")]
    steps::step();
}

/// The result of a system call that gives -1 and sets errno.
fn check(rc: libc::c_long) -> io::Result<libc::c_long> {
    if rc == -1 { Err(io::Error::last_os_error()) } else { Ok(rc) }
}

/// Moves a new descriptor away from 0 to 2. In a program that has closed those it would get such a
/// number, and be what the program prints into, and what its children have for their standard input.
fn beside_standard(fd: OwnedFd) -> io::Result<OwnedFd> {
    // std's clone is close-on-exec, and has a number above 2.
    if fd.as_raw_fd() <= 2 { fd.try_clone() } else { Ok(fd) }
}
