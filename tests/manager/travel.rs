//! Proxies in other processes, from several threads, in many calls at once; values that do not travel.

use std::sync::Barrier;
use std::thread;

use mp::{DictProxy, ErrorKind, ListProxy};
use serde::{Deserialize, Serialize, Serializer};

use crate::{manager, watched};

#[derive(Serialize, Deserialize)]
struct Desk {
    papers: Vec<ListProxy<String>>,
    notes: Option<DictProxy<u8, String>>,
}

#[mp::task]
fn work_at(desk: Desk) -> Desk {
    desk.papers[0].push("read".into()).expect("it serves");
    if let Some(notes) = &desk.notes {
        notes.insert(1, "done".into()).expect("it serves");
    }
    desk
}

#[mp::test]
fn mgr_12_proxies_travel_by_every_way() {
    watched(|| {
        let manager = manager();
        let (papers, notes) = (manager.list().unwrap(), manager.dict().unwrap());
        let desk = || Desk { papers: vec![papers.clone()], notes: Some(notes.clone()) };
        mp::spawn(work_at, desk()).unwrap().result().unwrap();
        let pool = mp::Pool::new(2).unwrap();
        let back = pool.apply(work_at, desk()).unwrap();
        back.papers[0].push("back".into()).unwrap();
        pool.map(work_at, [desk(), desk()]).unwrap();
        let (queue, (one, other)) = (mp::Queue::new().unwrap(), mp::pipe::<Desk, ()>().unwrap());
        queue.put(desk()).unwrap();
        one.send(queue.get().unwrap()).unwrap();
        work_at(other.recv().unwrap());
        let boxed = manager.list_from([desk()]).unwrap();
        work_at(boxed.get(0).unwrap().expect("it is there"));
        let counts = ["read", "back"].map(|text| papers.count(&text.to_owned()).unwrap());
        assert_eq!(counts, [6, 1]);
        assert_eq!(notes.to_map().unwrap().len(), 1);
    });
}

/// A child's child has it by the same way.
#[mp::task]
fn pass_on(list: ListProxy<u32>, depth: u32) {
    list.push(depth).expect("it serves");
    if depth > 0 {
        mp::spawn(pass_on, (list, depth - 1)).expect("it starts").result().expect("it returns");
    }
}

#[mp::test]
fn bey_40_children_of_children_use_what_they_are_given() {
    watched(|| {
        let manager = manager();
        let list = manager.list().unwrap();
        mp::spawn(pass_on, (list.clone(), 3)).unwrap().result().unwrap();
        assert_eq!(list.to_vec().unwrap(), [3, 2, 1, 0]);
    });
}

#[mp::test]
fn mgr_13_eight_threads_use_one_proxy() {
    watched(|| {
        let manager = manager();
        let (dict, start) = (manager.dict::<u64, u64>().unwrap(), Barrier::new(8));
        thread::scope(|scope| {
            for thread in 0..8 {
                let (dict, start) = (&dict, &start);
                scope.spawn(move || {
                    start.wait();
                    for number in 0..50 {
                        let key = thread * 1000 + number;
                        assert_eq!(dict.insert(key, key * 2).unwrap(), None);
                        assert_eq!(dict.get(&key).unwrap(), Some(key * 2));
                    }
                });
            }
        });
        assert_eq!(dict.len().unwrap(), 400);
    });
}

#[mp::task]
fn count_up(dict: DictProxy<String, u64>, times: u64) {
    for _ in 0..times {
        dict.update(&"n".into(), |n| Some(n.unwrap_or(0) + 1)).expect("it serves");
    }
}

#[mp::test]
fn mgr_14_updates_of_four_processes_lose_nothing() {
    watched(|| {
        let manager = manager();
        let dict = manager.dict().unwrap();
        let processes: Vec<_> =
            (0..4).map(|_| mp::spawn(count_up, (dict.clone(), 200)).unwrap()).collect();
        processes.iter().for_each(|process| process.result().unwrap());
        assert_eq!(dict.get(&"n".into()).unwrap(), Some(800));
    });
}

#[mp::task]
fn modify_often(list: ListProxy<u64>, times: u64) {
    for _ in 0..times {
        list.modify(|values| values.push(values.len() as u64)).expect("it serves");
    }
}

#[mp::test]
fn mgr_14_a_whole_list_is_modified_in_one_step() {
    watched(|| {
        let manager = manager();
        let list = manager.list().unwrap();
        let processes: Vec<_> =
            (0..4).map(|_| mp::spawn(modify_often, (list.clone(), 50)).unwrap()).collect();
        processes.iter().for_each(|process| process.result().unwrap());
        assert_eq!(list.to_vec().unwrap(), (0..200).collect::<Vec<_>>());
    });
}

/// Encodes as long as it is even.
#[derive(Debug, Deserialize)]
struct Even(u32);

impl Serialize for Even {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let even = self.0.is_multiple_of(2).then_some(self.0);
        let odd = || serde::ser::Error::custom("it is odd");
        serializer.serialize_newtype_struct("Even", &even.ok_or_else(odd)?)
    }
}

#[mp::test]
fn mgr_24_what_does_not_encode_is_an_error_at_once() {
    watched(|| {
        let manager = manager();
        let list = manager.list_from([Even(2)]).unwrap();
        let error = list.push(Even(3)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Encode);
        assert!(error.to_string().contains("it is odd"), "{error}");
        let mixed = [Even(4), Even(5)];
        assert_eq!(list.extend(mixed).unwrap_err().kind(), ErrorKind::Encode);
        assert_eq!(list.len().unwrap(), 1, "nothing of it has come");
        let file = mp::Fd::new(std::fs::File::open("/dev/null").unwrap());
        let files = manager.list::<mp::Fd<std::fs::File>>().unwrap();
        let error = files.push(file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Encode);
        assert!(error.to_string().contains("descriptors"), "{error}");
        list.push(Even(6)).expect("the server goes on");
    });
}

#[mp::test]
fn mgr_13_large_values_pass() {
    watched(|| {
        let manager = manager();
        let dict = manager.dict::<u8, Vec<u8>>().unwrap();
        let large: Vec<u8> = (0..20_000_000_u32).map(|n| (n % 251) as u8).collect();
        dict.insert(1, large.clone()).unwrap();
        assert!(dict.get(&1).unwrap().is_some_and(|got| got == large));
        assert!(dict.remove(&1).unwrap().is_some_and(|got| got == large));
    });
}
