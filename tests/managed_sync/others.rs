//! MGR-13 and MGR-14: one who waits holds up nobody, and what a lock is for.

use crate::support::wait_until;
use crate::{BOUNDED, managed, wait_until_asleep};
use mp::{BarrierProxy, DictProxy, EventProxy, LockProxy, QueueProxy};
use std::thread;

#[mp::task]
fn get(queue: QueueProxy<u32>) -> u32 {
    queue.get().unwrap()
}

#[mp::test]
fn mgr_13_a_client_that_waits_holds_up_nobody() {
    managed(|manager| {
        let (queue, other) = (manager.queue().unwrap(), manager.queue().unwrap());
        let (lock, dict) = (manager.lock().unwrap(), manager.dict().unwrap());
        let client = mp::spawn(get, queue.clone()).unwrap();
        wait_until_asleep(client.pid().unwrap());
        let same = queue.clone();
        let waiting = thread::spawn(move || same.get().unwrap());
        // All of this by the server and by objects of it, while two wait.
        dict.insert(1, 2).unwrap();
        other.put(3).unwrap();
        assert_eq!((dict.get(&1).unwrap(), other.get().unwrap()), (Some(2), 3));
        drop(lock.lock().unwrap());
        assert!(!manager.event().unwrap().is_set().unwrap());
        assert!(!waiting.is_finished() && client.is_alive());
        queue.put(4).unwrap();
        queue.put(5).unwrap();
        assert_eq!(client.result().unwrap() + waiting.join().unwrap(), 9);
    });
}

#[mp::test]
fn mgr_13_eight_threads_use_one_proxy() {
    managed(|manager| {
        let (queue, lock) = (manager.bounded_queue(4).unwrap(), manager.lock().unwrap());
        let total = manager.value(0_u64).unwrap();
        thread::scope(|scope| {
            for thread in 0..8 {
                let (queue, lock, total) = (&queue, &lock, &total);
                scope.spawn(move || {
                    for number in 0..100 {
                        if thread % 2 == 0 {
                            queue.put(number).unwrap();
                        } else {
                            let number = queue.get().unwrap();
                            let _guard = lock.lock().unwrap();
                            total.set(total.get().unwrap() + number).unwrap();
                        }
                    }
                });
            }
        });
        assert_eq!(total.get().unwrap(), 4 * 4950);
        assert!(queue.is_empty().unwrap());
    });
}

#[mp::task]
fn get_then_insert(counts: DictProxy<String, u32>, all_have_read: BarrierProxy) {
    let key = "count".to_owned();
    let count = counts.get(&key).unwrap().unwrap_or(0);
    all_have_read.wait().unwrap();
    counts.insert(key, count + 1).unwrap();
}

#[mp::test]
fn mgr_14_two_calls_lose_counts() {
    managed(|manager| {
        let (counts, all_have_read) = (manager.dict().unwrap(), manager.barrier(4).unwrap());
        let start = || mp::spawn(get_then_insert, (counts.clone(), all_have_read.clone())).unwrap();
        for process in [(); 4].map(|()| start()) {
            process.result().unwrap();
        }
        assert_eq!(counts.get(&"count".to_owned()).unwrap(), Some(1), "three are lost");
    });
}

#[mp::task]
fn count_with(counts: DictProxy<String, u32>, lock: LockProxy, go: EventProxy, times: u32) {
    let key = "count".to_owned();
    go.wait().unwrap();
    for _ in 0..times {
        let _guard = lock.lock().unwrap();
        let count = counts.get(&key).unwrap().unwrap_or(0);
        thread::yield_now();
        counts.insert(key.clone(), count + 1).unwrap();
    }
}

#[mp::test]
fn mgr_14_two_calls_with_a_lock_lose_none() {
    managed(|manager| {
        let (counts, lock) = (manager.dict().unwrap(), manager.lock().unwrap());
        let go = manager.event().unwrap();
        let arguments = || (counts.clone(), lock.clone(), go.clone(), 250);
        let processes = [(); 4].map(|()| mp::spawn(count_with, arguments()).unwrap());
        for process in &processes {
            wait_until_asleep(process.pid().unwrap());
        }
        go.set().unwrap();
        for process in processes {
            process.result().unwrap();
        }
        assert_eq!(counts.get(&"count".to_owned()).unwrap(), Some(1000));
        wait_until(BOUNDED, "it is free", || !lock.is_locked().unwrap());
    });
}
