//! What the contestants of the objects' rows share: the messages, the clock of all processes, and how an event's rounds go.

use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Bytes of a large message.
pub const MESSAGE: usize = 1 << 20;

/// A small message: 64 bytes in memory, and about as many in any encoding.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[repr(C)]
pub struct Small {
    pub number: u64,
    pub time: u64,
    pub values: [f64; 6],
}

impl Small {
    pub fn new(number: u64) -> Self {
        Self { number, time: 1, values: [0.5; 6] }
    }
}

/// Nanoseconds on a clock that all processes have in common.
pub fn clock() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it writes to a variable of ours.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// So many a second, in thousands.
pub fn thousands(count: u64, run: impl FnOnce()) -> f64 {
    crate::millions(count, run) * 1e3
}

/// The time of one of so many, in nanoseconds.
pub fn nanoseconds(count: u64, mut call: impl FnMut()) -> f64 {
    let begun = Instant::now();
    (0..count).for_each(|_| call());
    begun.elapsed().as_nanos() as f64 / count as f64
}

/// Does `pair` again and again for so many nanoseconds, and says how often: as many processes do that at once, none is ever
/// alone.
pub fn pairs(nanoseconds: u64, pair: impl Fn()) -> u64 {
    let end = clock() + nanoseconds;
    let mut count = 0;
    while clock() < end {
        (0..100).for_each(|_| pair());
        count += 100;
    }
    count
}

/// How long contenders do that.
pub fn contention(asked: &crate::Asked) -> u64 {
    asked.count(500_000_000)
}

/// Rounds of an event, and what passes before each: it is waited for all that time.
pub fn rounds(asked: &crate::Asked) -> Option<(u64, Duration)> {
    match asked.metric.as_str() {
        "event" => Some((asked.count(2000), Duration::ZERO)),
        "event-idle" => Some((asked.count(100), Duration::from_millis(10))),
        _ => None,
    }
}

/// The side that sets, and is told by `answered` that the other has been woken: when it set.
pub fn setter((rounds, pause): (u64, Duration), set: impl Fn(), answered: impl Fn()) -> Vec<u64> {
    let round = |_| {
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
        let now = clock();
        set();
        if !pause.is_zero() {
            // To spin for the answer at once would have the scheduler wake the other side on another core.
            std::thread::sleep(pause / 10);
        }
        answered();
        now
    };
    (0..=rounds).map(round).collect()
}

/// The side that waits: when it was woken.
pub fn waiter(rounds: u64, wait: impl Fn(), answer: impl Fn()) -> Vec<u64> {
    let round = |_| {
        wait();
        let now = clock();
        answer();
        now
    };
    (0..=rounds).map(round).collect()
}

/// The median time between both, in microseconds, without the first round.
pub fn delay(set: &[u64], woken: &[u64]) -> f64 {
    assert_eq!(set.len(), woken.len());
    let mut delays: Vec<_> = woken.iter().zip(set).skip(1).map(|(woken, set)| woken.saturating_sub(*set)).collect();
    delays.sort_unstable();
    delays[delays.len() / 2] as f64 / 1e3
}

/// Numbers that make 64 MiB, and their sum.
pub fn numbers() -> (Vec<u64>, u64) {
    let numbers: Vec<u64> = (0..crate::LARGE as u64 / 8).collect();
    let sum = sum(&numbers);
    (numbers, sum)
}

pub fn sum(numbers: &[u64]) -> u64 {
    black_box(numbers).iter().fold(0, |sum, number| sum.wrapping_add(*number))
}

/// Numbers as their bytes.
pub fn bytes(numbers: &[u64]) -> &[u8] {
    // SAFETY: any initialised memory may be read as bytes.
    unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast(), size_of_val(numbers)) }
}

/// The sum of the numbers whose bytes these are.
pub fn sum_bytes(bytes: &[u8]) -> u64 {
    // SAFETY: any bytes are numbers; what is not aligned is left out, and noticed by the sum.
    sum(unsafe { bytes.align_to().1 })
}
