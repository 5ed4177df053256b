//! Processes held by descriptor: signals and exit statuses that cannot reach a recycled pid. Children of this process only.
#![expect(unsafe_code, reason = "the pidfd system calls")]

use crate::sys::{beside_standard, check};
use nix::errno::Errno;
use nix::unistd::{Pid, getpgid};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// What became of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Running,
    /// Ended, with the exit code, or -N for signal N.
    Ended(i32),
    /// Ended, but someone else took the status (the program ignores SIGCHLD or waits for all children).
    Taken,
}

/// Opens a child that has not been waited for, so that `pid` is still its own. None if it is gone:
/// where the program ignores SIGCHLD, the system reaps by itself.
pub(crate) fn open(pid: u32) -> io::Result<Option<OwnedFd>> {
    // SAFETY: the call takes two integers and makes a new descriptor.
    let fd = match check(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) }) {
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => return Ok(None),
        other => other?,
    };
    let fd = i32::try_from(fd).map_err(|_| io::ErrorKind::InvalidData)?;
    // SAFETY: the kernel has just made `fd` for us, so nobody else owns or closes it.
    beside_standard(unsafe { OwnedFd::from_raw_fd(fd) }).map(Some)
}

/// Sends a signal; one to a process that has ended does nothing.
pub(crate) fn signal(process: BorrowedFd<'_>, signal: i32) -> io::Result<()> {
    send(process, signal, 0)
}

/// Sends a signal to a child that was started as the leader of a process group, wherever it is now,
/// and to all that is in that group. The child, whose pid this is, must not have been reaped: until
/// then no other group has its number.
pub(crate) fn signal_group(process: BorrowedFd<'_>, pid: u32, signal: i32) -> io::Result<()> {
    /// From linux/pidfd.h; kernels before 6.9 do not know it.
    const PIDFD_SIGNAL_PROCESS_GROUP: u32 = 1 << 2;
    let leader = Pid::from_raw(i32::try_from(pid).map_err(|_| io::ErrorKind::InvalidInput)?);
    match send(process, signal, PIDFD_SIGNAL_PROCESS_GROUP) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
            // Where the system reaps by itself, the number may be another's.
            if look(process)? == Status::Taken {
                return Ok(());
            }
            let signal = nix::sys::signal::Signal::try_from(signal)?;
            match nix::sys::signal::killpg(leader, signal) {
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(error) => return Err(error.into()),
            }
        }
        other => other?,
    }
    if getpgid(Some(leader)) == Ok(leader) {
        return Ok(());
    }
    // It has gone over to another group.
    send(process, signal, 0)
}

fn send(process: BorrowedFd<'_>, signal: i32, flags: u32) -> io::Result<()> {
    let (fd, info) = (process.as_raw_fd(), std::ptr::null::<libc::siginfo_t>());
    // SAFETY: `process` is an open descriptor for the call; a null info is allowed.
    let rc = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, signal, info, flags) };
    match check(rc) {
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
        other => other.map(drop),
    }
}

/// Looks whether the child has ended, and reaps it if so.
pub(crate) fn try_wait(process: BorrowedFd<'_>) -> io::Result<Status> {
    wait(libc::P_PIDFD, process.as_raw_fd().unsigned_abs(), libc::WNOHANG)
}

/// Looks whether the child has ended, and leaves it to be reaped.
pub(crate) fn look(process: BorrowedFd<'_>) -> io::Result<Status> {
    let flags = libc::WNOHANG | libc::WNOWAIT;
    wait(libc::P_PIDFD, process.as_raw_fd().unsigned_abs(), flags)
}

/// Whether `pid` is a child of this process. One that has ended and was reaped by the system cannot be
/// told from a stranger's that nobody has: it is believed.
pub(crate) fn is_child(pid: u32) -> io::Result<bool> {
    let flags = libc::WNOHANG | libc::WNOWAIT;
    let nobodys = || open(pid).map(|handle| handle.is_none());
    Ok(wait(libc::P_PID, pid, flags)? != Status::Taken || nobodys()?)
}

/// Waits until the child can be reaped, and leaves it so.
pub(crate) fn await_status(process: BorrowedFd<'_>) -> io::Result<()> {
    wait(libc::P_PIDFD, process.as_raw_fd().unsigned_abs(), libc::WNOWAIT).map(drop)
}

/// Kills and reaps a child of which no descriptor could be had.
pub(crate) fn kill_unopened(pid: u32) {
    let Ok(raw) = i32::try_from(pid) else { return };
    let _ = nix::sys::signal::kill(Pid::from_raw(raw), nix::sys::signal::SIGKILL);
    let _ = wait(libc::P_PID, pid, 0);
}

/// Not nix's: that one takes a status by a real-time signal for an error, when it has reaped already.
fn wait(kind: libc::idtype_t, id: u32, flags: i32) -> io::Result<Status> {
    loop {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: `info` is ours, and borrowed for the call.
        let rc = unsafe { libc::waitid(kind, id, info.as_mut_ptr(), flags | libc::WEXITED) };
        match check(rc.into()).map_err(|error| (error.raw_os_error(), error)) {
            Ok(_) => {}
            Err((Some(libc::ECHILD), _)) => return Ok(Status::Taken),
            Err((Some(libc::EINTR), _)) => continue,
            Err((_, error)) => return Err(error),
        }
        // SAFETY: all zeros is a value of this type, and the call writes only such values.
        let info = unsafe { info.assume_init() };
        // SAFETY: zero, or written by waitid, which sets these two fields.
        let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
        return Ok(match info.si_code {
            _ if pid == 0 => Status::Running,
            libc::CLD_EXITED => Status::Ended(status),
            _ => Status::Ended(-status),
        });
    }
}
