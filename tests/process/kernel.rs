//! The kernel calls of these tests that std does not offer: descriptors by number, a process of a chosen pid.
//! Signals to processes are in `support`.
#![expect(unsafe_code, reason = "calls libc for what std does not offer")]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// Puts `source` in place of one of this program's standard descriptors.
pub fn replace(standard: i32, source: BorrowedFd<'_>) {
    assert!((0..=2).contains(&standard));
    // SAFETY: takes two numbers; std uses descriptors 0 to 2 without owning them.
    let result = unsafe { libc::dup2(source.as_raw_fd(), standard) };
    assert_eq!(result, standard, "dup2: {}", io::Error::last_os_error());
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

/// Has this program ignore a signal.
pub fn ignore(signal: i32) {
    // SAFETY: ignoring a signal runs no code.
    let before = unsafe { libc::signal(signal, libc::SIG_IGN) };
    assert_ne!(before, libc::SIG_ERR, "signal: {}", io::Error::last_os_error());
}

/// Whether poll(2) says within `limit` that the descriptor is readable.
pub fn is_readable(descriptor: BorrowedFd<'_>, limit: Duration) -> bool {
    let mut polled = libc::pollfd { fd: descriptor.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let milliseconds = i32::try_from(limit.as_millis()).expect("a few seconds");
    // SAFETY: one entry, borrowed for the call, as is the descriptor in it.
    let ready = unsafe { libc::poll(&raw mut polled, 1, milliseconds) };
    assert!(ready >= 0, "poll: {}", io::Error::last_os_error());
    polled.revents & libc::POLLIN != 0
}

/// Leaves this thread one CPU only, and those that it starts.
pub fn use_one_cpu() {
    let mut set = MaybeUninit::<libc::cpu_set_t>::zeroed();
    let (pointer, size) = (set.as_mut_ptr(), size_of::<libc::cpu_set_t>());
    // SAFETY: all zeros is an empty set; the first call fills it with what is allowed, and the last
    // reads it.
    let result = unsafe {
        assert_eq!(libc::sched_getaffinity(0, size, pointer), 0, "sched_getaffinity");
        let allowed = 0..usize::try_from(libc::CPU_SETSIZE).expect("a number of CPUs");
        let mut allowed = allowed.filter(|cpu| libc::CPU_ISSET(*cpu, &*pointer));
        let first = allowed.next().expect("at least one CPU");
        libc::CPU_ZERO(&mut *pointer);
        libc::CPU_SET(first, &mut *pointer);
        libc::sched_setaffinity(0, size, pointer)
    };
    assert_eq!(result, 0, "sched_setaffinity: {}", io::Error::last_os_error());
}
