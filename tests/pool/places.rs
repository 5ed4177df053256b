//! Where pools stand and who uses them: in children, in workers, from many threads, in statics at the program's end.

use crate::gate::{Gate, stop_at};
use crate::support::{
    descendants_of, process_exists, scenario, scenario_main, wait_until, without_servers,
};
use crate::tasks::plus_100;
use crate::{BOUNDED, kill, own_pid, watched};
use mp::Pool;
use std::process;
use std::sync::OnceLock;
use std::thread;

/// A pool inside a task: whatever process that runs in.
#[mp::task]
fn sum_by_a_pool(count: i64) -> i64 {
    let pool = Pool::new(2).unwrap();
    let handles: Vec<_> = (0..count).map(|i| pool.submit(plus_100, i)).collect();
    let sum = handles.iter().map(|handle| handle.get().unwrap()).sum();
    pool.close();
    pool.join().unwrap();
    sum
}

#[mp::task]
fn sum_by_processes(count: i64) -> i64 {
    let processes: Vec<_> = (0..count).map(|i| mp::spawn(plus_100, i).unwrap()).collect();
    processes.iter().map(|process| process.result().unwrap()).sum()
}

#[mp::test]
fn pool_35_a_worker_starts_processes_and_pools() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        assert_eq!(pool.apply(sum_by_processes, 4).unwrap(), 406);
        assert_eq!(pool.apply(sum_by_a_pool, 10).unwrap(), 1045);
        // A pool in a worker of a pool in a worker.
        assert_eq!(pool.apply(nested, 2).unwrap(), 1045);
    });
}

#[mp::task]
fn nested(depth: u32) -> i64 {
    let pool = Pool::new(1).unwrap();
    if depth > 0 {
        return pool.apply(nested, depth - 1).unwrap();
    }
    pool.apply(sum_by_a_pool, 10).unwrap()
}

#[mp::task]
fn stays_at(gate: &str) {
    stop_at(gate);
}

/// Starts a process, and a pool with a busy worker, and says so.
#[mp::task]
fn leaves_some(gate: &str, own_gate: &str) {
    let _process = mp::spawn(stays_at, gate).unwrap();
    let pool = Pool::new(1).unwrap();
    pool.submit(stays_at, gate);
    stop_at(own_gate);
}

#[mp::test]
fn pool_35_what_a_worker_started_ends_when_it_is_killed() {
    let program = scenario!(|| {
        let (gate, own) = (Gate::new(), Gate::new());
        let pool = Pool::new(1).unwrap();
        let handle = pool.submit(leaves_some, (gate.name(), own.name()));
        let worker = own.next();
        let started = gate.guests(2);
        let descendants = descendants_of(own_pid()).into_iter().collect::<Vec<_>>();
        assert_eq!(without_servers(&descendants).len(), 3);
        kill(worker.pid);
        assert_eq!(handle.get().unwrap_err().kind(), mp::ErrorKind::WorkerDied);
        for started in &started {
            let pid = started.pid.cast_signed();
            wait_until(BOUNDED, "it dies with the worker", || !process_exists(pid));
        }
    });
    program.run().assert_success();
}

#[mp::test]
fn pool_35_what_a_worker_started_ends_when_its_pool_is_terminated() {
    let program = scenario!(|| {
        let (gate, own) = (Gate::new(), Gate::new());
        let pool = Pool::new(1).unwrap();
        pool.submit(leaves_some, (gate.name(), own.name()));
        let _worker = own.next();
        let started = gate.guests(2);
        pool.terminate();
        for started in &started {
            let pid = started.pid.cast_signed();
            wait_until(BOUNDED, "it dies with the worker", || !process_exists(pid));
        }
    });
    program.run().assert_success();
}

#[mp::test]
fn pool_36_a_pool_works_inside_a_process() {
    watched(|| {
        let process = mp::spawn(sum_by_a_pool, 10).unwrap();
        assert_eq!(process.result().unwrap(), 1045);
        assert_eq!(process.exit_code(), Some(0));
    });
}

#[mp::test]
fn pool_53_ten_threads_use_one_pool() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        thread::scope(|scope| {
            for thread in 0..10 {
                let pool = &pool;
                scope.spawn(move || {
                    let numbers = || (0..100).map(|i| 1000 * thread + i);
                    let handles: Vec<_> = numbers().map(|i| pool.submit(plus_100, i)).collect();
                    assert_eq!(pool.apply(plus_100, thread).unwrap(), thread + 100);
                    for (i, handle) in numbers().zip(handles) {
                        assert_eq!(handle.get().unwrap(), i + 100);
                    }
                });
            }
        });
    });
}

#[mp::test]
fn pool_56_a_program_may_forget_an_open_pool_in_a_static() {
    static POOL: OnceLock<Pool> = OnceLock::new();
    fn use_it() {
        let pool = POOL.get_or_init(|| Pool::new(3).unwrap());
        assert_eq!(pool.apply(plus_100, 1).unwrap(), 101);
    }
    let returns = scenario_main!(|| use_it());
    let exits = scenario_main!(|| {
        use_it();
        process::exit(0)
    });
    for program in [returns, exits] {
        let finished = program.run();
        finished.assert_success();
        assert!(finished.elapsed < BOUNDED, "{:?}", finished.elapsed);
        assert_eq!(finished.stderr, "");
    }
}
