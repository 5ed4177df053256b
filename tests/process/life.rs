//! What a process says of itself before, while and after it runs; waiting for it, ending it.

use std::time::{Duration, Instant};

use crate::gate::{Gate, wait_at};
use crate::support::{kill, process_exists, scenario, state_of, wait_until, watchdog, zombies_of};
use crate::{LONG, PROMPT, kernel, nothing, own_pid, signed, stays};

const HALF_A_SECOND: Duration = Duration::from_millis(500);

#[mp::task]
fn waits(gate: &str) {
    wait_at(gate);
}

fn is_among_active(pid: Option<u32>) -> bool {
    mp::active_children().iter().any(|child| Some(child.pid()) == pid)
}

#[mp::test]
fn proc_05_before_start_there_is_nothing() {
    let program = scenario!(|| {
        let process = mp::Process::new(nothing, ());
        assert!(!process.is_alive());
        assert_eq!(process.pid(), None);
        assert_eq!(process.exit_code(), None);
        assert!(mp::active_children().is_empty());
    });
    program.run().assert_success();
}

#[mp::test]
fn proc_06_while_it_runs_it_is_alive() {
    watchdog(LONG, || {
        let gate = Gate::new();
        let process = mp::spawn(waits, gate.name()).expect("it starts");
        let waiting = gate.arrival();
        assert!(process.is_alive());
        assert!(process_exists(signed(process.pid())));
        assert_eq!(process.exit_code(), None);
        let active = mp::active_children();
        let child = active.iter().find(|child| Some(child.pid()) == process.pid());
        let child = child.expect("it is among the active children");
        assert_eq!((child.name(), child.daemon()), (process.name(), false));
        assert!(child.is_alive());
        assert_eq!(child.exit_code(), None);
        drop(waiting);
        process.join().expect("it was started");
        assert!(!child.is_alive());
        assert_eq!(child.exit_code(), Some(0));
    });
}

#[mp::test]
fn proc_07_after_join_it_has_ended() {
    watchdog(LONG, || {
        let process = mp::spawn(nothing, ()).expect("it starts");
        let pid = process.pid();
        process.join().expect("it was started");
        assert_eq!(process.exit_code(), Some(0));
        assert!(!process.is_alive());
        assert_eq!(process.pid(), pid, "kept, to be shown");
        assert!(!is_among_active(pid));
        assert_eq!(state_of(signed(pid)), None, "not even a zombie");
    });
}

#[mp::test]
fn proc_08_join_with_a_timeout_leaves_it_running() {
    watchdog(LONG, || {
        let gate = Gate::new();
        let process = mp::spawn(waits, gate.name()).expect("it starts");
        let waiting = gate.arrival();
        let begun = Instant::now();
        assert!(!process.join_timeout(Duration::ZERO).expect("it was started"));
        assert!(begun.elapsed() < PROMPT);
        assert!(process.is_alive());
        let begun = Instant::now();
        assert!(!process.join_timeout(HALF_A_SECOND).expect("it was started"));
        assert!(begun.elapsed() >= HALF_A_SECOND, "{:?}", begun.elapsed());
        assert!(process.is_alive());
        drop(waiting);
        assert!(process.join_timeout(LONG).expect("it was started"));
        process.join().expect("it was started");
        assert_eq!(process.exit_code(), Some(0));
    });
}

#[mp::test]
fn proc_08_join_with_a_timeout_ends_with_the_child() {
    watchdog(LONG * 2, || {
        let process = mp::spawn(nothing, ()).expect("it starts");
        let begun = Instant::now();
        assert!(process.join_timeout(LONG).expect("it was started"));
        assert!(begun.elapsed() < LONG);
    });
}

#[mp::test]
fn proc_09_join_again_is_immediate() {
    watchdog(LONG, || {
        for (task, code) in [(0, Some(0)), (7, Some(7))] {
            let process = mp::spawn(crate::ends::exits, task).expect("it starts");
            process.join().expect("it was started");
            let begun = Instant::now();
            for _ in 0..100 {
                process.join().expect("it was started");
                assert!(process.join_timeout(Duration::ZERO).expect("it was started"));
                assert_eq!(process.exit_code(), code);
            }
            assert!(begun.elapsed() < PROMPT);
        }
    });
}

#[mp::test]
fn proc_12_terminate_and_kill_end_a_sleeping_child() {
    watchdog(LONG, || {
        let terminated = mp::spawn(stays, ()).expect("it starts");
        let killed = mp::spawn(stays, ()).expect("it starts");
        terminated.terminate().expect("it was started");
        killed.kill().expect("it was started");
        terminated.join().expect("it was started");
        killed.join().expect("it was started");
        assert_eq!(terminated.exit_code(), Some(-15));
        assert_eq!(killed.exit_code(), Some(-9));
    });
}

#[mp::test]
fn proc_13_signals_to_one_that_has_ended_are_ok() {
    watchdog(LONG, || {
        // Ended and not yet waited for, then waited for.
        let process = mp::spawn(nothing, ()).expect("it starts");
        let pid = signed(process.pid());
        wait_until(LONG, "the child ends", || state_of(pid) == Some('Z'));
        process.terminate().expect("it was started");
        process.kill().expect("it was started");
        process.join().expect("it was started");
        process.terminate().expect("it was started");
        process.kill().expect("it was started");
        assert_eq!(process.exit_code(), Some(0));
    });
}

/// Where the user may choose pids, another process gets the pid of a child that has ended.
#[mp::test]
fn proc_13_signals_do_not_reach_a_recycled_pid() {
    let program = scenario!(|| {
        let process = mp::spawn(nothing, ()).expect("it starts");
        process.join().expect("it was started");
        let pid = signed(process.pid());
        if !kernel::start_with_pid(pid) {
            println!("pids may not be chosen");
            return;
        }
        process.terminate().expect("it was started");
        process.kill().expect("it was started");
        assert!(!process.is_alive(), "another's process is not this one");
        assert_eq!(process.exit_code(), Some(0));
        // The first signal that ends a process is the one that it is said to have died of.
        kill(pid, libc::SIGUSR1).expect("it is there");
        assert_eq!(kernel::signal_that_ended(pid), libc::SIGUSR1);
        println!("spared");
    });
    let finished = program.run();
    finished.assert_success();
    if finished.values("pids may not be chosen").is_empty() {
        assert_eq!(finished.value("spared"), "");
    } else {
        eprintln!("not shown: this user may not choose pids (CAP_CHECKPOINT_RESTORE)");
    }
}

/// Starts a child and forgets it; returns when it is a zombie.
fn forget_one() -> i32 {
    let process = mp::spawn(nothing, ()).expect("it starts");
    let pid = signed(process.pid());
    drop(process);
    wait_until(LONG, "the child ends", || state_of(pid) == Some('Z'));
    assert!(zombies_of(own_pid()).contains(&pid));
    pid
}

#[mp::test]
fn proc_38_a_forgotten_child_is_reaped_by_the_next_start() {
    let program = scenario!(|| {
        let forgotten = [forget_one(), forget_one()];
        // The second one's start has reaped the first.
        assert_eq!(zombies_of(own_pid()), [forgotten[1]]);
        let gate = Gate::new();
        let next = mp::spawn(waits, gate.name()).expect("it starts");
        assert_eq!(zombies_of(own_pid()), []);
        drop(gate.arrival());
        next.join().expect("it was started");
    });
    program.run().assert_success();
}

#[mp::test]
fn proc_38_a_forgotten_child_is_reaped_by_active_children() {
    let program = scenario!(|| {
        forget_one();
        assert!(mp::active_children().is_empty());
        assert_eq!(zombies_of(own_pid()), []);
    });
    program.run().assert_success();
}
