//! `Lock`: who has it, who waits, and what becomes of it when its owner dies.

use crate::support::{cpu_time_of, repeat, wait_until};
use crate::tally::Tally;
use crate::{
    BOUNDED, PROMPT, SHORT, assert_ran_out, kill, stay, timed, wait_until_asleep, watched,
};
use mp::{ErrorKind, Event, Lock, Pool};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

#[mp::test]
fn sync_01_acquire_try_and_release() {
    watched(|| {
        let lock = Lock::new().unwrap();
        lock.acquire().unwrap();
        assert!(!lock.try_acquire().unwrap());
        assert!(lock.try_lock().unwrap().is_none());
        let other = lock.clone();
        assert!(!thread::spawn(move || other.try_acquire().unwrap()).join().unwrap());
        lock.release().unwrap();
        assert_eq!(lock.release().unwrap_err().kind(), ErrorKind::NotOwner);
        assert!(lock.try_acquire().unwrap());
        lock.release().unwrap();
    });
}

#[mp::test]
fn sync_01_waiting_for_oneself_is_an_error() {
    watched(|| {
        let lock = Lock::new().unwrap();
        let guard = lock.lock().unwrap();
        assert_eq!(lock.acquire().unwrap_err().kind(), ErrorKind::InvalidArgument);
        assert_eq!(lock.lock().unwrap_err().kind(), ErrorKind::InvalidArgument);
        drop(guard);
        lock.acquire().unwrap();
        lock.release().unwrap();
    });
}

#[mp::task]
fn release_is_refused(lock: Lock) -> bool {
    lock.release().is_err_and(|error| error.kind() == ErrorKind::NotOwner)
}

#[mp::test]
fn sync_02_only_the_thread_that_took_it_releases_it() {
    watched(|| {
        let lock = Lock::new().unwrap();
        lock.acquire().unwrap();
        let other = lock.clone();
        assert!(thread::spawn(move || release_is_refused(other)).join().unwrap());
        assert!(mp::spawn(release_is_refused, lock.clone()).unwrap().result().unwrap());
        assert!(!lock.try_acquire().unwrap(), "it is still taken");
        lock.release().unwrap();
    });
}

#[mp::task]
fn add_many(lock: Lock, tally: Tally, times: u32) {
    for _ in 0..times {
        let guard = lock.lock().unwrap();
        assert!(!guard.owner_died());
        tally.add(0);
    }
}

#[mp::test]
fn sync_03_eight_processes_count_right() {
    watched(|| {
        let (lock, tally) = (Lock::new().unwrap(), Tally::new());
        let start = || mp::spawn(add_many, (lock.clone(), tally.clone(), 10_000)).unwrap();
        let processes = [(); 8].map(|()| start());
        for process in processes {
            process.result().unwrap();
        }
        assert_eq!(tally.get(0), 80_000);
    });
}

#[mp::task]
fn hold(lock: Lock, holds: Event) {
    let _guard = lock.lock().unwrap();
    holds.set();
    stay();
}

#[mp::test]
fn sync_04_a_timeout_runs_out() {
    watched(|| {
        let (lock, holds) = (Lock::new().unwrap(), Event::new().unwrap());
        let holder = mp::spawn(hold, (lock.clone(), holds.clone())).unwrap();
        holds.wait();
        let (taken, took) = timed(|| lock.acquire_timeout(SHORT).unwrap());
        assert!(!taken);
        assert_ran_out(took, SHORT);
        assert!(lock.lock_timeout(SHORT).unwrap().is_none());
        let (taken, took) = timed(|| lock.acquire_timeout(Duration::ZERO).unwrap());
        assert!(!taken && took < PROMPT);
        kill(&holder);
        assert!(lock.acquire_timeout(Duration::ZERO).unwrap());
        // Held by this very thread: no error, since it ends by itself.
        let (taken, took) = timed(|| lock.acquire_timeout(SHORT).unwrap());
        assert!(!taken);
        assert_ran_out(took, SHORT);
        lock.release().unwrap();
    });
}

#[mp::test]
fn sync_05_a_guard_releases_at_the_end_and_in_a_panic() {
    watched(|| {
        let lock = Lock::new().unwrap();
        drop(lock.lock().unwrap());
        assert!(lock.try_lock().unwrap().is_some());
        let panicking = || {
            let _guard = lock.lock().unwrap();
            panic!("as planned");
        };
        catch_unwind(AssertUnwindSafe(panicking)).unwrap_err();
        assert!(lock.try_lock().unwrap().is_some());
    });
}

#[mp::test]
fn sync_05_a_guard_takes_nothing_from_another_thread() {
    watched(|| {
        let lock = Lock::new().unwrap();
        let guard = lock.lock().unwrap();
        // Released under the guard, and taken by another thread of this process.
        lock.release().unwrap();
        thread::scope(|scope| {
            let (has_it, done) = (Event::new().unwrap(), Event::new().unwrap());
            let other = scope.spawn({
                let (lock, has_it, done) = (&lock, has_it.clone(), done.clone());
                move || {
                    lock.acquire().unwrap();
                    has_it.set();
                    done.wait();
                    lock.release().map_err(|error| error.kind())
                }
            });
            has_it.wait();
            drop(guard);
            done.set();
            assert_eq!(other.join().unwrap(), Ok(()));
        });
    });
}

#[mp::task]
fn wait_for(lock: Lock) -> bool {
    lock.lock().unwrap().owner_died()
}

#[mp::test]
fn sync_32_bey_04_a_dead_owners_lock_goes_on() {
    watched(|| {
        let (lock, holds) = (Lock::new().unwrap(), Event::new().unwrap());
        let holder = mp::spawn(hold, (lock.clone(), holds.clone())).unwrap();
        holds.wait();
        kill(&holder);
        let (guard, took) = timed(|| lock.lock().unwrap());
        assert!(guard.owner_died());
        assert!(took < PROMPT, "it took {took:?}");
        drop(guard);
        assert!(!lock.lock().unwrap().owner_died(), "the mark is seen once");
    });
}

#[mp::test]
fn sync_32_who_waits_when_the_owner_dies_gets_it() {
    watched(|| {
        let (lock, holds) = (Lock::new().unwrap(), Event::new().unwrap());
        let holder = mp::spawn(hold, (lock.clone(), holds.clone())).unwrap();
        holds.wait();
        let waiters = [(); 3].map(|()| mp::spawn(wait_for, lock.clone()).unwrap());
        for waiter in &waiters {
            wait_until_asleep(waiter.pid().unwrap());
        }
        kill(&holder);
        let (died, took) = timed(|| waiters.map(|waiter| waiter.result().unwrap()));
        assert_eq!(died.iter().filter(|died| **died).count(), 1, "{died:?}");
        assert!(took < BOUNDED, "it took {took:?}");
    });
}

#[mp::test]
fn sync_32_a_try_takes_a_dead_owners_lock() {
    watched(|| {
        let (lock, holds) = (Lock::new().unwrap(), Event::new().unwrap());
        let holder = mp::spawn(hold, (lock.clone(), holds.clone())).unwrap();
        holds.wait();
        assert!(lock.try_lock().unwrap().is_none());
        kill(&holder);
        assert!(lock.try_lock().unwrap().unwrap().owner_died());
        assert!(lock.try_acquire().unwrap());
        lock.release().unwrap();
    });
}

#[mp::test]
fn sync_32_a_killed_waiter_takes_nothing_with_it() {
    watched(|| {
        let lock = Lock::new().unwrap();
        let pool = Pool::new(1).unwrap();
        repeat(10, |_| {
            let guard = lock.lock().unwrap();
            let waiter = mp::spawn(wait_for, lock.clone()).unwrap();
            wait_until_asleep(waiter.pid().unwrap());
            let patient = pool.submit(wait_for, lock.clone());
            // It is killed as it is woken, at about the same moment.
            drop(guard);
            waiter.kill().unwrap();
            assert!(patient.get_timeout(BOUNDED).is_ok());
            waiter.join().unwrap();
            // Whatever it died of, the lock can be had.
            drop(lock.lock_timeout(BOUNDED).unwrap().expect("nobody has it"));
        });
    });
}

#[mp::test]
fn sync_32_race_owners_killed_anywhere() {
    watched(|| {
        let lock = Lock::new().unwrap();
        let holds = Event::new().unwrap();
        repeat(40, |round| {
            holds.clear();
            let busy = mp::spawn(come_and_go, (lock.clone(), holds.clone())).unwrap();
            holds.wait();
            for _ in 0..round % 7 {
                drop(lock.lock().unwrap());
            }
            kill(&busy);
            assert!(lock.lock_timeout(BOUNDED).unwrap().is_some());
        });
    });
}

#[mp::task]
fn come_and_go(lock: Lock, begun: Event) {
    loop {
        drop(lock.lock().unwrap());
        begun.set();
    }
}

#[mp::test]
fn sync_35_a_blocked_waiter_uses_no_cpu() {
    watched(|| {
        let (lock, event) = (Lock::new().unwrap(), Event::new().unwrap());
        let guard = lock.lock().unwrap();
        let for_lock = mp::spawn(wait_for, lock.clone()).unwrap();
        let for_event = mp::spawn(wait_event, event.clone()).unwrap();
        let pids = [for_lock.pid().unwrap(), for_event.pid().unwrap()];
        pids.into_iter().for_each(wait_until_asleep);
        let used = || pids.map(|pid| cpu_time_of(pid.cast_signed()));
        let before = used();
        thread::sleep(Duration::from_secs(2)); // work: the two seconds in which they are to do nothing
        for (before, after) in before.into_iter().zip(used()) {
            assert!(after - before < Duration::from_millis(50), "{:?}", after - before);
        }
        drop(guard);
        event.set();
        assert!(!for_lock.result().unwrap());
        for_event.result().unwrap();
    });
}

#[mp::task]
fn wait_event(event: Event) {
    event.wait();
}

#[mp::task]
fn hog(lock: Lock, tally: Tally, done: Event) {
    while !done.is_set() {
        let _guard = lock.lock().unwrap();
        tally.add(0);
        thread::sleep(Duration::from_millis(2)); // work: done under the lock
    }
}

#[mp::test]
fn sync_03_nobody_starves_beside_one_that_always_comes_back() {
    watched(|| {
        let (lock, tally, done) = (Lock::new().unwrap(), Tally::new(), Event::new().unwrap());
        let other = mp::spawn(hog, (lock.clone(), tally.clone(), done.clone())).unwrap();
        wait_until(BOUNDED, "it has begun", || tally.get(0) > 0);
        for _ in 0..20 {
            let (guard, took) = timed(|| lock.lock().unwrap());
            assert!(took < PROMPT, "it took {took:?}");
            drop(guard);
        }
        done.set();
        other.result().unwrap();
    });
}

#[mp::test]
fn sync_01_debug_takes_no_lock() {
    let lock = Lock::new().unwrap();
    assert_eq!(format!("{lock:?}"), "Lock { is_locked: false, .. }");
    let guard = lock.lock().unwrap();
    assert!(lock.is_locked());
    assert_eq!(format!("{lock:?}"), "Lock { is_locked: true, .. }");
    assert_eq!(format!("{guard:?}"), "LockGuard { owner_died: false, .. }");
}
