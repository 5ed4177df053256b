//! Semaphores: how many are let in, and what becomes of a dead process's permits.

use crate::support::repeat;
use crate::tally::Tally;
use crate::{BOUNDED, SHORT, assert_ran_out, kill, stay, timed, wait_until_asleep, watched};
use mp::{BoundedSemaphore, ErrorKind, Event, Lock, Semaphore};
use std::time::Duration;

#[mp::test]
fn sync_09_values_go_down_and_up_beyond_the_start() {
    watched(|| {
        let semaphore = Semaphore::new(2).unwrap();
        for left in [2, 1] {
            assert_eq!(semaphore.value(), left);
            semaphore.acquire().unwrap();
        }
        assert_eq!(semaphore.value(), 0);
        assert!(!semaphore.try_acquire().unwrap());
        assert!(semaphore.try_lock().unwrap().is_none());
        assert_eq!(semaphore.value(), 0, "who was not let in has nothing to give back");
        for value in 1..=4 {
            semaphore.release().unwrap();
            assert_eq!(semaphore.value(), value);
        }
        let guards = (semaphore.lock().unwrap(), semaphore.try_lock().unwrap().unwrap());
        assert_eq!(semaphore.value(), 2);
        drop(guards);
        assert_eq!(semaphore.value(), 4);
    });
}

#[mp::test]
fn sync_09_more_than_can_be_counted_is_refused() {
    watched(|| {
        let most = i32::MAX.unsigned_abs();
        let semaphore = Semaphore::new(most).unwrap();
        assert_eq!(semaphore.release().unwrap_err().kind(), ErrorKind::InvalidArgument);
        assert_eq!(semaphore.value(), most);
        let error = Semaphore::new(most + 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    });
}

#[mp::test]
fn sync_04_a_semaphores_timeout_runs_out() {
    watched(|| {
        let semaphore = Semaphore::new(0).unwrap();
        let (taken, took) = timed(|| semaphore.acquire_timeout(SHORT).unwrap());
        assert!(!taken);
        assert_ran_out(took, SHORT);
        assert!(!semaphore.acquire_timeout(Duration::ZERO).unwrap());
        assert!(semaphore.lock_timeout(SHORT).unwrap().is_none());
        assert_eq!(semaphore.value(), 0);
    });
}

#[mp::test]
fn sync_10_a_bounded_one_is_not_released_beyond_its_start() {
    watched(|| {
        let semaphore = BoundedSemaphore::new(2).unwrap();
        assert_eq!(semaphore.release().unwrap_err().kind(), ErrorKind::NotOwner);
        assert_eq!(semaphore.value(), 2);
        let guard = semaphore.lock().unwrap();
        assert_eq!(semaphore.value(), 1);
        semaphore.release().unwrap();
        drop(guard);
        assert_eq!(semaphore.value(), 2, "the guard's permit was given back under it");
    });
}

#[mp::task]
fn go_inside(semaphore: Semaphore, lock: Lock, tally: Tally) -> u64 {
    let mut most = 0;
    for _ in 0..20 {
        let _inside = semaphore.lock().unwrap();
        {
            let _guard = lock.lock().unwrap();
            most = most.max(tally.add(0));
        }
        std::thread::yield_now();
        let _guard = lock.lock().unwrap();
        tally.subtract(0);
    }
    most
}

#[mp::test]
fn sync_11_never_more_inside_than_permits() {
    watched(|| {
        let semaphore = Semaphore::new(3).unwrap();
        let (lock, tally) = (Lock::new().unwrap(), Tally::new());
        let start = || (semaphore.clone(), lock.clone(), tally.clone());
        let processes = [(); 10].map(|()| mp::spawn(go_inside, start()).unwrap());
        let most = processes.map(|process| process.result().unwrap()).into_iter().max();
        assert!(most.is_some_and(|most| (1..=3).contains(&most)), "{most:?}");
        assert_eq!((semaphore.value(), tally.get(0)), (3, 0));
    });
}

#[mp::task]
fn take(semaphore: Semaphore) {
    semaphore.acquire().unwrap();
}

#[mp::test]
fn sync_11_each_release_lets_one_in() {
    watched(|| {
        let semaphore = Semaphore::new(0).unwrap();
        let waiters = [(); 3].map(|()| mp::spawn(take, semaphore.clone()).unwrap());
        for waiter in &waiters {
            wait_until_asleep(waiter.pid().unwrap());
        }
        for _ in 0..3 {
            semaphore.release().unwrap();
        }
        waiters.into_iter().for_each(|waiter| waiter.result().unwrap());
        assert_eq!(semaphore.value(), 0);
    });
}

#[mp::task]
fn hold(semaphore: Semaphore, holds: Event) {
    let _guard = semaphore.lock().unwrap();
    holds.set();
    stay();
}

#[mp::test]
fn sync_34_a_dead_holders_permit_is_lost_until_someone_gives_it_back() {
    watched(|| {
        let (semaphore, holds) = (Semaphore::new(1).unwrap(), Event::new().unwrap());
        let holder = mp::spawn(hold, (semaphore.clone(), holds.clone())).unwrap();
        holds.wait();
        kill(&holder);
        assert!(!semaphore.acquire_timeout(SHORT).unwrap());
        assert_eq!(semaphore.value(), 0);
        semaphore.release().unwrap();
        assert!(semaphore.try_acquire().unwrap());
    });
}

#[mp::test]
fn sync_34_a_killed_waiter_takes_no_permit_with_it() {
    watched(|| {
        let semaphore = Semaphore::new(0).unwrap();
        repeat(10, |_| {
            let waiter = mp::spawn(take, semaphore.clone()).unwrap();
            let other = mp::spawn(take, semaphore.clone()).unwrap();
            wait_until_asleep(waiter.pid().unwrap());
            wait_until_asleep(other.pid().unwrap());
            kill(&waiter);
            semaphore.release().unwrap();
            assert!(other.join_timeout(BOUNDED).unwrap());
            assert_eq!(semaphore.value(), 0);
        });
    });
}
