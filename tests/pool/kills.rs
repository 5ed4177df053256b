//! Workers killed at random moments while small and large tasks run: every handle has one outcome, and the pool goes on.
//! Deaths at known moments are in `deaths`.

use crate::support::scenario;
use crate::tasks::{Random, make_bytes, pattern, plus_100, spin_for, square_slowly};
use mp::{AsyncResult, ErrorKind, Pool, active_children};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::thread;
use std::time::Duration;

/// Kills workers of this program at random moments until told to stop, so many at least and at
/// most; gives how many it has killed.
fn kill_workers(count: RangeInclusive<usize>, every: u64, seed: u64, stop: &AtomicBool) -> usize {
    let mut random = Random(seed);
    let mut killed = 0;
    while killed < *count.end() && (killed < *count.start() || !stop.load(Relaxed)) {
        spin_for(Duration::from_micros(random.below(every)));
        let workers = active_children();
        let Some(there) = u64::try_from(workers.len()).ok().filter(|there| *there > 0) else {
            continue;
        };
        let victim = &workers[usize::try_from(random.below(there)).unwrap()];
        // It may have ended by an earlier kill.
        if crate::support::kill(victim.pid().cast_signed(), libc::SIGKILL).is_ok() {
            killed += 1;
        }
    }
    killed
}

/// How many have failed, all by a worker's death; the others have the value that they should.
fn failures<R: serde::de::DeserializeOwned + PartialEq>(
    handles: &[AsyncResult<R>],
    expected: impl Fn(usize) -> R,
) -> usize {
    let failed = |(at, handle): (usize, &AsyncResult<R>)| match handle.get() {
        Ok(value) => {
            assert!(value == expected(at), "call {at}");
            false
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::WorkerDied, "{error}");
            assert_eq!(error.worker().unwrap().exit_code(), -libc::SIGKILL, "{error}");
            true
        }
    };
    handles.iter().enumerate().filter(|each| failed(*each)).count()
}

#[mp::test]
fn pool_47_small_tasks_while_workers_are_killed_at_random() {
    let program = scenario!(|| {
        for round in 0..4 {
            let pool = Pool::new(2).unwrap();
            let stop = AtomicBool::new(false);
            let (killed, failed) = thread::scope(|scope| {
                let killer = scope.spawn(|| kill_workers(1..=60, 8000, round, &stop));
                let handles: Vec<_> =
                    (0..2000).map(|i| pool.submit(square_slowly, (i, 100))).collect();
                let failed = failures(&handles, |at| (at * at) as u64);
                stop.store(true, Relaxed);
                (killer.join().unwrap(), failed)
            });
            assert!(failed <= killed, "{failed} tasks failed by {killed} kills");
            assert_eq!(pool.apply(plus_100, 1).unwrap(), 101);
        }
    });
    program.limit(Duration::from_secs(60)).run().assert_success();
}

#[mp::test]
fn pool_47_tiny_tasks_by_apply_while_workers_are_killed_at_random() {
    let program = scenario!(|| {
        let pool = Pool::new(2).unwrap();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let killer = scope.spawn(|| kill_workers(1..=100, 6000, 7, &stop));
            let failed: usize = thread::scope(|scope| {
                let apply = |thread: i64| {
                    let mut failed = 0;
                    for i in 0..3000 {
                        match pool.apply(plus_100, i * 2 + thread) {
                            Ok(value) => assert_eq!(value, i * 2 + thread + 100),
                            Err(error) => {
                                assert_eq!(error.kind(), ErrorKind::WorkerDied, "{error}");
                                failed += 1;
                            }
                        }
                    }
                    failed
                };
                let threads = [0, 1].map(|thread| scope.spawn(move || apply(thread)));
                threads.into_iter().map(|thread| thread.join().unwrap()).sum()
            });
            stop.store(true, Relaxed);
            let killed = killer.join().unwrap();
            assert!(failed <= killed, "{failed} tasks failed by {killed} kills");
        });
        assert_eq!(pool.apply(plus_100, 1).unwrap(), 101);
    });
    program.limit(Duration::from_secs(60)).run().assert_success();
}

#[mp::test]
fn pool_15_callbacks_run_exactly_once_while_workers_are_killed() {
    let program = scenario!(|| {
        let pool = Pool::new(2).unwrap();
        let stop = AtomicBool::new(false);
        let runs: Arc<Vec<[AtomicU32; 2]>> =
            Arc::new((0..2000).map(|_| Default::default()).collect());
        thread::scope(|scope| {
            let killer = scope.spawn(|| kill_workers(1..=60, 8000, 3, &stop));
            let handles: Vec<_> = (0..2000)
                .map(|i| {
                    let (value, error) = (Arc::clone(&runs), Arc::clone(&runs));
                    let at = usize::try_from(i).unwrap();
                    pool.call(square_slowly, (i, 100))
                        .callback(move |_| _ = value[at][0].fetch_add(1, SeqCst))
                        .error_callback(move |_| _ = error[at][1].fetch_add(1, SeqCst))
                        .submit()
                })
                .collect();
            for (at, handle) in handles.iter().enumerate() {
                let expected = if handle.get().is_ok() { [1, 0] } else { [0, 1] };
                assert_eq!(runs[at].each_ref().map(|run| run.load(SeqCst)), expected);
            }
            stop.store(true, Relaxed);
            killer.join().unwrap();
        });
        pool.close();
        pool.join().unwrap();
        let sums = runs.iter().map(|run| run.iter().map(|run| run.load(SeqCst)).sum::<u32>());
        assert!(sums.into_iter().all(|sum| sum == 1), "still once");
    });
    program.limit(Duration::from_secs(60)).run().assert_success();
}

#[mp::test]
fn pool_50_large_results_while_workers_are_killed_at_random() {
    let program = scenario!(|| {
        let size = |at: usize| 60_000 + at * 6_000;
        for round in 0..3 {
            let pool = Pool::new(2).unwrap();
            let stop = AtomicBool::new(false);
            thread::scope(|scope| {
                let killer = scope.spawn(|| kill_workers(1..=40, 30_000, round, &stop));
                let handles: Vec<_> =
                    (0..60).map(|at| pool.submit(make_bytes, (size(at), at as u8))).collect();
                let failed = failures(&handles, |at| pattern(size(at), at as u8));
                stop.store(true, Relaxed);
                let killed = killer.join().unwrap();
                assert!(failed <= killed, "{failed} tasks failed by {killed} kills");
            });
        }
    });
    program.limit(Duration::from_secs(60)).run().assert_success();
}

#[mp::test]
fn pool_29_close_and_join_end_while_workers_are_killed() {
    let program = scenario!(|| {
        for round in 0..20 {
            let pool = Pool::new(2).unwrap();
            let stop = AtomicBool::new(false);
            thread::scope(|scope| {
                let killer = scope.spawn(|| kill_workers(0..=6, 3000, round, &stop));
                let handles: Vec<_> =
                    (0..50).map(|i| pool.submit(square_slowly, (i, 100))).collect();
                pool.close();
                pool.join().unwrap();
                stop.store(true, Relaxed);
                assert!(handles.iter().all(AsyncResult::ready));
                let failed = failures(&handles, |at| (at * at) as u64);
                assert!(failed <= killer.join().unwrap());
            });
        }
    });
    program.limit(Duration::from_secs(60)).run().assert_success();
}
