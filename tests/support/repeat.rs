//! Races: run again and again, and on a machine that has other things to do.
//! What a race test asserts is its own matter.

use std::sync::atomic::{AtomicBool, Ordering};
use std::{hint, thread};

/// The variable that says how often every repeated test runs its body.
const VARIABLE: &str = "MP_TEST_REPEAT";

/// Runs `body` `times` times, or as often as `MP_TEST_REPEAT` says; it gets the round's number, from 1.
///
/// A round that fails is named on stderr before the panic goes on.
pub fn repeat(times: usize, mut body: impl FnMut(usize)) {
    let times = match std::env::var(VARIABLE) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{VARIABLE}={text:?} is not a number")),
        Err(_) => times,
    };
    for round in 1..=times {
        let _named = Round { round, times };
        body(round);
    }
}

struct Round {
    round: usize,
    times: usize,
}

impl Drop for Round {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("round {} of {} failed", self.round, self.times);
        }
    }
}

/// Runs `body` while one thread of this process for each core spins, so that nothing runs at once.
pub fn with_busy_cores<R>(body: impl FnOnce() -> R) -> R {
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let stop = AtomicBool::new(false);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        // Dropped, in a panic too, before the scope waits for its threads.
        let _stop = Stop(&stop);
        for _ in 0..cores {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    hint::spin_loop();
                }
            });
        }
        body()
    })
}
