//! What no object between processes can go beyond: threads, by crossbeam-channel or parking_lot, and the bare operation
//! on shared memory, without a way to wait and without a word about deaths.

use parking_lot::{Condvar, Mutex};
use peers::objects::{MESSAGE, Small, contention, delay, nanoseconds, numbers, pairs, rounds, setter, sum, waiter};
use peers::raw::{Line, contended, event, fork, futex_wait, futex_wake, join, pipe, read_number, shared, write_number};
use peers::{Asked, all_ascii, gibibytes, median, millions, tell};
use std::cell::UnsafeCell;
use std::hint::{black_box, spin_loop};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::*};
use std::thread;
use std::time::Duration;

fn crossbeam_one_way<T: Send>(
    (send, messages): (crossbeam_channel::Sender<T>, crossbeam_channel::Receiver<T>),
    count: u64,
    make: impl Fn(u64) -> T,
    take: impl Fn(T) + Send,
) {
    thread::scope(|scope| {
        let all = scope.spawn(move || messages.iter().map(take).count() as u64);
        (0..count).for_each(|i| send.send(make(i)).expect("the thread lives"));
        drop(send);
        assert_eq!(all.join().expect("it does not panic"), count);
    });
}

fn crossbeam(asked: &Asked) -> Option<f64> {
    Some(match asked.metric.as_str() {
        "channel" => {
            let count = asked.count(2_000_000);
            millions(count, || {
                crossbeam_one_way(crossbeam_channel::bounded(4096), count, Small::new, |m| _ = black_box(m))
            })
        }
        "queue" => {
            let count = asked.count(2_000_000);
            millions(count, || crossbeam_one_way(crossbeam_channel::unbounded(), count, |i| i, |i| _ = black_box(i)))
        }
        "queue-2-2" => {
            let each = asked.count(1_000_000);
            let (put, get) = crossbeam_channel::unbounded();
            let work = || (0..each).for_each(|i| put.send(i).expect("it is open"));
            let take = || (0..each).for_each(|_| _ = get.recv().expect("it is open"));
            millions(2 * each, || {
                thread::scope(|scope| {
                    (0..2).for_each(|_| _ = (scope.spawn(work), scope.spawn(take)));
                });
            })
        }
        "large" => {
            let (count, bytes) = (asked.count(5000), vec![1; MESSAGE]);
            let take = |bytes: Vec<u8>| assert!(all_ascii(&bytes));
            let ends = crossbeam_channel::bounded(8);
            millions(count, || crossbeam_one_way(ends, count, |_| bytes.clone(), take)) * 1e3
        }
        "ping-pong" => {
            let (ask, asks) = crossbeam_channel::bounded::<Small>(1);
            let (answer, answers) = crossbeam_channel::bounded(1);
            thread::spawn(move || asks.iter().try_for_each(|message| answer.send(message)));
            median(asked.count(20_000), Duration::ZERO, || {
                ask.send(Small::new(1)).expect("the thread lives");
                assert_eq!(answers.recv().expect("the thread lives").number, 1);
            })
        }
        _ => return None,
    })
}

#[derive(Default)]
struct Flag(Mutex<bool>, Condvar);

impl Flag {
    fn set(&self) {
        *self.0.lock() = true;
        self.1.notify_one();
    }

    /// Waits for it, and clears it.
    fn wait(&self) {
        let mut is_set = self.0.lock();
        self.1.wait_while(&mut is_set, |is_set| !*is_set);
        *is_set = false;
    }
}

fn parking_lot(asked: &Asked) -> Option<f64> {
    let lock = Mutex::new(());
    Some(match asked.metric.as_str() {
        "lock" => nanoseconds(asked.count(5_000_000), || drop(black_box(lock.lock()))),
        "contended" => {
            let (time, start) = (contention(asked), Barrier::new(2));
            let work = || {
                start.wait();
                pairs(time, || drop(black_box(lock.lock())))
            };
            let count: u64 = thread::scope(|scope| {
                let threads = [scope.spawn(work), scope.spawn(work)];
                threads.into_iter().map(|thread| thread.join().expect("it ends")).sum()
            });
            count as f64 / time as f64 * 1e3
        }
        _ => {
            let rounds = rounds(asked)?;
            let flags = [Flag::default(), Flag::default()];
            thread::scope(|scope| {
                let woken = scope.spawn(|| waiter(rounds.0, || flags[0].wait(), || flags[1].set()));
                let set = setter(rounds, || flags[0].set(), || flags[1].wait());
                delay(&set, &woken.join().expect("it ends"))
            })
        }
    })
}

/// Of one writer and one reader, which both spin.
struct Ring<T, const SLOTS: usize> {
    written: Line<AtomicU64>,
    read: Line<AtomicU64>,
    slots: [UnsafeCell<T>; SLOTS],
}

/// Millions a second of messages that are written to a slot and read there; the writer hears of it each `every` messages.
fn ring<T: 'static, const SLOTS: usize>(count: u64, every: u64, write: impl Fn(*mut T, u64), read: impl Fn(&T)) -> f64 {
    let (ring, tell): (&Ring<T, SLOTS>, _) = (shared(), pipe());
    let slot = |i: u64| ring.slots[i as usize % SLOTS].get();
    let child = fork(|| {
        write_number(tell, 0);
        let mut i = 0;
        while i < count {
            let written = ring.written.0.load(Acquire);
            if written == i {
                spin_loop();
            }
            while i < written {
                // SAFETY: it is written, and stays until `read` says otherwise.
                read(unsafe { &*slot(i) });
                i += 1;
                if i % every == 0 {
                    ring.read.0.store(i, Release);
                }
            }
            ring.read.0.store(i, Release);
        }
        write_number(tell, i);
    });
    read_number(tell);
    let rate = millions(count, || {
        let mut read = 0;
        for i in 0..count {
            while i - read >= SLOTS as u64 {
                read = ring.read.0.load(Acquire);
            }
            write(slot(i), i);
            ring.written.0.store(i + 1, Release);
        }
        assert_eq!(read_number(tell), count);
    });
    join(child);
    rate
}

/// For values that are copied in and out.
fn ring_of<T: Copy + 'static>(count: u64, make: impl Fn(u64) -> T) -> f64 {
    // SAFETY: the slot is the writer's.
    let write = |slot: *mut T, i| unsafe { slot.write_volatile(make(i)) };
    ring::<T, 4096>(count, 64, write, |value| _ = black_box(*value))
}

/// 0 when free, 1 when held, 2 when somebody may sleep for it.
fn lock(word: &AtomicU32) {
    if word.compare_exchange(0, 1, Acquire, Relaxed).is_err() {
        while word.swap(2, Acquire) != 0 {
            futex_wait(word, 2);
        }
    }
}

fn unlock(word: &AtomicU32) {
    if word.swap(0, Release) == 2 {
        futex_wake(word);
    }
}

fn bare_event(asked: &Asked, spin: bool) -> Option<f64> {
    let words: &[Line<AtomicU32>; 2] = shared();
    let set = |which: usize| {
        words[which].0.store(1, Release);
        if !spin {
            futex_wake(&words[which].0);
        }
    };
    let wait = |which: usize| {
        while words[which].0.load(Acquire) == 0 {
            if spin { spin_loop() } else { futex_wait(&words[which].0, 0) }
        }
        words[which].0.store(0, Relaxed);
    };
    Some(event(rounds(asked)?, set, wait))
}

fn bare(asked: &Asked) -> Option<f64> {
    let word: &Line<AtomicU32> = shared();
    let pair = || {
        lock(&word.0);
        unlock(&word.0);
    };
    Some(match asked.metric.as_str() {
        "channel" => ring_of(asked.count(10_000_000), Small::new),
        "queue" => ring_of(asked.count(10_000_000), |i| i),
        "ping-pong" => {
            let (words, count): (&[Line<AtomicU64>; 2], _) = (shared(), asked.count(100_000));
            let pass = |i: u64| {
                while words[0].0.load(Acquire) != i {
                    spin_loop()
                }
            };
            let child = fork(|| {
                (1..=count + 1).for_each(|i| {
                    pass(i);
                    words[1].0.store(i, Release);
                });
            });
            let mut i = 0;
            let time = median(count, Duration::ZERO, || {
                i += 1;
                words[0].0.store(i, Release);
                while words[1].0.load(Acquire) != i {
                    spin_loop();
                }
            });
            join(child);
            time
        }
        "large" => {
            let bytes = vec![1; MESSAGE];
            // SAFETY: the slot is the writer's, and as large.
            let write = |slot: *mut [u8; MESSAGE], _| unsafe { slot.cast::<u8>().copy_from(bytes.as_ptr(), MESSAGE) };
            ring::<_, 8>(asked.count(5000), 1, write, |bytes| assert!(all_ascii(bytes))) * 1e3
        }
        "lock" => nanoseconds(asked.count(5_000_000), pair),
        "contended" => contended(contention(asked), pair),
        "event" => bare_event(asked, true)?,
        "event-idle" => bare_event(asked, false)?,
        "slice" => {
            let (numbers, wanted) = numbers();
            gibibytes(asked.count(20), || assert_eq!(sum(&numbers), wanted))
        }
        "share" => {
            let (numbers, _) = numbers();
            gibibytes(asked.count(8), || drop(black_box(black_box(&numbers).clone())))
        }
        _ => return None,
    })
}

fn main() {
    let asked = Asked::read();
    tell(match std::env::args().nth(3).unwrap_or_default().as_str() {
        "crossbeam" => crossbeam(&asked),
        "parking_lot" => parking_lot(&asked),
        _ => bare(&asked),
    });
}
