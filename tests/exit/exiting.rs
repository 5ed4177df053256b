//! `process::exit` where it is not expected: inside callbacks and tasks.

use std::process;

use crate::gate::{Gate, wait_at};
use crate::support::{repeat, scenario, scenario_main, watchdog};
use crate::{LONG, say, works};

#[mp::task]
fn exits(code: i32) -> i32 {
    process::exit(code);
}

#[mp::task]
fn echo(number: u32) -> u32 {
    number
}

/// The others' callbacks still run, and accepted tasks are still done.
#[mp::test]
fn exit_06_exit_inside_a_callback() {
    let program = scenario_main!(|| -> mp::Result<()> {
        let pool = mp::Pool::new(2)?;
        mp::spawn(works, 1)?;
        for number in 10..16 {
            pool.apply_async(works, number, |number| {
                say(&format!("callback {number}"));
                if number == 10 {
                    process::exit(5);
                }
            });
        }
        pool.close();
        pool.join()
    });
    let finished = program.run();
    finished.assert_code(5);
    assert!(finished.elapsed < LONG);
    let mut numbers = finished.values("callback ");
    numbers.sort_unstable();
    assert_eq!(numbers, ["10", "11", "12", "13", "14", "15"], "{}", finished.stdout);
    assert_eq!(finished.values("worked ").len(), 7, "{}", finished.stdout);
}

/// Whichever of both ends the program, it ends.
#[mp::test]
fn exit_06_exit_inside_a_callback_while_main_returns() {
    let program = scenario_main!(|| {
        let pool = mp::Pool::new(1).expect("it starts");
        pool.apply_async(echo, 1, |_| process::exit(5));
        pool.apply_async(echo, 2, |_| say("callback"));
    });
    repeat(50, |_| {
        let finished = program.run();
        assert!(matches!(finished.code, Some(0 | 5)), "{finished:?}");
        assert!(finished.elapsed < LONG);
    });
}

#[mp::task]
fn exits_with_a_child(code: i32) {
    mp::spawn(works, 1).expect("it starts");
    process::exit(code);
}

#[mp::task]
fn returns_with_a_child() {
    mp::spawn(works, 2).expect("it starts");
    crate::daemon(crate::stays, ());
}

#[mp::task]
fn panics_with_a_child() {
    mp::spawn(works, 3).expect("it starts");
    panic!("as planned");
}

/// A child is a program, too: its own children are waited for, its daemons are ended.
#[mp::test]
fn exit_06_in_a_child() {
    let program = scenario!(|| {
        let exited = mp::spawn(exits_with_a_child, 7).expect("it starts");
        let returned = mp::spawn(returns_with_a_child, ()).expect("it starts");
        let panicked = mp::spawn(panics_with_a_child, ()).expect("it starts");
        exited.join().expect("it was started");
        returned.join().expect("it was started");
        panicked.join().expect("it was started");
        let codes = [exited.exit_code(), returned.exit_code(), panicked.exit_code()];
        assert_eq!(codes, [Some(7), Some(0), Some(101)]);
    });
    let finished = program.run();
    finished.assert_success();
    let mut numbers = finished.values("worked ");
    numbers.sort_unstable();
    assert_eq!(numbers, ["1", "2", "3"]);
}

#[mp::task]
fn waits(gate: &str) -> u32 {
    wait_at(gate);
    5
}

#[mp::test]
fn exit_06_exit_inside_a_task_costs_that_task() {
    watchdog(LONG, || {
        let pool = mp::Pool::new(2).expect("it starts");
        let gate = Gate::new();
        let other = pool.submit(waits, gate.name());
        let waiting = gate.arrival();
        let error = pool.apply(exits, 7).expect_err("its worker is gone");
        assert_eq!(error.kind(), mp::ErrorKind::WorkerDied);
        assert_eq!(error.worker().expect("its exit").exit_code(), 7);
        drop(waiting);
        assert_eq!(other.get().expect("it returns"), 5);
        assert_eq!(pool.apply(echo, 6).expect("it returns"), 6);
        pool.close();
        pool.join().expect("it is closed");
    });
}
