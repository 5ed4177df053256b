//! Waiting on several words at once (Linux 5.16). One word is in `futex`.
#![expect(unsafe_code, reason = "the futex_waitv system call")]

use crate::sys::check;
use crate::sys::clock::Deadline;
use crate::sys::futex::Wait;
use std::io;
use std::ptr;
use std::sync::atomic::AtomicU32;

/// The most words that one call can wait on.
pub(crate) const MOST: usize = 128;

/// A word of 32 bits that processes may share.
const SIZE_U32: u32 = 2;

/// What the kernel takes for each word.
#[repr(C)]
struct Waiter {
    value: u64,
    address: u64,
    flags: u32,
    reserved: u32,
}

/// Sleeps while each of `words` holds the value beside it, at most until `deadline`.
///
/// # Errors
///
/// `Unsupported` on kernels before 5.16.
pub(crate) fn wait(words: &[(&AtomicU32, u32)], deadline: Option<Deadline>) -> io::Result<Wait> {
    let waiter = |(word, value): &(&AtomicU32, u32)| Waiter {
        value: u64::from(*value),
        address: word.as_ptr().expose_provenance() as u64,
        flags: SIZE_U32,
        reserved: 0,
    };
    let waiters: Vec<Waiter> = words.iter().take(MOST).map(waiter).collect();
    let time = deadline.map(|at| {
        let at = at.since_start();
        libc::timespec {
            // `Deadline::after` keeps the seconds within an i64.
            tv_sec: i64::try_from(at.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(at.subsec_nanos()),
        }
    });
    let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the words are borrowed, so they stay mapped and 4-aligned for the whole call; the list
    // and the time outlive it, and the kernel only reads them.
    let rc = unsafe {
        libc::syscall(
            libc::SYS_futex_waitv,
            waiters.as_ptr(),
            waiters.len(),
            0,
            time,
            libc::CLOCK_MONOTONIC,
        )
    };
    match check(rc).map_err(|error| (error.raw_os_error(), error)) {
        Err((Some(libc::ETIMEDOUT), _)) => Ok(Wait::TimedOut),
        Err((Some(libc::ENOSYS), error)) => Err(error),
        // EAGAIN and EINTR mean "look again". Nothing else can come from valid words.
        _ => Ok(Wait::Look),
    }
}

#[cfg(test)]
mod tests {
    use super::wait;
    use crate::sys::clock::Deadline;
    use crate::sys::futex::{self, Wait};
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering::SeqCst;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn any_of_the_words_ends_the_wait() {
        let words: Vec<AtomicU32> = (0..100).map(AtomicU32::new).collect();
        let soon = Deadline::after(Duration::from_millis(20));
        let all: Vec<_> = words.iter().zip(0..).collect();
        assert_eq!(wait(&all, soon).unwrap(), Wait::TimedOut);
        assert_eq!(wait(&[(&words[3], 7)], None).unwrap(), Wait::Look);
        thread::scope(|scope| {
            scope.spawn(|| {
                while words[57].load(SeqCst) == 57 {
                    if wait(&all, None).unwrap() == Wait::TimedOut {
                        panic!("there is no limit");
                    }
                }
            });
            words[57].store(0, SeqCst);
            futex::wake(&words[57], i32::MAX).unwrap();
        });
    }
}
