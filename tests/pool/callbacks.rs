//! Callbacks: where and when they run, how often, and what one that is slow or panics costs.
//! Waiting and submitting inside of them is in `nested`.

use crate::gate::Gate;
use crate::tasks::{fail, plus_100, stop};
use crate::{BOUNDED, watched};
use mp::{ErrorKind, Pool};
use std::process;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

#[mp::test]
fn pool_15_a_callback_runs_in_the_caller_with_the_value() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let (tell, told) = channel();
        for i in 0..10 {
            let tell = tell.clone();
            pool.apply_async(plus_100, i, move |value| {
                tell.send((i, value, process::id(), thread::current().id())).unwrap();
            });
        }
        drop(tell);
        let mut told: Vec<_> = told.iter().collect();
        told.sort_by_key(|(i, ..)| *i);
        assert_eq!(told.len(), 10);
        for (at, (i, value, pid, thread)) in (0..).zip(told) {
            assert_eq!((i, value, pid), (at, at + 100, process::id()));
            assert_ne!(thread, thread::current().id());
        }
    });
}

#[mp::test]
fn pool_15_a_callback_has_run_once_when_its_handle_is_ready() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        thread::scope(|scope| {
            for thread in 0..4 {
                let pool = &pool;
                scope.spawn(move || {
                    for i in 0..500 {
                        let runs = Arc::new(AtomicU32::new(0));
                        let count = Arc::clone(&runs);
                        let handle = pool.apply_async(plus_100, i, move |value| {
                            assert_eq!(value, i + 100);
                            thread::yield_now();
                            count.fetch_add(1, SeqCst);
                        });
                        match (thread + i) % 3 {
                            0 => assert_eq!(handle.get().unwrap(), i + 100),
                            1 => handle.wait(),
                            _ => {
                                while !handle.ready() {
                                    thread::yield_now();
                                }
                            }
                        }
                        assert_eq!(runs.load(SeqCst), 1);
                    }
                });
            }
        });
    });
}

#[mp::test]
fn pool_15_a_handle_is_not_ready_while_its_callback_runs() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let (begin, begun) = channel();
        let (end, ended) = channel::<()>();
        let handle = pool.apply_async(plus_100, 1, move |_| {
            begin.send(()).unwrap();
            ended.recv().unwrap_err();
        });
        begun.recv().unwrap();
        assert!(!handle.ready());
        assert_eq!(handle.get_timeout(crate::SHORT).unwrap_err().kind(), ErrorKind::Timeout);
        drop(end);
        assert_eq!(handle.get().unwrap(), 101);
    });
}

#[mp::test]
fn pool_15_callbacks_of_one_worker_come_in_the_order_of_submission() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let handles: Vec<_> = (0..3000)
            .map(|i| {
                let order = Arc::clone(&order);
                pool.apply_async(plus_100, i, move |value| order.lock().unwrap().push(value))
            })
            .collect();
        handles.iter().for_each(|handle| assert!(handle.get().is_ok()));
        let expected: Vec<_> = (0..3000).map(|i| i + 100).collect();
        assert_eq!(*order.lock().unwrap(), expected);
    });
}

#[mp::test]
fn pool_16_either_the_callback_or_the_error_callback_runs() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let (tell, told) = channel();
        let submit = |call: mp::Call<'_, '_, _>| {
            let (value, error) = (tell.clone(), tell.clone());
            call.callback(move |got| value.send(Ok(got)).unwrap())
                .error_callback(move |got| error.send(Err(got)).unwrap())
                .submit()
        };
        let good = submit(pool.call(fail_if_odd, 4));
        assert_eq!(good.get().unwrap(), 4);
        let bad = submit(pool.call(fail_if_odd, 5));
        assert_eq!(bad.get().unwrap_err().kind(), ErrorKind::Panicked);
        drop(tell);
        let told: Vec<_> = told.iter().collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(*told[0].as_ref().unwrap(), 4);
        let error = told[1].as_ref().unwrap_err();
        assert_eq!(error.panic().unwrap().message(), "5 is odd");
    });
}

#[mp::task]
fn fail_if_odd(i: u32) -> u32 {
    assert!(i.is_multiple_of(2), "{i} is odd");
    i
}

#[mp::test]
fn pool_16_without_the_fitting_callback_none_runs() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let only_value = pool.call(fail, "no value").callback(|_| panic!("for values")).submit();
        let only_error = pool.call(plus_100, 1).error_callback(|_| panic!("for errors")).submit();
        assert_eq!(only_value.get().unwrap_err().kind(), ErrorKind::Panicked);
        assert_eq!(only_error.get().unwrap(), 101);
    });
}

#[mp::test]
fn pool_18_bey_14_a_callback_that_panics_costs_nothing_else() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let run = Arc::new(AtomicU32::new(0));
        let handles: Vec<_> = (0..20)
            .map(|i| {
                let run = Arc::clone(&run);
                pool.apply_async(plus_100, i, move |value| {
                    run.fetch_add(1, Relaxed);
                    assert!(value % 5 != 0, "as planned");
                })
            })
            .collect();
        for (i, handle) in (0..).zip(&handles) {
            assert_eq!(handle.get().unwrap(), i + 100);
        }
        let error_run = Arc::clone(&run);
        let failed = pool.call(fail, "task").error_callback(move |_| {
            error_run.fetch_add(1, Relaxed);
            panic!("error callback, as planned");
        });
        assert_eq!(failed.submit().get().unwrap_err().panic().unwrap().message(), "task");
        assert_eq!(run.load(Relaxed), 21);
        assert_eq!(pool.apply(plus_100, 1).unwrap(), 101);
        pool.close();
        pool.join().unwrap();
    });
}

#[mp::test]
fn pool_18_a_panic_of_a_callback_is_reported() {
    let program = crate::support::scenario!(|| {
        let pool = Pool::new(1).unwrap();
        pool.apply_async(plus_100, 1, |value| panic!("the callback got {value}")).wait();
    });
    let finished = program.run();
    finished.assert_success();
    assert!(finished.stderr.contains("the callback got 101"), "{}", finished.stderr);
}

#[mp::test]
fn pool_15_a_slow_callback_delays_callbacks_only() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let (begin, begun) = channel();
        let (end, ended) = channel::<()>();
        let slow = pool.apply_async(plus_100, 1, move |_| {
            begin.send(()).unwrap();
            ended.recv().unwrap_err();
        });
        begun.recv().unwrap();
        let ran = Arc::new(AtomicBool::new(false));
        let late = Arc::clone(&ran);
        let behind = pool.apply_async(plus_100, 2, move |_| late.store(true, SeqCst));
        // More than there are slots, so that they go through the backlog, too.
        let others: Vec<_> = (0..2000).map(|i| pool.submit(plus_100, i)).collect();
        for (i, handle) in (0..).zip(&others) {
            assert_eq!(handle.get().unwrap(), i + 100);
        }
        assert_eq!(pool.apply(plus_100, 3).unwrap(), 103);
        assert!(!slow.ready() && !behind.ready() && !ran.load(SeqCst));
        drop(end);
        assert_eq!(behind.get_timeout(BOUNDED).unwrap(), 102);
        assert!(slow.ready() && ran.load(SeqCst));
    });
}

#[mp::test]
fn pool_29_callbacks_of_accepted_tasks_run_before_join_returns() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let run = Arc::new(AtomicU32::new(0));
        let gate = Gate::new();
        for _ in 0..10 {
            let run = Arc::clone(&run);
            pool.apply_async(stop, gate.name(), move |_| {
                thread::yield_now();
                run.fetch_add(1, Relaxed);
            });
        }
        let guests = gate.guests(2);
        pool.close();
        assert_eq!(run.load(Relaxed), 0);
        drop((guests, gate));
        pool.join().unwrap();
        assert_eq!(run.load(Relaxed), 10);
    });
}
