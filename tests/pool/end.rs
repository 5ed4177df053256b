//! The end of a pool: close, join, terminate, in every order, from every thread.
//! What dropping one does is in `drops`.

use crate::gate::Gate;
use crate::support::{Footprint, children_of, kill, scenario, state_of, thread_count, wait_until};
use crate::tasks::{plus_100, stop, worker_pid};
use crate::{BOUNDED, PROMPT, SHORT, own_pid, watched};
use mp::{ErrorKind, Pool};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

#[mp::task]
fn sleep_long() {
    thread::sleep(Duration::from_secs(100)); // work: longer than any test
}

#[mp::test]
fn pool_29_fut_08_after_close_nothing_is_taken_and_everything_is_done() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let gate = Gate::new();
        let held = pool.submit(stop, gate.name());
        let guest = gate.next();
        let accepted: Vec<_> = (0..2000).map(|i| pool.submit(plus_100, i)).collect();
        pool.close();
        assert_eq!(pool.apply(plus_100, 1).unwrap_err().kind(), ErrorKind::NotRunning);
        let refused = pool.submit(plus_100, 1);
        assert!(refused.ready());
        assert_eq!(refused.get().unwrap_err().kind(), ErrorKind::NotRunning);
        let called_back = pool.apply_async(plus_100, 1, |_| panic!("it was not accepted"));
        assert_eq!(called_back.get().unwrap_err().kind(), ErrorKind::NotRunning);
        let worker = guest.pid;
        guest.release();
        pool.join().unwrap();
        assert_eq!(held.get().unwrap(), worker);
        for (i, handle) in (0..).zip(&accepted) {
            assert!(handle.ready());
            assert_eq!(handle.get().unwrap(), i + 100);
        }
    });
}

#[mp::test]
fn pool_29_close_from_another_thread_lets_a_blocked_apply_end() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        thread::scope(|scope| {
            let applied = scope.spawn(|| pool.apply(stop, gate.name()));
            let guest = gate.next();
            scope.spawn(|| pool.close()).join().unwrap();
            let joined = scope.spawn(|| pool.join());
            let worker = guest.pid;
            guest.release();
            assert_eq!(applied.join().unwrap().unwrap(), worker);
            joined.join().unwrap().unwrap();
        });
    });
}

#[mp::test]
fn pool_30_join_before_close_is_still_running() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        assert_eq!(pool.join().unwrap_err().kind(), ErrorKind::StillRunning);
        assert_eq!(pool.apply(plus_100, 1).unwrap(), 101, "and nothing has changed");
        pool.close();
        pool.join().unwrap();
    });
}

#[mp::test]
fn pool_31_terminate_with_10000_sleeping_tasks_leaves_no_worker() {
    let program = scenario!(|| {
        let before = Footprint::now();
        let pool = Pool::new(4).unwrap();
        let handles: Vec<_> = (0..10_000).map(|_| pool.submit(sleep_long, ())).collect();
        let begun = Instant::now();
        pool.terminate();
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert_eq!(children_of(own_pid()), []);
        assert!(handles.iter().all(mp::AsyncResult::ready));
        pool.join().unwrap();
        drop(pool);
        for handle in &handles {
            assert_eq!(handle.get().unwrap_err().kind(), ErrorKind::Terminated);
        }
        before.assert_restored(BOUNDED);
    });
    program.run().assert_success();
}

#[mp::test]
fn pool_31_terminate_ends_stopped_workers() {
    let program = scenario!(|| {
        let pool = Pool::new(2).unwrap();
        let gate = Gate::new();
        let held = pool.submit(stop, gate.name());
        let _guest = gate.next();
        for pid in children_of(own_pid()) {
            kill(pid, libc::SIGSTOP).unwrap();
            wait_until(BOUNDED, "it is stopped", || state_of(pid) == Some('T'));
        }
        let begun = Instant::now();
        pool.terminate();
        assert!(begun.elapsed() < BOUNDED);
        assert_eq!(children_of(own_pid()), []);
        assert_eq!(held.get().unwrap_err().kind(), ErrorKind::Terminated);
        pool.join().unwrap();
    });
    program.run().assert_success();
}

#[mp::test]
fn pool_32_close_terminate_and_join_can_be_repeated() {
    watched(|| {
        let orders: [&[fn(&Pool)]; 4] = [
            &[Pool::close, Pool::close, join, join, Pool::terminate, join, Pool::close],
            &[Pool::terminate, Pool::terminate, join, join, Pool::close, join],
            &[Pool::close, Pool::terminate, join, Pool::terminate],
            &[Pool::terminate, Pool::close, join, Pool::terminate, join],
        ];
        for order in orders {
            let pool = Pool::new(1).unwrap();
            assert_eq!(pool.apply(plus_100, 1).unwrap(), 101);
            order.iter().for_each(|step| step(&pool));
            assert_eq!(pool.apply(plus_100, 1).unwrap_err().kind(), ErrorKind::NotRunning);
        }
    });
}

fn join(pool: &Pool) {
    pool.join().unwrap();
}

#[mp::test]
fn pool_32_terminate_follows_close_while_a_task_runs() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        let held = pool.submit(stop, gate.name());
        let _guest = gate.next();
        pool.close();
        thread::scope(|scope| {
            let joined = scope.spawn(|| pool.join());
            assert!(!held.ready() && !joined.is_finished());
            let begun = Instant::now();
            pool.terminate();
            joined.join().unwrap().unwrap();
            assert!(begun.elapsed() < BOUNDED);
        });
        assert_eq!(held.get().unwrap_err().kind(), ErrorKind::Terminated);
    });
}

#[mp::test]
fn pool_33_bey_12_a_blocked_get_apply_and_join_end_with_terminate() {
    watched(|| {
        let pool = Pool::new(3).unwrap();
        let gate = Gate::new();
        let running = pool.submit(stop, gate.name());
        let (tell, told) = channel();
        let say = |kind| tell.send(kind).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| say(pool.apply(stop, gate.name()).unwrap_err().kind()));
            scope.spawn(|| say(pool.submit(stop, gate.name()).get().unwrap_err().kind()));
            // All workers are busy, so what follows waits for one.
            let _guests = gate.guests(3);
            let waiting = pool.submit(plus_100, 1);
            let behind: Vec<_> = (0..3000).map(|i| pool.submit(plus_100, i)).collect();
            let (say, running) = (&say, &running);
            scope.spawn(move || say(running.get().unwrap_err().kind()));
            scope.spawn(move || say(waiting.get_timeout(BOUNDED * 3).unwrap_err().kind()));
            pool.close();
            let joined = scope.spawn(|| pool.join());
            // They wait as long as nobody ends them.
            assert!(told.recv_timeout(SHORT).is_err() && !joined.is_finished());
            let begun = Instant::now();
            pool.terminate();
            for _ in 0..4 {
                assert_eq!(told.recv_timeout(BOUNDED).unwrap(), ErrorKind::Terminated);
            }
            joined.join().unwrap().unwrap();
            assert!(begun.elapsed() < PROMPT * 2, "{:?}", begun.elapsed());
            for handle in &behind {
                assert!(handle.ready());
                assert_eq!(handle.get().unwrap_err().kind(), ErrorKind::Terminated);
            }
        });
    });
}

#[mp::test]
fn pool_33_callbacks_that_have_not_begun_are_dropped_by_terminate() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let (begin, begun) = channel();
        let (end, ended) = channel::<()>();
        let slow = pool.apply_async(plus_100, 1, move |_| {
            begin.send(()).unwrap();
            ended.recv().unwrap_err();
        });
        begun.recv().unwrap();
        // Their results come, and wait for the first one's callback; the last three never begin.
        let (tell, dropped) = channel::<()>();
        let mut behind = Vec::new();
        for _ in 0..20 {
            let held = tell.clone();
            let called = pool.call(plus_100, 2).callback(move |_| drop(held));
            behind.push(called.error_callback(|_| panic!("nor this one")).submit());
        }
        let gate = Gate::new();
        assert_eq!(pool.apply(plus_100, 3).unwrap(), 103, "the results before are there");
        let held = tell.clone();
        behind.push(pool.apply_async(plus_100, 4, move |_| drop(held)));
        let last = pool.apply_async(stop, gate.name(), move |_| drop(tell));
        let _guest = gate.next();
        pool.terminate();
        assert!(dropped.recv().is_err(), "all are gone");
        for handle in &behind {
            assert_eq!(handle.get().unwrap_err().kind(), ErrorKind::Terminated);
        }
        assert_eq!(last.get().unwrap_err().kind(), ErrorKind::Terminated);
        assert!(!slow.ready(), "its callback is still inside");
        drop(end);
        assert_eq!(slow.get().unwrap(), 101);
        pool.join().unwrap();
    });
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(thread::panicking(), "as planned");
    }
}

#[mp::test]
fn pool_33_a_callback_that_panics_when_dropped_hides_no_outcome() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        let bomb = Bomb;
        let first = pool.apply_async(stop, gate.name(), move |_| drop(bomb));
        let _guest = gate.next();
        let behind: Vec<_> = (0..2000).map(|i| pool.submit(plus_100, i)).collect();
        pool.terminate();
        assert_eq!(first.get_timeout(BOUNDED).unwrap_err().kind(), ErrorKind::Terminated);
        for handle in &behind {
            let error = handle.get_timeout(BOUNDED).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Terminated);
        }
        pool.join().unwrap();
    });
}

#[mp::test]
fn pool_33_terminate_from_many_threads_at_once() {
    watched(|| {
        let pool = Arc::new(Pool::new(2).unwrap());
        let gate = Gate::new();
        let held = pool.submit(stop, gate.name());
        let _guest = gate.next();
        let worker = pool.apply(worker_pid, ()).unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    pool.terminate();
                    assert_eq!(state_of(worker.cast_signed()), None);
                    pool.join().unwrap();
                });
            }
        });
        assert_eq!(held.get().unwrap_err().kind(), ErrorKind::Terminated);
    });
}

#[mp::test]
fn pool_29_rounds_of_pools_leave_nothing() {
    let program = scenario!(|| {
        let round = |end: fn(Pool)| {
            let pool = Pool::new(2).unwrap();
            pool.apply_async(plus_100, 1, |_| {}).wait();
            assert_eq!(pool.apply(plus_100, 2).unwrap(), 102);
            end(pool);
        };
        round(|pool| {
            pool.close();
            pool.join().unwrap();
        });
        wait_until(BOUNDED, "its threads have ended", || thread_count() == 2);
        let before = Footprint::now();
        for _ in 0..10 {
            round(drop);
            round(|pool| pool.terminate());
            round(|pool| {
                pool.close();
                pool.join().unwrap();
            });
        }
        before.assert_restored(BOUNDED);
    });
    program.run().assert_success();
}
