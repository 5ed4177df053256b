//! A process killed at each step of using a lock, an event, a semaphore, a condition or a barrier, while another one waits.

use crate::{every_step, survived, watched};
use mp::__private::steps;
use mp::{Barrier, Condition, ErrorKind, Event, Lock, Semaphore};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);

#[mp::task]
fn take_and_give(lock: Lock, step: u64) {
    steps::die_at(step);
    drop(lock.lock().unwrap());
    drop(lock);
    steps::survived();
}

#[mp::task]
fn take(lock: Lock) -> bool {
    let taken = lock.acquire_timeout(LONG).unwrap();
    lock.release().unwrap();
    taken
}

#[mp::test]
fn sync_32_a_lock_goes_on_wherever_a_process_that_uses_it_is_killed() {
    watched(|| {
        every_step(|step| {
            let lock = Lock::new().unwrap();
            let held = lock.lock().unwrap();
            let waits = mp::spawn(take, lock.clone()).unwrap();
            let dies = mp::spawn(take_and_give, (lock.clone(), step)).unwrap();
            drop(held);
            let survived = survived(&dies);
            assert!(waits.result().unwrap());
            assert!(lock.acquire_timeout(LONG).unwrap());
            lock.release().unwrap();
            survived
        });
    });
}

#[mp::task]
fn set_and_clear(event: Event, step: u64) {
    steps::die_at(step);
    event.set();
    event.clear();
    drop(event);
    steps::survived();
}

#[mp::task]
fn wait_for(event: Event) -> bool {
    event.wait_timeout(LONG)
}

#[mp::test]
fn sync_33_an_event_goes_on_wherever_a_process_that_uses_it_is_killed() {
    watched(|| {
        every_step(|step| {
            let event = Event::new().unwrap();
            let waits = mp::spawn(wait_for, event.clone()).unwrap();
            let survived = survived(&mp::spawn(set_and_clear, (event.clone(), step)).unwrap());
            event.set();
            assert!(waits.result().unwrap());
            assert!(event.is_set());
            survived
        });
    });
}

#[mp::task]
fn use_a_permit(semaphore: Semaphore, step: u64) {
    steps::die_at(step);
    semaphore.acquire().unwrap();
    semaphore.release().unwrap();
    drop(semaphore);
    steps::survived();
}

#[mp::task]
fn use_it_too(semaphore: Semaphore) -> bool {
    semaphore.acquire_timeout(LONG).unwrap()
}

/// A permit of a dead process is lost, so one more is given; none is there twice.
#[mp::test]
fn sync_34_a_semaphore_goes_on_wherever_a_process_that_uses_it_is_killed() {
    watched(|| {
        every_step(|step| {
            let semaphore = Semaphore::new(1).unwrap();
            let survived = survived(&mp::spawn(use_a_permit, (semaphore.clone(), step)).unwrap());
            let waits = mp::spawn(use_it_too, semaphore.clone()).unwrap();
            let left = semaphore.acquire_timeout(Duration::from_millis(5)).unwrap();
            semaphore.release().unwrap();
            assert!(waits.result().unwrap());
            assert!(!(survived && left) || semaphore.try_acquire().is_ok());
            assert!(!semaphore.try_acquire().unwrap() || !semaphore.try_acquire().unwrap());
            survived
        });
    });
}

#[mp::task]
fn notify(lock: Lock, condition: Condition, step: u64) {
    steps::die_at(step);
    let guard = lock.lock().unwrap();
    condition.notify_one(&guard).unwrap();
    drop(guard);
    drop((lock, condition));
    steps::survived();
}

#[mp::task]
fn wait_to_be_notified(lock: Lock, condition: Condition, ready: Event) -> bool {
    let mut guard = lock.lock().unwrap();
    ready.set();
    condition.wait_timeout(&mut guard, LONG).unwrap()
}

#[mp::test]
fn sync_33_a_condition_goes_on_wherever_a_process_that_uses_it_is_killed() {
    watched(|| {
        every_step(|step| {
            let (lock, ready) = (Lock::new().unwrap(), Event::new().unwrap());
            let condition = Condition::with_lock(&lock).unwrap();
            let arguments = (lock.clone(), condition.clone(), ready.clone());
            let waits = mp::spawn(wait_to_be_notified, arguments).unwrap();
            assert!(ready.wait_timeout(LONG));
            let dies = mp::spawn(notify, (lock.clone(), condition.clone(), step)).unwrap();
            let survived = survived(&dies);
            let guard = lock.lock().unwrap();
            condition.notify_all(&guard).unwrap();
            drop(guard);
            assert!(waits.result().unwrap());
            survived
        });
    });
}

#[mp::task]
fn arrive(barrier: Barrier, step: u64) {
    steps::die_at(step);
    let _ = barrier.wait_timeout(LONG);
    drop(barrier);
    steps::survived();
}

#[mp::test]
fn sync_33_a_barrier_breaks_or_passes_wherever_a_party_is_killed() {
    watched(|| {
        every_step(|step| {
            let barrier = Barrier::new(2).unwrap();
            let dies = mp::spawn(arrive, (barrier.clone(), step)).unwrap();
            let passed = match barrier.wait_timeout(Duration::from_secs(2)) {
                Ok(_) => true,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Broken, "{error}");
                    false
                }
            };
            let survived = survived(&dies);
            assert!(passed || !survived, "it breaks only by a death");
            barrier.reset().unwrap();
            survived
        });
    });
}
