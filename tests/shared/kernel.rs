//! What these tests ask the kernel for: other users, other masks, a small /dev/shm, and the ends of orphans.
#![expect(unsafe_code, reason = "calls the C library")]

use std::ffi::CStr;
use std::io;
use std::ptr;

pub fn user() -> u32 {
    // SAFETY: the call takes nothing.
    unsafe { libc::geteuid() }
}

pub fn set_umask(mask: u32) {
    // SAFETY: the call takes an integer.
    unsafe { libc::umask(mask) };
}

/// Gives up all rights of this thread for good; false if there are none to give up.
pub fn become_nobody() -> bool {
    const NOBODY: libc::uid_t = 65534;
    // SAFETY: the call takes integers; not the C library's, which asks all threads.
    user() == 0 && unsafe { libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY) } == 0
}

/// Puts an empty /dev/shm of so many bytes in place of the real one, for this process and its children;
/// false if this user may not.
pub fn shrink_shm(bytes: usize) -> bool {
    const NONE: &CStr = c"none";
    let options = std::ffi::CString::new(format!("size={bytes}")).expect("no NUL");
    let (root, shm, kind) = (c"/".as_ptr(), c"/dev/shm".as_ptr(), c"tmpfs".as_ptr());
    // SAFETY: the calls take integers and strings that end in NUL.
    unsafe {
        libc::unshare(libc::CLONE_NEWNS) == 0
            && libc::mount(
                NONE.as_ptr(),
                root,
                ptr::null(),
                libc::MS_REC | libc::MS_PRIVATE,
                ptr::null(),
            ) == 0
            && libc::mount(NONE.as_ptr(), shm, kind, 0, options.as_ptr().cast()) == 0
    }
}

/// Lets no file of this process grow beyond this.
pub fn limit_files(bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: the structure outlives the call.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) }, 0);
}

/// Has orphans among this process's descendants become its children, or no more.
pub fn adopt_orphans(yes: bool) {
    let yes = libc::c_ulong::from(yes);
    // SAFETY: the call takes integers.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, yes) }, 0);
}

/// Waits for the end of a child that this process has adopted, and gives its exit code.
pub fn exit_code(pid: i32) -> io::Result<i32> {
    let mut status = 0;
    // SAFETY: `status` outlives the call.
    match unsafe { libc::waitpid(pid, &raw mut status, 0) } {
        -1 => Err(io::Error::last_os_error()),
        _ if libc::WIFEXITED(status) => Ok(libc::WEXITSTATUS(status)),
        _ => Ok(-libc::WTERMSIG(status)),
    }
}
