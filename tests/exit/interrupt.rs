//! Ctrl-C: SIGINT to the whole group, as a terminal sends it, and what it leaves; nothing.

use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::gate::Gate;
use crate::support::{Scenario, kill, scenario, scenario_main, shm_entries};
use crate::{PROMPT, daemon, kernel, say, spins, stays, waits, works};

/// Sends Ctrl-C once `spinning` children have said that they run.
fn interrupt(program: &Scenario, spinning: usize) {
    let before = shm_entries();
    let running = program.start();
    for _ in 0..spinning {
        running.wait_line("spins ");
    }
    assert!(running.members().len() > spinning);
    let interrupted = Instant::now();
    running.kill_group(libc::SIGINT);
    // Fails if a process is left after its time, or anything in the temporary directory.
    let finished = running.finish();
    assert!(interrupted.elapsed() < Duration::from_secs(2), "{:?}", interrupted.elapsed());
    assert_eq!(finished.signal, Some(libc::SIGINT));
    assert!(finished.gone_after < PROMPT, "{:?}", finished.gone_after);
    let new: Vec<_> = shm_entries().difference(&before).cloned().collect();
    assert_eq!(new, Vec::<String>::new());
    assert_eq!(finished.stderr, "");
}

#[mp::test]
fn exit_10_ctrl_c_during_a_pools_work() {
    let applies = scenario_main!(|| -> mp::Result<()> {
        let pool = mp::Pool::new(3)?;
        pool.submit(spins, ());
        pool.apply(spins, ())
    });
    interrupt(&applies, 2);
}

#[mp::test]
fn exit_10_bey_25_ctrl_c_during_a_map() {
    let maps = scenario_main!(|| -> mp::Result<()> {
        let pool = mp::Pool::new(3)?;
        pool.map(spins, vec![(); 50]).map(drop)
    });
    interrupt(&maps, 3);
}

#[mp::test]
fn exit_10_ctrl_c_during_a_pools_join() {
    let joins = scenario_main!(|| -> mp::Result<()> {
        let pool = mp::Pool::new(2)?;
        pool.apply_async(spins, (), |()| say("callback"));
        pool.apply_async(works, 1, |_| say("callback"));
        pool.close();
        pool.join()
    });
    interrupt(&joins, 1);
}

#[mp::test]
fn exit_10_ctrl_c_during_join() {
    let joins = scenario_main!(|| -> mp::Result<()> {
        daemon(spins, ());
        mp::spawn(spins, ())?.join()
    });
    interrupt(&joins, 2);
}

/// The main program has returned, and its end waits for a child.
#[mp::test]
fn exit_10_ctrl_c_during_the_programs_end() {
    let ends = scenario_main!(|| {
        mp::spawn(spins, ()).expect("it starts");
    });
    interrupt(&ends, 1);
}

#[mp::task]
fn spins_through_signals() {
    kernel::block_all_signals();
    spins();
}

#[mp::test]
fn exit_10_ctrl_c_ends_children_that_block_it() {
    let program = scenario_main!(|| -> mp::Result<()> {
        let pool = mp::Pool::new(1)?;
        pool.submit(spins_through_signals, ());
        mp::spawn(spins_through_signals, ())?.join()
    });
    interrupt(&program, 2);
}

/// How a program that a worker starts dies of SIGINT: the worker's own indifference is not inherited.
#[mp::task]
fn interrupts_a_program() -> Option<i32> {
    use std::os::unix::process::ExitStatusExt;
    let mut shell = Command::new("sh");
    shell.args(["-c", "kill -INT $$"]).status().expect("sh is there").signal()
}

/// It is the main program's to decide: one that handles SIGINT keeps its workers.
#[mp::test]
fn exit_10_workers_leave_sigint_to_the_main_program() {
    let program = scenario!(|| {
        let pool = mp::Pool::new(2).expect("it starts");
        let gate = Gate::new();
        let handles = [(); 2].map(|()| pool.submit(waits, gate.name()));
        // Both are up: one that still starts may be ended, and is replaced.
        let waiting = [gate.arrival(), gate.arrival()];
        for worker in mp::active_children() {
            kill(worker.pid().cast_signed(), libc::SIGINT).expect("it is there");
        }
        drop(waiting);
        for handle in handles {
            handle.get().expect("no worker died");
        }
        let signal = pool.apply(interrupts_a_program, ()).expect("it returns");
        assert_eq!(signal, Some(libc::SIGINT));
        pool.close();
        pool.join().expect("it is closed");
    });
    program.run().assert_success();
}

/// A process of one's own has SIGINT's default action.
#[mp::test]
fn exit_10_a_process_dies_of_sigint() {
    let program = scenario!(|| {
        let process = mp::spawn(stays, ()).expect("it starts");
        let pid = process.pid().expect("it was started").cast_signed();
        kill(pid, libc::SIGINT).expect("it is there");
        process.join().expect("it was started");
        assert_eq!(process.exit_code(), Some(-libc::SIGINT));
    });
    program.run().assert_success();
}

/// A test that a shell has started in the background disregards SIGINT; its scenario does not.
#[mp::test]
fn exit_10_a_scenario_heeds_what_its_test_disregards() {
    const BEHIND: &str = "MP_TEST_BEHIND_A_SHELL";
    let program = scenario_main!(|| -> mp::Result<()> { mp::spawn(spins, ())?.join() });
    if env::var_os(BEHIND).is_some() {
        return interrupt(&program, 1);
    }
    let script = "trap '' INT QUIT; exec \"$0\" --exact \"$1\"";
    let own = env::current_exe().expect("the test binary's path");
    let name = "interrupt::exit_10_a_scenario_heeds_what_its_test_disregards";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(own).arg(name).env(BEHIND, "");
    let output = shell.output().expect("sh is there");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
