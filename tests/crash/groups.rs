//! A child that leads a process group: what its task has started by `Command` ends with it, however it ends.

use std::collections::BTreeSet;
use std::os::unix::process::parent_id;
use std::process::{Command, Stdio};

use crate::gate::{Gate, Guest, stop_at};
use crate::support::{descendants_of, kill, process_exists, scenario_main, wait_until, watchdog};
use crate::{BOUNDED, LONG, crash, kernel, own_pid};

/// Starts two programs, of which one is the other's child, and waits at the gate; then does as told.
#[mp::task]
fn starts_two(gate: &str, how: &str) {
    if how == "moves" {
        kernel::join_group(kernel::group_of(parent_id().cast_signed()));
    }
    start_two_programs();
    // Not before, since programs inherit that.
    if how == "ignores SIGTERM" {
        kernel::ignore(libc::SIGTERM);
    }
    stop_at(gate);
    if how == "aborts" {
        crash("abort");
    }
}

#[expect(clippy::zombie_processes, reason = "they are to outlive the task")]
fn start_two_programs() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "sleep 100 & exec sleep 100"]).stdout(Stdio::null()).stderr(Stdio::null());
    shell.spawn().expect("there is a shell");
}

/// A task at the gate, and the two programs that it has started.
struct Started {
    task: Guest,
    programs: BTreeSet<i32>,
}

impl Started {
    fn at(gate: &Gate) -> Self {
        let task = gate.next();
        let programs = || descendants_of(task.pid.cast_signed());
        wait_until(BOUNDED, "both programs run", || programs().len() == 2);
        Self { programs: programs().into_iter().collect(), task }
    }

    /// Waits until the programs have ended.
    #[track_caller]
    fn assert_ended(&self) {
        let lives = |pid: &i32| process_exists(*pid);
        wait_until(BOUNDED, "what the task has started is gone", || {
            !self.programs.iter().any(lives)
        });
    }
}

fn in_group<T: mp::Task>(task: T, arguments: T::Args<'_>) -> mp::Process<T> {
    let mut process = mp::Process::new(task, arguments).with_process_group(true);
    process.start().expect("it starts");
    process
}

fn pool_of_groups() -> mp::Pool {
    mp::Pool::builder().processes(1).process_group(true).build().expect("it starts")
}

/// Ends a process in one way, which gives this exit code, and looks that nothing is left.
#[track_caller]
fn assert_nothing_left_after(
    how: &str,
    end: impl FnOnce(&mp::Process<starts_two>, &Started),
    code: i32,
) {
    let gate = Gate::new();
    let process = in_group(starts_two, (gate.name(), how));
    let started = Started::at(&gate);
    end(&process, &started);
    let Started { task, programs } = started;
    task.release();
    process.join().expect("it was started");
    assert_eq!(process.exit_code(), Some(code), "{how}");
    let lives = |pid: &i32| process_exists(*pid);
    wait_until(BOUNDED, "what the task has started is gone", || !programs.iter().any(lives));
}

#[mp::test]
fn bey_07_a_process_that_returns_leaves_nothing() {
    watchdog(LONG, || assert_nothing_left_after("returns", |_, _| {}, 0));
}

#[mp::test]
fn bey_07_a_process_that_crashes_leaves_nothing() {
    watchdog(LONG, || assert_nothing_left_after("aborts", |_, _| {}, -6));
}

#[mp::test]
fn bey_07_a_killed_process_leaves_nothing() {
    let end = |process: &mp::Process<starts_two>, _: &Started| process.kill().expect("it runs");
    watchdog(LONG, || assert_nothing_left_after("is killed", end, -9));
}

#[mp::test]
fn bey_07_a_process_killed_by_others_leaves_nothing() {
    let end = |_: &mp::Process<starts_two>, started: &Started| {
        kill(started.task.pid.cast_signed(), libc::SIGKILL).expect("it runs");
    };
    watchdog(LONG, || assert_nothing_left_after("is killed", end, -9));
}

/// Also while the child itself stays.
#[mp::test]
fn bey_07_terminate_goes_to_all_of_the_group() {
    let end = |process: &mp::Process<starts_two>, started: &Started| {
        process.terminate().expect("it runs");
        started.assert_ended();
        assert!(process.is_alive());
    };
    watchdog(LONG, || assert_nothing_left_after("ignores SIGTERM", end, 0));
}

/// A child in another group is still the one that is signalled, and that group is left alone.
#[mp::test]
fn bey_07_a_child_that_goes_over_to_another_group_is_still_reached() {
    let end = |process: &mp::Process<starts_two>, started: &Started| {
        // In that group the programs are too: the child has moved before it started them.
        for pid in &started.programs {
            kill(*pid, libc::SIGKILL).expect("it runs");
        }
        process.terminate().expect("it runs");
    };
    watchdog(LONG, || assert_nothing_left_after("moves", end, -15));
}

#[mp::test]
fn bey_07_a_terminated_pool_leaves_nothing() {
    watchdog(LONG, || {
        let (gate, pool) = (Gate::new(), pool_of_groups());
        pool.submit(starts_two, (gate.name(), "is terminated"));
        let started = Started::at(&gate);
        pool.terminate();
        started.assert_ended();
    });
}

#[mp::test]
fn bey_07_a_killed_worker_leaves_nothing_and_is_replaced() {
    watchdog(LONG, || {
        let (gate, pool) = (Gate::new(), pool_of_groups());
        let handle = pool.submit(starts_two, (gate.name(), "is killed"));
        let started = Started::at(&gate);
        kill(started.task.pid.cast_signed(), libc::SIGKILL).expect("it runs");
        handle.get().expect_err("its worker is dead");
        started.assert_ended();
        assert_ne!(pool.apply(own_pid, ()).expect("another one runs it"), started.task.pid);
    });
}

/// What a task has started outlives the task, and not the worker.
#[mp::test]
fn bey_07_a_closed_pool_leaves_nothing() {
    watchdog(LONG, || {
        let (gate, pool) = (Gate::new(), pool_of_groups());
        let handle = pool.submit(starts_two, (gate.name(), "returns"));
        let Started { task, programs } = Started::at(&gate);
        task.release();
        handle.get().expect("it returns");
        pool.apply(own_pid, ()).expect("the worker is the same");
        assert!(programs.iter().all(|pid| process_exists(*pid)));
        pool.close();
        pool.join().expect("it is closed");
        wait_until(BOUNDED, "what the task has started is gone", || {
            !programs.iter().any(|pid| process_exists(*pid))
        });
    });
}

/// Without the option a worker is all that is killed, as documented.
#[mp::test]
fn bey_07_without_the_option_it_outlives_the_worker() {
    watchdog(LONG, || {
        let (gate, pool) = (Gate::new(), mp::Pool::new(1).expect("it starts"));
        let handle = pool.submit(starts_two, (gate.name(), "is killed"));
        let started = Started::at(&gate);
        kill(started.task.pid.cast_signed(), libc::SIGKILL).expect("it runs");
        handle.get().expect_err("its worker is dead");
        pool.terminate();
        assert!(started.programs.iter().all(|pid| process_exists(*pid)));
        for pid in &started.programs {
            kill(*pid, libc::SIGKILL).expect("it runs");
        }
        started.assert_ended();
    });
}

/// Says which programs it has started, and stays.
#[mp::task]
fn tells_two(how: &str) {
    let gate = Gate::new();
    let (name, how) = (gate.name().to_owned(), how.to_owned());
    std::thread::spawn(move || starts_two(&name, &how));
    let own = std::process::id().cast_signed();
    let _guest = gate.next();
    wait_until(BOUNDED, "both programs run", || descendants_of(own).len() == 2);
    for pid in descendants_of(own).into_iter().chain([own]) {
        println!("runs {pid}");
    }
    crate::stays();
}

/// The kernel ends the groups with this process: nothing of ours is left that could.
#[mp::test]
fn bey_07_a_killed_parent_leaves_nothing() {
    let program = scenario_main!(|| {
        in_group(tells_two, "stays");
        let pool = pool_of_groups();
        pool.submit(tells_two, "stays");
        crate::stays();
    });
    let running = program.start();
    let pids = [(); 6].map(|()| running.wait_line("runs ").parse().expect("a pid"));
    assert!(pids.iter().all(|pid| process_exists(*pid)));
    running.kill(libc::SIGKILL);
    // Ended by the time that `settle` gives, or this would fail.
    running.finish();
    wait_until(BOUNDED, "all are gone", || !pids.iter().any(|pid| process_exists(*pid)));
}

/// The child dies with its parent wherever it is.
#[mp::test]
fn bey_07_a_child_in_another_group_dies_with_its_parent() {
    let program = scenario_main!(|| {
        in_group(tells_two, "moves");
        crate::stays();
    });
    let running = program.start();
    let pids: [i32; 3] = [(); 3].map(|()| running.wait_line("runs ").parse().expect("a pid"));
    running.kill(libc::SIGKILL);
    wait_until(BOUNDED, "the child is gone", || !process_exists(pids[2]));
    for pid in &pids[..2] {
        kill(*pid, libc::SIGKILL).expect("nobody else ends it");
    }
    running.finish();
}

/// Also of a child that nobody asks about any more.
#[mp::test]
fn bey_07_the_end_of_the_program_leaves_nothing() {
    let program = scenario_main!(|| {
        let gate = Gate::new();
        let process = in_group(starts_two, (gate.name(), "returns"));
        let Started { task, programs } = Started::at(&gate);
        programs.iter().for_each(|pid| println!("runs {pid}"));
        task.release();
        drop(process);
    });
    let finished = program.run();
    finished.assert_success();
    let pids: Vec<i32> =
        finished.values("runs ").iter().map(|pid| pid.parse().expect("a pid")).collect();
    assert_eq!(pids.len(), 2);
    wait_until(BOUNDED, "all are gone", || !pids.iter().any(|pid| process_exists(*pid)));
}
