//! MGR-10: each type acts as its direct form.

use crate::support::wait_until;
use crate::{BOUNDED, SHORT, elsewhere, managed, timed, wait_until_asleep};
use mp::ErrorKind;
use std::time::Duration;

#[mp::test]
fn mgr_10_queue_is_first_in_first_out() {
    managed(|manager| {
        let queue = manager.queue::<String>().unwrap();
        assert!(queue.is_empty().unwrap() && !queue.is_full().unwrap());
        assert_eq!(queue.capacity().unwrap(), None);
        queue.put("one".to_owned()).unwrap();
        queue.try_put("two".to_owned()).unwrap();
        assert_eq!(queue.len().unwrap(), 2);
        assert_eq!(queue.get().unwrap(), "one");
        assert_eq!(queue.get_timeout(BOUNDED).unwrap(), "two");
        assert_eq!(queue.try_get().unwrap_err().kind(), ErrorKind::Empty);
        let (error, took) = timed(|| queue.get_timeout(SHORT).unwrap_err());
        assert_eq!(error.kind(), ErrorKind::Empty);
        assert!(took >= SHORT);
    });
}

#[mp::test]
fn mgr_10_queue_with_a_bound_is_full() {
    managed(|manager| {
        let queue = manager.bounded_queue(2).unwrap();
        assert_eq!(queue.capacity().unwrap(), Some(2));
        queue.put(1).unwrap();
        queue.put(2).unwrap();
        assert!(queue.is_full().unwrap());
        let error = queue.try_put(3).unwrap_err();
        assert_eq!((error.kind(), error.into_inner()), (ErrorKind::Full, 3));
        let (error, took) = timed(|| queue.put_timeout(4, SHORT).unwrap_err());
        assert_eq!((error.kind(), error.into_inner()), (ErrorKind::Full, 4));
        assert!(took >= SHORT);
        assert_eq!(queue.get().unwrap(), 1);
        queue.put(5).unwrap();
        let none = manager.bounded_queue::<u32>(0).unwrap_err();
        assert_eq!(none.kind(), ErrorKind::InvalidArgument);
    });
}

#[mp::task]
fn work(items: mp::QueueProxy<u32>, done: mp::QueueProxy<u32>) {
    for item in items.iter() {
        done.put(item.unwrap() + 1).unwrap();
        items.task_done().unwrap();
    }
}

#[mp::test]
fn mgr_10_queue_is_joined_and_closed() {
    managed(|manager| {
        let (items, done) = (manager.queue().unwrap(), manager.queue().unwrap());
        items.put(1).unwrap();
        assert!(!items.join_timeout(SHORT).unwrap());
        let worker = mp::spawn(work, (items.clone(), done.clone())).unwrap();
        items.put(2).unwrap();
        items.join().unwrap();
        assert_eq!(items.task_done().unwrap_err().kind(), ErrorKind::InvalidArgument);
        assert_eq!([done.try_get().unwrap(), done.try_get().unwrap()], [2, 3]);
        items.close_all().unwrap();
        worker.result().unwrap();
        assert_eq!(items.put(4).unwrap_err().kind(), ErrorKind::Closed);
        done.close();
        assert_eq!(done.get().unwrap_err().kind(), ErrorKind::Closed);
    });
}

#[mp::test]
fn mgr_10_lock_has_one_owner() {
    managed(|manager| {
        let lock = manager.lock().unwrap();
        assert_eq!(lock.release().unwrap_err().kind(), ErrorKind::NotOwner);
        let guard = lock.lock().unwrap();
        assert!(!guard.owner_died() && lock.is_locked().unwrap());
        assert_eq!(lock.acquire().unwrap_err().kind(), ErrorKind::InvalidArgument);
        elsewhere(|| {
            assert!(!lock.try_acquire().unwrap());
            assert!(lock.try_lock().unwrap().is_none());
            let (taken, took) = timed(|| lock.acquire_timeout(SHORT).unwrap());
            assert!(!taken && took >= SHORT);
            assert!(lock.lock_timeout(SHORT).unwrap().is_none());
            assert_eq!(lock.release().unwrap_err().kind(), ErrorKind::NotOwner);
        });
        drop(guard);
        lock.acquire().unwrap();
        lock.release().unwrap();
        assert!(lock.acquire_timeout(BOUNDED).unwrap());
        lock.release().unwrap();
        assert!(!lock.is_locked().unwrap());
    });
}

#[mp::test]
fn mgr_10_rlock_is_taken_again_by_its_owner() {
    managed(|manager| {
        let lock = manager.rlock().unwrap();
        lock.acquire().unwrap();
        let guard = lock.lock_timeout(SHORT).unwrap().expect("it is its owner");
        elsewhere(|| assert!(!lock.acquire_timeout(SHORT).unwrap()));
        drop(guard);
        elsewhere(|| assert!(!lock.try_acquire().unwrap()));
        lock.release().unwrap();
        assert_eq!(lock.release().unwrap_err().kind(), ErrorKind::NotOwner);
        elsewhere(|| assert!(lock.try_lock().unwrap().is_some()));
        assert!(!lock.is_locked().unwrap());
    });
}

#[mp::test]
fn mgr_10_semaphore_counts_permits() {
    managed(|manager| {
        let semaphore = manager.semaphore(1).unwrap();
        let guard = semaphore.lock().unwrap();
        assert!(!semaphore.try_acquire().unwrap());
        let (taken, took) = timed(|| semaphore.acquire_timeout(SHORT).unwrap());
        assert!(!taken && took >= SHORT);
        drop(guard);
        semaphore.release().unwrap();
        assert_eq!(semaphore.value().unwrap(), 2);
        semaphore.acquire().unwrap();
        assert!(semaphore.lock_timeout(SHORT).unwrap().is_some());
        assert_eq!(semaphore.value().unwrap(), 1);
        let many = manager.semaphore(u32::MAX).unwrap_err();
        assert_eq!(many.kind(), ErrorKind::InvalidArgument);
    });
}

#[mp::test]
fn mgr_10_bounded_semaphore_has_a_limit() {
    managed(|manager| {
        let semaphore = manager.bounded_semaphore(1).unwrap();
        assert_eq!(semaphore.release().unwrap_err().kind(), ErrorKind::NotOwner);
        semaphore.acquire().unwrap();
        assert!(semaphore.try_lock().unwrap().is_none());
        semaphore.release().unwrap();
        assert_eq!(semaphore.value().unwrap(), 1);
    });
}

#[mp::task]
fn wait_for(event: mp::EventProxy) -> bool {
    event.wait().is_ok()
}

#[mp::test]
fn mgr_10_event_wakes_who_waits() {
    managed(|manager| {
        let event = manager.event().unwrap();
        assert!(!event.is_set().unwrap());
        let (set, took) = timed(|| event.wait_timeout(SHORT).unwrap());
        assert!(!set && took >= SHORT);
        let process = mp::spawn(wait_for, event.clone()).unwrap();
        wait_until_asleep(process.pid().unwrap());
        event.set().unwrap();
        event.clear().unwrap();
        assert!(process.result().unwrap());
        assert!(!event.wait_timeout(Duration::ZERO).unwrap());
        event.set().unwrap();
        event.wait().unwrap();
        assert_eq!(mp::wait(&[&event], None).unwrap(), [0]);
    });
}

#[mp::task]
fn be_notified(condition: mp::ConditionProxy, ready: mp::SemaphoreProxy) {
    let mut guard = condition.lock().unwrap();
    ready.release().unwrap();
    condition.wait(&mut guard).unwrap();
}

#[mp::test]
fn mgr_10_condition_notifies() {
    managed(|manager| {
        let lock = manager.lock().unwrap();
        let condition = manager.condition_with_lock(&lock).unwrap();
        let ready = manager.semaphore(0).unwrap();
        let start = || mp::spawn(be_notified, (condition.clone(), ready.clone())).unwrap();
        let waiting = [start(), start(), start()];
        waiting.iter().for_each(|_| ready.acquire().unwrap());
        let mut guard = lock.lock().unwrap();
        condition.notify_one(&guard).unwrap();
        condition.notify_all(&guard).unwrap();
        drop(guard);
        waiting.into_iter().for_each(|process| process.result().unwrap());
        guard = condition.lock().unwrap();
        let (told, took) = timed(|| condition.wait_timeout(&mut guard, SHORT).unwrap());
        assert!(!told && took >= SHORT);
        assert!(!condition.wait_for_timeout(&mut guard, SHORT, || false).unwrap());
        condition.wait_for(&mut guard, || true).unwrap();
        let other = manager.condition().unwrap();
        assert_eq!(other.notify_one(&guard).unwrap_err().kind(), ErrorKind::InvalidArgument);
    });
}

#[mp::task]
fn arrive(barrier: mp::BarrierProxy) -> Result<u32, String> {
    barrier.wait().map_err(|error| format!("{:?}", error.kind()))
}

#[mp::task]
fn refuse() -> Result<(), String> {
    Err("no".to_owned())
}

#[mp::test]
fn mgr_10_barrier_lets_all_go_and_breaks() {
    managed(|manager| {
        let barrier = manager.barrier(2).unwrap();
        assert_eq!(barrier.parties().unwrap(), 2);
        let other = mp::spawn(arrive, barrier.clone()).unwrap();
        let place = barrier.wait().unwrap();
        assert_eq!(other.result().unwrap(), Ok(1 - place));

        let other = mp::spawn(arrive, barrier.clone()).unwrap();
        wait_until(BOUNDED, "it has arrived", || barrier.n_waiting().unwrap() == 1);
        barrier.abort().unwrap();
        assert!(barrier.broken().unwrap());
        assert_eq!(other.result().unwrap(), Err("Broken".to_owned()));
        assert_eq!(barrier.wait().unwrap_err().kind(), ErrorKind::Broken);

        barrier.reset().unwrap();
        let (error, took) = timed(|| barrier.wait_timeout(SHORT).unwrap_err());
        assert!(error.kind() == ErrorKind::Broken && took >= SHORT);
        let quick = barrier.clone().with_timeout(SHORT);
        barrier.reset().unwrap();
        assert_eq!(quick.wait().unwrap_err().kind(), ErrorKind::Broken);

        let acting = manager.barrier(1).unwrap().with_action(refuse);
        assert_eq!(acting.wait().unwrap_err().kind(), ErrorKind::Broken);
        let none = manager.barrier(0).unwrap_err();
        assert_eq!(none.kind(), ErrorKind::InvalidArgument);
    });
}
