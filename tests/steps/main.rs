//! Processes killed at each access to memory that they share with others, one run for each: the others go on, and nothing is
//! lost but what the dead one had in hand. `cargo test --features __steps --test steps`

#[path = "../support/mod.rs"]
mod support;

mod objects;
mod pool;
mod sync;

use std::time::Duration;

/// Runs a test's body on this thread, under the watchdog.
#[track_caller]
fn watched<R>(body: impl FnOnce() -> R) -> R {
    support::watchdog(Duration::from_secs(300), body)
}

/// Calls `round` with 1, 2, .. until it says that the process was not killed any more: it had fewer
/// steps. Gives how many there were.
#[track_caller]
fn every_step(round: impl Fn(u64) -> bool) -> u64 {
    let last = (1..20_000).find(|step| round(*step)).expect("it ends");
    assert!(last > 5, "there are steps to be killed at: {last}");
    println!("{last} steps");
    last
}
