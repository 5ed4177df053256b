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

/// Lets this program have no descriptor of this number or above; gives the limit that it had.
pub fn limit_descriptors(limit: u64) -> u64 {
    let mut now = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `now` is a local variable, borrowed for the call.
    let got = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut now) };
    assert_eq!(got, 0, "getrlimit: {}", io::Error::last_os_error());
    let wanted = libc::rlimit { rlim_cur: limit, ..now };
    // SAFETY: as above.
    let set = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const wanted) };
    assert_eq!(set, 0, "setrlimit: {}", io::Error::last_os_error());
    now.rlim_cur
}
