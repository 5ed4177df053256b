//! Where the handles can go: to children, to workers that run already, back, at any depth; and that nothing stays.

use crate::support::{Footprint, scenario};
use crate::tally::Tally;
use crate::{BOUNDED, watched};
use mp::{
    Barrier, BoundedSemaphore, Condition, Connection, ErrorKind, Event, Lock, Pool, Queue, RLock,
    Receiver, Semaphore, channel, pipe,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

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

/// A message with one of each, somewhere in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Parcel {
    Kit(Box<Kit>),
    Many(Vec<(u64, Lock, Option<Event>)>),
    /// By a message in a message.
    Carried(Receiver<Parcel>),
}

fn unpack(parcel: Parcel) -> Parcel {
    match parcel {
        Parcel::Carried(receiver) => unpack(receiver.recv().unwrap()),
        other => other,
    }
}

/// A worker that gets its objects by messages, and sends them back.
#[mp::task]
fn serve(parcels: Queue<Parcel>, back: Connection<Parcel, ()>, tally: Tally) {
    for parcel in parcels.iter() {
        let parcel = unpack(parcel.unwrap());
        match &parcel {
            Parcel::Kit(kit) => use_all(Kit::clone(kit), tally.clone()),
            Parcel::Many(all) => {
                for (number, lock, event) in all {
                    let _guard = lock.lock().unwrap();
                    if let Some(event) = event {
                        event.set();
                    }
                    tally.add(*number);
                }
            }
            Parcel::Carried(_) => unreachable!("unpacked"),
        }
        back.send(parcel).unwrap();
    }
}

/// Sends them to two workers that run already.
fn with_servers(act: impl FnOnce(&Queue<Parcel>, &Connection<(), Parcel>, &Tally)) {
    let pool = Pool::new(2).unwrap();
    pool.apply(nothing, ()).unwrap();
    let (parcels, tally) = (Queue::new().unwrap(), Tally::new());
    let (own, other) = pipe().unwrap();
    let calls =
        [(); 2].map(|()| pool.submit(serve, (parcels.clone(), other.clone(), tally.clone())));
    drop(other);
    act(&parcels, &own, &tally);
    parcels.close_all();
    calls.into_iter().for_each(|call| call.get().unwrap());
    assert_eq!(own.recv().unwrap_err().kind(), ErrorKind::Disconnected);
}

#[mp::test]
fn sync_30_bey_31_each_can_be_in_a_message_to_workers_that_run_already() {
    watched(|| {
        with_servers(|parcels, back, tally| {
            let kit = Kit::new(2);
            parcels.put(Parcel::Kit(Box::new(kit.clone()))).unwrap();
            // The other worker's, in a message of a channel that is itself in one.
            let (sender, inner) = channel().unwrap();
            sender.send(Parcel::Kit(Box::new(kit.clone()))).unwrap();
            let (outer_sender, outer) = channel().unwrap();
            outer_sender.send(Parcel::Carried(inner)).unwrap();
            parcels.put(Parcel::Carried(outer)).unwrap();
            drop((sender, outer_sender));
            let_them_go(&kit, tally, 2);
            for _ in 0..2 {
                let Parcel::Kit(came) = back.recv().unwrap() else { panic!("a kit was sent") };
                assert!(came.events["go"].is_set());
                came.events["begun"].set();
            }
            assert!(kit.events["begun"].is_set());
            assert_eq!(kit.semaphores.1.as_ref().unwrap().value(), 2, "neither is inside any more");
            assert_eq!((tally.get(0), tally.get(1)), (100, 100));
        });
    });
}

#[mp::test]
fn sync_30_a_thousand_at_a_time_go_by_messages_and_come_back() {
    watched(|| {
        with_servers(|parcels, back, tally| {
            let all: Vec<_> = (0..1000)
                .map(|number| {
                    let event = (number % 3 == 0).then(|| Event::new().unwrap());
                    (number, Lock::new().unwrap(), event)
                })
                .collect();
            let held = all[10].1.lock().unwrap();
            for _ in 0..4 {
                parcels.put(Parcel::Many(all.clone())).unwrap();
            }
            assert!(!back.poll(Duration::from_millis(20)).unwrap(), "one of them is held here");
            drop(held);
            for _ in 0..4 {
                let Parcel::Many(came) = back.recv().unwrap() else { panic!("many were sent") };
                assert_eq!(came.len(), 1000);
                let same = came.iter().zip(&all).all(|(came, own)| {
                    let guard = came.1.lock().unwrap();
                    let same = own.1.is_locked();
                    drop(guard);
                    came.0 == own.0 && same && came.2.is_some() == own.2.is_some()
                });
                assert!(same, "each is the one that was sent");
            }
            assert!(all.iter().all(|(_, _, event)| event.as_ref().is_none_or(Event::is_set)));
            assert!((0..1000).all(|number| tally.get(number) == 4));
        });
    });
}

#[mp::test]
fn sync_30_objects_in_messages_that_nobody_takes_leave_nothing() {
    let program = scenario!(|| {
        drop((Lock::new().unwrap(), mp::spawn(nothing, ()).unwrap().result().unwrap()));
        let before = Footprint::now();
        let queue = Queue::new().unwrap();
        for number in 0..100 {
            queue.put(Parcel::Many(vec![(number, Lock::new().unwrap(), None); 10])).unwrap();
        }
        let Parcel::Many(first) = queue.get().unwrap() else { panic!("many were sent") };
        drop(queue);
        let _guard = first[9].1.lock().unwrap();
        assert!(first[0].1.is_locked());
        before.assert_restored(BOUNDED);
    });
    program.run().assert_success();
}
