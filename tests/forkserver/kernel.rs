//! The kernel calls of these tests that std does not offer.
#![expect(unsafe_code, reason = "calls libc for what std does not offer")]

use std::io;

fn check(result: i32) {
    assert!(result >= 0, "{}", io::Error::last_os_error());
}

/// The sixteen random bytes that the kernel gives a program at its start, as a number.
#[mp::task]
pub fn program_start() -> u128 {
    // SAFETY: the entry is the address of sixteen bytes that stay for the program's life.
    let bytes = unsafe { *(libc::getauxval(libc::AT_RANDOM) as *const [u8; 16]) };
    u128::from_ne_bytes(bytes)
}

/// The calling thread's id as the C library knows it, of which its CPU clock is made.
pub fn cached_thread_id() -> i32 {
    let mut clock = 0;
    // SAFETY: a thread that runs, and a local variable, borrowed for the call.
    let error = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut clock) };
    assert_eq!(error, 0);
    !(clock >> 3)
}

pub fn thread_id() -> i32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::gettid() }
}

/// Whether the kernel knows a list of this thread's robust locks.
pub fn has_robust_list() -> bool {
    let (mut head, mut len) = (0_usize, 0_usize);
    // SAFETY: the kernel writes two words, borrowed for the call.
    let rc = unsafe { libc::syscall(libc::SYS_get_robust_list, 0, &raw mut head, &raw mut len) };
    assert_eq!(rc, 0);
    head != 0
}

pub fn parent() -> i32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::getppid() }
}

pub fn group() -> i32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::getpgrp() }
}

pub fn found_group() {
    // SAFETY: takes numbers; 0 is this process.
    check(unsafe { libc::setpgid(0, 0) });
}

pub fn effective_group() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::getegid() }
}

/// False where this user may not.
pub fn change_effective_group() -> bool {
    // SAFETY: takes a number.
    unsafe { libc::setegid(1) == 0 }
}

pub fn user() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::getuid() }
}

/// Drops all rights of this thread for good. False where this user may not.
///
/// Not by glibc, which has the other threads do the same: in 2.36 their handler may still look at the
/// caller's stack when that is used for other things already.
pub fn be_nobody() -> bool {
    // SAFETY: takes numbers.
    unsafe { libc::syscall(libc::SYS_setresuid, 65534, 65534, 65534) == 0 }
}

pub fn set_umask(mask: u32) -> u32 {
    // SAFETY: takes a number and cannot fail.
    unsafe { libc::umask(mask) }
}

pub fn nice(by: i32) -> i32 {
    // SAFETY: takes a number.
    unsafe { libc::nice(by) }
}

/// The limit of open descriptors.
pub fn descriptor_limit() -> (u64, u64) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a local variable, borrowed for the call.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) });
    (limit.rlim_cur, limit.rlim_max)
}

pub fn set_descriptor_limit(soft: u64) {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: descriptor_limit().1 };
    // SAFETY: a local variable, borrowed for the call.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) });
}

/// Runs on one CPU from now on.
pub fn stay_on_one_cpu() {
    // SAFETY: all zeros is a value of this type, and both calls stay within it.
    let set = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        let cpu = usize::try_from(libc::sched_getcpu()).expect("a number");
        libc::CPU_SET(cpu, &mut set);
        set
    };
    // SAFETY: the kernel reads the set, borrowed for the call; 0 is this thread.
    check(unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) });
}

/// Makes a copy of this program that stays until it is killed; gives its pid.
pub fn fork_one_that_stays() -> i32 {
    // SAFETY: the copy comes to nothing but the loop below.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        loop {
            // SAFETY: returns after signals only, and there is no handler to run.
            unsafe { libc::pause() };
        }
    }
    check(pid);
    pid
}

/// Puts `to` in the place of standard output.
pub fn replace_stdout(to: std::os::fd::BorrowedFd<'_>) {
    use std::os::fd::AsRawFd;
    // SAFETY: takes two numbers; std writes to descriptor 1 without owning it.
    check(unsafe { libc::dup2(to.as_raw_fd(), 1) });
}

/// Leaves text in the C library's buffer of standard output.
pub fn put_into_c_stdout(text: &std::ffi::CStr) {
    unsafe extern "C" {
        static stdout: *mut libc::FILE;
    }
    // SAFETY: the stream is the library's own, and the text a C string.
    check(unsafe { libc::fputs(text.as_ptr(), stdout) });
}
