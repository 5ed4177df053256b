//! Pools used from inside their own callbacks: get, apply, submit, waits that run out, close, terminate, join.
//! Plain callbacks are in `callbacks`.

use crate::gate::Gate;
use crate::support::scenario_main;
use crate::tasks::{fail, plus_100, stop};
use crate::{BOUNDED, SHORT, watched};
use mp::{AsyncResult, ErrorKind, Pool};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

#[mp::test]
fn pool_15_get_apply_and_submit_work_inside_a_callback() {
    watched(|| {
        let pool = Arc::new(Pool::new(1).unwrap());
        let own = Arc::clone(&pool);
        let (tell, told) = channel();
        let outer = pool.apply_async(plus_100, 1, move |value| {
            let applied = own.apply(plus_100, value).unwrap();
            let got = own.submit(plus_100, applied).get().unwrap();
            let failed = own.apply(fail, "inside").unwrap_err();
            tell.send((value, applied, got, failed.kind())).unwrap();
        });
        assert_eq!(outer.get().unwrap(), 101);
        assert_eq!(told.recv().unwrap(), (101, 201, 301, ErrorKind::Panicked));
    });
}

type Log = Arc<Mutex<Vec<(i64, &'static str)>>>;

fn descend(pool: &Arc<Pool>, level: i64, log: &Log) -> AsyncResult<i64> {
    let (own, mine) = (Arc::clone(pool), Arc::clone(log));
    pool.apply_async(plus_100, level, move |value| {
        assert_eq!(value, level + 100);
        mine.lock().unwrap().push((level, "begun"));
        if level < 3 {
            let inner = descend(&own, level + 1, &mine);
            assert_eq!(inner.get_timeout(BOUNDED).unwrap(), level + 101);
            assert_eq!(inner.get().unwrap(), level + 101);
        }
        mine.lock().unwrap().push((level, "ended"));
    })
}

#[mp::test]
fn pool_15_callbacks_wait_for_callbacks_three_deep() {
    watched(|| {
        let pool = Arc::new(Pool::new(2).unwrap());
        for _ in 0..20 {
            let log = Log::default();
            assert_eq!(descend(&pool, 1, &log).get().unwrap(), 101);
            let begun = (1..=3).map(|level| (level, "begun"));
            let expected: Vec<_> = begun.chain((1..=3).rev().map(|l| (l, "ended"))).collect();
            assert_eq!(*log.lock().unwrap(), expected);
        }
    });
}

#[mp::test]
fn pool_11_get_timeout_inside_a_callback_runs_out_and_runs_other_callbacks() {
    watched(|| {
        let pool = Arc::new(Pool::new(2).unwrap());
        let gate = Gate::new();
        let held = Arc::new(pool.submit(stop, gate.name()));
        let guest = gate.next();
        let (own, inside) = (Arc::clone(&pool), Arc::clone(&held));
        let (tell, told) = channel();
        let outer = pool.apply_async(plus_100, 1, move |_| {
            let tell_other = tell.clone();
            own.apply_async(plus_100, 2, move |_| tell_other.send(("other", None)).unwrap());
            for timeout in [SHORT * 5, Duration::ZERO] {
                let begun = Instant::now();
                let error = inside.get_timeout(timeout).unwrap_err();
                assert!((timeout..BOUNDED).contains(&begun.elapsed()));
                tell.send(("waited", Some(error.kind()))).unwrap();
            }
        });
        outer.wait();
        let told: Vec<_> = told.iter().collect();
        let waited = ("waited", Some(ErrorKind::Timeout));
        assert_eq!(told, [("other", None), waited, waited]);
        let worker = guest.pid;
        guest.release();
        assert_eq!(held.get().unwrap(), worker);
    });
}

#[mp::test]
fn pool_15_a_callback_waits_for_a_task_that_ends_later() {
    watched(|| {
        let pool = Arc::new(Pool::new(2).unwrap());
        let gate = Gate::new();
        let held = Arc::new(pool.submit(stop, gate.name()));
        let guest = gate.next();
        let worker = guest.pid;
        let inside = Arc::clone(&held);
        let (begin, begun) = channel();
        let outer = pool.apply_async(plus_100, 1, move |_| {
            begin.send(()).unwrap();
            assert_eq!(inside.get().unwrap(), worker);
        });
        begun.recv().unwrap();
        // Nobody else waits, so the result comes by way of the collector.
        assert!(!outer.wait_timeout(SHORT));
        guest.release();
        assert_eq!(outer.get().unwrap(), 101);
        assert!(held.ready());
    });
}

#[mp::test]
fn pool_32_close_and_terminate_inside_a_callback_work_and_join_is_refused() {
    watched(|| {
        for terminate in [false, true] {
            let pool = Arc::new(Pool::new(2).unwrap());
            let own = Arc::clone(&pool);
            let (tell, told) = channel();
            let handle = pool.apply_async(plus_100, 1, move |_| {
                if terminate {
                    own.terminate()
                } else {
                    own.close()
                }
                let error = own.join().unwrap_err();
                let refused = own.apply(plus_100, 1).unwrap_err();
                tell.send((error.kind(), refused.kind())).unwrap();
            });
            let expected = (ErrorKind::InvalidArgument, ErrorKind::NotRunning);
            assert_eq!(told.recv_timeout(BOUNDED).unwrap(), expected);
            assert_eq!(handle.get().unwrap(), 101, "its callback had begun");
            pool.join().unwrap();
        }
    });
}

#[mp::test]
fn pool_33_a_callback_that_waits_is_told_of_termination() {
    watched(|| {
        let pool = Arc::new(Pool::new(2).unwrap());
        let gate = Gate::new();
        let held = pool.submit(stop, gate.name());
        let _guest = gate.next();
        let (begin, begun) = channel();
        let (tell, told) = channel();
        let outer = pool.apply_async(plus_100, 1, move |_| {
            begin.send(()).unwrap();
            tell.send(held.get().unwrap_err().kind()).unwrap();
        });
        begun.recv().unwrap();
        assert!(!outer.ready());
        pool.terminate();
        assert_eq!(told.recv_timeout(BOUNDED).unwrap(), ErrorKind::Terminated);
        assert_eq!(outer.get().unwrap(), 101);
        pool.join().unwrap();
    });
}

fn chain(pool: &Arc<Pool>, left: i64, tell: Sender<i64>) {
    let own = Arc::clone(pool);
    pool.apply_async(plus_100, left, move |value| {
        tell.send(value - 100).unwrap();
        if left > 1 {
            chain(&own, left - 1, tell);
        }
    });
}

#[mp::test]
fn pool_19_callbacks_submit_chains_of_tasks() {
    watched(|| {
        let pool = Arc::new(Pool::new(2).unwrap());
        let (tell, told) = channel();
        for length in [100, 50, 60] {
            chain(&pool, length, tell.clone());
        }
        drop(tell);
        let mut got: Vec<i64> = told.iter().collect();
        let mut expected: Vec<i64> = [100, 50, 60].into_iter().flat_map(|n| 1..=n).collect();
        got.sort_unstable();
        expected.sort_unstable();
        assert_eq!(got, expected);
    });
}

#[mp::test]
fn pool_15_a_callback_uses_another_pool() {
    watched(|| {
        let pools = [0, 1].map(|_| Arc::new(Pool::new(1).unwrap()));
        let other = Arc::clone(&pools[1]);
        let (tell, told) = channel();
        pools[0].apply_async(plus_100, 1, move |value| {
            let inner = tell.clone();
            let handle =
                other.apply_async(plus_100, value, move |value| inner.send(value).unwrap());
            tell.send(handle.get().unwrap()).unwrap();
            other.close();
            other.join().unwrap();
        });
        assert_eq!(told.iter().collect::<Vec<_>>(), [201, 201]);
        assert_eq!(pools[1].apply(plus_100, 1).unwrap_err().kind(), ErrorKind::NotRunning);
    });
}

#[mp::test]
fn pool_34_a_callback_may_end_the_program_while_tasks_run() {
    let program = scenario_main!(|| -> mp::Result<()> {
        let gate = Gate::new();
        let pool = Pool::new(2)?;
        let held = pool.submit(stop, gate.name());
        let guest = gate.next();
        // Let go only when the program is about to end, and waits for it.
        pool.apply_async(plus_100, 1, |_| std::process::exit(7));
        thread::spawn(move || {
            while pool.apply(plus_100, 1).is_ok() {}
            println!("ending");
            guest.release();
            println!("held {:?}", held.get().is_ok());
        });
        loop {
            thread::park();
        }
    });
    let finished = program.run();
    finished.assert_code(7);
    assert_eq!(finished.value("ending"), "");
}

#[mp::test]
fn pool_15_a_callback_that_waits_for_its_own_handle_is_told_so() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let (give, given) = channel::<AsyncResult<i64>>();
        let (tell, told) = channel();
        let handle = pool.apply_async(plus_100, 1, move |_| {
            let own = given.recv().unwrap();
            assert!(!own.wait_timeout(BOUNDED) && !own.ready());
            tell.send((own.get().unwrap_err().kind(), own)).unwrap();
        });
        give.send(handle).unwrap();
        let (kind, handle) = told.recv().unwrap();
        assert_eq!(kind, ErrorKind::InvalidArgument);
        assert_eq!(handle.get().unwrap(), 101);
    });
}
