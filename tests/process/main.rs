//! Processes: what they are called, how they live, how they end, what they give back.
//! What the program's end makes of them is in `tests/exit`, what they hold of the system in `tests/resources`.

mod cleanup;
mod crowds;
mod ends;
mod gate;
mod handle;
mod kernel;
mod life;
mod naming;
mod peers;
mod races;
mod relatives;
mod standard_input;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod surroundings;
mod values;

use std::time::Duration;

/// What no test comes near; a watchdog's limit, and the upper bound of what may take a while.
const LONG: Duration = Duration::from_secs(10);
/// The upper bound of what happens promptly.
const PROMPT: Duration = Duration::from_secs(1);
/// For tests of some hundred processes.
const VERY_LONG: Duration = Duration::from_secs(100);

/// The pid of this process, as `support` has pids.
fn own_pid() -> i32 {
    std::process::id().cast_signed()
}

/// A pid that `mp` gave, as `support` has pids.
fn signed(pid: Option<u32>) -> i32 {
    pid.expect("it was started").cast_signed()
}

#[mp::task]
fn nothing() {}

/// Runs until it is killed.
#[mp::task]
fn stays() {
    loop {
        std::thread::park();
    }
}
