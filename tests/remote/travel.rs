//! MGR-12, MGR-06, MGR-07, MGR-21, BEY-40: proxies of another program's objects inside values, and who has them.

use std::sync::Barrier;
use std::thread;

use mp::{DictProxy, ErrorKind, ListProxy, LockProxy, Manager, QueueProxy};
use serde::{Deserialize, Serialize};

use crate::support::{repeat, scenario, wait_until};
use crate::{ADDRESS, KEY, LONG, address_of, at, connected, watched};

type Nested = DictProxy<String, ListProxy<u32>>;

/// What is put from either side.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Parcel {
    List(ListProxy<u32>),
    Queue(QueueProxy<ListProxy<u32>>),
    Lock(LockProxy),
    Number(u32),
}

#[mp::test]
fn mgr_06_mgr_07_what_another_program_puts_into_an_object_is_alive_there() {
    let program = scenario!(|| {
        let remote = connected();
        let dict: Nested = remote.lookup("dict").unwrap();
        // From here to there, and the last handle here is dropped.
        let own = remote.list_from([1, 2]).unwrap();
        dict.insert("theirs".into(), own.clone()).unwrap();
        drop(own);
        let again = dict.get(&"theirs".into()).unwrap().expect("it was put");
        again.push(3).unwrap();
        // From there to here.
        dict.get(&"ours".into()).unwrap().expect("it was put").push(8).unwrap();
        assert!(dict.get(&"theirs".into()).unwrap().unwrap().is_same(&again));
        assert_eq!(dict.keys().unwrap().len(), 2);
        let queue: QueueProxy<Parcel> = remote.lookup("queue").unwrap();
        let inner = remote.queue().unwrap();
        inner.put(again).unwrap();
        queue.put(Parcel::Queue(inner)).unwrap();
        queue.put(Parcel::Lock(remote.lock().unwrap())).unwrap();
        queue.put(Parcel::Number(1)).unwrap();
    });
    watched(|| {
        let manager = at("abstract:");
        let dict: Nested = manager.dict().unwrap();
        let ours = manager.list_from([7]).unwrap();
        dict.insert("ours".into(), ours.clone()).unwrap();
        manager.publish("dict", &dict).unwrap();
        let queue = manager.queue::<Parcel>().unwrap();
        manager.publish("queue", &queue).unwrap();
        program.env(ADDRESS, address_of(&manager)).run().assert_success();
        assert_eq!(ours.to_vec().unwrap(), [7, 8]);
        let theirs = dict.get(&"theirs".into()).unwrap().expect("the other program is gone");
        assert_eq!(theirs.to_vec().unwrap(), [1, 2, 3]);
        let Parcel::Queue(inner) = queue.get().unwrap() else { panic!("it was the first") };
        let list = inner.get().unwrap();
        assert!(list.is_same(&theirs));
        list.push(4).unwrap();
        assert_eq!(theirs.len().unwrap(), 4);
        let Parcel::Lock(lock) = queue.get().unwrap() else { panic!("it was the second") };
        // It works as one that was made here.
        drop(lock.lock().unwrap());
        assert!(!mp::spawn(is_locked, lock.clone()).unwrap().result().unwrap());
        // dict, ours, theirs, queue, inner, lock.
        assert_eq!(manager.number_of_objects().unwrap(), 6);
        drop((theirs, list));
        dict.clear().unwrap();
        drop((inner, lock));
        assert_eq!(manager.number_of_objects().unwrap(), 3);
    });
}

#[mp::task]
fn is_locked(lock: LockProxy) -> bool {
    lock.is_locked().expect("the server is there")
}

#[mp::task]
fn add(list: ListProxy<u32>, number: u32, depth: u32) -> Result<(), String> {
    list.push(number).map_err(|error| error.to_string())?;
    if depth > 0 {
        let deeper = mp::spawn(add, (list, number + 1, depth - 1));
        deeper.and_then(|process| process.result()).map_err(|error| error.to_string())??;
    }
    Ok(())
}

#[mp::task]
fn fetch(dict: Nested, queue: QueueProxy<u32>) -> mp::Result<ListProxy<u32>> {
    queue.put(queue.get()? + 1)?;
    let list = dict.get(&"inner".to_owned())?;
    list.ok_or_else(|| queue.try_get().unwrap_err())
}

#[mp::test]
fn bey_40_mgr_12_children_and_grandchildren_of_the_other_program_connect_by_themselves() {
    let program = scenario!(|| {
        // The key is not that of the tree, and children are told nothing of it.
        let remote = connected();
        let list = remote.list().unwrap();
        mp::spawn(add, (list.clone(), 0, 2)).unwrap().result().unwrap().unwrap();
        assert_eq!(list.to_vec().unwrap(), [0, 1, 2]);
        // Nested ones, as arguments, results and messages.
        let (dict, queue): (Nested, _) = (remote.dict().unwrap(), remote.queue().unwrap());
        dict.insert("inner".into(), list.clone()).unwrap();
        queue.put(1).unwrap();
        let pool = mp::Pool::new(2).unwrap();
        let found = pool.apply(fetch, (dict.clone(), queue.clone())).unwrap().unwrap();
        assert!(found.is_same(&list));
        assert_eq!(queue.get().unwrap(), 2);
        let local = mp::Queue::new().unwrap();
        local.put(found).unwrap();
        assert_eq!(local.get().unwrap().len().unwrap(), 3);
        // A manager of this program keeps them, too.
        let own = Manager::new().unwrap();
        let kept = own.list_from([list.clone()]).unwrap();
        kept.get(0).unwrap().unwrap().push(3).unwrap();
        assert_eq!(list.len().unwrap(), 4);
    });
    watched(|| {
        let manager = at("tcp://127.0.0.1:0");
        program.env(ADDRESS, address_of(&manager)).run().assert_success();
        wait_until(LONG, "the other program's objects go with it", || {
            manager.number_of_objects().unwrap() == 0
        });
    });
}

#[mp::task]
fn hold(list: ListProxy<u32>, ready: mp::Event, go: mp::Event) -> usize {
    ready.set();
    go.wait();
    list.len().expect("it is there")
}

#[mp::test]
fn mgr_21_references_of_another_program_are_counted() {
    let program = scenario!(|| {
        let remote = connected();
        let count = || remote.number_of_objects().unwrap();
        let list = remote.list_from([1]).unwrap();
        let dict: Nested = remote.dict().unwrap();
        assert_eq!(count(), 2);
        dict.insert("a".into(), list.clone()).unwrap();
        drop(list);
        assert_eq!(count(), 2);
        // Those that nobody looks at, and those of which there are many.
        assert_eq!(dict.keys().unwrap(), ["a"]);
        let many: Vec<_> = (0..10).map(|_| dict.get(&"a".into()).unwrap().unwrap()).collect();
        dict.clear().unwrap();
        assert_eq!(count(), 2);
        drop(many);
        assert_eq!(count(), 1);
        // What only another process of this program has.
        let list = remote.list_from([1, 2]).unwrap();
        let (ready, go) = (mp::Event::new().unwrap(), mp::Event::new().unwrap());
        let holder = mp::spawn(hold, (list, ready.clone(), go.clone())).unwrap();
        ready.wait();
        assert_eq!(count(), 2);
        go.set();
        assert_eq!(holder.result().unwrap(), 2);
        drop(holder);
        wait_until(LONG, "its object goes with it", || count() == 1);
    });
    watched(|| {
        let manager = at("abstract:");
        program.env(ADDRESS, address_of(&manager)).run().assert_success();
    });
}

#[mp::test]
fn mgr_25_what_cannot_leave_a_program_is_refused() {
    watched(|| {
        let (manager, other) = (at("abstract:"), at("abstract:"));
        let remote = Manager::connect(manager.address().unwrap(), KEY).unwrap();
        let elsewhere = Manager::connect(other.address().unwrap(), KEY).unwrap();
        let refused = |error: mp::Error, text: &str| {
            assert_eq!(error.kind(), ErrorKind::Encode, "{error}");
            assert!(error.to_string().contains(text), "{error}");
        };
        let list = remote.list::<Option<mp::Lock>>().unwrap();
        let between = "only travels between processes of one program";
        refused(list.push(Some(mp::Lock::new().unwrap())).unwrap_err(), between);
        let queue = remote.queue::<mp::Lock>().unwrap();
        refused(queue.put(mp::Lock::new().unwrap()).unwrap_err(), between);
        // Of another manager, be it this program's or not.
        let lists = remote.list::<ListProxy<u8>>().unwrap();
        refused(lists.push(manager.list().unwrap()).unwrap_err(), "does not travel");
        refused(lists.push(elsewhere.list().unwrap()).unwrap_err(), "to its own server");
        // What has been put there by who can.
        let mixed = manager.list::<ListProxy<u8>>().unwrap();
        mixed.push(other.list().unwrap()).unwrap();
        manager.publish("mixed", &mixed).unwrap();
        let mixed: ListProxy<ListProxy<u8>> = remote.lookup("mixed").unwrap();
        refused(mixed.get(0).unwrap_err(), between);
        let locks = manager.list_from([mp::Lock::new().unwrap()]).unwrap();
        manager.publish("locks", &locks).unwrap();
        let locks: ListProxy<mp::Lock> = remote.lookup("locks").unwrap();
        // In this test both sides are of one program, where it would mean something.
        assert!(locks.get(0).unwrap().is_some());
        let dict: Nested = remote.dict().unwrap();
        dict.insert("a".into(), remote.list().unwrap()).unwrap();
        let changed = dict.update(&"a".into(), |list| list).unwrap_err();
        assert_eq!(changed.kind(), ErrorKind::Unsupported, "{changed}");
        // Nothing of it has harmed anybody.
        lists.push(remote.list().unwrap()).unwrap();
        assert_eq!((lists.len().unwrap(), list.len().unwrap()), (1, 0));
    });
}

#[mp::test]
fn mgr_25_a_value_that_is_too_long_costs_nothing_else() {
    watched(|| {
        let manager = at("abstract:");
        let remote = Manager::connect(manager.address().unwrap(), KEY).unwrap();
        let queue = remote.queue::<Vec<u8>>().unwrap();
        let error = queue.put(vec![0; 1 << 30]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Encode, "{error}");
        assert!(error.to_string().contains("at most 1073741824 go at once"), "{error}");
        // What only its connection keeps is there.
        queue.put(vec![1]).unwrap();
        assert_eq!(queue.get().unwrap(), [1]);
    });
}

#[mp::test]
fn mgr_25_an_item_that_cannot_leave_its_program_stays_for_others() {
    watched(|| {
        let (manager, other) = (at("abstract:"), at("abstract:"));
        let remote = Manager::connect(manager.address().unwrap(), KEY).unwrap();
        let queue = manager.queue::<ListProxy<u8>>().unwrap();
        manager.publish("queue", &queue).unwrap();
        queue.put(other.list_from([1]).unwrap()).unwrap();
        let found: QueueProxy<ListProxy<u8>> = remote.lookup("queue").unwrap();
        for _ in 0..2 {
            assert_eq!(found.get_timeout(LONG).unwrap_err().kind(), ErrorKind::Encode);
        }
        assert_eq!(queue.get_timeout(LONG).unwrap().to_vec().unwrap(), [1]);
        assert_eq!(other.number_of_objects().unwrap(), 0);
    });
}

#[mp::test]
fn mgr_25_a_lock_of_another_program_is_no_lock_here() {
    let program = scenario!(|| {
        let locks: ListProxy<mp::Lock> = connected().lookup("locks").unwrap();
        let error = locks.get(0).unwrap_err();
        assert!(error.to_string().contains("another program"), "{error}");
        assert_eq!(locks.len().unwrap(), 1);
    });
    watched(|| {
        let manager = at("abstract:");
        let locks = manager.list_from([mp::Lock::new().unwrap()]).unwrap();
        manager.publish("locks", &locks).unwrap();
        program.env(ADDRESS, address_of(&manager)).run().assert_success();
    });
}

#[mp::test]
fn mgr_21_race_references_come_and_go_in_many_threads() {
    const THREADS: usize = 4;
    watched(|| {
        let manager = at("abstract:");
        let remote = Manager::connect(manager.address().unwrap(), KEY).unwrap();
        repeat(100, |_| {
            // Only `outer` has it, and then only those who got it there.
            let outer = remote.list_from([remote.list_from([1_u32, 2]).unwrap()]).unwrap();
            let together = Barrier::new(THREADS);
            thread::scope(|scope| {
                for number in 0..THREADS {
                    let (outer, together) = (&outer, &together);
                    scope.spawn(move || {
                        (0..number + 2).for_each(|_| drop(outer.get(0).unwrap()));
                        let inner: ListProxy<u32> = outer.get(0).unwrap().expect("it is there");
                        drop(outer.get(0).unwrap());
                        if together.wait().is_leader() {
                            outer.clear().unwrap();
                        }
                        together.wait();
                        assert_eq!(inner.len().unwrap(), 2);
                    });
                }
            });
        });
        wait_until(LONG, "none is left", || remote.number_of_objects().unwrap() == 0);
    });
}

#[mp::test]
fn mgr_21_a_thread_that_ends_leaves_nothing() {
    watched(|| {
        let manager = at("abstract:");
        let remote = Manager::connect(manager.address().unwrap(), KEY).unwrap();
        thread::scope(|scope| {
            for number in 0..20 {
                let remote = &remote;
                scope.spawn(move || {
                    let list = remote.list_from([number]).unwrap();
                    assert_eq!(list.get(0).unwrap(), Some(number));
                });
            }
        });
        // Each was given back by a connection of its own.
        wait_until(LONG, "all are given back", || remote.number_of_objects().unwrap() == 0);
    });
}
