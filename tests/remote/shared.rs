//! MGR-25, MGR-10, MGR-13: what two programs do with the same objects.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use mp::{
    ArrayProxy, BarrierProxy, BoundedSemaphoreProxy, ConditionProxy, DictProxy, ErrorKind,
    EventProxy, ListProxy, LockProxy, Manager, NamespaceProxy, QueueProxy, RLockProxy,
    SemaphoreProxy, SetProxy, ValueProxy,
};
use serde::{Deserialize, Serialize};

use crate::support::{example, scenario};
use crate::{ADDRESS, KEY, LONG, address_of, at, connected, watched};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Item {
    Text(String),
    Nothing,
    Float(f64),
    Bytes(Vec<u8>),
}

fn items() -> Vec<Item> {
    vec![
        Item::Text("hallå välden".into()),
        Item::Nothing,
        Item::Float(123.5),
        Item::Bytes(vec![0, 255, 7]),
    ]
}

#[mp::test]
fn mgr_25_another_program_shares_a_queue() {
    let program = scenario!(|| {
        let remote = connected();
        let (to, from): (QueueProxy<Item>, QueueProxy<Item>) =
            (remote.lookup("to").unwrap(), remote.lookup("from").unwrap());
        let (bytes, sum): (QueueProxy<Vec<u8>>, QueueProxy<u64>) =
            (remote.lookup("bytes").unwrap(), remote.queue().unwrap());
        for item in &from {
            to.put(item.unwrap()).unwrap();
        }
        assert_eq!(from.get().unwrap_err().kind(), ErrorKind::Closed);
        bytes.put(vec![1; 100_000]).unwrap();
        sum.put(1).unwrap();
        assert_eq!(sum.get().unwrap(), 1);
    });
    watched(|| {
        for address in ["tcp://127.0.0.1:0", "abstract:"] {
            let manager = at(address);
            let (to, from) = (manager.queue::<Item>().unwrap(), manager.queue::<Item>().unwrap());
            let bytes = manager.queue::<Vec<u8>>().unwrap();
            manager.publish("to", &to).unwrap();
            manager.publish("from", &from).unwrap();
            manager.publish("bytes", &bytes).unwrap();
            let running = program.clone().env(ADDRESS, address_of(&manager)).start();
            for item in items() {
                from.put(item.clone()).unwrap();
                assert_eq!(to.get().unwrap(), item);
            }
            from.close_all().unwrap();
            assert_eq!(bytes.get().unwrap(), vec![1; 100_000]);
            running.finish().assert_success();
        }
    });
}

#[mp::test]
fn mgr_25_the_example_of_two_programs_gets_all_its_results() {
    let finished = example("remote_manager").run();
    finished.assert_success();
    assert_eq!(finished.value("20 results, "), "the last of them 400");
}

#[mp::test]
fn mgr_25_a_path_serves_and_its_file_is_gone_afterwards() {
    watched(|| {
        let path = std::env::temp_dir().join(format!("mp-remote-{}.sock", std::process::id()));
        let manager = Manager::builder().address(&*path).authkey(KEY).start().unwrap();
        let remote = Manager::connect(&*path, KEY).unwrap();
        remote.set().unwrap().insert(1).unwrap();
        assert!(path.exists());
        manager.shutdown().unwrap();
        assert!(!path.exists());
    });
}

/// One of each, as they are published.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct All {
    dict: DictProxy<String, u32>,
    list: ListProxy<u32>,
    set: SetProxy<u32>,
    namespace: NamespaceProxy,
    value: ValueProxy<String>,
    array: ArrayProxy<u8>,
    queue: QueueProxy<u32>,
    lock: LockProxy,
    rlock: RLockProxy,
    semaphore: SemaphoreProxy,
    bounded: BoundedSemaphoreProxy,
    event: EventProxy,
    condition: ConditionProxy,
    barrier: BarrierProxy,
}

impl All {
    fn of(manager: &Manager) -> Self {
        let lock = manager.lock().unwrap();
        Self {
            dict: manager.dict().unwrap(),
            list: manager.list().unwrap(),
            set: manager.set().unwrap(),
            namespace: manager.namespace().unwrap(),
            value: manager.value("one".to_owned()).unwrap(),
            array: manager.array([1, 2, 3]).unwrap(),
            queue: manager.bounded_queue(2).unwrap(),
            condition: manager.condition_with_lock(&lock).unwrap(),
            lock,
            rlock: manager.rlock().unwrap(),
            semaphore: manager.semaphore(1).unwrap(),
            bounded: manager.bounded_semaphore(1).unwrap(),
            event: manager.event().unwrap(),
            barrier: manager.barrier(2).unwrap(),
        }
    }

    /// The same to do for each, by one program alone.
    fn try_all(&self) {
        let short = Duration::from_millis(20);
        assert_eq!(self.dict.insert("a".into(), 1).unwrap(), None);
        assert_eq!(self.dict.update(&"a".into(), |n| n.map(|n| n + 1)).unwrap(), Some(2));
        assert_eq!(self.dict.to_map().unwrap(), HashMap::from([("a".to_owned(), 2)]));
        self.list.extend(0..5).unwrap();
        self.list.reverse().unwrap();
        assert_eq!(self.list.to_vec().unwrap(), [4, 3, 2, 1, 0]);
        assert_eq!(self.list.set(9, 1).unwrap_err().kind(), ErrorKind::InvalidArgument);
        assert!(self.set.insert(7).unwrap() && self.set.contains(&7).unwrap());
        self.namespace.set("name", "value".to_owned()).unwrap();
        assert_eq!(self.namespace.get::<String>("name").unwrap(), "value");
        assert_eq!(self.namespace.get::<u8>("none").unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(self.value.replace("two".into()).unwrap(), "one");
        assert_eq!(self.array.to_vec().unwrap(), [1, 2, 3]);
        self.try_queue(short);
        self.try_locks(short);
        assert!(!self.event.wait_timeout(short).unwrap());
        self.event.set().unwrap();
        self.event.wait().unwrap();
        assert!(self.event.is_set().unwrap());
        self.event.clear().unwrap();
        assert_eq!(self.barrier.parties().unwrap(), 2);
        assert_eq!(self.barrier.wait_timeout(short).unwrap_err().kind(), ErrorKind::Broken);
        assert!(self.barrier.broken().unwrap());
        self.barrier.reset().unwrap();
        assert_eq!(self.barrier.n_waiting().unwrap(), 0);
    }

    fn try_queue(&self, short: Duration) {
        let queue = &self.queue;
        assert_eq!(queue.try_get().unwrap_err().kind(), ErrorKind::Empty);
        let begun = Instant::now();
        assert_eq!(queue.get_timeout(short).unwrap_err().kind(), ErrorKind::Empty);
        assert!(begun.elapsed() >= short);
        queue.put(1).unwrap();
        queue.try_put(2).unwrap();
        let full = queue.try_put(3).unwrap_err();
        assert_eq!((full.kind(), full.into_inner()), (ErrorKind::Full, 3));
        assert_eq!(queue.put_timeout(3, short).unwrap_err().kind(), ErrorKind::Full);
        assert_eq!((queue.len().unwrap(), queue.capacity().unwrap()), (2, Some(2)));
        assert!(queue.is_full().unwrap() && !queue.is_empty().unwrap());
        assert!(!queue.join_timeout(short).unwrap());
        assert_eq!((queue.get().unwrap(), queue.get().unwrap()), (1, 2));
        queue.task_done().unwrap();
        queue.task_done().unwrap();
        queue.join().unwrap();
        assert_eq!(queue.task_done().unwrap_err().kind(), ErrorKind::InvalidArgument);
    }

    fn try_locks(&self, short: Duration) {
        assert_eq!(self.lock.release().unwrap_err().kind(), ErrorKind::NotOwner);
        let guard = self.lock.lock().unwrap();
        assert!(!guard.owner_died() && self.lock.is_locked().unwrap());
        assert!(!self.lock.try_acquire().unwrap());
        assert_eq!(self.lock.lock().unwrap_err().kind(), ErrorKind::InvalidArgument);
        // Another thread has another connection, and so is another owner.
        thread::scope(|scope| {
            let other = || {
                assert_eq!(self.lock.release().unwrap_err().kind(), ErrorKind::NotOwner);
                assert!(self.lock.lock_timeout(short).unwrap().is_none());
            };
            scope.spawn(other).join().expect("as it should be");
        });
        drop(guard);
        assert!(!self.lock.is_locked().unwrap());
        let (outer, inner) = (self.rlock.lock().unwrap(), self.rlock.lock().unwrap());
        drop(outer);
        assert!(self.rlock.is_locked().unwrap());
        drop(inner);
        assert!(!self.rlock.is_locked().unwrap());
        self.semaphore.acquire().unwrap();
        assert!(!self.semaphore.acquire_timeout(short).unwrap());
        self.semaphore.release().unwrap();
        assert_eq!(self.semaphore.value().unwrap(), 1);
        assert_eq!(self.bounded.release().unwrap_err().kind(), ErrorKind::NotOwner);
        let mut guard = self.condition.lock().unwrap();
        assert!(self.lock.is_locked().unwrap());
        assert!(!self.condition.wait_timeout(&mut guard, short).unwrap());
        assert!(!self.condition.wait_for_timeout(&mut guard, short, || false).unwrap());
        drop(guard);
        assert!(!self.lock.is_locked().unwrap());
    }
}

#[mp::test]
fn mgr_25_mgr_10_all_kinds_act_over_a_socket_as_they_do_here() {
    let program = scenario!(|| {
        let remote = connected();
        remote.lookup::<All>("all").unwrap().try_all();
        // And those that are made from here.
        All::of(&remote).try_all();
    });
    watched(|| {
        let manager = at("abstract:");
        let all = All::of(&manager);
        manager.publish("all", &all).unwrap();
        program.env(ADDRESS, address_of(&manager)).run().assert_success();
        assert_eq!(all.dict.get(&"a".to_owned()).unwrap(), Some(2));
        assert_eq!(all.value.get().unwrap(), "two");
        let before = All::of(&manager);
        before.try_all();
    });
}

#[mp::test]
fn mgr_25_both_programs_wait_for_each_other() {
    let program = scenario!(|| {
        let all: All = connected().lookup("all").unwrap();
        all.event.wait().unwrap();
        assert_eq!(all.barrier.wait().unwrap(), 1);
        {
            let mut guard = all.condition.lock().unwrap();
            all.dict.insert("ready".into(), 1).unwrap();
            all.condition.wait_for(&mut guard, || all.dict.len().unwrap() == 2).unwrap();
        }
        let _guard = all.condition.lock().unwrap();
        all.dict.clear().unwrap();
        all.condition.notify_all(&_guard).unwrap();
    });
    watched(|| {
        let manager = at("tcp://127.0.0.1:0");
        let all = All::of(&manager);
        manager.publish("all", &all).unwrap();
        let running = program.env(ADDRESS, address_of(&manager)).start();
        thread::scope(|scope| {
            scope.spawn(|| all.event.set().unwrap());
            assert_eq!(all.barrier.wait_timeout(LONG).unwrap(), 0);
            let mut guard = all.condition.lock().unwrap();
            while all.dict.is_empty().unwrap() {
                drop(guard);
                thread::yield_now();
                guard = all.condition.lock().unwrap();
            }
            all.dict.insert("go".into(), 1).unwrap();
            all.condition.notify_one(&guard).unwrap();
            let empty = || all.dict.is_empty().unwrap();
            assert!(all.condition.wait_for_timeout(&mut guard, LONG, empty).unwrap());
        });
        running.finish().assert_success();
    });
}

#[mp::test]
fn mgr_13_a_call_that_waits_holds_up_no_other() {
    let program = scenario!(|| {
        let remote = connected();
        let (queue, done) = (remote.queue::<u32>().unwrap(), remote.event().unwrap());
        let total = remote.value(0).unwrap();
        thread::scope(|scope| {
            for _ in 0..8 {
                let (queue, done, total) = (queue.clone(), done.clone(), total.clone());
                scope.spawn(move || {
                    let number = queue.get().unwrap();
                    total.update(|total| total + number).unwrap();
                    done.wait().unwrap();
                });
            }
            (0..8).for_each(|number| queue.put(number).unwrap());
            while total.get().unwrap() != 28 {
                thread::yield_now();
            }
            done.set().unwrap();
        });
    });
    watched(|| {
        let manager = at("abstract:");
        program.env(ADDRESS, address_of(&manager)).run().assert_success();
        assert_eq!(manager.list::<u8>().unwrap().len().unwrap(), 0);
    });
}

#[mp::test]
fn mgr_25_names_are_looked_up_with_their_types() {
    watched(|| {
        let manager = at("abstract:");
        let remote = Manager::connect(manager.address().unwrap(), KEY).unwrap();
        let kind = |error: mp::Error| (error.kind(), error.to_string());
        let (missing, text) = kind(remote.lookup::<LockProxy>("lock").unwrap_err());
        assert_eq!((missing, &*text), (ErrorKind::NotFound, "nothing is published as \"lock\""));
        manager.publish("queue", &manager.queue::<String>().unwrap()).unwrap();
        let (other, text) = kind(remote.lookup::<QueueProxy<u32>>("queue").unwrap_err());
        assert_eq!(other, ErrorKind::InvalidArgument);
        assert!(text.contains("`QueueProxy<String>`, and not as `QueueProxy<u32>`"), "{text}");
        let twice = manager.publish("queue", &1).unwrap_err();
        assert_eq!(twice.kind(), ErrorKind::AlreadyExists);
        let queue: QueueProxy<String> = remote.lookup("queue").unwrap();
        // What is published from elsewhere is found here.
        remote.publish("list", &remote.list_from([1]).unwrap()).unwrap();
        assert_eq!(manager.lookup::<ListProxy<i32>>("list").unwrap().to_vec().unwrap(), [1]);
        manager.unpublish("queue").unwrap();
        assert_eq!(manager.unpublish("queue").unwrap_err().kind(), ErrorKind::NotFound);
        // Who has it keeps it.
        queue.put("still".into()).unwrap();
    });
}
