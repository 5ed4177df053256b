//! Locks and their kin: alone, and wanted by two processes. Compared with std's mutex between threads, which need not reckon
//! with deaths, and with a bare pair of exchanges, the least that a lock can cost.

mod rounds;

use mp::{Event, Lock, Semaphore};
use rounds::{Row, table};
use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Instant;

const ALONE: u32 = 2_000_000;
const WANTED: u32 = 1_000_000;

/// Nanoseconds for one of so many.
fn each(times: u32, mut body: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..times {
        body();
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(times)
}

fn alone() {
    let (lock, semaphore) = (Lock::new().unwrap(), Semaphore::new(1).unwrap());
    let rlock = mp::RLock::new().unwrap();
    let event = Event::new().unwrap();
    let manager = mp::Manager::new().unwrap();
    let managed = manager.lock().unwrap();
    let word = AtomicU32::new(0);
    let mutex = Mutex::new(());
    let exchange = || {
        let word = black_box(&word);
        let _ = word.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed);
        word.swap(0, Ordering::Release);
    };
    table(
        "Taken and given back, with nobody else",
        "ns",
        &mut [
            Row::new("two exchanges of a word", || each(ALONE, exchange)),
            Row::new("std::sync::Mutex", || each(ALONE, || drop(black_box(&mutex).lock()))),
            Row::new("mp::Lock, guard", || each(ALONE, || drop(lock.lock().unwrap()))),
            Row::new("mp::Lock, acquire and release", || {
                each(ALONE, || {
                    lock.acquire().unwrap();
                    lock.release().unwrap();
                })
            }),
            Row::new("mp::LockProxy, guard", || each(ALONE, || drop(managed.lock().unwrap()))),
            Row::new("mp::RLock, guard", || each(ALONE, || drop(rlock.lock().unwrap()))),
            Row::new("mp::Semaphore, guard", || each(ALONE, || drop(semaphore.lock().unwrap()))),
            Row::new("mp::Event, set and clear", || {
                each(ALONE, || {
                    event.set();
                    event.clear();
                })
            }),
        ],
    );
}

#[mp::task]
fn take_often(lock: Lock, go: Event, times: u32) {
    go.wait();
    for _ in 0..times {
        drop(lock.lock().unwrap());
    }
}

/// Millions a second, by two processes.
fn wanted_by_processes() -> f64 {
    let (lock, go) = (Lock::new().unwrap(), Event::new().unwrap());
    let start = || mp::spawn(take_often, (lock.clone(), go.clone(), WANTED)).unwrap();
    let processes = [start(), start()];
    thread::sleep(std::time::Duration::from_millis(20));
    let start = Instant::now();
    go.set();
    for process in processes {
        process.result().unwrap();
    }
    f64::from(2 * WANTED) / start.elapsed().as_secs_f64() / 1e6
}

fn wanted_by_threads() -> f64 {
    let mutex = Mutex::new(());
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..WANTED).for_each(|_| drop(black_box(&mutex).lock())));
        }
    });
    f64::from(2 * WANTED) / start.elapsed().as_secs_f64() / 1e6
}

fn main() {
    let _guard = mp::init();
    alone();
    table(
        "Taken and given back, wanted by two",
        "M/s",
        &mut [
            Row::new("std::sync::Mutex, two threads", wanted_by_threads),
            Row::new("mp::Lock, two processes", wanted_by_processes),
        ],
    );
}
