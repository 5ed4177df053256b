//! The end-of-program rules: daemons are ended, other children and accepted work are waited for.
//! Ends by `process::exit` from odd places are in `exiting`.

use std::sync::OnceLock;
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use crate::gate::{Gate, wait_at};
use crate::support::{Finished, Scenario, process_exists, scenario, scenario_main, wait_until};
use crate::{LONG, PROMPT, WORK, daemon, kernel, say, stays, works};

const SECOND: Duration = Duration::from_secs(1);

#[mp::task]
fn sleeps_half_a_minute() {
    // work: thirty seconds, unless it is ended
    thread::sleep(Duration::from_secs(30));
}

#[mp::test]
fn exit_03_daemons_are_ended() {
    let program: Scenario = scenario_main!(|| {
        let process = daemon(sleeps_half_a_minute, ());
        println!("daemon {}", process.pid().expect("it was started"));
        assert!(process.is_alive());
    });
    let finished = program.run();
    finished.assert_success();
    assert!(finished.elapsed < LONG, "{:?}", finished.elapsed);
    let pid = finished.value("daemon ").parse().expect("a pid");
    assert!(!process_exists(pid));
}

#[mp::task]
fn writes_late(path: &str) {
    // work: a second, after which the program's main has long returned
    thread::sleep(SECOND);
    fs::write(path, "the last word").expect("a writable directory");
}

#[mp::test]
fn exit_04_other_children_are_waited_for() {
    let program: Scenario = scenario_main!(|| {
        let path = env::var("OUTPUT").expect("it is set");
        mp::spawn(writes_late, &path).expect("it starts");
    });
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("written");
    let finished = program.env("OUTPUT", &path).run();
    finished.assert_success();
    assert!(finished.elapsed >= SECOND, "{:?}", finished.elapsed);
    assert_eq!(fs::read_to_string(&path).expect("it was written"), "the last word");
}

/// A daemon that prints when it gets SIGTERM, and ends then.
#[mp::task]
fn tells_of_sigterm(gate: &str) {
    kernel::block_all_signals();
    wait_at(gate);
    kernel::wait_for_signal(libc::SIGTERM);
    println!("terminated");
}

fn telling_daemon() -> mp::Process<tells_of_sigterm> {
    let gate = Gate::new();
    let process = daemon(tells_of_sigterm, gate.name());
    drop(gate.arrival());
    process
}

#[mp::task]
fn outlasts(pid: u32) {
    wait_until(LONG, "the daemon ends", || !process_exists(pid.cast_signed()));
    println!("outlasted");
}

#[mp::test]
fn exit_05_daemons_are_terminated_before_others_are_joined() {
    let program: Scenario = scenario_main!(|| {
        let process = telling_daemon();
        mp::spawn(outlasts, process.pid().expect("it was started")).expect("it starts");
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.stdout, "terminated\noutlasted\n", "{}", finished.stderr);
}

/// Longer than all tasks of the pool take.
#[mp::task]
fn works_longest() {
    // work: what only its parent's end waits for
    thread::sleep(WORK * 4);
    println!("worked 1");
}

#[mp::task]
fn works_from(gate: &str, number: u32) -> u32 {
    wait_at(gate);
    works(number)
}

static POOL: OnceLock<mp::Pool> = OnceLock::new();

/// Leaves a daemon, a child that works, and an open pool with more tasks than it has workers.
fn leave_everything() {
    telling_daemon();
    mp::spawn(works_longest, ()).expect("it starts");
    let pool = POOL.get_or_init(|| mp::Pool::new(2).expect("it starts"));
    let callback = |number| say(&format!("callback {number}"));
    let gate = Gate::new();
    for number in 10..12 {
        pool.apply_async(works_from, (gate.name(), number), callback);
    }
    for number in 12..14 {
        pool.apply_async(works, number, callback);
    }
    // Both workers are up and have begun when the end comes.
    drop((gate.arrival(), gate.arrival()));
}

/// Nothing that `leave_everything` has begun was cut off.
fn assert_all_done(finished: &Finished) {
    let sorted = |prefix| {
        let mut values = finished.values(prefix);
        values.sort_unstable();
        values
    };
    assert_eq!(sorted("worked "), ["1", "10", "11", "12", "13"], "{}", finished.stdout);
    assert_eq!(sorted("callback "), ["10", "11", "12", "13"], "{}", finished.stdout);
    assert_eq!(finished.value("terminated"), "");
    assert!(finished.elapsed >= WORK * 4, "{:?}", finished.elapsed);
}

#[mp::test]
fn exit_06_when_main_returns() {
    let program = scenario_main!(|| leave_everything());
    let fails = scenario_main!(|| -> Result<(), String> {
        leave_everything();
        Err("as planned".to_owned())
    });
    let finished = program.run();
    finished.assert_success();
    assert_all_done(&finished);
    let finished = fails.run();
    finished.assert_code(1);
    assert_all_done(&finished);
}

#[mp::test]
fn exit_06_when_main_panics() {
    let program = scenario_main!(|| {
        leave_everything();
        panic!("as planned")
    });
    let finished = program.run();
    finished.assert_code(101);
    assert_all_done(&finished);
}

#[mp::test]
fn exit_06_when_main_calls_exit() {
    let program = scenario_main!(|| {
        leave_everything();
        process::exit(3)
    });
    let finished = program.run();
    finished.assert_code(3);
    assert_all_done(&finished);
}

#[mp::test]
fn exit_06_when_the_guard_of_a_hand_written_main_is_dropped() {
    let program = scenario!(|| {
        let guard = mp::init();
        leave_everything();
        drop(guard);
        println!("dropped");
    });
    let finished = program.run();
    finished.assert_success();
    assert_all_done(&finished);
    assert_eq!(finished.stdout.lines().last(), Some("dropped"));
}

#[mp::test]
fn exit_06_not_after_abort_or_sigkill() {
    let aborts = scenario_main!(|| {
        leave_everything();
        process::abort()
    });
    let killed = scenario_main!(|| {
        leave_everything();
        stays()
    });
    let assert_cut_off = |finished: &Finished, signal| {
        assert_eq!(finished.signal, Some(signal));
        assert_eq!(finished.stdout.lines().filter(|line| !line.starts_with("stays")).count(), 0);
        assert!(finished.gone_after < PROMPT, "{:?}", finished.gone_after);
    };
    assert_cut_off(&aborts.run(), libc::SIGABRT);
    let running = killed.start();
    running.wait_line("stays ");
    running.kill(libc::SIGKILL);
    assert_cut_off(&running.finish(), libc::SIGKILL);
}

/// Unwinding is no orderly end of what its frames hold: such a pool's tasks are dropped.
#[mp::test]
fn exit_06_a_pool_that_a_panic_drops_is_terminated() {
    let program = scenario_main!(|| {
        let pool = mp::Pool::new(2).expect("it starts");
        let gate = Gate::new();
        pool.apply_async(crate::waits, gate.name(), |_| say("callback"));
        // Let go on, it could end before the pool is dropped.
        std::mem::forget(gate.arrival());
        panic!("as planned")
    });
    let finished = program.run();
    finished.assert_code(101);
    assert_eq!(finished.stdout, "");
}

/// Dropping says no more than that nothing is added: what was accepted is done.
#[mp::test]
fn exit_06_dropped_pools_finish() {
    let program = scenario_main!(|| {
        let pools = [1, 2].map(|processes| mp::Pool::new(processes).expect("it starts"));
        for (pool, number) in pools.iter().zip([10, 20]) {
            for number in number..number + 4 {
                pool.apply_async(works, number, |number| say(&format!("callback {number}")));
            }
        }
        let begun = Instant::now();
        drop(pools);
        assert!(begun.elapsed() < PROMPT, "dropping does not wait");
    });
    let finished = program.run();
    finished.assert_success();
    let mut numbers = finished.values("callback ");
    numbers.sort_unstable();
    assert_eq!(numbers, ["10", "11", "12", "13", "20", "21", "22", "23"]);
    assert!(finished.elapsed >= WORK * 4);
}

#[mp::test]
fn exit_06_nothing_new_begins_at_the_end() {
    let program = scenario_main!(|| {
        let pool = POOL.get_or_init(|| mp::Pool::new(1).expect("it starts"));
        pool.apply_async(works, 1, |_| {
            let mut refused = None;
            wait_until(LONG, "the end begins", || {
                refused = mp::spawn(works, 2).err();
                refused.is_some()
            });
            say(&format!("spawn {:?}", refused.expect("an error").kind()));
            let pool = POOL.get().expect("it is there");
            let error = pool.submit(works, 3).get().expect_err("it is closed");
            say(&format!("submit {:?}", error.kind()));
        });
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.value("spawn "), "NotRunning");
    assert_eq!(finished.value("submit "), "NotRunning");
}

#[mp::task]
fn ignores_sigterm(gate: &str) {
    kernel::ignore(libc::SIGTERM);
    wait_at(gate);
    stays();
}

#[mp::test]
fn exit_07_a_daemon_that_ignores_sigterm_is_killed() {
    let program: Scenario = scenario_main!(|| {
        let gate = Gate::new();
        let process = daemon(ignores_sigterm, gate.name());
        drop(gate.arrival());
        process.terminate().expect("it was started");
        assert!(!process.join_timeout(WORK).expect("it was started"), "it does ignore it");
        telling_daemon();
    });
    let finished = program.run();
    finished.assert_success();
    assert!(finished.elapsed < LONG, "{:?}", finished.elapsed);
    assert_eq!(finished.value("terminated"), "", "the other one was asked all the same");
    let pid = finished.value("stays ").parse().expect("a pid");
    assert!(!process_exists(pid));
}
