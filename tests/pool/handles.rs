//! Handles: waiting, asking, getting, again and again, by many threads, and after the pool is gone.
//! What errors they give is in `errors` and `deaths`.

use crate::gate::Gate;
use crate::tasks::{fail, plus_100, stop};
use crate::{BOUNDED, PROMPT, SHORT, watched};
use mp::{AsyncResult, ErrorKind, Pool};
use std::thread;
use std::time::{Duration, Instant};

#[mp::test]
fn pool_11_get_timeout_gives_up_waiting_and_not_the_task() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        let handle = pool.submit(stop, gate.name());
        let guest = gate.next();
        for timeout in [SHORT, Duration::ZERO, Duration::from_micros(30)] {
            let begun = Instant::now();
            let error = handle.get_timeout(timeout).unwrap_err();
            assert!((timeout..BOUNDED).contains(&begun.elapsed()));
            assert_eq!(error.kind(), ErrorKind::Timeout);
            assert!(error.to_string().contains("stop"), "it names the task: {error}");
        }
        let worker = guest.pid;
        guest.release();
        assert_eq!(handle.get_timeout(BOUNDED).unwrap(), worker);
        assert_eq!(handle.get_timeout(Duration::ZERO).unwrap(), worker);
        assert_eq!(handle.get_timeout(Duration::MAX).unwrap(), worker);
    });
}

#[mp::test]
fn pool_11_a_zero_timeout_is_a_look_that_finds_the_result() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let handle = pool.submit(plus_100, 1);
        let begun = Instant::now();
        while !handle.wait_timeout(Duration::ZERO) {
            assert!(begun.elapsed() < BOUNDED);
        }
        assert_eq!(handle.get_timeout(Duration::ZERO).unwrap(), 101);
    });
}

#[mp::test]
fn pool_11_the_longest_timeout_is_no_timeout() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        let handle = pool.submit(stop, gate.name());
        let guest = gate.next();
        let worker = guest.pid;
        thread::scope(|scope| {
            let got = scope.spawn(|| handle.get_timeout(Duration::MAX));
            assert!(!handle.wait_timeout(SHORT));
            guest.release();
            assert_eq!(got.join().unwrap().unwrap(), worker);
        });
    });
}

#[mp::test]
fn pool_12_get_gives_the_value_every_time() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let handle = pool.submit(plus_100, 11);
        for _ in 0..3 {
            assert_eq!(handle.get().unwrap(), 111);
        }
        let failed = pool.submit(fail, "twice");
        for _ in 0..2 {
            assert_eq!(failed.get().unwrap_err().panic().unwrap().message(), "twice");
        }
    });
}

#[mp::test]
fn pool_13_successful_is_not_ready_before_the_end() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        let handle = pool.submit(stop, gate.name());
        let failing = pool.submit(fail, "as planned");
        let guest = gate.next();
        for error in [handle.successful().unwrap_err(), failing.successful().unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::NotReady);
        }
        guest.release();
        handle.wait();
        failing.wait();
        assert!(handle.successful().unwrap());
        assert!(!failing.successful().unwrap());
    });
}

#[mp::test]
fn pool_14_wait_returns_whatever_became_of_the_task() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        let handle = pool.submit(stop, gate.name());
        let failing = pool.submit(fail, "as planned");
        let guest = gate.next();
        let begun = Instant::now();
        assert!(!handle.wait_timeout(SHORT));
        assert!((SHORT..BOUNDED).contains(&begun.elapsed()));
        guest.release();
        assert!(handle.wait_timeout(BOUNDED) && handle.ready());
        failing.wait();
        let begun = Instant::now();
        assert!(failing.wait_timeout(BOUNDED) && handle.wait_timeout(Duration::ZERO));
        assert!(begun.elapsed() < PROMPT);
    });
}

#[mp::test]
fn pool_12_eight_threads_get_one_result() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        let handle = pool.submit(stop, gate.name());
        let guest = gate.next();
        let worker = guest.pid;
        thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|thread| {
                    let handle = &handle;
                    scope.spawn(move || match thread % 2 {
                        0 => handle.get(),
                        _ => handle.get_timeout(BOUNDED),
                    })
                })
                .collect();
            assert!(!handle.wait_timeout(SHORT), "they wait, and so does this one");
            guest.release();
            for thread in threads {
                assert_eq!(thread.join().unwrap().unwrap(), worker);
            }
        });
    });
}

#[mp::test]
fn pool_12_a_leader_whose_time_is_up_leaves_the_reading_to_others() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let gates = [Gate::new(), Gate::new()];
        for _ in 0..20 {
            let [first, second] = [0, 1].map(|at| pool.submit(stop, gates[at].name()));
            let guests = [0, 1].map(|at: usize| gates[at].next());
            let workers = guests.each_ref().map(|guest| guest.pid);
            thread::scope(|scope| {
                let impatient = scope.spawn(|| first.get_timeout(SHORT / 10));
                let patient = scope.spawn(|| second.get());
                assert_eq!(impatient.join().unwrap().unwrap_err().kind(), ErrorKind::Timeout);
                let [one, other] = guests;
                other.release();
                assert_eq!(patient.join().unwrap().unwrap(), workers[1]);
                one.release();
            });
            assert_eq!(first.get().unwrap(), workers[0]);
        }
    });
}

fn answered(handles: &[AsyncResult<i64>]) {
    for (i, handle) in (0..).zip(handles) {
        assert_eq!(handle.get().unwrap(), i + 100);
        assert_eq!(handle.get_timeout(Duration::ZERO).unwrap(), i + 100);
        assert!(handle.ready() && handle.successful().unwrap());
    }
}

#[mp::test]
fn pool_29_handles_outlive_a_joined_a_dropped_and_a_terminated_pool() {
    watched(|| {
        let submit = |pool: &Pool| (0..50).map(|i| pool.submit(plus_100, i)).collect::<Vec<_>>();
        let pool = Pool::new(2).unwrap();
        let joined = submit(&pool);
        pool.close();
        pool.join().unwrap();
        assert!(joined.iter().all(AsyncResult::ready));
        answered(&joined);
        drop(pool);
        answered(&joined);

        let pool = Pool::new(2).unwrap();
        let dropped = submit(&pool);
        drop(pool);
        answered(&dropped);

        let pool = Pool::new(2).unwrap();
        let finished = submit(&pool);
        finished.iter().for_each(AsyncResult::wait);
        let gate = Gate::new();
        let unfinished = pool.submit(stop, gate.name());
        let _guest = gate.next();
        pool.terminate();
        answered(&finished);
        drop(pool);
        answered(&finished);
        assert_eq!(unfinished.get().unwrap_err().kind(), ErrorKind::Terminated);
    });
}

#[mp::test]
fn pool_12_a_dropped_handle_cancels_nothing() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let gate = Gate::new();
        let (tell, told) = std::sync::mpsc::channel();
        drop(pool.apply_async(stop, gate.name(), move |worker| tell.send(worker).unwrap()));
        let guest = gate.next();
        let worker = guest.pid;
        guest.release();
        assert_eq!(told.recv_timeout(BOUNDED).unwrap(), worker);
    });
}
