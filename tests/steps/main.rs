//! Processes killed at each access to memory that they share with others, one run for each: the others go on, and nothing is
//! lost but what the dead one had in hand. `cargo test --features __steps --test steps`

#[path = "../support/mod.rs"]
mod support;

mod channel;
mod handles;
mod loans;
mod objects;
mod pool;
mod sync;

use mp::__private::steps;
use mp::Lock;
use std::time::Duration;
use support::Scenario;
use support::commons::Commons;

/// Runs a test's body on this thread, under the watchdog.
#[track_caller]
fn watched<R>(body: impl FnOnce() -> R) -> R {
    support::watchdog(Duration::from_secs(300), body)
}

/// Runs a test's body that is a program of its own.
#[track_caller]
fn run(program: Scenario) {
    let finished = program.limit(Duration::from_secs(300)).run();
    finished.assert_success();
    println!("{} steps, {}", finished.value("steps "), finished.value("left "));
}

/// Calls `round` with 1, 2, .. until it says that the process was not killed any more: it had fewer
/// steps. Gives how many there were.
#[track_caller]
fn every_step(round: impl Fn(u64) -> bool) -> u64 {
    let last = (1..2_000).find(|step| round(*step)).expect("it ends");
    assert!(last > 5, "there are steps to be killed at: {last}");
    println!("steps {last}");
    last
}

/// As [`every_step`], in a program of its own: no object is left in the end, and no memory but what
/// the living keep for the next.
#[track_caller]
fn every_step_gives_back(round: impl Fn(u64) -> bool) {
    assert!(round(u64::MAX), "it lives if it is not killed");
    let before = look(2_000);
    every_step(&round);
    assert!(round(u64::MAX), "it lives if it is not killed");
    let after = look(10_000);
    assert_eq!(after.objects, before.objects, "{before:?} {after:?}");
    // The locks of the second look, and the blocks that this process has for its next objects.
    assert!(after.bytes < before.bytes + (5 << 20), "{before:?} {after:?}");
    println!(
        "left {} objects, {} bytes",
        after.objects - before.objects,
        after.bytes - before.bytes
    );
}

/// What is left when this process has looked for what the dead have held, which it does when it has twice as
/// many objects as the last time.
fn look(objects: usize) -> Commons {
    drop((0..objects).map(|_| Lock::new().unwrap()).collect::<Vec<_>>());
    Commons::now()
}

/// Has this thread die at that step, once it has memory to make objects in: to look for some takes steps for all that the
/// rounds before have left.
fn die_at(step: u64) {
    drop(Lock::new().unwrap());
    steps::die_at(step);
}

/// Whether the process came through, disarmed.
#[track_caller]
fn survived(process: &mp::Process<impl mp::Task>) -> bool {
    process.join().unwrap();
    match process.exit_code() {
        Some(0) => true,
        Some(-9) => false,
        other => panic!("it ended with {other:?}"),
    }
}
