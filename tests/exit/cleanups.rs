//! Clean-up functions of a main program: when they run, in which order, and that each runs once.
//! Those of children are in `tests/process`.

use std::fs;
use std::process;
use std::sync::mpsc;
use std::thread;

use crate::gate::Gate;
use crate::support::{repeat, scenario, scenario_main, thread_id, wait_until};
use crate::{LONG, daemon, kernel, say, stays, waits};

/// Registers one before and one after the children's end, and leaves a daemon and a child, which only
/// the first one lets go on.
fn register() {
    let gate = Gate::new();
    daemon(stays, ());
    mp::spawn(waits, gate.name()).expect("it starts");
    let waiting = gate.arrival();
    let alive = || mp::active_children().len();
    mp::at_exit(-1, move || say(&format!("after {}", alive())));
    mp::at_exit(0, move || {
        say(&format!("before {}", alive()));
        // The end waits for that child next: so this had to come first.
        drop(waiting);
    });
}

#[mp::test]
fn exit_05_priorities_of_zero_and_above_come_before_the_children_end() {
    let program = scenario_main!(|| {
        mp::at_exit(-2, || say("last"));
        register();
    });
    let finished = program.run();
    finished.assert_success();
    let order: Vec<&str> = finished.stdout.lines().filter(|l| !l.starts_with("stays ")).collect();
    assert_eq!(order, ["before 2", "after 0", "last"], "{}", finished.stdout);
}

#[mp::test]
fn exit_06_cleanups_run_however_main_ends() {
    let returns = scenario_main!(|| register());
    let panics = scenario_main!(|| {
        register();
        panic!("as planned")
    });
    let exits = scenario_main!(|| {
        register();
        process::exit(3)
    });
    for (program, code) in [(returns, 0), (panics, 101), (exits, 3)] {
        let finished = program.run();
        finished.assert_code(code);
        assert_eq!(finished.values("before "), ["2"], "{}", finished.stdout);
        assert_eq!(finished.values("after "), ["0"], "{}", finished.stdout);
    }
}

#[mp::test]
fn exit_06_cleanups_do_not_run_after_abort() {
    let program = scenario_main!(|| {
        register();
        process::abort()
    });
    let finished = program.run();
    assert_eq!(finished.signal, Some(libc::SIGABRT));
    assert!(finished.values("before ").is_empty() && finished.values("after ").is_empty());
}

#[mp::test]
fn exit_06_a_program_without_children_has_cleanups_too() {
    let program = scenario!(|| mp::at_exit(5, || say("cleaned up")));
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.stdout, "cleaned up\n");
}

/// While a panic unwinds, a second one must not end the program here.
#[mp::test]
fn exit_06_a_panic_in_a_cleanup_costs_nothing_else() {
    let returns = scenario_main!(|| panicking_cleanups());
    let panics = scenario_main!(|| {
        panicking_cleanups();
        panic!("the first one")
    });
    for (program, code) in [(returns, 0), (panics, 101)] {
        let finished = program.run();
        finished.assert_code(code);
        assert_eq!(finished.stdout, "one\ntwo\nthree\n");
        assert_eq!(finished.stderr.matches("as planned").count(), 2, "{}", finished.stderr);
    }
}

fn panicking_cleanups() {
    mp::at_exit(1, || say("three"));
    mp::at_exit(2, || panic!("as planned"));
    mp::at_exit(3, || say("two"));
    mp::at_exit(3, || panic!("as planned"));
    mp::at_exit(4, || say("one"));
}

#[mp::test]
fn exit_06_a_cleanup_may_register_another() {
    let program = scenario_main!(|| {
        mp::at_exit(1, || {
            mp::at_exit(-1, || say("four"));
            mp::at_exit(1, || say("two"));
            say("one");
        });
        mp::at_exit(0, || say("three"));
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.stdout, "one\ntwo\nthree\nfour\n");
}

/// Waits until a thread sleeps: has come to the program's end, and waits there.
fn await_sleep(thread: i32) {
    let stat = format!("/proc/self/task/{thread}/stat");
    wait_until(LONG, "it waits", || {
        let stat = fs::read_to_string(&stat).expect("it is there");
        stat.rsplit(')').next().is_some_and(|fields| fields.starts_with(" S"))
    });
}

/// Whoever ends the program, it does not end under a clean-up that runs, and none runs twice.
#[mp::test]
fn exit_06_two_ends_at_once_run_each_cleanup_once() {
    let program = scenario_main!(|| {
        let (begin, begun) = mpsc::channel();
        let (finish, finished) = mpsc::channel::<()>();
        thread::spawn(move || {
            begun.recv().expect("the end begins");
            let own = thread_id();
            thread::spawn(move || {
                await_sleep(own);
                drop(finish);
            });
            process::exit(4);
        });
        mp::at_exit(1, || say("last"));
        mp::at_exit(2, move || {
            begin.send(()).expect("the thread waits");
            let _ = finished.recv();
            say("first");
        });
    });
    repeat(20, |_| {
        let finished = program.run();
        assert!(matches!(finished.code, Some(0 | 4)), "{finished:?}");
        assert_eq!(finished.stdout, "first\nlast\n");
    });
}

/// std parks the second thread that calls exit: who ends the program does not wait for that one.
#[mp::test]
fn exit_06_a_cleanup_that_calls_exit_while_another_thread_ends_hangs_nobody() {
    let program = scenario_main!(|| {
        let (begin, begun) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            begun.recv().expect("the end begins");
            tell.send(thread_id()).expect("the clean-up waits");
            process::exit(4);
        });
        mp::at_exit(1, move || {
            begin.send(()).expect("the thread waits");
            await_sleep(told.recv().expect("it goes on"));
            process::exit(5);
        });
        mp::at_exit(0, || say("the other"));
    });
    let finished = program.run();
    finished.assert_code(4);
    assert_eq!(finished.stdout, "the other\n");
    assert!(finished.elapsed < LONG);
}

#[mp::test]
fn exit_06_a_forked_copy_runs_its_own_cleanups_only() {
    let program = scenario!(|| {
        mp::at_exit(0, || say("of the original"));
        let silent = kernel::fork(|| 7);
        let own = kernel::fork(|| {
            mp::at_exit(0, || say("of the copy"));
            8
        });
        for (copy, expected) in [(silent, 7), (own, 8)] {
            let mut code = None;
            wait_until(LONG, "the copy ends", || {
                code = kernel::code_of(copy);
                code.is_some()
            });
            assert_eq!(code, Some(expected));
        }
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.stdout, "of the copy\nof the original\n");
}
