//! Small tasks with callbacks, one call each: a million of them, beside the same in threads.

mod rounds;

use rounds::{Row, table};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

const TASKS: i32 = 1_000_000;

#[mp::task]
fn foo(i: i32) -> i32 {
    i + 100
}

static SUM: AtomicI64 = AtomicI64::new(0);

fn bar(value: i32) {
    SUM.fetch_add(value.into(), Ordering::Relaxed);
}

/// Millions of tasks a second; `run` has run all callbacks when it returns.
fn rate(run: impl FnOnce()) -> f64 {
    SUM.store(0, Ordering::Relaxed);
    let start = Instant::now();
    run();
    let rate = f64::from(TASKS) / start.elapsed().as_secs_f64() / 1e6;
    assert_eq!(SUM.load(Ordering::Relaxed), (0..i64::from(TASKS)).map(|i| i + 100).sum::<i64>());
    rate
}

/// Boxed tasks over one channel to a thread, and results with boxed callbacks over another.
fn threads() {
    type Callback = Box<dyn FnOnce(i32) + Send>;
    let (ask, asked) = mpsc::channel::<(Box<dyn FnOnce() -> i32 + Send>, Callback)>();
    let (answer, answered) = mpsc::channel::<(i32, Callback)>();
    let worker = thread::spawn(move || {
        asked.iter().try_for_each(|(task, callback)| answer.send((task(), callback)))
    });
    let callbacks = thread::spawn(move || answered.iter().for_each(|(value, call)| call(value)));
    for i in 0..TASKS {
        ask.send((Box::new(move || i + 100), Box::new(bar))).expect("the thread lives");
    }
    drop(ask);
    worker.join().expect("it does not panic").expect("the callbacks' thread lives");
    callbacks.join().expect("it does not panic");
}

/// For as long as it lives, one process for each core does nothing but count.
struct Hogs(Vec<mp::Process<hog>>);

#[mp::task]
fn hog() {
    loop {
        std::hint::spin_loop();
    }
}

impl Hogs {
    fn new() -> Self {
        let hogs = (0..mp::cpu_count()).map(|_| {
            let mut process = mp::Process::new(hog, ()).with_daemon(true);
            process.start().expect("a process starts");
            process
        });
        Self(hogs.collect())
    }
}

impl Drop for Hogs {
    fn drop(&mut self) {
        for process in &self.0 {
            process.kill().and_then(|()| process.join()).expect("it was started");
        }
    }
}

fn processes_beside_hogs(workers: usize) -> f64 {
    let _hogs = Hogs::new();
    rate(|| processes(workers))
}

#[mp::task]
fn inc(i: i32) -> i32 {
    i.wrapping_add(1)
}

/// Millions of items a second through `map`, the median of nine, the pool's start not included.
fn map(workers: usize) -> f64 {
    let pool = mp::Pool::new(workers).expect("a pool starts");
    pool.map(inc, 0..1000).expect("the workers are up");
    let mut rates = [0.0; 9].map(|_: f64| {
        let start = Instant::now();
        let values = pool.map(inc, 0..TASKS).expect("no item fails");
        let rate = f64::from(TASKS) / start.elapsed().as_secs_f64() / 1e6;
        assert_eq!(values.last(), Some(&TASKS));
        rate
    });
    rates.sort_by(f64::total_cmp);
    rates[4]
}

fn processes(workers: usize) {
    let pool = Arc::new(mp::Pool::new(workers).expect("a pool starts"));
    for i in 0..TASKS {
        pool.apply_async(foo, i, bar);
    }
    pool.close();
    pool.join().expect("it was closed");
}

fn main() {
    let _guard = mp::init();
    table(
        "apply_async with a callback, a million tasks, start and end of the pool included",
        "M tasks/s",
        &mut [
            Row::new("std's channels, a thread for tasks, one for callbacks", || rate(threads)),
            Row::new("apply_async, 1 worker", || rate(|| processes(1))),
            Row::new("apply_async, 2 workers", || rate(|| processes(2))),
            Row::new("apply_async, 8 workers", || rate(|| processes(8))),
            Row::new("apply_async, 2 workers, each core busy with another process", || {
                processes_beside_hogs(2)
            }),
            Row::new("apply_async, 8 workers, each core busy with another process", || {
                processes_beside_hogs(8)
            }),
        ],
    );
    table(
        "map over a million ints, default chunks",
        "M items/s",
        &mut [
            Row::new("in this process, by an iterator", || {
                let start = Instant::now();
                let values: Vec<i32> = (0..TASKS).map(|i| inc(std::hint::black_box(i))).collect();
                assert_eq!(std::hint::black_box(values).len(), 1_000_000);
                f64::from(TASKS) / start.elapsed().as_secs_f64() / 1e6
            }),
            Row::new("map, 1 worker", || map(1)),
            Row::new("map, 2 workers", || map(2)),
            Row::new("map, 8 workers", || map(8)),
        ],
    );
}
