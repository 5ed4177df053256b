//! The library's descriptors in the parent: how many there are, and that no other program gets them.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::gate::Gate;
use crate::support::{
    kill, open_descriptors, process_exists, repeat, scenario, wait_until, with_busy_cores,
};
use crate::{LONG, VERY_LONG, descriptors_at, echo, own_pid, stays};

/// What another program has open that is started now.
fn held_by_another() -> Vec<i32> {
    let mut other = Command::new("cat");
    let mut other =
        other.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("cat is there");
    let mut input = other.stdin.take().expect("a pipe");
    let mut output = BufReader::new(other.stdout.take().expect("a pipe"));
    // Once it copies, its loader has closed what it had opened.
    input.write_all(b"up\n").expect("it reads");
    output.read_line(&mut String::new()).expect("it is text");
    let held = open_descriptors(other.id().cast_signed());
    drop(input);
    assert!(other.wait().expect("it ends").success());
    held.into_keys().collect()
}

/// While another thread makes processes and pools all the time.
fn while_starting(body: impl FnOnce()) {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let starts = scope.spawn(|| {
            let mut rounds = 0;
            while !stop.load(Ordering::Relaxed) {
                let process = mp::spawn(echo, 5).expect("it starts");
                let pool = mp::Pool::new(1).expect("it starts");
                assert_eq!(pool.apply(echo, 6).expect("it returns"), 6);
                pool.close();
                pool.join().expect("it is closed");
                assert_eq!(process.result().expect("it returns"), 5);
                rounds += 1;
            }
            rounds
        });
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        stop.store(true, Ordering::Relaxed);
        assert!(starts.join().expect("it goes well") > 0, "both have run at once");
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

#[mp::test]
fn res_04_other_programs_get_none_of_our_descriptors() {
    let program = scenario!(|| {
        // Its own three, and whatever this program itself was started with.
        let alone = held_by_another();
        let round = |_| assert_eq!(held_by_another(), alone);
        while_starting(|| repeat(200, round));
        while_starting(|| with_busy_cores(|| repeat(50, round)));
    });
    program.limit(VERY_LONG).run().assert_success();
}

/// What would keep a child alive when its parent is killed: a copy of the lifeline.
#[mp::test]
fn res_04_other_programs_do_not_keep_our_children_alive() {
    let program = scenario!(|| {
        while_starting(|| {
            for _ in 0..50 {
                let process = mp::spawn(stays, ()).expect("it starts");
                println!("sleeper {}", Command::new("sleep").arg("1000").spawn().expect("it").id());
                if process.pid().is_some_and(|pid| pid % 2 == 0) {
                    process.kill().expect("it was started");
                }
            }
            let children = mp::active_children();
            let pids: Vec<_> = children.iter().map(|child| child.pid().to_string()).collect();
            println!("alive {}", pids.join(" "));
            stays();
        });
    });
    let running = program.limit(VERY_LONG).may_leave().start();
    let children = running.wait_line("alive ");
    running.kill(libc::SIGKILL);
    for pid in children.split(' ').map(|pid| pid.parse().expect("a pid")) {
        wait_until(LONG, "our child is gone", || !process_exists(pid));
    }
    let sleepers: Vec<i32> =
        (0..50).map(|_| running.wait_line("sleeper ").parse().expect("a pid")).collect();
    for pid in sleepers {
        assert!(process_exists(pid), "the other programs live on");
        kill(pid, libc::SIGKILL).expect("it is there");
    }
    let left = running.finish().left;
    assert!(left.is_empty(), "{left:?}");
}

/// A pipe to a program that another thread has started ends when that program does.
#[mp::test]
fn res_04_our_children_do_not_keep_other_pipes_open() {
    let program = scenario!(|| {
        let gate = Gate::new();
        while_starting(|| {
            repeat(50, |_| {
                let mut other = Command::new("echo");
                let mut other =
                    other.arg("hello").stdout(Stdio::piped()).spawn().expect("echo is there");
                let kept = mp::spawn(descriptors_at, gate.name()).expect("it starts");
                let mut output = BufReader::new(other.stdout.take().expect("a pipe"));
                let mut line = String::new();
                output.read_line(&mut line).expect("it is text");
                assert_eq!(line, "hello\n");
                assert_eq!(output.read(&mut [0]).expect("it is open"), 0, "the end is seen");
                assert!(kept.is_alive());
                drop(gate.arrival());
                kept.join().expect("it was started");
                other.wait().expect("it ends");
            });
        });
    });
    program.limit(VERY_LONG).run().assert_success();
}

/// How many descriptors this program has while a pool of so many workers is at rest.
fn with_workers(count: usize) -> usize {
    let pool = mp::Pool::new(count).expect("it starts");
    assert_eq!(pool.apply(echo, 5).expect("it returns"), 5);
    let open = open_descriptors(own_pid()).len();
    pool.close();
    pool.join().expect("it is closed");
    open
}

#[mp::test]
fn res_01_descriptors_in_the_parent_are_three_a_worker() {
    let program = scenario!(|| {
        let before = open_descriptors(own_pid());
        let one = with_workers(1);
        let nine = with_workers(9);
        assert_eq!(nine - one, 8 * 3, "the process, the memory of its results, the socket");
        assert!(one - before.len() <= 12, "{one} with one worker, {before:?} without");
        assert_eq!(open_descriptors(own_pid()), before);
    });
    program.run().assert_success();
}

#[mp::test]
fn res_01_descriptors_in_the_parent_are_given_back_with_the_process() {
    let program = scenario!(|| {
        let before = open_descriptors(own_pid());
        let gate = Gate::new();
        let one = mp::spawn(descriptors_at, gate.name()).expect("it starts");
        let held = open_descriptors(own_pid()).len();
        let two = mp::spawn(descriptors_at, gate.name()).expect("it starts");
        assert_eq!(
            open_descriptors(own_pid()).len() - held,
            3,
            "the process, its result, the socket"
        );
        drop((gate.arrival(), gate.arrival()));
        drop(gate);
        one.join().expect("it was started");
        two.join().expect("it was started");
        drop((one, two));
        assert_eq!(open_descriptors(own_pid()), before);
    });
    program.run().assert_success();
}
