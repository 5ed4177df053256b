//! The kernel calls of these tests that std does not offer: descriptors by number, and how many there may be.
//! Signals to processes are in `support`.
#![expect(unsafe_code, reason = "calls libc for what std does not offer")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// A second descriptor of the same file with a number of at least `lowest`, which programs started
/// from here inherit: what C libraries open is often so.
pub fn inheritable(descriptor: BorrowedFd<'_>, lowest: i32) -> OwnedFd {
    // SAFETY: takes numbers, and makes a new descriptor.
    let new = unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_DUPFD, lowest) };
    assert!(new >= lowest, "fcntl: {}", io::Error::last_os_error());
    // SAFETY: the kernel has just made the descriptor for this call, so nobody else owns it.
    unsafe { OwnedFd::from_raw_fd(new) }
}

pub type Resource = libc::__rlimit_resource_t;
pub const DESCRIPTORS: Resource = libc::RLIMIT_NOFILE;
pub const PROCESSES: Resource = libc::RLIMIT_NPROC;

/// Sets how much of a resource this program may have; gives what it was.
pub fn set_limit(resource: Resource, limit: u64) -> u64 {
    let mut limits = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a local variable, borrowed for the call.
    let got = unsafe { libc::getrlimit(resource, &raw mut limits) };
    let before = std::mem::replace(&mut limits.rlim_cur, limit);
    // SAFETY: as above.
    let set = unsafe { libc::setrlimit(resource, &raw const limits) };
    assert_eq!((got, set), (0, 0), "rlimit: {}", io::Error::last_os_error());
    before
}

/// Becomes a user that has no other process, where this is root, whom the limit of processes does
/// not bind.
pub fn be_nobody() {
    // SAFETY: takes no argument and cannot fail.
    if unsafe { libc::geteuid() } == 0 {
        // SAFETY: takes a number; glibc does it for all threads.
        let result = unsafe { libc::setuid(1_000_000 + std::process::id()) };
        assert_eq!(result, 0, "setuid: {}", io::Error::last_os_error());
    }
}
