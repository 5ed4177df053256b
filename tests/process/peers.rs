//! Faults that other crates for the same purpose have or had: all of one crate's side by side, each in a few lines.
//! The behaviours by themselves, at more length, are in the areas' own tests.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::gate::{Gate, wait_at};
use crate::support::{scenario, wait_until, watchdog, zombies_of};
use crate::{LONG, own_pid};

const LARGE: usize = 8 << 20;

#[mp::task]
fn turned(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().rev().copied().collect()
}

#[mp::task]
fn pid_at(gate: &str) -> u32 {
    wait_at(gate);
    std::process::id()
}

/// procspawn #31: all are started, with more than any pipe holds, before anyone reads.
#[mp::test]
fn bey_47_large_arguments_and_results_do_not_deadlock() {
    watchdog(LONG * 3, || {
        let bytes: Vec<u8> = (0..LARGE).map(|i| u8::try_from(i % 251).expect("small")).collect();
        let start = |_| mp::spawn(turned, &bytes).expect("it starts");
        let processes: Vec<_> = (0..4).map(start).collect();
        for process in processes.into_iter().rev() {
            let back = process.result().expect("it returns");
            assert!(back.iter().rev().eq(&bytes));
        }
    });
}

/// procspawn #27.
#[mp::test]
fn bey_47_children_that_nobody_joins_leave_no_zombie() {
    let program = scenario!(|| {
        let gate = Gate::new();
        let processes: Vec<_> =
            (0..5).map(|_| mp::spawn(pid_at, gate.name()).expect("it starts")).collect();
        drop(processes);
        (0..5).for_each(|_| drop(gate.arrival()));
        wait_until(LONG, "all have ended", || mp::active_children().is_empty());
        assert_eq!(zombies_of(own_pid()), []);
    });
    program.run().assert_success();
}

/// procspawn's PR #48, for a process and for a pool's worker.
#[mp::test]
fn bey_47_a_wait_in_vain_kills_nobody() {
    watchdog(LONG, || {
        let a_while = Duration::from_millis(50);
        let gate = Gate::new();
        let process = mp::spawn(pid_at, gate.name()).expect("it starts");
        let pool = mp::Pool::new(1).expect("it starts");
        let worker = pool.submit(pid_at, gate.name());
        let waiting = [gate.arrival(), gate.arrival()];
        assert!(!process.join_timeout(a_while).expect("it was started"));
        let error = worker.get_timeout(a_while).expect_err("it waits");
        assert_eq!(error.kind(), mp::ErrorKind::Timeout);
        drop(waiting);
        assert_eq!(Some(process.result().expect("it goes on")), process.pid());
        let pid = worker.get().expect("it goes on, too");
        let again = pool.submit(pid_at, gate.name());
        drop(gate.arrival());
        assert_eq!(again.get().expect("it runs"), pid, "the same worker");
    });
}

#[derive(Serialize, Deserialize)]
struct Flat {
    a: u32,
    #[serde(flatten)]
    rest: std::collections::BTreeMap<String, u32>,
}

#[mp::task]
fn flat(value: Flat) -> u32 {
    value.a + value.rest.len() as u32
}

/// bincode, which procspawn uses, fails at such values in the child, or never.
#[mp::test]
fn bey_47_values_that_cannot_travel_are_refused_at_the_start() {
    watchdog(LONG, || {
        let value = Flat { a: 1, rest: [("b".to_owned(), 2)].into() };
        let error = mp::spawn(flat, value).expect_err("a map of unknown length");
        assert_eq!(error.kind(), mp::ErrorKind::Encode);
        assert!(error.to_string().contains("flatten"), "{error}");
    });
}

#[mp::task]
fn large_at(gate: &str) -> Vec<u8> {
    wait_at(gate);
    vec![7; LARGE]
}

/// In crossmist the child panics when it returns a value that nobody waits for any more.
#[mp::test]
fn bey_48_dropping_a_handle_harms_nobody() {
    let program = scenario!(|| {
        let gate = Gate::new();
        for _ in 0..5 {
            drop(mp::spawn(large_at, gate.name()).expect("it starts"));
        }
        let children = mp::active_children();
        assert_eq!(children.len(), 5);
        (0..5).for_each(|_| drop(gate.arrival()));
        wait_until(LONG, "all have ended", || mp::active_children().is_empty());
        // Reaped, though nobody has joined one.
        assert_eq!(zombies_of(own_pid()), []);
        assert!(children.iter().all(|child| child.exit_code() == Some(0)), "{children:?}");
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.stderr, "");
}

#[mp::task]
fn arguments() -> Vec<String> {
    std::env::args().collect()
}

/// `_crossmist_ FD` there.
#[mp::test]
fn bey_48_the_command_line_is_the_parents() {
    watchdog(LONG, || {
        let process = mp::spawn(arguments, ()).expect("it starts");
        assert_eq!(process.result().expect("it returns"), std::env::args().collect::<Vec<_>>());
    });
}

/// Uses at least a kibibyte of stack for each level.
fn sum_to(depth: u64) -> u64 {
    let level = std::hint::black_box([depth; 128]);
    if depth == 0 { 0 } else { level[127] + sum_to(depth - 1) }
}

#[mp::task]
fn deep(depth: u64) -> u64 {
    sum_to(depth)
}

/// 4 KiB there.
#[mp::test]
fn bey_48_a_child_has_a_whole_stack() {
    watchdog(LONG, || {
        let process = mp::spawn(deep, 1000).expect("it starts");
        assert_eq!(process.result().expect("it returns"), 500_500);
    });
}

/// Is sent as bytes that are no text, and read as text.
#[derive(Debug)]
struct Garbage(String);

impl Serialize for Garbage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&[0xff; 64])
    }
}

impl<'de> Deserialize<'de> for Garbage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() { Err(D::Error::custom("no text")) } else { Ok(Self(text)) }
    }
}

#[mp::task]
fn takes_garbage(garbage: Garbage) -> usize {
    garbage.0.len()
}

#[mp::task]
fn gives_garbage() -> Garbage {
    Garbage(String::new())
}

/// Not a value of undefined behaviour.
#[mp::test]
fn bey_48_garbage_is_an_error_in_both_directions() {
    watchdog(LONG, || {
        let taken = mp::spawn(takes_garbage, Garbage(String::new())).expect("it starts");
        let error = taken.result().expect_err("it is no text");
        assert_eq!(error.kind(), mp::ErrorKind::Decode, "{error}");
        let given = mp::spawn(gives_garbage, ()).expect("it starts");
        let error = given.result().expect_err("it is no text");
        assert_eq!(error.kind(), mp::ErrorKind::Decode, "{error}");
        assert_eq!(given.exit_code(), Some(0));
    });
}
