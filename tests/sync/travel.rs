//! Where the handles can go: to children, to workers that run already, back, at any depth; and that nothing stays.

use crate::support::{Footprint, scenario};
use crate::tally::Tally;
use crate::{BOUNDED, watched};
use mp::{Barrier, BoundedSemaphore, Condition, Event, Lock, Pool, RLock, Semaphore};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One of each.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kit {
    lock: Lock,
    rlock: RLock,
    semaphores: (Semaphore, Option<BoundedSemaphore>),
    events: BTreeMap<String, Event>,
    condition: Condition,
    barrier: Vec<Barrier>,
}

impl Kit {
    /// For so many users.
    fn new(users: u32) -> Self {
        let events = ["begun", "go"].map(|name| (name.to_owned(), Event::new().unwrap()));
        Self {
            lock: Lock::new().unwrap(),
            rlock: RLock::new().unwrap(),
            semaphores: (Semaphore::new(0).unwrap(), Some(BoundedSemaphore::new(2).unwrap())),
            events: events.into(),
            condition: Condition::new().unwrap(),
            barrier: vec![Barrier::new(users).unwrap()],
        }
    }
}

#[mp::task]
fn use_all(kit: Kit, tally: Tally) {
    kit.semaphores.0.release().unwrap();
    kit.events["go"].wait();
    kit.barrier[0].wait().unwrap();
    {
        let guard = kit.condition.lock().unwrap();
        tally.add(2);
        kit.condition.notify_all(&guard).unwrap();
    }
    let _inside = kit.semaphores.1.as_ref().unwrap().lock().unwrap();
    for _ in 0..50 {
        let _guard = kit.lock.lock().unwrap();
        tally.add(0);
    }
    for _ in 0..50 {
        let (_outer, _inner) = (kit.rlock.lock().unwrap(), kit.rlock.lock().unwrap());
        tally.add(1);
    }
}

/// When all are there, so that they use everything at once.
fn let_them_go(kit: &Kit, tally: &Tally, users: u64) {
    for _ in 0..users {
        assert!(kit.semaphores.0.acquire_timeout(BOUNDED).unwrap());
    }
    kit.events["go"].set();
    let mut guard = kit.condition.lock().unwrap();
    kit.condition.wait_for(&mut guard, || tally.get(2) == users).unwrap();
}

#[mp::test]
fn sync_29_each_can_be_passed_to_several_children() {
    watched(|| {
        let (kit, tally) = (Kit::new(4), Tally::new());
        let children = [(); 4].map(|()| mp::spawn(use_all, (kit.clone(), tally.clone())).unwrap());
        let_them_go(&kit, &tally, 4);
        children.into_iter().for_each(|child| child.result().unwrap());
        assert_eq!((tally.get(0), tally.get(1)), (200, 200));
        assert_eq!(kit.semaphores.1.unwrap().value(), 2);
    });
}

#[mp::test]
fn sync_30_bey_31_each_can_be_given_to_workers_that_run_already() {
    watched(|| {
        let pool = Pool::new(3).unwrap();
        pool.apply(nothing, ()).unwrap();
        let (kit, tally) = (Kit::new(3), Tally::new());
        let calls = [(); 3].map(|()| pool.submit(use_all, (kit.clone(), tally.clone())));
        let_them_go(&kit, &tally, 3);
        calls.into_iter().for_each(|call| call.get().unwrap());
        assert_eq!((tally.get(0), tally.get(1)), (150, 150));
    });
}

#[mp::task]
fn nothing() {}

#[mp::task]
fn make() -> (Lock, Event, Semaphore) {
    let (lock, event) = (Lock::new().unwrap(), Event::new().unwrap());
    let semaphore = Semaphore::new(5).unwrap();
    event.set();
    (lock, event, semaphore)
}

#[mp::test]
fn sync_31_what_a_child_has_made_outlives_it() {
    watched(|| {
        let mut child = mp::spawn(make, ()).unwrap();
        let (lock, event, semaphore) = child.result().unwrap();
        child.close().unwrap();
        assert!(event.is_set());
        assert_eq!(semaphore.value(), 5);
        let kit = (lock.clone(), semaphore.clone());
        assert!(mp::spawn(use_them, kit).unwrap().result().unwrap());
        assert!(!lock.lock().unwrap().owner_died());
        assert_eq!(semaphore.value(), 4);
    });
}

#[mp::task]
fn use_them(lock: Lock, semaphore: Semaphore) -> bool {
    let _guard = lock.lock().unwrap();
    semaphore.acquire().is_ok()
}

#[mp::test]
fn sync_36_thousands_leave_nothing() {
    let program = scenario!(|| {
        drop((Lock::new().unwrap(), mp::spawn(nothing, ()).unwrap().result().unwrap()));
        let before = Footprint::now();
        let objects: Vec<_> =
            (0..2_000).map(|_| (Lock::new().unwrap(), Event::new().unwrap())).collect();
        let now = Footprint::now();
        assert_eq!(format!("{before:?}"), format!("{now:?}"), "objects have no descriptors");
        let guards: Vec<_> = objects.iter().map(|(lock, _)| lock.lock().unwrap()).collect();
        objects.iter().for_each(|(_, event)| event.set());
        assert!(objects.iter().all(|(_, event)| event.is_set()));
        drop(guards);
        let child = mp::spawn(take_all, objects).unwrap();
        assert_eq!(child.result().unwrap(), 2_000);
        drop(child);
        before.assert_restored(BOUNDED);
    });
    program.run().assert_success();
}

#[mp::task]
fn take_all(objects: Vec<(Lock, Event)>) -> usize {
    let usable = |(lock, event): &&(Lock, Event)| event.is_set() && lock.lock().is_ok();
    objects.iter().filter(usable).count()
}
