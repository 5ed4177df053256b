//! What there is without a library: pipes, Unix sockets, eventfd, and pthread's mutex and condition in shared memory.

use peers::objects::{MESSAGE, Small, contention, nanoseconds, rounds, thousands};
use peers::raw::{
    Ends, contended, event, eventfd, fork, join, pipe, read, read_number, shared, socket, write, write_number,
};
use peers::{Asked, all_ascii, median, millions, tell};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::time::Duration;

/// A child that takes so many messages; then `send` is measured, until the child has all.
fn one_way(ends: Ends, len: usize, count: u64, measure: impl FnOnce(&dyn Fn())) {
    let tell = pipe();
    let child = fork(|| {
        let mut message = vec![0; len];
        write_number(tell, 0);
        for _ in 0..count {
            read(ends, &mut message);
            assert!(len < MESSAGE || all_ascii(&message));
        }
        write_number(tell, count);
    });
    read_number(tell);
    let message = vec![1; len];
    measure(&|| {
        (0..count).for_each(|_| write(ends, &message));
        assert_eq!(read_number(tell), count);
    });
    join(child);
}

/// Numbers through one pipe, from so many children to as many others. One write and one read take a number whole.
fn many(ends: Ends, each: u64) -> f64 {
    let (ready, go, done) = (pipe(), pipe(), pipe());
    let child = |work: &dyn Fn()| {
        fork(|| {
            write_number(ready, 1);
            work();
            write_number(done, 1);
        })
    };
    let put = || {
        read_number(go);
        (0..each).for_each(|i| write_number(ends, i));
    };
    let get = || (0..each).for_each(|_| _ = read_number(ends));
    let children = [child(&put), child(&put), child(&get), child(&get)];
    children.iter().for_each(|_| _ = read_number(ready));
    let rate = millions(2 * each, || {
        (0..2).for_each(|_| write_number(go, 1));
        children.iter().for_each(|_| _ = read_number(done));
    });
    children.into_iter().for_each(join);
    rate
}

fn descriptors(asked: &Asked, ends: [Ends; 2]) -> Option<f64> {
    Some(match asked.metric.as_str() {
        "channel" => {
            let (count, mut rate) = (asked.count(500_000), 0.0);
            one_way(ends[0], size_of::<Small>(), count, |run| rate = millions(count, run));
            rate
        }
        "queue" => {
            let (count, mut rate) = (asked.count(500_000), 0.0);
            one_way(ends[0], 8, count, |run| rate = millions(count, run));
            rate
        }
        "queue-2-2" => many(ends[0], asked.count(250_000)),
        "large" => {
            let (count, mut rate) = (asked.count(1000), 0.0);
            one_way(ends[0], MESSAGE, count, |run| rate = thousands(count, run));
            rate
        }
        "ping-pong" => {
            let (count, len) = (asked.count(5000), size_of::<Small>());
            let child = fork(|| {
                let mut message = vec![0; len];
                for _ in 0..=count {
                    read(ends[0], &mut message);
                    write(ends[1], &message);
                }
            });
            let mut message = vec![0; len];
            let time = median(count, Duration::ZERO, || {
                write(ends[0], &message);
                read(ends[1], &mut message);
            });
            join(child);
            time
        }
        _ => return signals(asked, ends),
    })
}

fn signals(asked: &Asked, ends: [Ends; 2]) -> Option<f64> {
    let set = |which: usize| write_number(ends[which], 1);
    rounds(asked).map(|rounds| event(rounds, set, |which| _ = read_number(ends[which])))
}

/// A flag, its mutex and its condition, in shared memory.
struct Flag {
    mutex: UnsafeCell<libc::pthread_mutex_t>,
    changed: UnsafeCell<libc::pthread_cond_t>,
    is_set: UnsafeCell<bool>,
}

impl Flag {
    fn new(robust: bool) -> &'static Self {
        let flag: &Self = shared();
        // SAFETY: nobody else has it yet.
        unsafe {
            let mut kind = MaybeUninit::uninit();
            libc::pthread_mutexattr_init(kind.as_mut_ptr());
            libc::pthread_mutexattr_setpshared(kind.as_mut_ptr(), libc::PTHREAD_PROCESS_SHARED);
            if robust {
                libc::pthread_mutexattr_setrobust(kind.as_mut_ptr(), libc::PTHREAD_MUTEX_ROBUST);
            }
            assert_eq!(libc::pthread_mutex_init(flag.mutex.get(), kind.as_ptr()), 0);
            let mut kind = MaybeUninit::uninit();
            libc::pthread_condattr_init(kind.as_mut_ptr());
            libc::pthread_condattr_setpshared(kind.as_mut_ptr(), libc::PTHREAD_PROCESS_SHARED);
            assert_eq!(libc::pthread_cond_init(flag.changed.get(), kind.as_ptr()), 0);
        }
        flag
    }

    fn locked(&self, work: impl FnOnce(&mut bool)) {
        // SAFETY: the mutex was made by `new`; under it the flag is ours.
        unsafe {
            assert_eq!(libc::pthread_mutex_lock(self.mutex.get()), 0);
            work(&mut *self.is_set.get());
            libc::pthread_mutex_unlock(self.mutex.get());
        }
    }

    fn set(&self) {
        self.locked(|is_set| *is_set = true);
        // SAFETY: the condition was made by `new`.
        unsafe { libc::pthread_cond_signal(self.changed.get()) };
    }

    /// Waits for it, and clears it.
    fn wait(&self) {
        self.locked(|is_set| {
            // SAFETY: as above, and the mutex is held. The flag is changed by others meanwhile.
            unsafe {
                while !std::ptr::read_volatile(is_set) {
                    libc::pthread_cond_wait(self.changed.get(), self.mutex.get());
                }
            }
            *is_set = false;
        });
    }
}

fn pthread(asked: &Asked, robust: bool) -> Option<f64> {
    let flags = [Flag::new(robust), Flag::new(robust)];
    let pair = || flags[0].locked(|_| ());
    Some(match asked.metric.as_str() {
        "lock" => nanoseconds(asked.count(5_000_000), pair),
        "contended" => contended(contention(asked), pair),
        _ => return rounds(asked).map(|rounds| event(rounds, |which| flags[which].set(), |which| flags[which].wait())),
    })
}

fn main() {
    let asked = Asked::read();
    tell(match std::env::args().nth(3).unwrap_or_default().as_str() {
        "pipe" => descriptors(&asked, [pipe(), pipe()]),
        // A stream may give a part of a number to one reader, and the rest to another.
        "socket" if asked.metric == "queue-2-2" => None,
        "socket" => descriptors(&asked, [socket(), socket()]),
        "eventfd" => signals(&asked, [eventfd(), eventfd()]),
        "pthread" => pthread(&asked, false),
        "robust" => pthread(&asked, true),
        _ => None,
    });
}
