//! The tasks that several modules give to their pools, and the values these should give.
//! Tasks that only one module needs stand there.

use crate::gate;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[mp::task]
pub fn plus_100(i: i64) -> i64 {
    i + 100
}

#[mp::task]
pub fn worker_pid() -> u32 {
    process::id()
}

/// Stops at a gate, and gives the worker's pid.
#[mp::task]
pub fn stop(gate: &str) -> u32 {
    gate::stop_at(gate);
    process::id()
}

/// How many tasks of this kind the worker has run before.
#[mp::task]
pub fn count_runs() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// Works for a while, and gives `i * i`.
#[mp::task]
pub fn square_slowly(i: u64, micros: u64) -> u64 {
    spin_for(Duration::from_micros(micros));
    i * i
}

#[mp::task]
pub fn fail(text: &str) -> i64 {
    panic!("{text}")
}

#[mp::task]
pub fn make_bytes(len: usize, seed: u8) -> Vec<u8> {
    pattern(len, seed)
}

/// What can be said of bytes without sending them back: their length, and a sum that depends on the order.
#[mp::task]
pub fn digest(bytes: &[u8]) -> (usize, u64) {
    digest_of(bytes)
}

#[mp::task]
pub fn echo(bytes: Vec<u8>) -> Vec<u8> {
    bytes
}

pub fn digest_of(bytes: &[u8]) -> (usize, u64) {
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let all = words.chain(rest.iter().map(|byte| u64::from(*byte)));
    let sum = all.fold(0u64, |sum, word| sum.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ word);
    (bytes.len(), sum)
}

/// Bytes of which no two stretches are alike.
pub fn pattern(len: usize, seed: u8) -> Vec<u8> {
    let mut block: Vec<u8> = (0..4096u32).map(|at| (at * at / 7) as u8 ^ seed).collect();
    let mut all = Vec::with_capacity(len);
    for number in 0u64.. {
        block[..8].copy_from_slice(&number.wrapping_mul(0xD6E8_FEB8_6659_FD93).to_le_bytes());
        let left = len - all.len();
        if left <= block.len() {
            all.extend_from_slice(&block[..left]);
            break;
        }
        all.extend_from_slice(&block);
    }
    all
}

/// Keeps a core busy: a pause shorter than any sleep.
pub fn spin_for(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Numbers that look random, the same in every run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}
