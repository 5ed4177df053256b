//! Ends that come at any moment of a start. Each round is short, and all are run again on busy cores.

use crate::gate::{Gate, wait_at};
use crate::support::{repeat, state_of, watchdog, with_busy_cores};
use crate::{VERY_LONG, nothing, signed, stays};

fn race(round: impl Fn(usize)) {
    watchdog(VERY_LONG, || {
        repeat(200, &round);
        with_busy_cores(|| repeat(50, &round));
    });
}

#[mp::task]
fn double(x: usize) -> usize {
    2 * x
}

#[mp::task]
fn waits(gate: &str) -> bool {
    wait_at(gate);
    true
}

#[mp::test]
fn proc_07_ends_are_seen_whenever_they_come() {
    race(|_| {
        let process = mp::spawn(nothing, ()).expect("it starts");
        process.join().expect("it was started");
        assert_eq!(process.exit_code(), Some(0));
        assert_eq!(state_of(signed(process.pid())), None);
    });
}

#[mp::test]
fn proc_12_a_child_is_terminated_right_after_its_start() {
    race(|_| {
        let process = mp::spawn(stays, ()).expect("it starts");
        process.terminate().expect("it was started");
        process.join().expect("it was started");
        assert_eq!(process.exit_code(), Some(-15));
    });
}

#[mp::test]
fn proc_33_values_are_never_lost() {
    race(|round| {
        let process = mp::spawn(double, round).expect("it starts");
        assert_eq!(process.result().expect("it returns"), 2 * round);
    });
}

/// Killed while it leaves: either the value is whole, or the error says how it ended.
#[mp::test]
fn proc_35_a_kill_at_the_end_leaves_a_value_or_an_error() {
    race(|_| {
        let gate = Gate::new();
        let process = mp::spawn(waits, gate.name()).expect("it starts");
        drop(gate.arrival());
        process.kill().expect("it was started");
        match process.result() {
            Ok(value) => assert!(value),
            Err(error) => assert_eq!(error.worker().expect("its exit").exit_code(), -9),
        }
    });
}
