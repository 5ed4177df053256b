//! The map family in odd places: beside other callers, in callbacks and tasks, at its pool's end, and with very many items.

use crate::gate::{Gate, stop_at};
use crate::support::{repeat, scenario, with_busy_cores};
use crate::watched;
use mp::{ErrorKind, Pool};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

#[mp::task]
fn next(x: u32) -> u32 {
    x.wrapping_add(1)
}

#[mp::task]
fn nothing(_: ()) {}

#[mp::task]
fn stop_first(x: u32, gate: &str) -> u32 {
    if x == 0 {
        stop_at(gate);
    }
    x
}

#[mp::task]
fn map_inside(count: u32) -> Vec<u32> {
    let pool = Pool::new(1).unwrap();
    pool.map(next, 0..count).unwrap()
}

#[mp::test]
fn pool_05_pool_26_threads_map_iterate_and_apply_on_one_pool() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let round = |_| {
            thread::scope(|scope| {
                scope.spawn(|| assert_eq!(pool.map(next, 0..50).unwrap().len(), 50));
                scope.spawn(|| {
                    let results = pool.batch(next, 0..50).chunksize(3).iter();
                    assert!((1..).zip(results).all(|(x, result)| result.unwrap() == x));
                });
                scope.spawn(|| assert_eq!(pool.imap_unordered(next, 0..50).count(), 50));
                scope.spawn(|| {
                    (0..20).for_each(|x| assert_eq!(pool.apply(next, x).unwrap(), x + 1))
                });
                let handle = pool.map_async(next, 0..50, drop);
                assert_eq!(handle.get().unwrap().len(), 50);
            });
        };
        repeat(100, round);
        with_busy_cores(|| repeat(10, round));
    });
}

#[mp::test]
fn pool_05_map_works_in_callbacks_and_in_tasks() {
    watched(|| {
        let pool = Arc::new(Pool::new(1).unwrap());
        let (tell, told) = channel();
        let own = Arc::clone(&pool);
        let handle = pool.apply_async(next, 1, move |_| {
            let mapped = own.map(next, 0..100).unwrap().len();
            let iterated = own.imap(next, 0..100).count();
            let waited = own.map_async(next, 0..100, drop).get().unwrap().len();
            tell.send((mapped, iterated, waited)).unwrap();
        });
        assert_eq!(told.recv().unwrap(), (100, 100, 100));
        handle.get().unwrap();
        for (count, values) in (0..5).zip(pool.map(map_inside, 0..5).unwrap()) {
            assert_eq!(values, (1..=count).collect::<Vec<_>>());
        }
    });
}

#[mp::test]
fn pool_28_an_iterator_can_be_dropped_at_every_stage() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let round = |round: usize| {
            let mut results = pool.batch(next, 0..).chunksize(1 + round % 5).iter();
            for x in 0..u32::try_from(round % 13).unwrap() {
                assert_eq!(results.next().unwrap().unwrap(), x + 1);
            }
            drop(results);
            assert_eq!(pool.apply(next, 1).unwrap(), 2);
        };
        repeat(500, round);
        with_busy_cores(|| repeat(50, round));
        pool.close();
        pool.join().unwrap();
    });
}

#[mp::task]
fn stop_first_and_count(x: u32, gate: &str, file: &str) {
    match x {
        0 => stop_at(gate),
        _ => std::fs::write(file, "was run").unwrap(),
    }
}

#[mp::test]
fn pool_28_the_rest_of_a_chunk_that_nobody_wants_is_not_run_again() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let (gate, file) = (Gate::new(), tempfile::NamedTempFile::new().unwrap());
        let path = file.path().to_str().unwrap();
        let items = (0..10).map(|x| (x, gate.name(), path));
        let results = pool.batch(stop_first_and_count, items).chunksize(10).iter();
        let guest = gate.next();
        drop(results);
        crate::kill(guest.pid);
        assert_eq!(pool.apply(next, 1).unwrap(), 2);
        pool.close();
        pool.join().unwrap();
        assert_eq!(std::fs::read(path).unwrap(), b"");
    });
}

#[mp::test]
fn pool_33_a_pool_that_is_closed_or_dropped_runs_what_an_iterator_has_sent() {
    watched(|| {
        for drop_it in [false, true] {
            let pool = Pool::new(1).unwrap();
            let gate = Gate::new();
            let items = (0..).map(|x| (x, gate.name()));
            let mut results = pool.batch(stop_first, items).chunksize(1).look_ahead(3).iter();
            let guest = gate.next();
            pool.close();
            thread::scope(|scope| {
                let pool = if drop_it { Ok(scope.spawn(move || drop(pool))) } else { Err(pool) };
                guest.release();
                let values: Vec<_> = results.by_ref().take_while(Result::is_ok).collect();
                assert!(values.len() <= 3, "{values:?}");
                assert!(results.next().is_none());
                match pool {
                    Ok(dropped) => dropped.join().unwrap(),
                    Err(pool) => pool.join().unwrap(),
                }
            });
        }
    });
}

#[mp::test]
fn fut_05_bey_22_the_first_error_stops_it() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let taken = std::cell::Cell::new(0);
        let items = || (0..100_000).inspect(|x| taken.set(*x));
        let error = pool.batch(fail_at_three, items()).fail_fast(true).run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panicked);
        assert!(taken.get() < 90_000);
        let mut results = pool.batch(fail_at_three, items()).chunksize(1).fail_fast(true).iter();
        assert_eq!(results.by_ref().take(3).filter(Result::is_ok).count(), 3);
        assert_eq!(results.next().unwrap().unwrap_err().kind(), ErrorKind::Panicked);
        assert!(results.next().is_none());
        // One that nobody waits for, too, however slow another item is.
        let pool = Pool::new(2).unwrap();
        let gate = Gate::new();
        let items = (0..1000).map(|x| (x, gate.name()));
        let batch = pool.batch(stop_first_fail_at_three, items).chunksize(1).fail_fast(true);
        let handle = batch.submit(drop);
        let guest = gate.next();
        assert_eq!(handle.get().unwrap_err().kind(), ErrorKind::Panicked);
        guest.release();
        pool.close();
        pool.join().unwrap();
    });
}

#[mp::task]
fn stop_first_fail_at_three(x: u32, gate: &str) -> u32 {
    assert!(x != 3, "three");
    if x == 0 {
        stop_at(gate);
    }
    x
}

#[mp::task]
fn fail_at_three(x: u32) -> u32 {
    assert!(x != 3, "three");
    x
}

#[mp::test]
fn pool_05_a_million_items_of_no_size() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        assert_eq!(pool.map(nothing, std::iter::repeat_n((), 1_000_000)).unwrap().len(), 1_000_000);
        let all = pool.batch(nothing, std::iter::repeat_n((), 200_000)).chunksize(100_000);
        assert_eq!(all.submit(drop).get().unwrap().len(), 200_000);
    });
}

/// Says that it has another number of items than it has.
struct Liar(u32, usize);

impl Iterator for Liar {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.0 = self.0.checked_sub(1)?;
        Some(self.0)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.1, Some(self.1))
    }
}

#[mp::test]
fn pool_05_a_size_hint_need_not_be_true() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        for hint in [0, 1, 5, 1000, usize::MAX] {
            assert_eq!(pool.map(next, Liar(100, hint)).unwrap().len(), 100);
            assert_eq!(pool.imap(next, Liar(100, hint)).count(), 100);
            assert_eq!(pool.map_async(next, Liar(100, hint), drop).get().unwrap().len(), 100);
            let batch = || pool.batch(next, Liar(100, hint)).chunksize(usize::MAX);
            assert_eq!(batch().run().unwrap().len(), 100);
            assert_eq!(batch().look_ahead(usize::MAX).iter().count(), 100);
            assert_eq!(batch().submit(drop).get().unwrap().len(), 100);
        }
    });
}

#[mp::test]
fn bey_21_a_million_results_need_no_memory() {
    let program = scenario!(|| {
        let pool = Pool::new(1).unwrap();
        let high = || {
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
            line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
        };
        assert!(pool.imap(next, 0..100_000).all(|result| result.is_ok()));
        let before = high();
        assert!(pool.imap(next, 0..1_000_000).all(|result| result.is_ok()));
        println!("more {}", high() - before);
    });
    let finished = program.run();
    finished.assert_success();
    let more: u64 = finished.value("more ").parse().unwrap();
    assert!(more < 8 << 10, "{more} KiB");
}
