//! What a process gives back: the task's value, its panic, or how it ended without either.

use std::process;
use std::time::{Duration, Instant};

use crate::gate::{Gate, wait_at};
use crate::support::{Scenario, scenario, scenario_main, thread_count, wait_until, watchdog};
use crate::{LONG, PROMPT, stays};

#[mp::task]
fn add(a: i32, b: i32) -> i32 {
    a + b
}

#[mp::task]
fn add_at(gate: &str, a: i32, b: i32) -> i32 {
    wait_at(gate);
    a + b
}

#[mp::test]
fn proc_33_the_value_of_the_task_comes_back() {
    watchdog(LONG, || {
        let process = mp::spawn(add, (5, 7)).expect("it starts");
        assert_eq!(process.result().expect("it returns"), 12);
        assert_eq!(process.exit_code(), Some(0), "result has joined it");
        assert_eq!(process.result().expect("the value is kept"), 12);
        let process = mp::Process::new(add, (5, -7));
        assert_eq!(process.run().expect("it runs here"), -2);
        assert_eq!(process.pid(), None);
    });
}

/// The line of the `panic!` below.
const PANIC_LINE: u32 = line!() + 4;

#[mp::task]
fn refuses(x: i32) -> i32 {
    panic!("{x} is refused");
}

fn refusal(backtrace: &str) -> mp::Error {
    let mut process = mp::Process::new(refuses, 5).with_env("RUST_BACKTRACE", backtrace);
    process.start().expect("it starts");
    let error = process.result().expect_err("it panics");
    assert_eq!(process.exit_code(), Some(101));
    assert_eq!(process.result().expect_err("the error is kept").kind(), error.kind());
    assert_eq!(error.panic().expect("a panic").worker(), process.name());
    error
}

#[mp::test]
fn proc_34_a_panic_comes_back_with_its_place() {
    watchdog(LONG, || {
        let error = refusal("0");
        assert_eq!(error.kind(), mp::ErrorKind::Panicked);
        let panic = error.panic().expect("a panic");
        assert_eq!(panic.message(), "5 is refused");
        let line = format!("{}:{PANIC_LINE}:", file!());
        assert!(panic.location().starts_with(&line), "{} in {line}", panic.location());
        assert_eq!(panic.backtrace(), None);
        let text = error.to_string();
        assert!(text.contains("5 is refused") && text.contains(&line), "{text}");
    });
}

#[mp::test]
fn proc_34_a_panic_comes_back_with_its_backtrace() {
    watchdog(LONG, || {
        let error = refusal("1");
        let backtrace = error.panic().expect("a panic").backtrace().expect("one was asked for");
        assert!(backtrace.lines().count() > 4, "{backtrace}");
        // Without debug information a function that was inlined has no name there.
        assert!(backtrace.contains("refuses") || !cfg!(debug_assertions), "{backtrace}");
    });
}

#[mp::task]
fn exits_before_its_value(code: i32) -> i32 {
    process::exit(code);
}

#[mp::task]
fn aborts_before_its_value() -> i32 {
    process::abort();
}

fn died<T: mp::Task<Output = i32>>(process: &mp::Process<T>) -> mp::WorkerExit {
    let begun = Instant::now();
    let error = process.result().expect_err("there is no value");
    assert!(begun.elapsed() < LONG);
    assert_eq!(error.kind(), mp::ErrorKind::WorkerDied);
    let exit = error.worker().expect("its exit").clone();
    assert_eq!(Some(exit.pid()), process.pid());
    assert_eq!(exit.name(), process.name());
    assert_eq!(Some(exit.exit_code()), process.exit_code());
    exit
}

#[mp::test]
fn proc_35_an_end_without_a_value_is_an_error() {
    watchdog(LONG * 2, || {
        for code in [0, 3] {
            let process = mp::spawn(exits_before_its_value, code).expect("it starts");
            let exit = died(&process);
            assert_eq!((exit.exit_code(), exit.signal_name()), (code, None));
        }
        let exit = died(&mp::spawn(aborts_before_its_value, ()).expect("it starts"));
        assert_eq!((exit.exit_code(), exit.signal_name()), (-6, Some("SIGABRT")));
        let gate = Gate::new();
        let killed = mp::spawn(add_at, (gate.name(), 5, 7)).expect("it starts");
        let waiting = gate.arrival();
        killed.kill().expect("it was started");
        let exit = died(&killed);
        assert_eq!((exit.exit_code(), exit.signal_name()), (-9, Some("SIGKILL")));
        drop(waiting);
    });
}

#[mp::test]
fn proc_36_waiting_in_vain_does_not_cost_the_value() {
    watchdog(LONG, || {
        let gate = Gate::new();
        let process = mp::spawn(add_at, (gate.name(), 5, 7)).expect("it starts");
        let waiting = gate.arrival();
        let a_while = Duration::from_millis(100);
        for _ in 0..2 {
            let begun = Instant::now();
            assert!(!process.join_timeout(a_while).expect("it was started"));
            assert!(begun.elapsed() >= a_while);
            assert!(process.is_alive());
        }
        drop(waiting);
        assert!(process.join_timeout(LONG).expect("it was started"));
        assert_eq!(process.result().expect("it returns"), 12);
    });
}

#[mp::test]
fn proc_37_dropping_the_handle_disturbs_nothing() {
    let program = scenario!(|| {
        let threads = thread_count();
        let gate = Gate::new();
        let process = mp::spawn(add_at, (gate.name(), 5, 7)).expect("it starts");
        let waiting = gate.arrival();
        let child = mp::active_children().pop().expect("it runs");
        let begun = Instant::now();
        drop(process);
        assert!(begun.elapsed() < PROMPT);
        assert!(child.is_alive());
        assert_eq!(thread_count(), threads, "nobody waits for it behind the scenes");
        drop(waiting);
        wait_until(LONG, "it ends", || child.exit_code().is_some());
        assert_eq!(child.exit_code(), Some(0));
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.stderr, "", "the child does not complain either");
}

#[mp::task]
fn works_and_prints() -> i32 {
    // work: half a second after its handle was dropped
    std::thread::sleep(Duration::from_millis(500));
    println!("worked");
    5
}

#[mp::test]
fn proc_37_a_dropped_child_is_waited_for_at_the_end() {
    let program: Scenario = scenario_main!(|| {
        drop(mp::spawn(works_and_prints, ()).expect("it starts"));
        let mut daemon = mp::Process::new(stays, ()).with_daemon(true);
        daemon.start().expect("it starts");
        drop(daemon);
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.value("worked"), "");
    assert!(finished.elapsed >= Duration::from_millis(500));
}

/// The system reaps such a program's children by itself, and tells nobody how they ended.
#[mp::test]
fn proc_33_values_come_back_to_a_program_that_ignores_the_ends_of_children() {
    let program = scenario!(|| {
        crate::kernel::ignore_ends_of_children();
        for i in 0..200 {
            let process = mp::spawn(add, (i, 1)).expect("it starts");
            assert_eq!(process.result().expect("it returns"), i + 1);
            assert!(process.exit_code().is_some());
        }
        assert!(mp::active_children().is_empty());
    });
    program.run().assert_success();
}
