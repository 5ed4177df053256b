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
        ],
    );
}
