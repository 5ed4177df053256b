//! 64 MiB of bytes as an argument, summed by the task, beside a copy and a sum in this process.

mod rounds;

use rounds::{Row, table};
use std::time::Instant;

const SIZE: usize = 64 << 20;

fn total(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte)).sum()
}

#[mp::task]
fn sum(bytes: &[u8]) -> u64 {
    total(bytes)
}

#[mp::task]
fn sum_vec(bytes: Vec<u8>) -> u64 {
    total(&bytes)
}

#[mp::task]
fn sum_slice(bytes: mp::SharedSlice<u8>) -> u64 {
    total(&bytes)
}

#[mp::task]
fn make(len: usize) -> Vec<u8> {
    vec![1; len]
}

/// GiB a second, the best of three, so that memory is warm.
fn rate(mut once: impl FnMut() -> u64) -> f64 {
    rate_of(|| (), |()| once())
}

/// The same for something that is made anew each time, which does not count.
fn rate_of<I>(mut prepare: impl FnMut() -> I, mut once: impl FnMut(I) -> u64) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let input = prepare();
        let start = Instant::now();
        assert_eq!(once(input), SIZE as u64);
        best = best.min(start.elapsed().as_secs_f64());
    }
    (SIZE >> 20) as f64 / 1024.0 / best
}

fn main() -> mp::Result<()> {
    let _guard = mp::init();
    let pool = mp::Pool::new(1)?;
    let bytes = vec![1; SIZE];
    let mut copy = vec![0; SIZE];
    let slice = mp::SharedSlice::new(&bytes)?;
    table(
        "64 MiB",
        "GiB/s",
        &mut [
            Row::new("copied and summed in this process", || {
                rate(|| {
                    copy.copy_from_slice(&bytes);
                    total(&copy)
                })
            }),
            Row::new("argument &[u8]", || rate(|| pool.apply(sum, &bytes).unwrap_or(0))),
            Row::new("argument Vec<u8>", || {
                rate_of(|| bytes.clone(), |input| pool.apply(sum_vec, input).unwrap_or(0))
            }),
            Row::new("SharedSlice, made before", || {
                rate(|| pool.apply(sum_slice, slice.clone()).unwrap_or(0))
            }),
            Row::new("SharedSlice, made anew", || {
                rate(|| {
                    mp::SharedSlice::new(&bytes)
                        .and_then(|made| pool.apply(sum_slice, made))
                        .unwrap_or(0)
                })
            }),
            Row::new("summed in place, in this process", || rate(|| total(&bytes))),
            Row::new("result Vec<u8>", || {
                rate(|| pool.apply(make, SIZE).map_or(0, |made| made.len() as u64))
            }),
        ],
    );
    Ok(())
}
