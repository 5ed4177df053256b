//! Locks on single bytes of a file that belong to a process and end with it: how others see that it lives. Which byte
//! is whose is for `commons`.
//!
//! They are POSIX's record locks: a copy made by fork does not have them, and a process loses all of them when it closes
//! any descriptor of the file. So whoever holds one never closes that file.

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use std::io;
use std::os::fd::BorrowedFd;

fn one_byte(byte: u32) -> libc::flock {
    #[expect(clippy::cast_possible_truncation, reason = "the constants fit")]
    libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: libc::off_t::from(byte),
        l_len: 1,
        l_pid: 0,
    }
}

/// Takes the byte's lock for this process, for as long as it lives; false if another process has it.
pub(crate) fn take(file: BorrowedFd<'_>, byte: u32) -> io::Result<bool> {
    match fcntl(file, FcntlArg::F_SETLK(&one_byte(byte))) {
        Ok(_) => Ok(true),
        Err(Errno::EACCES | Errno::EAGAIN) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether another process has the byte's lock. This process's own do not show.
pub(crate) fn is_taken(file: BorrowedFd<'_>, byte: u32) -> io::Result<bool> {
    let mut lock = one_byte(byte);
    fcntl(file, FcntlArg::F_GETLK(&mut lock))?;
    Ok(i32::from(lock.l_type) != libc::F_UNLCK)
}

#[cfg(test)]
mod tests {
    use super::{is_taken, take};
    use crate::sys::memory::Memory;
    use std::os::fd::AsFd;

    #[test]
    fn own_locks_do_not_show() {
        let memory = Memory::with_len("test", 1).unwrap();
        assert!(take(memory.as_fd(), 7).unwrap());
        assert!(take(memory.as_fd(), 7).unwrap());
        assert!(!is_taken(memory.as_fd(), 7).unwrap());
    }
}
