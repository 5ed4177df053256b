//! Random bytes from the kernel, for secrets. Numbers that need not be secret are for others.
#![expect(unsafe_code, reason = "the getrandom system call")]

use crate::sys::check;
use std::io;

/// So many bytes that nobody can guess.
pub(crate) fn bytes<const N: usize>() -> io::Result<[u8; N]> {
    const { assert!(N <= 256, "more may come in parts") }
    let mut bytes = [0; N];
    loop {
        // SAFETY: the array is ours, of that length, and borrowed for the call.
        let rc = unsafe { libc::syscall(libc::SYS_getrandom, bytes.as_mut_ptr(), N, 0) };
        match check(rc) {
            // Before the kernel has gathered enough, soon after the machine's start.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other.map(|_| bytes),
        }
    }
}
