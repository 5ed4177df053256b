//! Calls and their order: what a pool of so many workers does with what it is given.
//! What handles and callbacks do is in modules of their own.

use crate::gate::Gate;
use crate::support::{children_of, cpu_time_of, process_exists, scenario, state_of, wait_until};
use crate::tasks::{count_runs, plus_100, stop, worker_pid};
use crate::{BOUNDED, PROMPT, SHORT, own_pid, watched};
use mp::{ErrorKind, Pool, active_children};
use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

#[mp::test]
fn pool_01_workers_live_before_any_task() {
    let program = scenario!(|| {
        let pool = Pool::new(3).unwrap();
        let told: BTreeSet<i32> = active_children().iter().map(|w| w.pid().cast_signed()).collect();
        assert_eq!(told.len(), 3);
        assert_eq!(children_of(own_pid()).into_iter().collect::<BTreeSet<_>>(), told);
        assert!(active_children().iter().all(mp::ProcessInfo::is_alive));
        assert!(told.contains(&pool.apply(worker_pid, ()).unwrap().cast_signed()));
    });
    program.run().assert_success();
}

#[mp::test]
fn pool_02_size_out_of_range_is_refused_and_default_is_the_number_of_cpus() {
    let program = scenario!(|| {
        for size in [0, 1025, usize::MAX] {
            let error = Pool::new(size).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.to_string().contains(&size.to_string()), "{error}");
        }
        assert!(active_children().is_empty());
        let _pool = Pool::with_default_size().unwrap();
        assert_eq!(active_children().len(), mp::cpu_count());
        assert_eq!(mp::cpu_count(), thread::available_parallelism().unwrap().get());
    });
    program.run().assert_success();
}

#[mp::test]
fn pool_04_apply_gives_the_value() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        for i in [5, i64::MIN, -1] {
            assert_eq!(pool.apply(plus_100, i).unwrap(), plus_100(i));
        }
        assert_ne!(pool.apply(worker_pid, ()).unwrap(), std::process::id());
    });
}

#[mp::test]
fn pool_04_eight_threads_apply_on_one_pool() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        thread::scope(|scope| {
            for thread in 0..8 {
                let pool = &pool;
                scope.spawn(move || {
                    for i in (0..2000).map(|i| i * 8 + thread) {
                        assert_eq!(pool.apply(plus_100, i).unwrap(), i + 100);
                    }
                });
            }
        });
    });
}

#[mp::test]
fn pool_10_apply_async_returns_while_the_task_runs() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        let begun = Instant::now();
        let handle = pool.apply_async(stop, gate.name(), |_| {});
        assert!(begun.elapsed() < PROMPT);
        let guest = gate.next();
        assert!(!handle.ready());
        let worker = guest.pid;
        guest.release();
        assert_eq!(handle.get().unwrap(), worker);
        assert!(handle.ready());
    });
}

#[mp::test]
fn pool_10_as_many_tasks_run_at_once_as_there_are_workers() {
    watched(|| {
        let pool = Pool::new(4).unwrap();
        let gate = Gate::new();
        for _ in 0..20 {
            let handles: Vec<_> = (0..5).map(|_| pool.submit(stop, gate.name())).collect();
            let guests = gate.guests(4);
            let pids: BTreeSet<u32> = guests.iter().map(|guest| guest.pid).collect();
            assert_eq!(pids.len(), 4);
            assert!(handles.iter().all(|handle| !handle.ready()));
            guests.into_iter().next().unwrap().release();
            gate.next().release();
            handles.iter().for_each(|handle| assert!(pids.contains(&handle.get().unwrap())));
        }
    });
}

#[mp::test]
fn pool_10_5000_calls_on_one_worker_run_in_the_order_of_submission() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        let held = pool.submit(stop, gate.name());
        let guest = gate.next();
        // None of them has begun when the last is there: most are behind the slots.
        let begun = Instant::now();
        let handles: Vec<_> = (0..5000).map(|_| pool.submit(count_runs, ())).collect();
        assert!(begun.elapsed() < BOUNDED, "submitting waits for no worker");
        assert!(handles.iter().all(|handle| !handle.ready()));
        guest.release();
        held.get().unwrap();
        for (i, handle) in (0..).zip(&handles) {
            assert_eq!(handle.get().unwrap(), i);
        }
    });
}

#[mp::test]
fn pool_04_two_pools_at_once_keep_their_calls_apart() {
    watched(|| {
        let pools = [Pool::new(1).unwrap(), Pool::new(1).unwrap()];
        let workers: Vec<u32> =
            pools.iter().map(|pool| pool.apply(worker_pid, ()).unwrap()).collect();
        assert_ne!(workers[0], workers[1]);
        let handles: Vec<_> =
            (0..3000).map(|i| (i % 2, pools[i % 2].submit(worker_pid, ()))).collect();
        for (pool, handle) in &handles {
            assert_eq!(handle.get().unwrap(), workers[*pool]);
        }
        pools[0].terminate();
        assert_eq!(pools[1].apply(worker_pid, ()).unwrap(), workers[1]);
    });
}

#[mp::task]
fn sum_in_a_pool_of_my_own(numbers: Vec<i64>, depth: u32) -> i64 {
    let pool = Pool::new(1).unwrap();
    if depth > 0 {
        return pool.apply(sum_in_a_pool_of_my_own, (numbers, depth - 1)).unwrap();
    }
    let handles: Vec<_> = numbers.into_iter().map(|i| pool.submit(plus_100, i)).collect();
    handles.iter().map(|handle| handle.get().unwrap()).sum()
}

#[mp::test]
fn pool_04_a_task_may_have_a_pool_of_its_own() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let numbers: Vec<i64> = (0..100).collect();
        let expected = numbers.iter().map(|i| plus_100(*i)).sum::<i64>();
        let handles: Vec<_> = (0..4)
            .map(|depth| pool.submit(sum_in_a_pool_of_my_own, (numbers.clone(), depth % 2)))
            .collect();
        handles.iter().for_each(|handle| assert_eq!(handle.get().unwrap(), expected));
    });
}

#[mp::test]
fn pool_37_workers_have_names_with_a_number_and_are_daemons() {
    let program = scenario!(|| {
        let pool = Pool::new(2).unwrap();
        let workers = active_children();
        let numbers: BTreeSet<&str> =
            workers.iter().map(|w| w.name().strip_prefix("PoolWorker-").unwrap()).collect();
        assert_eq!(numbers.len(), 2);
        assert!(numbers.iter().all(|number| number.parse::<u32>().is_ok()), "{numbers:?}");
        assert!(workers.iter().all(mp::ProcessInfo::daemon));
        let killed = pool.apply(worker_pid, ()).unwrap();
        crate::kill(killed);
        wait_until(BOUNDED, "a replacement", || {
            let now = active_children();
            now.len() == 2 && now.iter().all(|worker| worker.pid() != killed)
        });
        let old: BTreeSet<u32> = workers.iter().map(mp::ProcessInfo::pid).collect();
        let now = active_children();
        let new = now.iter().find(|worker| !old.contains(&worker.pid())).unwrap();
        let number = new.name().strip_prefix("PoolWorker-").unwrap();
        assert!(!numbers.contains(number) && new.daemon());
    });
    program.run().assert_success();
}

#[mp::test]
fn pool_49_an_idle_pool_uses_no_cpu_and_works_afterwards() {
    let program = scenario!(|| {
        let pool = Pool::new(2).unwrap();
        let done = pool.apply_async(plus_100, 1, |_| {});
        assert_eq!(done.get().unwrap(), 101);
        let workers: Vec<i32> = active_children().iter().map(|w| w.pid().cast_signed()).collect();
        let asleep = |pid: &i32| state_of(*pid) == Some('S');
        wait_until(BOUNDED, "all workers sleep", || workers.iter().all(asleep));
        let used = || [own_pid()].iter().chain(&workers).map(|pid| cpu_time_of(*pid)).collect();
        let before: Vec<Duration> = used();
        // work: the time over which nothing may happen
        thread::sleep(Duration::from_secs(2));
        let after: Vec<Duration> = used();
        for (before, after) in before.iter().zip(&after) {
            assert!(*after - *before < Duration::from_millis(20), "{before:?} {after:?}");
        }
        let begun = Instant::now();
        assert_eq!(pool.apply(plus_100, 2).unwrap(), 102);
        assert!(begun.elapsed() < PROMPT);
        assert!(workers.iter().all(|pid| process_exists(*pid)));
    });
    program.run().assert_success();
}

#[mp::test]
fn pool_11_many_threads_time_out_whoever_leads() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        let handle = pool.submit(stop, gate.name());
        let guest = gate.next();
        // One of them reads the results while it waits, the others wait for that one.
        thread::scope(|scope| {
            for thread in 1..=8u32 {
                let (handle, timeout) = (&handle, SHORT * thread / 2);
                scope.spawn(move || {
                    let begun = Instant::now();
                    let error = handle.get_timeout(timeout).unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Timeout);
                    assert!((timeout..BOUNDED).contains(&begun.elapsed()));
                });
            }
        });
        let worker = guest.pid;
        guest.release();
        assert_eq!(handle.get().unwrap(), worker);
    });
}
