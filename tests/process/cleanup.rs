//! What a child's end runs and waits for. The end of a main program is in `tests/exit`.

use std::process;
use std::thread;
use std::time::Duration;

use crate::support::{kill, scenario};
use crate::{own_pid, stays};

/// Registers clean-up functions in a mixed order; each tells its name.
fn register() {
    let say = |name: &'static str| move || println!("cleanup {name}");
    mp::at_exit(-5, say("lowest"));
    mp::at_exit(0, say("zero, first"));
    mp::at_exit(7, say("highest"));
    mp::at_exit(0, say("zero, last"));
    mp::at_exit(3, || panic!("as planned"));
}

const EXPECTED: [&str; 4] = ["highest", "zero, last", "zero, first", "lowest"];

#[mp::task]
fn returns() -> i32 {
    register();
    5
}

#[mp::task]
fn panics() {
    register();
    panic!("as planned, too");
}

#[mp::task]
fn exits(code: i32) {
    register();
    process::exit(code);
}

#[mp::task]
fn is_killed() {
    register();
    kill(own_pid(), libc::SIGKILL).expect("that is this process");
    stays();
}

fn code_of<T: mp::Task>(process: mp::Result<mp::Process<T>>) -> Option<i32> {
    let process = process.expect("it starts");
    process.join().expect("it was started");
    process.exit_code()
}

#[mp::test]
fn proc_28_cleanups_of_a_child_run_when_its_task_returns() {
    let program = scenario!(|| assert_eq!(code_of(mp::spawn(returns, ())), Some(0)));
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.values("cleanup "), EXPECTED);
    assert!(finished.stderr.contains("Process Process-1:\n"), "{}", finished.stderr);
    assert!(finished.stderr.contains("as planned"), "the panic of one is reported");
}

#[mp::test]
fn proc_28_cleanups_of_a_child_run_when_its_task_panics_or_exits() {
    let panic = scenario!(|| assert_eq!(code_of(mp::spawn(panics, ())), Some(101)));
    let exit = scenario!(|| assert_eq!(code_of(mp::spawn(exits, 9)), Some(9)));
    for program in [panic, exit] {
        let finished = program.run();
        finished.assert_success();
        assert_eq!(finished.values("cleanup ").len(), EXPECTED.len(), "{}", finished.stdout);
    }
}

#[mp::test]
fn proc_28_cleanups_do_not_run_after_a_kill() {
    let program = scenario!(|| assert_eq!(code_of(mp::spawn(is_killed, ())), Some(-9)));
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.stdout, "");
}

#[mp::task]
fn nothing_of_the_parents() {
    mp::at_exit(0, || println!("cleanup of {}", process::id()));
}

#[mp::test]
fn proc_28_cleanups_of_the_parent_do_not_run_in_the_child() {
    let program = scenario!(|| {
        mp::at_exit(0, || println!("cleanup of {}", process::id()));
        let process = mp::spawn(nothing_of_the_parents, ()).expect("it starts");
        process.join().expect("it was started");
        let pool = mp::Pool::new(1).expect("it starts");
        pool.apply(nothing_of_the_parents, ()).expect("it returns");
        let worker = mp::active_children().pop().expect("a worker").pid();
        println!("expected {:?} {worker} {}", process.pid(), process::id());
        pool.close();
        pool.join().expect("it is closed");
    });
    let finished = program.run();
    finished.assert_success();
    let expected = finished.value("expected ").replace("Some(", "").replace(')', "");
    assert_eq!(finished.values("cleanup of ").join(" "), expected);
}

#[mp::task]
fn echo(number: u32) -> u32 {
    // work: what the task that asked for it does not wait for
    thread::sleep(Duration::from_millis(200));
    println!("pool {number}");
    number
}

/// Leaves a thread and a pool with accepted work.
#[mp::task]
fn leaves_work() {
    let (begin, begun) = std::sync::mpsc::channel();
    thread::spawn(move || {
        begin.send(()).expect("the task waits");
        stays();
    });
    begun.recv().expect("the thread runs");
    let pool = mp::Pool::new(1).expect("it starts");
    for number in [1, 2] {
        pool.apply_async(echo, number, |_| {});
    }
}

#[mp::test]
fn proc_29_a_tasks_threads_end_with_it_and_mps_own_do_not() {
    let program = scenario!(|| assert_eq!(code_of(mp::spawn(leaves_work, ())), Some(0)));
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.values("pool "), ["1", "2"]);
}
