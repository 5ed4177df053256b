//! The operating system's own means for the contestants without a library: forked children, anonymous shared memory,
//! pipes, futexes. No handling of errors but to end: these are measurements.

use std::ptr;
use std::sync::atomic::AtomicU32;

/// A word on a cache line of its own.
#[repr(align(128))]
pub struct Line<T>(pub T);

/// Zeroed memory that forked children share. `T` has to be whole when zero.
pub fn shared<T>() -> &'static T {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
    // SAFETY: fresh memory, aligned to a page, that is never unmapped.
    unsafe {
        let memory = libc::mmap(ptr::null_mut(), size_of::<T>(), protection, flags, -1, 0);
        assert!(memory != libc::MAP_FAILED, "memory is to be had");
        &*memory.cast()
    }
}

/// Runs `child` in a copy of this process, which has no other thread.
pub fn fork(child: impl FnOnce()) -> libc::pid_t {
    // SAFETY: there is one thread, so the copy is whole.
    unsafe {
        let pid = libc::fork();
        assert!(pid >= 0, "it forks");
        if pid == 0 {
            child();
            libc::_exit(0);
        }
        pid
    }
}

pub fn join(child: libc::pid_t) {
    let mut status = 0;
    // SAFETY: it writes to a variable of ours.
    unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(status, 0, "the child ended well");
}

/// Two descriptors: what is written to the second can be read from the first.
pub type Ends = [i32; 2];

pub fn pipe() -> Ends {
    let mut ends = [0; 2];
    // SAFETY: it writes to an array of ours.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0, "a pipe is to be had");
    ends
}

pub fn socket() -> Ends {
    let mut ends = [0; 2];
    // SAFETY: as above.
    let done = unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, ends.as_mut_ptr()) };
    assert_eq!(done, 0, "a socket is to be had");
    ends
}

pub fn eventfd() -> Ends {
    // SAFETY: it takes no pointer.
    [unsafe { libc::eventfd(0, 0) }; 2]
}

/// Reads until `bytes` are full.
pub fn read(ends: Ends, mut bytes: &mut [u8]) {
    while !bytes.is_empty() {
        // SAFETY: the buffer is ours.
        let len = unsafe { libc::read(ends[0], bytes.as_mut_ptr().cast(), bytes.len()) };
        assert!(len > 0, "the other side is there");
        bytes = &mut bytes[len as usize..];
    }
}

pub fn write(ends: Ends, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the bytes are ours.
        let len = unsafe { libc::write(ends[1], bytes.as_ptr().cast(), bytes.len()) };
        assert!(len > 0, "the other side is there");
        bytes = &bytes[len as usize..];
    }
}

pub fn read_number(ends: Ends) -> u64 {
    let mut bytes = [0; 8];
    read(ends, &mut bytes);
    u64::from_ne_bytes(bytes)
}

pub fn write_number(ends: Ends, number: u64) {
    write(ends, &number.to_ne_bytes());
}

/// Sleeps while the word is so.
pub fn futex_wait(word: &AtomicU32, while_it_is: u32) {
    let forever = ptr::null::<libc::timespec>();
    // SAFETY: the word is in memory that lives.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, while_it_is, forever) };
}

pub fn futex_wake(word: &AtomicU32) {
    // SAFETY: as above.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1) };
}

/// Pairs a second, in millions, that two children do at once for so many nanoseconds.
pub fn contended(nanoseconds: u64, pair: impl Fn()) -> f64 {
    let (ready, go, done) = (pipe(), pipe(), pipe());
    let children = [0, 1].map(|_| {
        fork(|| {
            write_number(ready, 1);
            read_number(go);
            write_number(done, crate::objects::pairs(nanoseconds, &pair));
        })
    });
    (0..2).for_each(|_| _ = read_number(ready));
    (0..2).for_each(|_| write_number(go, 1));
    let count: u64 = children.iter().map(|_| read_number(done)).sum();
    children.into_iter().for_each(join);
    count as f64 / nanoseconds as f64 * 1e3
}

/// How long after a `set` the child is back from its `wait`: see `objects::delay`. The answer goes the same way.
pub fn event(rounds: (u64, std::time::Duration), set: impl Fn(usize), wait: impl Fn(usize)) -> f64 {
    use crate::objects::{delay, setter, waiter};
    let report = pipe();
    let child = fork(|| {
        let woken = waiter(rounds.0, || wait(0), || set(1));
        woken.iter().for_each(|time| write_number(report, *time));
    });
    let set = setter(rounds, || set(0), || wait(1));
    let woken: Vec<_> = set.iter().map(|_| read_number(report)).collect();
    join(child);
    delay(&set, &woken)
}
