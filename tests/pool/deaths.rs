//! Workers that die, one at a time and at known moments: what their end costs, and what it does not.
//! Kills at random moments are in `kills`.

use crate::gate::Gate;
use crate::support::{children_of, scenario, state_of, wait_until};
use crate::tasks::{plus_100, stop, worker_pid};
use crate::{BOUNDED, kill, own_pid, watched};
use mp::{ErrorKind, Pool};
use std::collections::BTreeSet;
use std::process;
use std::time::{Duration, Instant};

/// How long a death may take to be told.
const TOLD: Duration = Duration::from_secs(5);

#[mp::test]
fn pool_47_bey_01_a_killed_worker_fails_its_task_with_pid_and_signal() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let gate = Gate::new();
        let failing = pool.submit(stop, gate.name());
        let victim = gate.next();
        let others: Vec<_> = (0..2000).map(|i| pool.submit(plus_100, i)).collect();
        let begun = Instant::now();
        kill(victim.pid);
        let error = failing.get().unwrap_err();
        assert!(begun.elapsed() < TOLD);
        assert_eq!(error.kind(), ErrorKind::WorkerDied);
        let worker = error.worker().unwrap();
        assert_eq!((worker.pid(), worker.exit_code()), (victim.pid, -libc::SIGKILL));
        assert_eq!(worker.signal_name(), Some("SIGKILL"));
        assert!(worker.name().starts_with("PoolWorker-"), "{}", worker.name());
        let text = error.to_string();
        let words = [&victim.pid.to_string(), "SIGKILL", "stop"];
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
        assert!(error.panic().is_none() && !failing.successful().unwrap());
        for (i, handle) in (0..).zip(&others) {
            assert_eq!(handle.get().unwrap(), i + 100);
        }
    });
}

#[mp::test]
fn pool_47_a_killed_worker_is_replaced() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let gate = Gate::new();
        let mut gone = BTreeSet::new();
        for _ in 0..5 {
            let handles = [0, 1].map(|_| pool.submit(stop, gate.name()));
            let mut guests = gate.guests(2);
            assert_ne!(guests[0].pid, guests[1].pid);
            assert!(guests.iter().all(|guest| !gone.contains(&guest.pid)));
            let victim = guests.pop().unwrap();
            kill(victim.pid);
            gone.insert(victim.pid);
            let survivor = guests[0].pid;
            drop(guests);
            let mut got: Vec<_> = handles.iter().map(|handle| handle.get().ok()).collect();
            got.sort_unstable();
            assert_eq!(got, [None, Some(survivor)]);
        }
    });
}

#[mp::task]
fn exit_with(code: i32) {
    process::exit(code)
}

#[mp::task]
fn abort() {
    process::abort()
}

#[mp::task]
fn end_by(signal: i32) {
    loop {
        crate::support::kill(own_pid(), signal).unwrap();
    }
}

#[mp::task]
fn overflow_the_stack(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    if depth == u64::MAX { 0 } else { overflow_the_stack(depth + 1) + frame[1] }
}

#[mp::test]
fn pool_48_bey_08_bey_09_a_task_that_ends_its_process_fails_alone_and_says_how() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let ends = [
            (pool.submit(exit_with, 3), 3, None),
            (pool.submit(exit_with, 0), 0, None),
            (pool.submit(exit_with, 255), 255, None),
            (pool.submit(abort, ()), -libc::SIGABRT, Some("SIGABRT")),
            (pool.submit(end_by, libc::SIGSEGV), -libc::SIGSEGV, Some("SIGSEGV")),
            (pool.submit(end_by, libc::SIGTERM), -libc::SIGTERM, Some("SIGTERM")),
            (pool.submit(end_by, libc::SIGXCPU), -libc::SIGXCPU, Some("SIGXCPU")),
        ];
        let mut pids = BTreeSet::new();
        for (handle, code, signal) in &ends {
            let error = handle.get_timeout(BOUNDED).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::WorkerDied, "{error}");
            let worker = error.worker().unwrap();
            assert_eq!((worker.exit_code(), worker.signal_name()), (*code, *signal));
            assert!(pids.insert(worker.pid()), "each took a worker of its own");
        }
        assert_eq!(pool.apply(plus_100, 1).unwrap(), 101);
    });
}

#[mp::test]
fn pool_48_a_stack_overflow_fails_its_task() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let error = pool.apply(overflow_the_stack, 0).unwrap_err();
        assert_eq!(error.worker().unwrap().signal_name(), Some("SIGSEGV"), "{error}");
        assert_eq!(pool.apply(plus_100, 1).unwrap(), 101);
    });
}

#[mp::test]
fn pool_48_bey_11_an_exiting_task_goes_to_its_error_callback() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let call = pool.call(exit_with, 3).callback(|()| panic!("there is no value"));
        let handle = call.error_callback(move |error| tell.send(error).unwrap()).submit();
        let error = told.recv_timeout(BOUNDED).unwrap();
        assert_eq!(error.worker().unwrap().exit_code(), 3);
        assert_eq!(handle.get().unwrap_err().kind(), ErrorKind::WorkerDied);
    });
}

/// The pid of a worker that has nothing to do and sleeps.
fn sleeping_worker(pool: &Pool) -> u32 {
    let worker = pool.apply(worker_pid, ()).unwrap();
    wait_until(BOUNDED, "the worker sleeps", || state_of(worker.cast_signed()) == Some('S'));
    worker
}

#[mp::test]
fn pool_49_a_killed_idle_worker_loses_nothing() {
    watched(|| {
        for size in [1, 3] {
            let pool = Pool::new(size).unwrap();
            let killed = sleeping_worker(&pool);
            kill(killed);
            let handles: Vec<_> = (0..100).map(|i| pool.submit(plus_100, i)).collect();
            for (i, handle) in (0..).zip(&handles) {
                assert_eq!(handle.get().unwrap(), i + 100);
            }
            assert_ne!(pool.apply(worker_pid, ()).unwrap(), killed);
        }
    });
}

#[mp::test]
fn pool_49_bey_02_200_kills_of_the_only_worker_while_idle() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        for _ in 0..200 {
            kill(sleeping_worker(&pool));
        }
        let handles: Vec<_> = (0..100).map(|i| pool.submit(plus_100, i)).collect();
        for (i, handle) in (0..).zip(&handles) {
            assert_eq!(handle.get().unwrap(), i + 100);
        }
    });
}

#[mp::test]
fn pool_47_all_workers_killed_at_once() {
    watched(|| {
        let pool = Pool::new(4).unwrap();
        let gate = Gate::new();
        let failing: Vec<_> = (0..4).map(|_| pool.submit(stop, gate.name())).collect();
        let others: Vec<_> = (0..50).map(|i| pool.submit(plus_100, i)).collect();
        let guests = gate.guests(4);
        guests.iter().for_each(|guest| kill(guest.pid));
        let killed: BTreeSet<u32> = guests.iter().map(|guest| guest.pid).collect();
        let told = failing.iter().map(|handle| {
            let error = handle.get().unwrap_err();
            let worker = error.worker().unwrap();
            assert_eq!(worker.exit_code(), -libc::SIGKILL);
            worker.pid()
        });
        assert_eq!(told.collect::<BTreeSet<u32>>(), killed);
        for (i, handle) in (0..).zip(&others) {
            assert_eq!(handle.get().unwrap(), i + 100);
        }
    });
}

#[mp::test]
fn pool_49_workers_killed_while_they_start() {
    let program = scenario!(|| {
        let pool = Pool::new(1).unwrap();
        let handle = pool.submit(plus_100, 1);
        for round in 0..12u64 {
            wait_until(BOUNDED, "a worker is started", || !children_of(own_pid()).is_empty());
            crate::tasks::spin_for(Duration::from_micros(round * 150));
            for pid in children_of(own_pid()) {
                crate::support::kill(pid, libc::SIGKILL).unwrap();
                wait_until(BOUNDED, "it is reaped", || state_of(pid).is_none());
            }
        }
        // It may have been running when its worker was killed, once.
        match handle.get() {
            Ok(value) => assert_eq!(value, 101),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WorkerDied),
        }
        assert_eq!(pool.apply(plus_100, 2).unwrap(), 102);
    });
    program.run().assert_success();
}

#[mp::test]
fn pool_29_workers_killed_after_close_are_replaced_while_tasks_are_left() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let gate = Gate::new();
        let failing: Vec<_> = (0..2).map(|_| pool.submit(stop, gate.name())).collect();
        let others: Vec<_> = (0..50).map(|i| pool.submit(plus_100, i)).collect();
        let guests = gate.guests(2);
        pool.close();
        guests.iter().for_each(|guest| kill(guest.pid));
        pool.join().unwrap();
        for handle in &failing {
            assert_eq!(handle.get().unwrap_err().kind(), ErrorKind::WorkerDied);
        }
        for (i, handle) in (0..).zip(&others) {
            assert_eq!(handle.get().unwrap(), i + 100);
        }
    });
}
