//! The map family: results in their places, errors at theirs, inputs taken as they are wanted.

use crate::gate::{Gate, stop_at};
use crate::tasks::square_slowly;
use crate::{SHORT, watched};
use mp::{ErrorKind, Pool};
use std::cell::Cell;
use std::sync::mpsc::channel;

#[mp::task]
fn square(x: u64) -> u64 {
    x * x
}

#[mp::task]
fn add(a: u32, b: u32) -> u32 {
    a + b
}

#[mp::task]
fn odd_only(x: u64) -> u64 {
    assert!(x % 2 == 1, "{x} is even");
    x
}

#[mp::task]
fn die_at(x: u64, at: u64) -> u64 {
    if x == at {
        std::process::abort();
    }
    x
}

#[mp::task]
fn stop_first(x: u64, gate: &str) -> u64 {
    if x == 0 {
        stop_at(gate);
    }
    x
}

#[mp::test]
fn pool_05_pool_06_pool_08_pool_17_map_gives_the_values_in_order() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        for count in [0, 1, 2, 10, 100, 5000] {
            let expected: Vec<_> = (0..count).map(|x| x * x).collect();
            assert_eq!(pool.map(square, 0..count).unwrap(), expected);
            for chunk in [1, 7, 20, 10_000] {
                let values = pool.batch(square, 0..count).chunksize(chunk).run().unwrap();
                assert_eq!(values, expected, "{count} items by {chunk}");
                let values: Result<Vec<_>, _> =
                    pool.batch(square, 0..count).chunksize(chunk).iter().collect();
                assert_eq!(values.unwrap(), expected);
            }
            let mut values: Vec<_> =
                pool.imap_unordered(square, 0..count).map(Result::unwrap).collect();
            values.sort_unstable();
            assert_eq!(values, expected);
            let (tell, told) = channel();
            let handle = pool.map_async(square, 0..count, move |values| tell.send(values).unwrap());
            assert_eq!(handle.get().unwrap(), expected);
            assert_eq!(told.recv().unwrap(), expected);
            assert!(told.recv().is_err(), "once");
        }
    });
}

#[mp::test]
fn pool_07_starmap_spreads_tuples() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let pairs = || (0..100).map(|i| (i, 2 * i));
        let expected: Vec<_> = (0..100).map(|i| 3 * i).collect();
        assert_eq!(pool.starmap(add, pairs()).unwrap(), expected);
        assert_eq!(pool.batch(add, pairs()).chunksize(20).run().unwrap(), expected);
    });
}

#[mp::test]
fn pool_09_bey_20_zero_is_refused_everywhere() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let batch = || pool.batch(square, 0..10).chunksize(0);
        let is_refused = |kind| assert_eq!(kind, ErrorKind::InvalidArgument);
        is_refused(batch().run().unwrap_err().kind());
        is_refused(batch().submit(drop).get().unwrap_err().kind());
        let mut results = batch().iter();
        is_refused(results.next().unwrap().unwrap_err().kind());
        assert!(results.next().is_none());
        is_refused(pool.batch(square, 0..10).look_ahead(0).run().unwrap_err().kind());
        assert_eq!(pool.apply(square, 3).unwrap(), 9);
    });
}

#[mp::test]
fn pool_22_map_gives_the_error_when_all_others_have_run() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let gate = Gate::new();
        let (tell, told) = channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let items = [(0, gate.name()), (1, gate.name())];
                let slow = pool.batch(stop_first, items).chunksize(1).run();
                tell.send(slow).unwrap();
            });
            let guest = gate.next();
            let error = pool.batch(odd_only, [1, 2, 3]).chunksize(1).run().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Panicked, "{error}");
            assert!(told.recv_timeout(SHORT).is_err());
            guest.release();
            assert_eq!(told.recv().unwrap().unwrap(), [0, 1]);
        });
    });
}

#[mp::test]
fn pool_23_pool_24_bey_20_every_item_has_its_own_outcome() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        for chunk in [1, 4, 100] {
            let results: Vec<_> = pool.batch(odd_only, 0..12).chunksize(chunk).iter().collect();
            assert_eq!(results.len(), 12);
            for (x, result) in (0..).zip(results) {
                match result {
                    Ok(value) => assert!(value == x && x % 2 == 1),
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Panicked);
                        assert_eq!(error.panic().unwrap().message(), format!("{x} is even"));
                    }
                }
            }
        }
    });
}

#[mp::test]
fn pool_47_a_worker_that_dies_in_a_chunk_fails_the_item_it_was_at() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        for (chunk, at) in [(1, 3), (5, 0), (5, 4), (5, 7), (100, 49), (1000, 99)] {
            let items = (0..100).map(|x| (x, at));
            let results: Vec<_> = pool.batch(die_at, items).chunksize(chunk).iter().collect();
            assert_eq!(results.len(), 100);
            for (x, result) in (0..).zip(results) {
                match result {
                    Ok(value) => assert_eq!(value, x),
                    Err(error) => {
                        assert_eq!((x, error.kind()), (at, ErrorKind::WorkerDied), "{error}");
                        assert_eq!(error.worker().unwrap().exit_code(), -6);
                    }
                }
            }
        }
    });
}

#[mp::test]
fn pool_25_an_input_that_panics_is_an_error_at_its_place() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let input = || (0..10).inspect(|x| assert!(*x < 3, "no item {x}"));
        let results: Vec<_> = pool.imap(square, input()).collect();
        let kinds: Vec<_> = results.into_iter().map(|r| r.map_err(|e| e.kind())).collect();
        assert_eq!(kinds, [Ok(0), Ok(1), Ok(4), Err(ErrorKind::InvalidArgument)]);
        let error = pool.map(square, input()).unwrap_err();
        assert!(error.to_string().contains("no item 3"), "{error}");
        let error = pool.map_async(square, input(), drop).get().unwrap_err();
        assert!(error.to_string().contains("no item 3"), "{error}");
        assert_eq!(pool.map(square, 0..3).unwrap(), [0, 1, 4]);
    });
}

#[mp::test]
fn pool_26_pool_27_unordered_results_pass_a_slow_one_and_ordered_ones_do_not() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let gate = Gate::new();
        let items = || (0..20).map(|x| (x, gate.name()));
        let mut results = pool.batch(stop_first, items()).chunksize(1).ordered(false).iter();
        let guest = gate.next();
        let mut first: Vec<_> = (0..19).map(|_| results.next().unwrap().unwrap()).collect();
        first.sort_unstable();
        assert_eq!(first, (1..20).collect::<Vec<_>>());
        guest.release();
        assert_eq!(results.next().unwrap().unwrap(), 0);
        assert!(results.next().is_none());
        let mut results = pool.batch(stop_first, items()).chunksize(1).iter();
        let guest = gate.next();
        let error = results.next_timeout(SHORT).unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        guest.release();
        let rest: Vec<_> = results.map(Result::unwrap).collect();
        assert_eq!(rest, (0..20).collect::<Vec<_>>());
    });
}

#[mp::test]
fn fut_07_bey_21_an_endless_input_is_taken_as_results_are_consumed() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let taken = Cell::new(0);
        let input = (0..).inspect(|_| taken.set(taken.get() + 1));
        let mut results = pool.batch(square, input).look_ahead(10).iter();
        for x in 0..1000 {
            assert_eq!(results.next().unwrap().unwrap(), x * x);
            assert!(taken.get() <= x + 1 + 10, "{} taken, {x} consumed", taken.get());
        }
        drop(results);
        let input = (0..).inspect(|_| taken.set(taken.get() + 1));
        taken.set(0);
        assert!(pool.imap(square, input).take(1000).all(|result| result.is_ok()));
        assert!(taken.get() < 1_000_000, "{}", taken.get());
    });
}

#[mp::test]
fn pool_28_a_dropped_iterator_takes_back_what_was_not_begun() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        let items = (0..50).map(|x| (x, gate.name()));
        let results = pool.batch(stop_first, items).chunksize(1).iter();
        let guest = gate.next();
        drop(results);
        let mut results = pool.imap(square_slowly, (0..).map(|x| (x, 1000)));
        guest.release();
        assert_eq!(results.next().unwrap().unwrap(), 0);
        drop(results);
        pool.close();
        pool.join().unwrap();
    });
}

#[mp::test]
fn pool_33_an_iterator_ends_with_an_error_when_the_pool_is_terminated() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        let mut results = pool.batch(stop_first, (0..).map(|x| (x, gate.name()))).iter();
        let _guest = gate.next();
        pool.terminate();
        let first = results.next().unwrap().unwrap_err();
        assert_eq!(first.kind(), ErrorKind::Terminated, "{first}");
        assert!(results.by_ref().take(10_000).all(|result| result.is_err()));
        assert!(results.next().is_none());
        let error = pool.map(square, 0..10).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotRunning);
        let handle = pool.map_async(square, 0..10, drop);
        assert_eq!(handle.get().unwrap_err().kind(), ErrorKind::NotRunning);
    });
}
