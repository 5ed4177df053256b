//! Threads and zombies, after what has been joined.

use crate::gate::Gate;
use crate::support::{
    Footprint, children_of, kill, repeat, scenario, state_of, thread_count, wait_until,
    with_busy_cores, zombies_of,
};
use crate::{LONG, VERY_LONG, descriptors_at, echo, own_pid, panics, stays};

#[mp::test]
fn res_05_threads_are_gone_after_a_pools_join() {
    let program = scenario!(|| {
        let before = thread_count();
        for processes in [1, 4] {
            let pool = mp::Pool::new(processes).expect("it starts");
            let handle = pool.apply_async(echo, 5, |_| {});
            assert_eq!(handle.get().expect("it returns"), 5);
            assert!(thread_count() > before, "callbacks run on a thread of their own");
            pool.close();
            pool.join().expect("it is closed");
            // A joined thread may be counted for a moment.
            wait_until(LONG, "all threads are gone", || thread_count() == before);
        }
    });
    program.run().assert_success();
}

/// One that is terminated, one that is dropped, and one whose workers were killed.
#[mp::test]
fn res_05_threads_are_gone_however_the_pool_ends() {
    let program = scenario!(|| {
        let before = thread_count();
        let terminated = mp::Pool::new(2).expect("it starts");
        terminated.apply_async(stays, (), |()| {});
        terminated.terminate();
        terminated.join().expect("it is terminated");
        let dropped = mp::Pool::new(2).expect("it starts");
        dropped.apply_async(echo, 5, |_| {});
        drop(dropped);
        let killed = mp::Pool::new(2).expect("it starts");
        for worker in mp::active_children() {
            // Ended meanwhile: those of the pool that was dropped.
            let _ = kill(worker.pid().cast_signed(), libc::SIGKILL);
        }
        assert_eq!(killed.apply(echo, 5).expect("on a new worker"), 5);
        killed.close();
        killed.join().expect("it is closed");
        wait_until(LONG, "all threads are gone", || thread_count() == before);
    });
    program.run().assert_success();
}

#[mp::test]
fn res_05_processes_have_no_threads_here() {
    let program = scenario!(|| {
        let before = thread_count();
        let gate = Gate::new();
        let processes: Vec<_> =
            (0..5).map(|_| mp::spawn(descriptors_at, gate.name()).expect("it starts")).collect();
        assert_eq!(thread_count(), before);
        for _ in &processes {
            drop(gate.arrival());
        }
        for process in &processes {
            process.join().expect("it was started");
        }
        assert_eq!(thread_count(), before);
    });
    program.run().assert_success();
}

#[mp::test]
fn res_06_no_zombie_after_join() {
    let program = scenario!(|| {
        let round = |_| {
            let returns = mp::spawn(echo, 5).expect("it starts");
            let killed = mp::spawn(stays, ()).expect("it starts");
            killed.kill().expect("it was started");
            killed.join().expect("it was started");
            returns.join().expect("it was started");
            assert_eq!(zombies_of(own_pid()), []);
        };
        repeat(100, round);
        with_busy_cores(|| repeat(50, round));
    });
    program.limit(VERY_LONG).run().assert_success();
}

#[mp::test]
fn res_06_no_zombie_after_active_children() {
    let program = scenario!(|| {
        let processes: Vec<_> = (0..5).map(|_| mp::spawn(stays, ()).expect("it starts")).collect();
        let pids: Vec<_> = processes.iter().filter_map(mp::Process::pid).collect();
        for pid in &pids {
            kill(pid.cast_signed(), libc::SIGKILL).expect("it is there");
        }
        wait_until(LONG, "all have ended", || zombies_of(own_pid()).len() == 5);
        assert!(mp::active_children().is_empty());
        assert_eq!(zombies_of(own_pid()), []);
        assert!(pids.iter().all(|pid| state_of(pid.cast_signed()).is_none()));
    });
    program.run().assert_success();
}

#[mp::test]
fn res_06_no_zombie_after_a_pools_join() {
    let program = scenario!(|| {
        let round = |_| {
            let pool = mp::Pool::new(3).expect("it starts");
            let killed = mp::active_children().pop().expect("a worker");
            kill(killed.pid().cast_signed(), libc::SIGKILL).expect("it is there");
            assert_eq!(pool.apply(echo, 5).expect("on another worker"), 5);
            pool.close();
            pool.join().expect("it is closed");
            assert_eq!((zombies_of(own_pid()), children_of(own_pid())), (vec![], vec![]));
        };
        repeat(50, round);
        with_busy_cores(|| repeat(20, round));
    });
    program.limit(VERY_LONG).run().assert_success();
}

/// A pool buries its dead while it lives, whether or not anybody asks.
#[mp::test]
fn res_06_no_zombie_of_a_worker_that_was_killed() {
    let program = scenario!(|| {
        let before = Footprint::now();
        let pool = mp::Pool::new(2).expect("it starts");
        for worker in mp::active_children() {
            kill(worker.pid().cast_signed(), libc::SIGKILL).expect("it is there");
        }
        wait_until(LONG, "two new workers", || children_of(own_pid()).len() == 2);
        wait_until(LONG, "no zombie", || zombies_of(own_pid()).is_empty());
        pool.apply(panics, ()).expect_err("it panics");
        pool.close();
        pool.join().expect("it is closed");
        drop(pool);
        before.assert_restored(LONG);
    });
    program.run().assert_success();
}
