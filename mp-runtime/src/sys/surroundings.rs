//! What a process has of its starter beside descriptors: directory, environment, umask, priority, limits, CPUs. Read in
//! the one, taken over in a copy of another. What cannot be taken over is in [`Fixed`].
#![expect(unsafe_code, reason = "process-wide attributes that nix lacks, and the environment")]

use crate::sys::fork::is_single_threaded;
use crate::sys::{beside_standard, check};
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl, open};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{
    Gid, Pid, Uid, dup2_stderr, dup2_stdout, fchdir, getpgrp, getresgid, getresuid, getsid,
};
use serde::{Deserialize, Serialize};
use std::ffi::{OsString, c_char};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

/// How many kinds of limits there are (RLIM_NLIMITS).
const LIMITS: usize = 16;
/// Bytes of a CPU mask: more CPUs than any kernel has.
const MASK: usize = 1024;

/// What is handed on by value.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Surroundings {
    umask: Option<u32>,
    /// As the system call gives it: 20 minus the nice value.
    priority: i64,
    limits: Vec<(u64, u64)>,
    cpus: Vec<u8>,
}

impl Surroundings {
    /// This thread's and this process's.
    pub(crate) fn here() -> io::Result<Self> {
        let limits = (0..LIMITS).map(|kind| limit(kind, None)).collect::<io::Result<_>>()?;
        Ok(Self { umask: read_umask()?, priority: priority()?, limits, cpus: cpus()? })
    }

    /// Makes this process's like these. What it may not have, such as a better priority than its own, stays as it is.
    pub(crate) fn take_over(&self) -> io::Result<()> {
        if let Some(mask) = self.umask {
            umask(Mode::from_bits_truncate(mask));
        }
        for (kind, wanted) in self.limits.iter().enumerate().take(LIMITS) {
            if limit(kind, None)? != *wanted {
                let _ = limit(kind, Some(*wanted));
            }
        }
        if priority()? != self.priority {
            let nice = 20 - self.priority;
            // SAFETY: the call takes integers; 0 is this process.
            unsafe { libc::syscall(libc::SYS_setpriority, libc::PRIO_PROCESS, 0, nice) };
        }
        if cpus()? != self.cpus {
            let (len, at) = (self.cpus.len(), self.cpus.as_ptr());
            // SAFETY: the kernel reads `len` bytes from there; 0 is the calling thread.
            unsafe { libc::syscall(libc::SYS_sched_setaffinity, 0, len, at) };
        }
        Ok(())
    }
}

/// What a process cannot be given afterwards: a copy has what the original has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fixed {
    users: [Uid; 3],
    groups: [Gid; 3],
    more_groups: Vec<libc::gid_t>,
    process_group: Pid,
    session: Pid,
}

impl Fixed {
    pub(crate) fn here() -> io::Result<Self> {
        let (users, groups) = (getresuid()?, getresgid()?);
        Ok(Self {
            users: [users.real, users.effective, users.saved],
            groups: [groups.real, groups.effective, groups.saved],
            more_groups: more_groups()?,
            process_group: getpgrp(),
            session: getsid(None)?,
        })
    }
}

/// Not nix's, which reads a file first to know how many there may be.
fn more_groups() -> io::Result<Vec<libc::gid_t>> {
    // SAFETY: with a length of zero nothing is written.
    let count = check(unsafe { libc::getgroups(0, ptr::null_mut()) }.into())?;
    let mut groups = vec![0; usize::try_from(count).unwrap_or(0)];
    let (len, at) = (i32::try_from(groups.len()).unwrap_or(0), groups.as_mut_ptr());
    // SAFETY: there is room for `len` of them. Should there be more by now, it is an error.
    check(unsafe { libc::getgroups(len, at) }.into())?;
    Ok(groups)
}

/// Standard output, standard error and working directory, to be handed on.
pub(crate) fn standing() -> io::Result<[OwnedFd; 3]> {
    let directory = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let directory = beside_standard(open("/proc/self/cwd", directory, Mode::empty())?)?;
    let (out, error) = (io::stdout(), io::stderr());
    Ok([passed_on(out.as_fd())?, passed_on(error.as_fd())?, directory])
}

/// A copy of what a program started from here would have, and std put in its place if it is closed.
fn passed_on(standard: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let flags = fcntl(standard, FcntlArg::F_GETFD).map(FdFlag::from_bits_truncate);
    if flags.is_ok_and(|flags| !flags.contains(FdFlag::FD_CLOEXEC)) {
        return standard.try_clone_to_owned();
    }
    beside_standard(open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?)
}

/// Takes over what [`standing`] gave.
pub(crate) fn stand([out, error, directory]: [OwnedFd; 3]) -> io::Result<()> {
    dup2_stdout(&out)?;
    dup2_stderr(&error)?;
    Ok(fchdir(&directory)?)
}

/// An environment as one block: `NAME=value` and a NUL for each variable.
pub(crate) fn environment_block(variables: &[(OsString, OsString)]) -> Vec<u8> {
    let mut block = Vec::with_capacity(4096);
    for (name, value) in variables {
        for part in [name.as_bytes(), b"=", value.as_bytes(), b"\0"] {
            block.extend_from_slice(part);
        }
    }
    block
}

/// Replaces the whole environment by a block.
///
/// # Errors
///
/// `ResourceBusy` if another thread may be reading it.
pub(crate) fn set_environment(block: &[u8]) -> io::Result<()> {
    unsafe extern "C" {
        static mut environ: *mut *mut c_char;
    }
    if !is_single_threaded()? {
        return Err(io::ErrorKind::ResourceBusy.into());
    }
    // Never freed: whoever was given a pointer into the environment may keep it.
    let block = block.to_vec().leak();
    let variables = block.split_inclusive_mut(|byte| *byte == 0);
    let whole = variables.filter(|variable| variable.last() == Some(&0));
    let strings = whole.map(|variable| variable.as_mut_ptr().cast::<c_char>());
    let strings: Vec<_> = strings.chain([ptr::null_mut()]).collect();
    // SAFETY: this thread is the only one, so nobody reads it meanwhile; the array ends in null, each
    // string in NUL, and all stay for the process's life. The C library copies the array before it
    // changes it.
    unsafe { environ = strings.leak().as_mut_ptr() };
    Ok(())
}

/// Lets this process have as many descriptors as it ever may.
pub(crate) fn raise_descriptors() -> io::Result<()> {
    let kind = usize::try_from(libc::RLIMIT_NOFILE).map_err(|_| io::ErrorKind::InvalidInput)?;
    let (_, most) = limit(kind, None)?;
    limit(kind, Some((most, most))).map(drop)
}

/// Gives a limit as it was, and sets it if told so.
fn limit(kind: usize, new: Option<(u64, u64)>) -> io::Result<(u64, u64)> {
    let new = new.map(|(soft, hard)| libc::rlimit64 { rlim_cur: soft, rlim_max: hard });
    let new = new.as_ref().map_or(ptr::null(), ptr::from_ref);
    let mut old = MaybeUninit::<libc::rlimit64>::uninit();
    // SAFETY: the kernel reads one structure or null, and writes the other; 0 is this process.
    check(unsafe { libc::syscall(libc::SYS_prlimit64, 0, kind, new, old.as_mut_ptr()) })?;
    // SAFETY: the call has succeeded, and written it.
    let old = unsafe { old.assume_init() };
    Ok((old.rlim_cur, old.rlim_max))
}

fn priority() -> io::Result<i64> {
    // SAFETY: the call takes integers; 0 is this process.
    check(unsafe { libc::syscall(libc::SYS_getpriority, libc::PRIO_PROCESS, 0) })
}

fn cpus() -> io::Result<Vec<u8>> {
    let mut mask = vec![0_u8; MASK];
    let at = mask.as_mut_ptr();
    // SAFETY: the kernel writes at most MASK bytes there; 0 is the calling thread.
    let len = check(unsafe { libc::syscall(libc::SYS_sched_getaffinity, 0, MASK, at) })?;
    mask.truncate(usize::try_from(len).unwrap_or(0));
    Ok(mask)
}

/// Asking by the system call would change it, for all threads, for a moment.
fn read_umask() -> io::Result<Option<u32>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    Ok(line.and_then(|text| u32::from_str_radix(text.trim(), 8).ok()))
}
