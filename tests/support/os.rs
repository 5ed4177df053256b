//! The kernel calls that tests need and std does not offer: signals, waits on any process, CPU clocks.
//! The one file here with unsafe code; what leaves it is numbers and owned descriptors.
#![expect(unsafe_code, reason = "calls libc for what std does not offer")]

use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

/// Sends `signal` to one process. `ESRCH` where there is none.
pub fn kill(pid: i32, signal: i32) -> io::Result<()> {
    assert!(pid > 1, "{pid} is no process of ours");
    // SAFETY: takes two numbers and touches no memory of this process.
    check(unsafe { libc::kill(pid, signal) })
}

/// The calling thread, for `signal_thread`.
pub fn thread_id() -> i32 {
    // SAFETY: takes no argument and cannot fail.
    unsafe { libc::gettid() }
}

/// Sends `signal` to one thread of this program.
pub fn signal_thread(thread: i32, signal: i32) -> io::Result<()> {
    // SAFETY: takes numbers and touches no memory of this process.
    let result = unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, signal) };
    check(i32::try_from(result).map_err(io::Error::other)?)
}

/// Installs a handler that writes a byte for each signal that it gets into the pipe given here, and
/// that has system calls interrupted. One for each program.
pub fn catch(signal: i32) -> io::Result<io::PipeReader> {
    static WRITER: AtomicI32 = AtomicI32::new(-1);
    extern "C" fn tell(_: libc::c_int) {
        let byte = 1_u8;
        // SAFETY: write is allowed in handlers; the byte is borrowed for the call.
        unsafe { libc::write(WRITER.load(Ordering::Relaxed), (&raw const byte).cast(), 1) };
    }
    let (reader, writer) = io::pipe()?;
    WRITER.store(writer.into_raw_fd(), Ordering::Relaxed);
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    let handler: extern "C" fn(libc::c_int) = tell;
    // SAFETY: all zeros is a value of this type: no flags, no signals blocked. The handler makes
    // one call that is allowed in handlers.
    let result = unsafe {
        (*action.as_mut_ptr()).sa_sigaction = handler as usize;
        libc::sigaction(signal, action.as_ptr(), std::ptr::null_mut())
    };
    check(result).map(|()| reader)
}

/// Sends `signal` to every process of the group, which may not be this program's own.
pub fn kill_group(group: i32, signal: i32) -> io::Result<()> {
    assert!(group > 1, "{group} is no group of ours");
    // SAFETY: takes no argument and cannot fail.
    let own = unsafe { libc::getpgrp() };
    assert_ne!(group, own, "that is the group of the tests themselves");
    // SAFETY: takes two numbers and touches no memory of this process.
    check(unsafe { libc::kill(-group, signal) })
}

/// A descriptor that turns readable when the process, any process, ends.
pub fn pidfd(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: takes two numbers and touches no memory of this process.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let fd = i32::try_from(fd).map_err(io::Error::other)?;
    check(fd)?;
    // SAFETY: the kernel has just made the descriptor for this call, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Waits until one of the processes has ended; false when the deadline came first.
pub fn wait_any_ended(pidfds: &[OwnedFd], deadline: Instant) -> bool {
    let mut polled: Vec<libc::pollfd> = pidfds
        .iter()
        .map(|fd| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 })
        .collect();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // Rounded up: a wait of 0 ms would turn the last millisecond into a busy loop.
        let milliseconds = i32::try_from(left.as_millis() + 1).unwrap_or(i32::MAX);
        let count = libc::nfds_t::try_from(polled.len()).expect("a few descriptors");
        // SAFETY: `polled` holds `count` entries and is borrowed for the whole call; the
        // descriptors in it are owned by `pidfds`, which outlives the call.
        let ready = unsafe { libc::poll(polled.as_mut_ptr(), count, milliseconds) };
        match ready {
            0 if left.is_zero() => return false,
            0 => {}
            1.. => return true,
            _ => {
                let error = io::Error::last_os_error();
                assert_eq!(error.kind(), io::ErrorKind::Interrupted, "poll: {error}");
            }
        }
    }
}

/// The CPU time that the process has used, ended threads included.
pub fn cpu_time(pid: i32) -> io::Result<Duration> {
    let mut clock: libc::clockid_t = 0;
    // SAFETY: `clock` is a local variable, borrowed for the call.
    let failed = unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) };
    if failed != 0 {
        return Err(io::Error::from_raw_os_error(failed));
    }
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a local variable, borrowed for the call.
    check(unsafe { libc::clock_gettime(clock, &raw mut time) })?;
    let seconds = u64::try_from(time.tv_sec).map_err(io::Error::other)?;
    let nanoseconds = u32::try_from(time.tv_nsec).map_err(io::Error::other)?;
    Ok(Duration::new(seconds, nanoseconds))
}

/// Has the kernel kill this program when the thread that started it ends.
pub fn die_with_starter() -> io::Result<()> {
    let signal = libc::c_ulong::try_from(libc::SIGKILL).expect("a signal's number");
    // SAFETY: this option takes one number and touches no memory of this process.
    check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal) })
}

/// Gives SIGINT and SIGQUIT their default actions, which end this program.
pub fn heed_interrupts() {
    for signal in [libc::SIGINT, libc::SIGQUIT] {
        // SAFETY: the default action is no handler; takes numbers.
        let before = unsafe { libc::signal(signal, libc::SIG_DFL) };
        assert_ne!(before, libc::SIG_ERR, "signal: {}", io::Error::last_os_error());
    }
}

/// Takes a variable out of this program's environment. Only for a program that has one thread yet.
pub fn forget_variable(name: &str) {
    let name = CString::new(name).expect("a name without NUL");
    // SAFETY: `name` is a C string, borrowed for the call; the caller's program has one thread, so
    // nobody reads the environment meanwhile.
    let failed = unsafe { libc::unsetenv(name.as_ptr()) };
    assert_eq!(failed, 0, "unsetenv: {}", io::Error::last_os_error());
}

/// Sets a variable of this program's environment. Only for a program that has one thread.
pub fn set_variable(name: &str, value: &str) {
    let (name, value) = (CString::new(name), CString::new(value));
    let (name, value) = (name.expect("no NUL"), value.expect("no NUL"));
    // SAFETY: both are C strings, borrowed for the call, and nobody reads the environment meanwhile.
    let failed = unsafe { libc::setenv(name.as_ptr(), value.as_ptr(), 1) };
    assert_eq!(failed, 0, "setenv: {}", io::Error::last_os_error());
}

/// Ends this process here and now: nothing that was registered for its end runs.
pub fn quit(code: i32) -> ! {
    // SAFETY: never returns, and runs no code of this program.
    unsafe { libc::_exit(code) }
}

fn check(result: i32) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
