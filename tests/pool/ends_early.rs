//! Pools and batches that end before all is done: broken by a death, killed, out of time, stopped by an error.

use crate::gate::Gate;
use crate::support::wait_until;
use crate::tasks::{plus_100, stop};
use crate::{BOUNDED, watched};
use mp::{ErrorKind, Pool};
use std::sync::mpsc::channel;
use std::time::Duration;

#[mp::task]
fn exit(code: i32) {
    std::process::exit(code);
}

#[mp::task]
fn odd(x: u32) -> Result<u32, String> {
    if x.is_multiple_of(2) { Err(format!("{x} is even")) } else { Ok(x) }
}

#[mp::task]
fn stop_or(x: u32, gate: &str) -> u32 {
    if x == 2 {
        crate::gate::stop_at(gate);
    }
    x
}

#[mp::task]
fn nest(depth: u32) -> Result<u32, String> {
    let pool = Pool::new(1).map_err(|error| format!("{:?} at {depth}: {error}", error.kind()))?;
    pool.apply(nest, depth + 1).map_err(|error| error.to_string())?
}

#[mp::test]
fn fut_04_done_callbacks_run_once_each_in_order() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        let (tell, told) = channel();
        let handle = pool.submit(stop, gate.name());
        for i in 0..5 {
            let tell = tell.clone();
            handle.on_done(move |result| {
                tell.send((i, result.is_ok())).unwrap();
                assert!(i != 2, "one that panics disturbs none");
            });
        }
        assert!(told.try_recv().is_err());
        gate.next().release();
        let seen: Vec<_> = told.iter().take(5).collect();
        assert_eq!(seen, (0..5).map(|i| (i, true)).collect::<Vec<_>>());
        // Done already: here and now, on this thread.
        let here = std::thread::current().id();
        let then = tell.clone();
        handle.on_done(move |_| then.send((9, std::thread::current().id() == here)).unwrap());
        assert_eq!(told.try_recv().unwrap(), (9, true));
        // A callback may wait for another result, and one is called for an error, too.
        let failing = pool.submit(exit, 3);
        failing.on_done(move |result| tell.send((10, result.is_err())).unwrap());
        assert_eq!(told.recv().unwrap(), (10, true));
        assert!(told.recv().is_err(), "once each");
        let cancelled = pool.submit(plus_100, 1);
        let (tell, told) = channel();
        cancelled.on_done(move |result| tell.send(result.map_err(|e| e.kind())).unwrap());
        pool.terminate();
        let outcome = told.recv().unwrap();
        assert!(outcome == Ok(101) || outcome == Err(ErrorKind::Terminated), "{outcome:?}");
    });
}

#[mp::test]
fn fut_05_bey_22_fail_fast_stops_at_the_first_error_of_either_kind() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let taken = std::cell::Cell::new(0);
        let input = || (1_u32..100_000).inspect(|_| taken.set(taken.get() + 1));
        let values = pool.batch(odd, input()).chunksize(1).fail_fast(true).run().unwrap();
        assert_eq!(values, [Ok(1), Err("2 is even".to_owned())]);
        assert!(taken.get() < 1000, "{}", taken.get());
        let mut results = pool.batch(odd, input()).chunksize(1).fail_fast(true).iter();
        assert_eq!(results.next().unwrap().unwrap(), Ok(1));
        assert!(results.next().unwrap().unwrap().is_err());
        assert!(results.next().is_none());
        let codes = [7, 7, 7].into_iter();
        let error = pool.batch(exit, codes).chunksize(1).fail_fast(true).run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WorkerDied);
        assert_eq!(pool.apply(plus_100, 1).unwrap(), 101);
    });
}

#[mp::test]
fn fut_06_a_batch_may_take_so_long_in_all() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        let items = || (0..10).map(|x| (x, gate.name()));
        let limit = Duration::from_millis(200);
        let mut results = pool.batch(stop_or, items()).chunksize(1).total_timeout(limit).iter();
        assert_eq!(results.next().unwrap().unwrap(), 0);
        assert_eq!(results.next().unwrap().unwrap(), 1);
        let error = results.next().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(results.next().is_none());
        gate.next().release();
        let error = pool.batch(stop_or, items()).total_timeout(limit).run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        gate.next().release();
        assert_eq!(pool.apply(plus_100, 1).unwrap(), 101);
    });
}

#[mp::test]
fn fut_14_a_pool_that_breaks_on_a_death_fails_everything() {
    watched(|| {
        let pool = Pool::builder().processes(2).break_on_death(true).build().unwrap();
        let gate = Gate::new();
        let held = pool.submit(stop, gate.name());
        let _guest = gate.next();
        let dies = pool.submit(exit, 7);
        let waiting = pool.submit(plus_100, 1);
        for error in [held.get().unwrap_err(), dies.get().unwrap_err()] {
            let died = error.kind() == ErrorKind::WorkerDied;
            assert!(died || error.kind() == ErrorKind::Broken, "{error}");
            assert!(error.to_string().contains("exit code 7"), "{error}");
        }
        // One that was done by then has its value.
        assert!(waiting.get().is_ok_and(|value| value == 101) || waiting.get().is_err());
        let error = pool.apply(plus_100, 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Broken);
        assert!(error.to_string().contains("exit code 7"), "{error}");
        wait_until(BOUNDED, "no worker is left", || pool.workers().is_empty());
    });
}

#[mp::test]
fn fut_19_a_killed_pool_finishes_nothing_and_replaces_nobody() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let gate = Gate::new();
        let held = pool.submit(stop, gate.name());
        let _guest = gate.next();
        pool.kill();
        assert_eq!(held.get().unwrap_err().kind(), ErrorKind::Terminated);
        assert_eq!(pool.apply(plus_100, 1).unwrap_err().kind(), ErrorKind::NotRunning);
        assert!(pool.workers().is_empty());
        pool.kill();
        pool.terminate();
        pool.join().unwrap();
        let empty = Pool::builder().processes(2).on_demand(true).build().unwrap();
        empty.kill();
        empty.join().unwrap();
    });
}

#[mp::test]
fn fut_28_bey_24_pools_in_workers_of_pools_have_an_end() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let outcome = pool.apply(nest, 1).unwrap();
        let text = outcome.unwrap_err();
        assert!(text.contains("Unsupported at 11"), "{text}");
    });
}
