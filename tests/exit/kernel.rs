//! The kernel calls of these tests that std does not offer: what a program does about signals, and a bare fork.
//! Sending signals is in `support`.
#![expect(unsafe_code, reason = "calls libc for what std does not offer")]

use std::io;
use std::mem::MaybeUninit;

/// Blocks every signal that can be blocked, in the calling thread.
pub fn block_all_signals() {
    let mut all = MaybeUninit::uninit();
    // SAFETY: the first call fills the set, the second reads it.
    let result = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), std::ptr::null_mut())
    };
    assert_eq!(result, 0, "pthread_sigmask");
}

/// Has this program ignore a signal.
pub fn ignore(signal: i32) {
    // SAFETY: ignoring a signal runs no code.
    let before = unsafe { libc::signal(signal, libc::SIG_IGN) };
    assert_ne!(before, libc::SIG_ERR, "signal: {}", io::Error::last_os_error());
}

/// Waits for a signal, which the calling thread has blocked.
pub fn wait_for_signal(signal: i32) {
    let mut set = MaybeUninit::uninit();
    let mut got = 0;
    // SAFETY: the first two calls fill the set, the last reads it and writes the number.
    let result = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), signal);
        libc::sigwait(set.as_ptr(), &raw mut got)
    };
    assert_eq!((result, got), (0, signal), "sigwait");
}

/// Copies this process, as a program may that knows nothing of `mp`; the copy runs `body` and ends as
/// that says. Gives the copy's pid.
pub fn fork(body: impl FnOnce() -> i32) -> i32 {
    // SAFETY: the copy has this thread only. What it runs takes no lock that another thread of this
    // program, which all wait, could hold; glibc makes its allocator usable after a fork.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork: {}", io::Error::last_os_error());
    if pid == 0 {
        std::process::exit(body());
    }
    pid
}

/// The exit code of a child that this process has made by `fork`, if it has ended.
pub fn code_of(pid: i32) -> Option<i32> {
    let mut status = 0;
    // SAFETY: `status` is a local variable, borrowed for the call.
    let result = unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) };
    assert!(result >= 0, "waitpid: {}", io::Error::last_os_error());
    (result == pid).then(|| libc::WEXITSTATUS(status))
}
