//! Pools that are dropped: what was accepted is still done, unless a panic drops them.
//! `close`, `join` and `terminate` are in `end`.

use crate::gate::Gate;
use crate::support::{children_of, scenario, scenario_main, wait_until};
use crate::tasks::{plus_100, square_slowly, stop};
use crate::{BOUNDED, PROMPT, own_pid, watched};
use mp::{ErrorKind, Pool};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::channel;
use std::time::Instant;

#[mp::test]
fn pool_34_bey_19_a_dropped_pool_does_what_it_has_accepted() {
    watched(|| {
        let gate = Gate::new();
        let sum = Arc::new(AtomicU64::new(0));
        let pool = Pool::new(2).unwrap();
        let held: Vec<_> = (0..2).map(|_| pool.submit(stop, gate.name())).collect();
        let guests = gate.guests(2);
        let handles: Vec<_> = (0..2000)
            .map(|i| {
                let sum = Arc::clone(&sum);
                pool.apply_async(square_slowly, (i, 0), move |value| {
                    sum.fetch_add(value, Relaxed);
                })
            })
            .collect();
        let begun = Instant::now();
        drop(pool);
        assert!(begun.elapsed() < PROMPT, "it waits for nothing");
        assert!(handles.iter().all(|handle| !handle.ready()));
        drop(guests);
        held.iter().for_each(|handle| assert!(handle.get().is_ok()));
        for (i, handle) in (0..).zip(&handles) {
            assert_eq!(handle.get().unwrap(), i * i);
        }
        assert_eq!(sum.load(Relaxed), (0..2000).map(|i| i * i).sum::<u64>());
    });
}

#[mp::test]
fn pool_34_the_end_of_the_program_waits_for_a_dropped_pool() {
    let program = scenario_main!(|| -> mp::Result<()> {
        let pool = Pool::new(2)?;
        for i in 0..1000 {
            pool.apply_async(square_slowly, (i, 100), |value| println!("value {value}"));
        }
        drop(pool);
        println!("main ends");
        Ok(())
    });
    let finished = program.run();
    finished.assert_success();
    finished.value("main ends");
    let mut values: Vec<u64> =
        finished.values("value ").iter().map(|v| v.parse().unwrap()).collect();
    values.sort_unstable();
    assert_eq!(values, (0..1000).map(|i| i * i).collect::<Vec<u64>>());
}

#[mp::test]
fn pool_34_the_workers_of_a_dropped_pool_end() {
    let program = scenario!(|| {
        let pool = Pool::new(3).unwrap();
        let handle = pool.submit(plus_100, 1);
        drop(pool);
        wait_until(BOUNDED, "the workers have ended", || children_of(own_pid()).is_empty());
        assert_eq!(handle.get().unwrap(), 101);
    });
    program.run().assert_success();
}

#[mp::test]
fn pool_34_a_panic_that_drops_a_pool_terminates_it() {
    watched(|| {
        let gate = Gate::new();
        let (tell, told) = channel();
        let (end, ended) = channel::<()>();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let pool = Pool::new(2).unwrap();
            tell.send((pool.submit(stop, gate.name()), gate.next())).unwrap();
            let running = pool.apply_async(stop, gate.name(), move |_| drop(end));
            tell.send((running, gate.next())).unwrap();
            panic!("as planned");
        }));
        assert!(panicked.is_err());
        drop(tell);
        for (handle, _guest) in told.iter().collect::<Vec<_>>() {
            let begun = Instant::now();
            assert_eq!(handle.get().unwrap_err().kind(), ErrorKind::Terminated);
            assert!(begun.elapsed() < PROMPT);
        }
        assert!(ended.recv().is_err(), "the callback was dropped, not run: its sender is gone");
    });
}

#[mp::test]
fn pool_34_a_panic_out_of_main_waits_for_no_task() {
    let program = scenario_main!(|| {
        let gate = Gate::new();
        // Outlives the pool: let go before, the task might still have its outcome.
        let _guest;
        let pool = Pool::new(2).unwrap();
        pool.apply_async(stop, gate.name(), |_| println!("it ran"));
        _guest = gate.next();
        assert_eq!(pool.apply(plus_100, 1).unwrap(), 0, "as planned");
    });
    let finished = program.run();
    finished.assert_code(101);
    assert!(finished.values("it ran").is_empty());
    assert!(finished.gone_after < PROMPT, "{:?}", finished.gone_after);
}

#[mp::test]
fn pool_34_a_pool_kept_to_the_end_of_main_finishes_its_tasks() {
    let program = scenario_main!(|| {
        let pool = Box::leak(Box::new(Pool::new(1).unwrap()));
        for i in 0..20 {
            pool.apply_async(square_slowly, (i, 1000), |value| println!("value {value}"));
        }
        std::process::exit(4);
    });
    let finished = program.run();
    finished.assert_code(4);
    assert_eq!(finished.values("value ").len(), 20);
}

#[mp::test]
fn pool_34_a_callback_that_holds_the_last_pool_drops_it() {
    watched(|| {
        let pool = Arc::new(Pool::new(1).unwrap());
        let gate = Gate::new();
        let own = Arc::clone(&pool);
        let handle = pool.apply_async(stop, gate.name(), move |_| drop(own));
        let last = pool.submit(plus_100, 1);
        let guest = gate.next();
        drop(pool);
        let worker = guest.pid;
        guest.release();
        assert_eq!(handle.get().unwrap(), worker);
        assert_eq!(last.get().unwrap(), 101);
    });
}
