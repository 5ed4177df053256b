//! What crashes a process, and what this process does about signals. None of it is in std.
#![expect(unsafe_code, reason = "breaks the rules on purpose")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

/// Writes to an address where nothing is.
pub fn write_to(address: usize) {
    // SAFETY: none; the fault is what is wanted.
    unsafe { ptr::without_provenance_mut::<u8>(address).write_volatile(1) }
}

pub fn illegal_instruction() {
    // SAFETY: the instruction does nothing but fault.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!("ud2");
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        std::arch::asm!("udf #0");
    }
}

/// The SIGBUS of a file that is shorter than its mapping.
pub fn touch_beyond_a_files_end() {
    let file = tempfile::tempfile().expect("a file");
    let (null, write) = (ptr::null_mut(), libc::PROT_WRITE);
    // SAFETY: a new mapping of a file that is open.
    let memory = unsafe { libc::mmap(null, 4096, write, libc::MAP_SHARED, file.as_raw_fd(), 0) };
    assert_ne!(memory, libc::MAP_FAILED, "mmap: {}", io::Error::last_os_error());
    write_to(memory.addr());
}

/// Sends a signal to the calling thread.
pub fn raise(signal: i32) {
    // SAFETY: takes a number.
    let result = unsafe { libc::raise(signal) };
    assert_eq!(result, 0, "raise");
}

/// Has a signal end this program with exit code 42.
pub fn end_with_42_on(signal: i32) {
    extern "C" fn end(_: i32) {
        // SAFETY: takes a number, and may be called in a handler.
        unsafe { libc::_exit(42) }
    }
    // SAFETY: the handler is a function of this program that takes the signal's number.
    let before = unsafe { libc::signal(signal, end as *const () as libc::sighandler_t) };
    assert_ne!(before, libc::SIG_ERR, "signal: {}", io::Error::last_os_error());
}

/// Blocks every signal that can be blocked, in the calling thread.
pub fn block_all_signals() {
    let mut all = std::mem::MaybeUninit::uninit();
    // SAFETY: the first call fills the set, the second reads it.
    let result = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), ptr::null_mut())
    };
    assert_eq!(result, 0, "pthread_sigmask");
}

/// Has this program ignore a signal.
pub fn ignore(signal: i32) {
    // SAFETY: ignoring a signal runs no code.
    let before = unsafe { libc::signal(signal, libc::SIG_IGN) };
    assert_ne!(before, libc::SIG_ERR, "signal: {}", io::Error::last_os_error());
}

/// Moves this process into another process group.
pub fn join_group(group: i32) {
    // SAFETY: takes two numbers.
    let result = unsafe { libc::setpgid(0, group) };
    assert_eq!(result, 0, "setpgid: {}", io::Error::last_os_error());
}

/// The process group of a process.
pub fn group_of(pid: i32) -> i32 {
    // SAFETY: takes a number.
    unsafe { libc::getpgid(pid) }
}

/// Puts `target` in place of this program's standard error.
pub fn replace_stderr(target: BorrowedFd<'_>) {
    // SAFETY: takes two numbers; std writes to descriptor 2 without owning it.
    let result = unsafe { libc::dup2(target.as_raw_fd(), 2) };
    assert_eq!(result, 2, "dup2: {}", io::Error::last_os_error());
}
