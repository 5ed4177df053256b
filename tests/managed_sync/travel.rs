//! MGR-12 and MGR-06: proxies go wherever values go, and are live there.

use crate::{BOUNDED, elsewhere, managed};
use mp::{DictProxy, EventProxy, LockProxy, QueueProxy};

#[mp::task]
fn set_what_comes(events: QueueProxy<EventProxy>) {
    events.get().unwrap().set().unwrap();
}

#[mp::task]
fn put_one(queue: QueueProxy<u32>, item: u32) {
    queue.put(item).unwrap();
}

#[mp::task]
fn make_full(queue: QueueProxy<u32>) -> QueueProxy<u32> {
    queue.put(7).unwrap();
    queue
}

#[mp::test]
fn mgr_12_proxies_go_through_queues_pipes_and_pools() {
    managed(|manager| {
        let event = manager.event().unwrap();
        let events = manager.queue().unwrap();
        let process = mp::spawn(set_what_comes, events.clone()).unwrap();
        events.put(event.clone()).unwrap();
        event.wait().unwrap();
        process.result().unwrap();

        let (ours, theirs) = mp::pipe::<QueueProxy<u32>, QueueProxy<u32>>().unwrap();
        let numbers = manager.queue().unwrap();
        theirs.send(numbers.clone()).unwrap();
        ours.recv().unwrap().put(1).unwrap();
        assert_eq!(numbers.get().unwrap(), 1);

        let pool = mp::Pool::new(2).unwrap();
        pool.starmap(put_one, (0..10).map(|item| (numbers.clone(), item))).unwrap();
        let mut all: Vec<_> = (0..10).map(|_| numbers.try_get().unwrap()).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..10));
        let back = pool.apply(make_full, numbers.clone()).unwrap();
        assert_eq!((back.len().unwrap(), numbers.get().unwrap()), (1, 7));
    });
}

#[mp::task]
fn use_nested(locks: DictProxy<String, LockProxy>, queues: DictProxy<u32, QueueProxy<String>>) {
    let lock = locks.get(&"door".to_owned()).unwrap().expect("it is there");
    lock.acquire().unwrap();
    // A value that was taken out is live as well.
    queues.remove(&1).unwrap().expect("it is there").put("taken".to_owned()).unwrap();
    let back = queues.get(&2).unwrap().expect("it is there");
    assert_eq!(back.get_timeout(BOUNDED).unwrap(), "goes on");
    lock.release().unwrap();
}

#[mp::test]
fn mgr_12_inside_other_managed_objects_they_are_live() {
    managed(|manager| {
        let (locks, queues) = (manager.dict().unwrap(), manager.dict().unwrap());
        let (lock, taken, back) =
            (manager.lock().unwrap(), manager.queue().unwrap(), manager.queue().unwrap());
        locks.insert("door".to_owned(), lock.clone()).unwrap();
        queues.insert(1, taken.clone()).unwrap();
        queues.insert(2, back.clone()).unwrap();
        let process = mp::spawn(use_nested, (locks.clone(), queues.clone())).unwrap();
        assert_eq!(taken.get().unwrap(), "taken");
        elsewhere(|| assert!(!lock.try_acquire().unwrap(), "the child has it"));
        back.put("goes on".to_owned()).unwrap();
        process.result().unwrap();
        assert!(lock.try_acquire().unwrap());
        lock.release().unwrap();
    });
}

#[mp::test]
fn mgr_12_a_container_keeps_them_when_nobody_else_does() {
    managed(|manager| {
        let queues = manager.list().unwrap();
        let queue = manager.queue().unwrap();
        queue.put(1).unwrap();
        queues.push(queue).unwrap();
        let again: QueueProxy<u32> = queues.get(0).unwrap().expect("it is there");
        assert_eq!(again.get().unwrap(), 1);
        assert_eq!(manager.number_of_objects().unwrap(), 2);
        drop((again, queues.pop().unwrap()));
        crate::wait_until(BOUNDED, "it is gone", || manager.number_of_objects().unwrap() == 1);
    });
}
