//! `RLock`: taken again by its owner, and by nobody else.

use crate::{BOUNDED, kill, stay, watched};
use mp::{ErrorKind, Event, RLock};
use std::thread;
use std::time::Duration;

#[mp::task]
fn try_it(lock: RLock) -> bool {
    lock.try_lock().unwrap().is_some()
}

#[mp::test]
fn sync_06_three_times_taken_is_three_times_released() {
    watched(|| {
        let lock = RLock::new().unwrap();
        lock.acquire().unwrap();
        assert!(lock.try_acquire().unwrap());
        assert!(lock.acquire_timeout(Duration::ZERO).unwrap());
        for _ in 0..3 {
            assert!(!mp::spawn(try_it, lock.clone()).unwrap().result().unwrap());
            lock.release().unwrap();
        }
        assert!(mp::spawn(try_it, lock.clone()).unwrap().result().unwrap());
        assert_eq!(lock.release().unwrap_err().kind(), ErrorKind::NotOwner);
    });
}

#[mp::test]
fn sync_06_guards_go_in_any_order() {
    watched(|| {
        let lock = RLock::new().unwrap();
        let (first, second) = (lock.lock().unwrap(), lock.try_lock().unwrap().unwrap());
        let third = lock.lock_timeout(Duration::ZERO).unwrap().unwrap();
        for guard in [first, third, second] {
            let other = lock.clone();
            assert!(!thread::spawn(move || try_it(other)).join().unwrap());
            drop(guard);
        }
        let other = lock.clone();
        assert!(thread::spawn(move || try_it(other)).join().unwrap());
    });
}

#[mp::task]
fn release_is_refused(lock: RLock) -> bool {
    lock.release().is_err_and(|error| error.kind() == ErrorKind::NotOwner)
}

#[mp::test]
fn sync_07_released_by_another_is_an_error() {
    watched(|| {
        let lock = RLock::new().unwrap();
        assert!(release_is_refused(lock.clone()));
        let _guard = lock.lock().unwrap();
        assert!(mp::spawn(release_is_refused, lock.clone()).unwrap().result().unwrap());
    });
}

#[mp::test]
fn sync_08_another_thread_of_the_owner_is_another() {
    watched(|| {
        let lock = RLock::new().unwrap();
        let guard = lock.lock().unwrap();
        thread::scope(|scope| {
            let other = scope.spawn(|| {
                assert!(!lock.try_acquire().unwrap());
                assert!(release_is_refused(lock.clone()));
            });
            other.join().unwrap();
        });
        drop(guard);
        assert!(thread::scope(|scope| scope.spawn(|| try_it(lock.clone())).join().unwrap()));
    });
}

#[mp::task]
fn hold_twice(lock: RLock, holds: Event) {
    let _outer = lock.lock().unwrap();
    let _inner = lock.lock().unwrap();
    holds.set();
    stay();
}

#[mp::test]
fn sync_32_a_dead_owners_rlock_goes_on() {
    watched(|| {
        let (lock, holds) = (RLock::new().unwrap(), Event::new().unwrap());
        let holder = mp::spawn(hold_twice, (lock.clone(), holds.clone())).unwrap();
        holds.wait();
        assert!(lock.try_lock().unwrap().is_none());
        kill(&holder);
        let guard = lock.lock_timeout(BOUNDED).unwrap().expect("its owner is dead");
        assert!(guard.owner_died());
        assert!(!lock.lock().unwrap().owner_died(), "that is how it came the first time");
        drop(guard);
        // It counts from anew: what the dead one had taken twice is free after one release.
        assert!(mp::spawn(try_it, lock.clone()).unwrap().result().unwrap());
    });
}
