//! Many children, many threads, and signals in between. Ends at any moment of a start are in `races`.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::gate::{Gate, wait_at};
use crate::support::{
    Scenario, catch, repeat, scenario, signal_thread, thread_id, wait_until, watchdog,
};
use crate::{LONG, VERY_LONG, kernel, nothing, stays};

#[mp::task]
fn name_of_its_own() -> String {
    mp::current_process().name().to_owned()
}

#[mp::task]
fn waits(gate: &str) {
    wait_at(gate);
}

#[mp::test]
fn proc_27_a_hundred_short_children_end_with_0() {
    watchdog(VERY_LONG, || {
        let start = |_| mp::spawn(nothing, ()).expect("it starts");
        for process in (0..100).map(start).collect::<Vec<_>>() {
            process.join().expect("it was started");
            assert_eq!(process.exit_code(), Some(0));
        }
    });
}

#[mp::test]
fn proc_27_a_hundred_sleepers_are_terminated() {
    watchdog(VERY_LONG, || {
        let start = |_| {
            let process = mp::spawn(stays, ()).expect("it starts");
            process.terminate().expect("it was started");
            process
        };
        for process in (0..100).map(start).collect::<Vec<_>>() {
            process.join().expect("it was started");
            assert_eq!(process.exit_code(), Some(-15));
        }
    });
}

#[mp::test]
fn proc_41_threads_start_processes_at_the_same_time() {
    const THREADS: usize = 32;
    watchdog(VERY_LONG, || {
        let barrier = Barrier::new(THREADS);
        let start = || {
            barrier.wait();
            let processes = [(); 2].map(|()| mp::spawn(name_of_its_own, ()).expect("it starts"));
            processes.map(|process| {
                let name = process.result().expect("it returns");
                assert_eq!(name, process.name());
                name
            })
        };
        let names: Vec<String> = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(start)).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
        });
        assert_eq!(names.len(), 2 * THREADS);
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 2 * THREADS, "{names:?}");
    });
}

#[mp::test]
fn proc_32_bey_32_eight_threads_wait_for_one_process() {
    const THREADS: usize = 8;
    watchdog(VERY_LONG, || {
        repeat(50, |round: usize| {
            let gate = Gate::new();
            let process = mp::spawn(waits, gate.name()).expect("it starts");
            let waiting = gate.arrival();
            let barrier = Barrier::new(THREADS + 1);
            thread::scope(|scope| {
                for thread in 0..THREADS {
                    let (process, barrier) = (&process, &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        match (thread + round) % 4 {
                            0 => process.join().expect("it was started"),
                            1 => assert!(process.join_timeout(LONG).expect("it was started")),
                            2 => while process.is_alive() {},
                            _ => while process.exit_code().is_none() {},
                        }
                        assert!(!process.is_alive());
                        assert_eq!(process.exit_code(), Some(0));
                    });
                }
                barrier.wait();
                drop(waiting);
            });
        });
    });
}

/// A program of two threads: one waits for a child, the other interrupts it, again and again.
fn waits_through_signals(wait: impl FnOnce(&mp::Process<waits>) + Send) {
    let mut handled = catch(libc::SIGUSR1).expect("a handler");
    let gate = Gate::new();
    let process = mp::spawn(waits, gate.name()).expect("it starts");
    let waiting = gate.arrival();
    let (tell, told) = std::sync::mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            tell.send(thread_id()).expect("the other thread is there");
            wait(&process);
        });
        let waiter = told.recv().expect("it begins");
        for _ in 0..20 {
            wait_until(LONG, "it waits", || sleeps(waiter));
            signal_thread(waiter, libc::SIGUSR1).expect("it is there");
            handled.read_exact(&mut [0]).expect("the handler has run");
        }
        assert!(process.is_alive());
        drop(waiting);
    });
    assert_eq!(process.exit_code(), Some(0));
}

fn sleeps(thread: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/self/task/{thread}/stat")).expect("it is there");
    stat.rsplit(')').next().is_some_and(|fields| fields.starts_with(" S"))
}

#[mp::test]
fn proc_31_a_handled_signal_does_not_end_a_join() {
    let program = scenario!(|| waits_through_signals(|process| {
        process.join().expect("it was started");
        assert_eq!(process.exit_code(), Some(0));
    }));
    let limited = scenario!(|| waits_through_signals(|process| {
        assert!(process.join_timeout(LONG).expect("it was started"));
    }));
    program.run().assert_success();
    limited.run().assert_success();
}

/// Nor does it end one early that is to run out.
#[mp::test]
fn proc_31_a_handled_signal_does_not_shorten_a_join_with_a_timeout() {
    const WAIT: Duration = Duration::from_millis(300);
    let program = scenario!(|| waits_through_signals(|process| {
        let begun = Instant::now();
        let ended = process.join_timeout(WAIT).expect("it was started");
        assert!(ended || begun.elapsed() >= WAIT, "{:?}", begun.elapsed());
        process.join().expect("it was started");
    }));
    program.run().assert_success();
}

#[mp::test]
fn proc_42_cpu_count_honours_the_affinity_mask() {
    let program = scenario!(|| {
        assert!(mp::cpu_count() >= 1);
        kernel::use_one_cpu();
        assert_eq!(mp::cpu_count(), 1);
        // It is inherited.
        let process = mp::spawn(counts_cpus, ()).expect("it starts");
        assert_eq!(process.result().expect("it returns"), 1);
    });
    program.run().assert_success();
}

#[mp::task]
fn counts_cpus() -> usize {
    mp::cpu_count()
}

/// Makes a control group with a quota of half a CPU: its directory, where this user may make one.
fn half_a_cpu(name: &str) -> Option<String> {
    let groups = [
        (format!("/sys/fs/cgroup/cpu/{name}"), "cpu.cfs_quota_us", "50000"),
        (format!("/sys/fs/cgroup/{name}"), "cpu.max", "50000 100000"),
    ];
    for (directory, file, quota) in groups {
        if fs::create_dir(&directory).is_ok() {
            if fs::write(format!("{directory}/{file}"), quota).is_ok() {
                return Some(directory);
            }
            let _ = fs::remove_dir(&directory);
        }
    }
    None
}

#[mp::test]
fn proc_42_cpu_count_honours_a_quota() {
    let program: Scenario = scenario!(|| {
        let directory = std::env::var("GROUP").expect("it is set");
        let own = std::process::id().to_string();
        if fs::write(format!("{directory}/cgroup.procs"), own).is_err() {
            println!("not a member");
            return;
        }
        assert_eq!(mp::cpu_count(), 1);
    });
    let Some(directory) = half_a_cpu(&format!("mp-test-{}", std::process::id())) else {
        eprintln!("not shown: this user may not make control groups");
        return;
    };
    let finished = program.env("GROUP", &directory).run();
    let removed = || fs::remove_dir(&directory).is_ok() || !Path::new(&directory).exists();
    wait_until(LONG, "the group is empty", removed);
    finished.assert_success();
    if finished.stdout.contains("not a member") {
        eprintln!("not shown: this user may not enter control groups");
    }
}
