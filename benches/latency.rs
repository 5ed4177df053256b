//! The round trip of one `apply`, busy and after idling, beside two threads that do the same in one process.

mod rounds;

use rounds::{Row, median, table};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

#[mp::task]
fn add(a: i32, b: i32) -> i32 {
    a + b
}

/// The median time of `calls` calls in microseconds, with a pause before each.
fn p50(calls: usize, pause: Option<Duration>, mut call: impl FnMut()) -> f64 {
    let once = |_| {
        pause.into_iter().for_each(thread::sleep);
        let start = Instant::now();
        call();
        start.elapsed().as_secs_f64() * 1e6
    };
    median(&mut (0..calls).map(once).collect::<Vec<_>>())
}

/// Two threads that hand a word to each other, spinning.
fn cache_line() -> f64 {
    let (line, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let _ = line.compare_exchange(1, 2, Ordering::AcqRel, Ordering::Relaxed);
            }
        });
        let p50 = p50(20_000, None, || {
            line.store(1, Ordering::Release);
            while line.load(Ordering::Acquire) != 2 {
                std::hint::spin_loop();
            }
        });
        stop.store(true, Ordering::Relaxed);
        p50
    })
}

fn channels() -> f64 {
    let (ask, asked) = mpsc::channel::<(i32, i32)>();
    let (answer, answered) = mpsc::channel();
    thread::spawn(move || asked.iter().try_for_each(|(a, b)| answer.send(a + b)));
    p50(20_000, None, || {
        ask.send((5, 7)).expect("the thread lives");
        assert_eq!(answered.recv(), Ok(12));
    })
}

/// A parked thread woken, which wakes its waker.
fn parked(pause: Option<Duration>) -> f64 {
    let (caller, state) = (thread::current(), Arc::new(AtomicU64::new(0)));
    let shared = Arc::clone(&state);
    let other = thread::spawn(move || {
        while shared.load(Ordering::Acquire) != 2 {
            if shared.compare_exchange(1, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                caller.unpark();
            }
            thread::park();
        }
    });
    let p50 = p50(100, pause, || {
        state.store(1, Ordering::Release);
        other.thread().unpark();
        while state.load(Ordering::Acquire) == 1 {
            thread::park();
        }
    });
    state.store(2, Ordering::Release);
    other.thread().unpark();
    other.join().expect("it does not panic");
    p50
}

fn main() -> mp::Result<()> {
    let _guard = mp::init();
    let pool = mp::Pool::new(1)?;
    let apply = || assert_eq!(pool.apply(add, (5, 7)).ok(), Some(12));
    p50(1000, None, apply);
    table(
        "apply, busy, p50",
        "µs",
        &mut [
            Row::new("two threads spinning over a cache line", cache_line),
            Row::new("std's channels and a thread", channels),
            Row::new("apply, 1 worker", || p50(20_000, None, apply)),
        ],
    );
    let pause = Some(Duration::from_millis(10));
    table(
        "apply after 10 ms idle, p50",
        "µs",
        &mut [
            Row::new("a parked thread woken, and the way back", || parked(pause)),
            Row::new("apply, 1 worker", || p50(100, pause, apply)),
        ],
    );
    Ok(())
}
