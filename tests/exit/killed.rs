//! SIGKILL of a program: whatever its children do, they are gone at once.

use std::{env, thread};

use crate::support::{
    Running, Scenario, children_of, descendants_of, example, kill, process_exists, repeat,
    scenario, scenario_main, wait_until, with_busy_cores, without_servers,
};
use crate::{LONG, PROMPT, daemon, kernel, spins, stays};

/// Kills the program and asserts that nothing is left of it soon.
fn kill_and_look(running: Running, children: usize) {
    let members = running.members();
    assert_eq!(without_servers(&members).len(), 1 + children, "{members:?}");
    running.kill(libc::SIGKILL);
    let finished = running.finish();
    assert_eq!(finished.signal, Some(libc::SIGKILL));
    assert!(finished.gone_after < PROMPT, "{:?}", finished.gone_after);
    assert!(members.iter().all(|pid| !process_exists(*pid)));
    assert_eq!(finished.stderr, "");
}

#[mp::test]
fn exit_08_pool_callback_killed_in_the_middle() {
    let running = example("pool_callback").start();
    // The first task is done, and all five workers have their second one or their first.
    running.wait_line("-->exec done: ");
    kill_and_look(running, 5);
}

#[mp::test]
fn exit_08_daemons_and_workers_die() {
    let program = scenario_main!(|| {
        daemon(stays, ());
        daemon(spins, ());
        // Two of its workers are busy, two sleep.
        let pool = mp::Pool::new(4).expect("it starts");
        pool.submit(spins, ());
        pool.submit(stays, ());
        stays();
    });
    let running = program.start();
    for line in ["stays ", "stays ", "stays ", "spins ", "spins "] {
        running.wait_line(line);
    }
    kill_and_look(running, 6);
}

#[mp::task]
fn spins_through_signals() {
    kernel::block_all_signals();
    spins();
}

/// In every thread, too.
#[mp::task]
fn spins_in_many_threads() {
    kernel::block_all_signals();
    for _ in 0..3 {
        thread::spawn(*spins);
    }
    spins();
}

#[mp::test]
fn exit_08_no_signal_mask_saves_a_worker() {
    let program = scenario_main!(|| {
        let pool = mp::Pool::new(2).expect("it starts");
        pool.submit(spins_through_signals, ());
        pool.submit(spins_in_many_threads, ());
        daemon(spins_through_signals, ());
        stays();
    });
    let running = program.start();
    for _ in 0..6 {
        running.wait_line("spins ");
    }
    kill_and_look(running, 3);
}

/// What was started is tied to the process, not to the thread that started it: it outlives the thread,
/// and not the process.
#[mp::test]
fn exit_08_bey_06_the_thread_that_started_them_does_not_matter() {
    let program = scenario_main!(|| {
        let start = || {
            let daemon = daemon(spins_through_signals, ());
            let process = mp::spawn(stays, ()).expect("it starts");
            let pool = mp::Pool::new(1).expect("it starts");
            pool.submit(spins_through_signals, ());
            (daemon, process, pool)
        };
        let (daemon, process, pool) = thread::spawn(start).join().expect("it starts them");
        // Longer than it would take to die of the thread's end.
        assert!(!process.join_timeout(PROMPT / 5).expect("it was started"));
        assert!(daemon.is_alive());
        assert_eq!(mp::active_children().len(), 3);
        println!("threads are gone");
        stays();
        drop(pool);
    });
    let running = program.start();
    for line in ["stays ", "spins ", "spins ", "threads are gone"] {
        running.wait_line(line);
    }
    kill_and_look(running, 3);
}

#[mp::test]
fn exit_09_other_children_die_too() {
    let program = scenario_main!(|| {
        mp::spawn(stays, ()).expect("it starts");
        mp::spawn(spins_through_signals, ()).expect("it starts");
        stays();
    });
    let running = program.start();
    for line in ["stays ", "stays ", "spins "] {
        running.wait_line(line);
    }
    kill_and_look(running, 2);
}

#[mp::task]
fn starts_more(depth: u32) {
    if depth > 0 {
        mp::spawn(starts_more, depth - 1).expect("it starts");
        let pool = mp::Pool::new(1).expect("it starts");
        pool.submit(spins, ());
        stays();
    }
    stays();
}

#[mp::test]
fn exit_09_the_whole_tree_dies() {
    let program = scenario_main!(|| {
        mp::spawn(starts_more, 2).expect("it starts");
        stays();
    });
    let running = program.start();
    for line in ["stays ", "stays ", "stays ", "stays ", "spins ", "spins "] {
        running.wait_line(line);
    }
    let descendants = descendants_of(running.pid).into_iter().collect::<Vec<_>>();
    assert_eq!(without_servers(&descendants).len(), 5);
    kill_and_look(running, 5);
}

/// Killed right after a start: the child comes up when its parent is dead.
#[mp::test]
fn exit_09_a_child_that_comes_up_later_dies_too() {
    let program: Scenario = scenario!(|| {
        let children: usize = env::var("CHILDREN").expect("it is set").parse().expect("a number");
        for _ in 0..children {
            mp::spawn(stays, ()).expect("it starts");
        }
        kill(std::process::id().cast_signed(), libc::SIGKILL).expect("that is this process");
    });
    let round = |round: usize| {
        let finished = program.clone().env("CHILDREN", (round % 3 + 1).to_string()).run();
        assert_eq!(finished.signal, Some(libc::SIGKILL));
        assert!(finished.gone_after < PROMPT, "{:?}", finished.gone_after);
    };
    repeat(50, round);
    with_busy_cores(|| repeat(20, round));
}

#[mp::test]
fn exit_08_a_worker_that_comes_up_later_dies_too() {
    let program: Scenario = scenario!(|| {
        let pool = mp::Pool::new(2).expect("it starts");
        pool.submit(spins_through_signals, ());
        kill(std::process::id().cast_signed(), libc::SIGKILL).expect("that is this process");
    });
    repeat(20, |_| {
        let finished = program.run();
        assert_eq!(finished.signal, Some(libc::SIGKILL));
        assert!(finished.gone_after < PROMPT, "{:?}", finished.gone_after);
    });
}

/// Stops a child right after its start, long before it comes to its first line.
#[mp::task]
fn stops_its_child() {
    let child = mp::spawn(stays, ()).expect("it starts");
    let pid = child.pid().expect("it was started");
    kill(pid.cast_signed(), libc::SIGSTOP).expect("it is not reaped");
    println!("stopped {pid}");
    stays();
}

#[mp::test]
fn exit_09_a_child_stopped_before_it_comes_up_dies_too() {
    let program = scenario_main!(|| {
        for _ in 0..10 {
            mp::spawn(stops_its_child, ()).expect("it starts");
        }
        stays();
    });
    let running = program.start();
    let stopped: Vec<i32> =
        (0..10).map(|_| running.wait_line("stopped ").parse().expect("a pid")).collect();
    // Not the main program: at its end the system itself goes on with what is stopped.
    for parent in children_of(running.pid) {
        kill(parent, libc::SIGKILL).expect("it stays");
    }
    wait_until(LONG, "all are gone", || !stopped.iter().any(|pid| process_exists(*pid)));
    kill_and_look(running, 0);
}
