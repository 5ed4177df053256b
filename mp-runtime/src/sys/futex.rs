//! Waiting on a word that other processes may share, and waking who waits. Which word means what is for the callers.
//!
//! Only shared futexes: one with the kernel's private flag, used across processes, is a lost wake-up.
#![expect(unsafe_code, reason = "the futex system call")]

use crate::sys::clock::Deadline;
use crate::sys::{check, step};
use std::io;
use std::ptr;
use std::sync::atomic::AtomicU32;

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Woken, interrupted, or the word no longer had the value: look again.
    Look,
    /// The deadline has passed.
    TimedOut,
}

/// Sleeps while `word` holds `expected`, at most until `deadline`.
pub(crate) fn wait(word: &AtomicU32, expected: u32, deadline: Option<Deadline>) -> Wait {
    step();
    let time = deadline.map(|at| {
        let at = at.since_start();
        libc::timespec {
            // `Deadline::after` keeps the seconds within an i64.
            tv_sec: i64::try_from(at.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(at.subsec_nanos()),
        }
    });
    let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: `word` is borrowed, so it stays mapped and 4-aligned for the whole call; `time` is
    // null or points to a timespec that outlives the call, and the kernel only reads it.
    let rc = unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT_BITSET,
            expected,
            time,
            ptr::null::<u32>(),
            u32::MAX,
        )
    };
    match check(rc) {
        Err(error) if error.raw_os_error() == Some(libc::ETIMEDOUT) => Wait::TimedOut,
        // EAGAIN and EINTR mean "look again". Nothing else can come from a valid word.
        _ => Wait::Look,
    }
}

/// Wakes at most `count` of those who sleep on `word`, and says how many there were.
pub(crate) fn wake(word: &AtomicU32, count: i32) -> io::Result<u32> {
    step();
    // SAFETY: `word` is borrowed, so its address is valid for the call, which does not write to it.
    let rc = unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, count) };
    check(rc).map(|woken| u32::try_from(woken).unwrap_or(0))
}
