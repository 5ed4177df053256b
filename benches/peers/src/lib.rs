//! What the contestants share: what is measured, how often, and the clock. Each contestant is a program that takes the
//! name of a metric and a scale in percent, and prints one number: the metric in its unit.

pub mod dict;
pub mod objects;
pub mod raw;

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Bytes of a large argument or result.
pub const LARGE: usize = 64 << 20;
/// Numbers that are mapped.
pub const ITEMS: u64 = 1_000_000;

/// What a contestant is asked for.
pub struct Asked {
    pub metric: String,
    percent: u64,
}

impl Asked {
    /// From the command line. It is read by hand, since a child of the contestant has the same.
    pub fn read() -> Self {
        let mut arguments = std::env::args().skip(1);
        let metric = arguments.next().unwrap_or_default();
        let percent = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(100);
        Self { metric, percent }
    }

    /// So many, or fewer in a quick run.
    pub fn count(&self, usual: u64) -> u64 {
        (usual * self.percent / 100).max(1)
    }
}

/// Tells the driver; a contestant that does not is left out of the row.
pub fn tell(value: Option<f64>) {
    match value {
        Some(value) => println!("{value}"),
        None => println!("none"),
    }
}

/// So many a second, in millions.
pub fn millions(count: u64, run: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    run();
    count as f64 / begun.elapsed().as_secs_f64() / 1e6
}

/// The median time of one call, in microseconds; before each `pause` passes, in which nothing runs.
pub fn median(count: u64, pause: Duration, mut call: impl FnMut()) -> f64 {
    call();
    let mut times: Vec<_> = (0..count)
        .map(|_| {
            if !pause.is_zero() {
                std::thread::sleep(pause);
            }
            let begun = Instant::now();
            call();
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

/// The best of some turns of a large payload, in GiB a second.
pub fn gibibytes(count: u64, mut turn: impl FnMut()) -> f64 {
    turn();
    let best = (0..count).map(|_| {
        let begun = Instant::now();
        turn();
        begun.elapsed().as_secs_f64()
    });
    LARGE as f64 / (1u64 << 30) as f64 / best.fold(f64::INFINITY, f64::min)
}

/// What is done with a large argument: it reads every byte, and Python's `isascii` is as quick.
pub fn all_ascii(bytes: &[u8]) -> bool {
    black_box(bytes).is_ascii()
}
