//! The kernel calls of these tests that std does not offer: descriptors by number, a process of a chosen pid.
//! Signals to processes are in `support`.
#![expect(unsafe_code, reason = "calls libc for what std does not offer")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Puts `source` in place of this program's standard input.
pub fn replace_stdin(source: BorrowedFd<'_>) {
    // SAFETY: takes two numbers; std reads descriptor 0 without owning it.
    let result = unsafe { libc::dup2(source.as_raw_fd(), 0) };
    assert_eq!(result, 0, "dup2: {}", io::Error::last_os_error());
}

/// Closes standard descriptors, as programs do that go into the background.
pub fn close_standard(descriptors: &[i32]) {
    for descriptor in descriptors {
        assert!((0..=2).contains(descriptor));
        // SAFETY: takes a number; std uses descriptors 0 to 2 without owning them.
        let result = unsafe { libc::close(*descriptor) };
        assert_eq!(result, 0, "close: {}", io::Error::last_os_error());
    }
}

/// Starts a copy of this process that has the pid `pid` and waits for signals; gives false where this
/// user may not choose pids. It is this process's child.
pub fn start_with_pid(pid: i32) -> bool {
    // struct clone_args of linux/sched.h, up to its field set_tid_size: no flags, no memory, only
    // the signal at the end, and the pid.
    let pids = [pid];
    let mut arguments = [0_u64; 10];
    arguments[4] = u64::try_from(libc::SIGCHLD).expect("a signal's number");
    arguments[8] = pids.as_ptr().addr() as u64;
    arguments[9] = 1;
    let length = size_of_val(&arguments);
    // SAFETY: both arrays outlive the call. The child shares nothing with this process, and comes
    // to nothing but the loop below.
    let result = unsafe { libc::syscall(libc::SYS_clone3, arguments.as_mut_ptr(), length) };
    if result == 0 {
        loop {
            // SAFETY: returns after signals only, and there is no handler to run.
            unsafe { libc::pause() };
        }
    }
    if result < 0 {
        let error = io::Error::last_os_error();
        assert_eq!(error.raw_os_error(), Some(libc::EPERM), "clone3: {error}");
    }
    result > 0
}

/// Waits for the end of a child that `start_with_pid` started; gives the signal that ended it.
pub fn signal_that_ended(pid: i32) -> i32 {
    let mut status = 0;
    // SAFETY: `status` is a local variable, borrowed for the call.
    let result = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!(result, pid, "waitpid: {}", io::Error::last_os_error());
    libc::WTERMSIG(status)
}

/// Has the system reap this program's children by itself, as some daemons do.
pub fn ignore_ends_of_children() {
    // SAFETY: ignoring a signal runs no code.
    let previous = unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    assert_ne!(previous, libc::SIG_ERR, "signal: {}", io::Error::last_os_error());
}
