//! Rare turns that once lost a call or hung: a scribbled board, ends of the program that meet, callbacks that nest deeply.
#![expect(unsafe_code, reason = "a task scribbles over what its process has mapped")]

use crate::support::scenario_main;
use crate::tasks::{plus_100, stop};
use crate::{BOUNDED, gate::Gate, watched};
use mp::{ErrorKind, Pool};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// Wipes the board, where the pool's slots say whose they are, and dies.
#[mp::task]
fn wipe_and_abort() {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("maps");
    let line = maps.lines().find(|line| line.contains("memfd:mp-board")).expect("a board");
    let (from, to) = line.split(' ').next().and_then(|range| range.split_once('-')).expect("range");
    let [from, to] = [from, to].map(|text| usize::from_str_radix(text, 16).expect("an address"));
    // SAFETY: the range is mapped for writing, as the line says. That others use it is the point.
    unsafe { std::ptr::write_bytes(from as *mut u8, 0, to - from) };
    std::process::abort();
}

#[mp::test]
fn pool_47_a_worker_that_wipes_the_board_and_dies_loses_no_outcome() {
    watched(|| {
        for _ in 0..5 {
            let pool = Pool::new(2).unwrap();
            let gate = Gate::new();
            let held = pool.submit(stop, gate.name());
            let guest = gate.next();
            let wiped = pool.submit(wipe_and_abort, ());
            let queued: Vec<_> = (0..10).map(|i| pool.submit(plus_100, i)).collect();
            assert_eq!(wiped.get_timeout(BOUNDED).unwrap_err().kind(), ErrorKind::WorkerDied);
            for (i, handle) in (0..).zip(&queued) {
                match handle.get_timeout(BOUNDED) {
                    Ok(value) => assert_eq!(value, i + 100),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::WorkerDied),
                }
            }
            guest.release();
            assert_ne!(held.get_timeout(BOUNDED).err().map(|e| e.kind()), Some(ErrorKind::Timeout));
            pool.close();
            pool.join().unwrap();
        }
    });
}

#[mp::test]
fn pool_15_many_callbacks_that_wait_do_not_fill_the_stack() {
    watched(|| {
        let pool = Arc::new(Pool::new(1).unwrap());
        let sum = Arc::new(Mutex::new(0));
        let (held, gate) = (Arc::new(Mutex::new(None)), Gate::new());
        *held.lock().unwrap() = Some(pool.submit(stop, gate.name()));
        let guest = gate.next();
        let handles: Vec<_> = (0..3000)
            .map(|i| {
                let (own, sum) = (Arc::clone(&pool), Arc::clone(&sum));
                pool.apply_async(plus_100, i, move |value| {
                    let value = own.apply(plus_100, value).expect("it runs");
                    *sum.lock().unwrap() += value;
                })
            })
            .collect();
        guest.release();
        handles.iter().for_each(mp::AsyncResult::wait);
        assert_eq!(*sum.lock().unwrap(), (0..3000).map(|i| i + 200).sum::<i64>());
    });
}

#[mp::test]
fn pool_34_main_and_a_callback_may_both_call_exit() {
    let program = scenario_main!(|| {
        let pool = Pool::new(1).expect("a pool");
        let (tell, told) = channel();
        let (go, gone) = channel::<()>();
        pool.apply_async(plus_100, 1, move |_| {
            tell.send(()).expect("main waits");
            // Until main has gone away with its end of the channel.
            let _ = gone.recv();
            std::process::exit(5)
        });
        told.recv().expect("the callback begins");
        drop(go);
        std::process::exit(0)
    });
    for _ in 0..10 {
        let finished = program.clone().limit(Duration::from_secs(20)).run();
        assert!(matches!(finished.code, Some(0 | 5)), "{finished:?}");
    }
}

#[mp::test]
fn pool_34_a_callback_that_ends_the_program_is_not_waited_for_by_another_pool() {
    static POOLS: OnceLock<[Pool; 2]> = OnceLock::new();
    let program = scenario_main!(|| {
        let pools = POOLS.get_or_init(|| [(); 2].map(|()| Pool::new(1).expect("a pool")));
        let (begin, begun) = channel();
        let (tell, told) = channel::<mp::AsyncResult<i64>>();
        // The first pool's callback waits for a handle of the second, whose callback thread ends
        // the program and so waits for the first pool.
        pools[0].apply_async(plus_100, 1, move |_| {
            begin.send(()).expect("main waits");
            let handle = told.recv().expect("a handle");
            println!("got {}", handle.get().expect("it has a value"));
        });
        begun.recv().expect("the callback begins");
        let handle = pools[1].apply_async(plus_100, 2, |value| println!("called back {value}"));
        pools[1].apply_async(plus_100, 3, move |_| {
            tell.send(handle).expect("the other callback waits");
            std::process::exit(3)
        });
        loop {
            std::thread::park();
        }
    });
    let finished = program.limit(Duration::from_secs(20)).run();
    finished.assert_code(3);
    assert_eq!(finished.value("got "), "102");
}
