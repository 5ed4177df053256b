//! The kernel call of these tests that std does not offer.
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
