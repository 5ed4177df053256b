//! What this process can ask and change about itself: ids, descriptors, comm, image, end. Nothing about others.
#![expect(unsafe_code, reason = "process-wide system calls and atexit")]

use crate::sys::check;
use nix::fcntl::{OFlag, open};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::{Mode, stat};
use nix::unistd::{Pid, setpgid};
use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicU32, Ordering};

static FORKS: AtomicU32 = AtomicU32::new(0);

/// How many forks lie between this process and the exec'd one that it is a copy of. What was made at
/// another count belongs to another process.
#[inline]
pub(crate) fn forks() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// Counts one that ran no handlers.
pub(super) fn note_fork() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// Has [`forks`] count from now on.
pub(crate) fn count_forks() {
    extern "C" fn forked() {
        note_fork();
    }
    // SAFETY: the handler only adds to an atomic, which is allowed between fork and exec. A failure
    // for lack of memory leaves the count at zero: then copies are not told apart.
    let _ = unsafe { libc::pthread_atfork(None, None, Some(forked)) };
}

/// Makes this process, or a child of it that has not exec'd, the leader of a group of its own. Both
/// sides say so, and whoever comes second finds it done.
pub(crate) fn lead_group(pid: u32) {
    let Ok(pid) = i32::try_from(pid).map(Pid::from_raw) else { return };
    // It fails for a child that has ended meanwhile, which needs none.
    let _ = setpgid(pid, pid);
}

/// Writes to standard error, past the lock that std has for that, which user code may hold while it waits for us; allowed
/// in a signal's handler. What cannot be written is given up.
pub(crate) fn write_error(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: `bytes` is borrowed for the call, which reads it.
        let written = unsafe { libc::write(2, bytes.as_ptr().cast(), bytes.len()) };
        match check(written as libc::c_long).map(usize::try_from) {
            Ok(Ok(written)) => bytes = &bytes[written..],
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => {}
            _ => return,
        }
    }
}

/// Whether a thread of this process has called exit while another one is doing so: std has such a
/// thread pause for ever.
pub(crate) fn is_parked_in_exit(thread: i32) -> bool {
    let call = std::fs::read_to_string(format!("/proc/self/task/{thread}/syscall"));
    let call = call.unwrap_or_default();
    let mut fields = call.split_ascii_whitespace();
    let number = fields.next().and_then(|number| number.parse().ok());
    #[cfg(target_arch = "x86_64")]
    let paused = number == Some(libc::SYS_pause);
    // There pause() is a ppoll without descriptors.
    #[cfg(not(target_arch = "x86_64"))]
    let paused = number == Some(libc::SYS_ppoll) && fields.next() == Some("0x0");
    paused
}

/// The id of the calling thread; works without thread-locals, so at any point of a program's end.
pub(crate) fn thread_id() -> i32 {
    nix::unistd::gettid().as_raw()
}

/// Takes over a descriptor that the parent passed to this program by number.
///
/// # Errors
///
/// If no such descriptor is open, or it is one of the standard three.
///
/// # Safety
///
/// The number must come from the parent's bootstrap, and each may be adopted once: then nobody
/// else in this process owns it.
pub(crate) unsafe fn adopt(number: RawFd) -> io::Result<OwnedFd> {
    if number <= 2 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: the call takes integers; it also says whether the descriptor is open at all.
    let rc = unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    check(rc.into())?;
    // SAFETY: it is open, as just seen, and by this function's contract nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Closes every descriptor above 2 that is not in `keep`.
///
/// # Safety
///
/// Nothing in this process may own a descriptor that is closed by this: call it before anything
/// has opened one.
pub(crate) unsafe fn close_all_but(keep: &mut [RawFd]) -> io::Result<()> {
    keep.sort_unstable();
    let mut from = 3;
    for fd in keep.iter().copied().filter(|fd| *fd > 2).chain([RawFd::MAX]) {
        if from < fd {
            let last = if fd == RawFd::MAX { u32::MAX } else { fd.unsigned_abs() - 1 };
            // SAFETY: by this function's contract nobody owns what is closed here.
            let rc = unsafe { libc::syscall(libc::SYS_close_range, from.unsigned_abs(), last, 0) };
            check(rc)?;
        }
        from = fd.saturating_add(1);
    }
    Ok(())
}

/// Opens /dev/null in place of each standard descriptor that is closed, as Rust's own start does.
pub(crate) fn fill_standard_descriptors() -> io::Result<()> {
    loop {
        // The lowest free number is taken, so this ends as soon as one above 2 comes.
        let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?;
        if null.as_raw_fd() > 2 {
            return Ok(());
        }
        let fd = null.into_raw_fd();
        // SAFETY: we have just opened it; 0 to 2 are inherited by programs started from here.
        check(unsafe { libc::fcntl(fd, libc::F_SETFD, 0) }.into())?;
    }
}

/// Has the kernel refuse this process more than so many bytes of data (heap and private mappings).
pub(crate) fn limit_data(bytes: u64) -> io::Result<()> {
    Ok(setrlimit(Resource::RLIMIT_DATA, bytes, bytes)?)
}

/// Makes this process run on one CPU: the one of this number among those that it may use.
pub(crate) fn pin(number: usize) -> io::Result<()> {
    let own = Pid::from_raw(0);
    let usable = sched_getaffinity(own)?;
    let usable: Vec<usize> =
        (0..CpuSet::count()).filter(|cpu| usable.is_set(*cpu).unwrap_or(false)).collect();
    let Some(cpu) = number.checked_rem(usable.len()).and_then(|at| usable.get(at)) else {
        return Ok(());
    };
    let mut set = CpuSet::new();
    set.set(*cpu)?;
    Ok(sched_setaffinity(own, &set)?)
}

/// Sets how much this process gives way to others, from -20 (least) to 19.
pub(crate) fn set_nice(nice: i32) -> io::Result<()> {
    // SAFETY: the call takes integers; 0 is this process.
    check(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) }.into()).map(drop)
}

/// The memory of a process that is not shared with files or other processes, in bytes.
pub(crate) fn memory_of(pid: u32) -> io::Result<u64> {
    // size resident shared text lib data dirty, in pages
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm"))?;
    let mut fields = text.split_ascii_whitespace().map(|field| field.parse().unwrap_or(0));
    let (_, resident, shared): (Option<u64>, _, _) = (fields.next(), fields.next(), fields.next());
    let pages = resident.unwrap_or(0).saturating_sub(shared.unwrap_or(0));
    Ok(pages.saturating_mul(page_size()))
}

fn page_size() -> u64 {
    let size = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE);
    size.ok().flatten().and_then(|size| u64::try_from(size).ok()).unwrap_or(4096)
}

/// When a process has started, in the kernel's ticks since the machine's start: with its pid, a name for it
/// that no other process gets.
pub(crate) fn start_of(pid: u32) -> io::Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // Its name, in parentheses, may hold anything.
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields);
    let started = fields.split_ascii_whitespace().nth(19).and_then(|field| field.parse().ok());
    started.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The namespace in which this process's pids mean something.
pub(crate) fn pid_namespace() -> io::Result<u64> {
    Ok(stat("/proc/self/ns/pid")?.st_ino)
}

/// Has what this process prints go nowhere.
pub(crate) fn print_nothing() -> io::Result<()> {
    let null = open("/dev/null", OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    Ok(nix::unistd::dup2_stdout(&null)?)
}

/// Sets the name that `ps` and `/proc/PID/comm` show; the kernel keeps 15 bytes.
pub(crate) fn set_comm(name: &OsStr) {
    let Ok(name) = CString::new(name.as_bytes()) else { return };
    // SAFETY: the kernel reads a string that ends in NUL and outlives the call.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}

/// Removes a variable from the environment, so that neither the user's code nor programs started
/// from here see it.
///
/// # Safety
///
/// No other thread may run.
pub(crate) unsafe fn remove_variable(name: &str) {
    // SAFETY: by this function's contract nobody reads the environment meanwhile.
    unsafe { std::env::remove_var(name) }
}

/// Whether `/proc/self/exe` is the file that `code` was loaded from: false in a program that was
/// started through ld.so, or when this library is part of a shared object.
pub(crate) fn image_holds(code: *const ()) -> io::Result<bool> {
    let inode = stat("/proc/self/exe")?.st_ino;
    let path = std::fs::read_link("/proc/self/exe")?;
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    // start-end perms offset device inode path
    let line = maps.lines().find(|line| {
        let range = line.split(' ').next().and_then(|range| range.split_once('-'));
        let bound = |text| usize::from_str_radix(text, 16).unwrap_or(0);
        range.is_some_and(|(from, to)| (bound(from)..bound(to)).contains(&code.addr()))
    });
    let mut fields = line.unwrap_or("").splitn(6, ' ').skip(4);
    let same_inode = fields.next().and_then(|inode| inode.parse().ok()) == Some(inode);
    let same_path = fields
        .next()
        .is_some_and(|text| text.trim_start().as_bytes() == path.as_os_str().as_bytes());
    // Either will do: layered file systems may show another inode in maps than in stat.
    Ok(same_inode || same_path)
}

/// Runs `f` when the program ends by `exit`.
pub(crate) fn at_exit(f: extern "C" fn()) {
    // SAFETY: `f` is an ordinary function of this program, which stays loaded until the end. It
    // fails only without memory for a list entry; then the program's end is less tidy.
    let _ = unsafe { libc::atexit(f) };
}
