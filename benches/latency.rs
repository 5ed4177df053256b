//! The round trip of one `apply`, busy and after idling, beside two threads that do the same in one process.
#![expect(unsafe_code, reason = "std cannot pin a thread")]

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

/// Keeps the calling thread on one core, or lets it run on all.
fn pin(core: Option<usize>) {
    let cores = match core {
        Some(core) => core..core + 1,
        None => 0..thread::available_parallelism().map_or(1, usize::from),
    };
    // SAFETY: a set of cores is plain bits, all zero is an empty one, and the numbers are below its size.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        cores.for_each(|core| libc::CPU_SET(core, &mut set));
        // Where it is refused, the line is that of threads wherever they run.
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set);
    }
}

/// A parked thread woken, which wakes its waker; each on a core of its own if they are `apart`.
fn parked(pause: Option<Duration>, apart: bool) -> f64 {
    let (caller, state) = (thread::current(), Arc::new(AtomicU64::new(0)));
    let shared = Arc::clone(&state);
    apart.then(|| pin(Some(0)));
    let other = thread::spawn(move || {
        apart.then(|| pin(Some(1)));
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
    apart.then(|| pin(None));
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
            Row::new("a thread parked on the other core woken, and the way back", || {
                parked(pause, true)
            }),
            Row::new("the same wherever they run, mostly on one", || parked(pause, false)),
            Row::new("apply, 1 worker", || p50(100, pause, apply)),
        ],
    );
    Ok(())
}
