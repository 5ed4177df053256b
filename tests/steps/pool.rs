//! A worker killed at each step of handing a result over and taking the next call.

use crate::{every_step, watched};
use mp::__private::steps;
use mp::ErrorKind;

/// From here on the worker's steps are those of its loop.
#[mp::task]
fn arm(step: u64) -> u64 {
    steps::die_at(step);
    step
}

#[mp::task]
fn disarm(x: u64) -> u64 {
    steps::survived();
    x
}

/// The worker hands the result of the first call over and takes the second, or dies of it; every handle
/// has the one outcome that it can have, and the pool goes on.
#[mp::test]
fn pool_47_a_worker_killed_at_any_step_loses_its_own_call_only() {
    watched(|| {
        every_step(|step| {
            let pool = mp::Pool::new(1).unwrap();
            let worker = pool.workers()[0].pid();
            let first = pool.submit(arm, step);
            let second = pool.submit(disarm, 5);
            let third = pool.submit(disarm, 6);
            let died = |handle: &mp::AsyncResult<u64>, value: u64| match handle.get() {
                Ok(got) => {
                    assert_eq!(got, value);
                    false
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WorkerDied, "{error}");
                    true
                }
            };
            let deaths = [died(&first, step), died(&second, 5)];
            assert!(!(deaths[0] && deaths[1]), "one death, one call: {deaths:?}");
            assert_eq!(third.get().unwrap(), 6);
            let survived = pool.workers()[0].pid() == worker;
            pool.close();
            pool.join().unwrap();
            // Disarmed before it came to that step.
            survived
        });
    });
}
