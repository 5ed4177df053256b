//! Batches that nobody waits for: all of their values come, and whatever befalls them, their pool ends.

use crate::gate::{Gate, stop_at};
use crate::support::{repeat, with_busy_cores};
use crate::watched;
use mp::{ErrorKind, Pool};
use serde::{Deserialize, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[mp::task]
fn next(x: u32) -> u32 {
    x + 1
}

#[mp::task]
fn stop_first(x: u32, gate: &str) -> u32 {
    if x == 0 {
        stop_at(gate);
    }
    x
}

#[derive(Deserialize)]
struct Unwritable(u32);

impl Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert!(self.0 != 3, "three is not written");
        serializer.serialize_u32(self.0)
    }
}

#[mp::task]
fn plain(x: Unwritable) -> u32 {
    x.0
}

#[mp::test]
fn pool_17_no_value_is_lost_that_comes_while_the_last_items_are_sent() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let round = |round: usize| {
            let count = u32::try_from(round % 12).unwrap();
            let handle = pool.batch(next, 0..count).chunksize(1).submit(drop);
            assert_eq!(handle.get().unwrap(), (1..=count).collect::<Vec<_>>());
        };
        repeat(2000, round);
        with_busy_cores(|| repeat(200, round));
    });
}

#[mp::test]
fn pool_17_all_items_are_run_after_close_and_none_after_terminate() {
    watched(|| {
        for close in [true, false] {
            let pool = Pool::new(1).unwrap();
            let gate = Gate::new();
            let items = (0..500).map(|x| (x, gate.name()));
            let handle = pool.batch(stop_first, items).chunksize(1).submit(drop);
            let guest = gate.next();
            if close {
                pool.close();
                assert!(!handle.ready());
                guest.release();
                pool.join().unwrap();
                assert_eq!(handle.get().unwrap(), (0..500).collect::<Vec<_>>());
            } else {
                pool.terminate();
                assert_eq!(handle.get().unwrap_err().kind(), ErrorKind::Terminated);
                pool.join().unwrap();
            }
        }
    });
}

#[mp::test]
fn pool_25_an_item_whose_encoding_panics_does_not_keep_the_pool_from_ending() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let items = || (0..10).map(Unwritable);
        let panics = |call: &dyn Fn()| catch_unwind(AssertUnwindSafe(call)).unwrap_err();
        panics(&|| drop(pool.map_async(plain, items(), drop)));
        panics(&|| drop(pool.map(plain, items())));
        panics(&|| pool.imap(plain, items()).for_each(drop));
        assert_eq!(pool.map(next, 0..3).unwrap(), [1, 2, 3]);
        pool.close();
        pool.join().unwrap();
    });
}

#[mp::test]
fn pool_17_a_slow_first_item_does_not_hold_up_the_others() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let (gate, last) = (Gate::new(), Gate::new());
        let items = (0..100).map(|x| (x, gate.name(), last.name()));
        let handle = pool.batch(stop_first_and_last, items).chunksize(1).submit(drop);
        let first = gate.next();
        last.next().release();
        assert!(!handle.ready());
        first.release();
        assert_eq!(handle.get().unwrap(), (0..100).collect::<Vec<_>>());
    });
}

#[mp::task]
fn stop_first_and_last(x: u32, first: &str, last: &str) -> u32 {
    match x {
        0 => stop_at(first),
        99 => stop_at(last),
        _ => {}
    }
    x
}
