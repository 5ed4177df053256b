//! Managed objects, and other shared ones, as values of managed objects; and when an object is gone.

use std::sync::Mutex;

use mp::{DictProxy, ErrorKind, Event, ListProxy, Sender};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::support::{kill, wait_until};
use crate::{LONG, manager, watched};

#[mp::test]
fn mgr_06_a_list_in_a_dict_stays_live() {
    watched(|| {
        let manager = manager();
        let outer = manager.dict::<String, ListProxy<u8>>().unwrap();
        let inner = manager.list_from([1]).unwrap();
        outer.insert("a".into(), inner.clone()).unwrap();
        let through = || outer.get(&"a".into()).unwrap().expect("it is there");
        through().push(2).unwrap();
        assert_eq!(inner.to_vec().unwrap(), [1, 2]);
        inner.push(3).unwrap();
        assert_eq!(format!("{outer:?}"), "{\"a\": [1, 2, 3]}");
        assert!(through().is_same(&inner) && !inner.is_same(&manager.list().unwrap()));
        mp::spawn(push_through, outer.clone()).unwrap().result().unwrap();
        assert_eq!(inner.to_vec().unwrap(), [1, 2, 3, 4]);
    });
}

#[mp::task]
fn push_through(outer: DictProxy<String, ListProxy<u8>>) {
    outer.get(&"a".into()).expect("it serves").expect("it is there").push(4).expect("it serves");
}

#[mp::test]
fn mgr_07_an_inner_object_lives_as_long_as_it_is_held() {
    watched(|| {
        let manager = manager();
        let objects = || manager.number_of_objects().unwrap();
        let outer = manager.dict::<u8, ListProxy<u8>>().unwrap();
        outer.insert(1, manager.list_from([7]).unwrap()).unwrap();
        assert_eq!(objects(), 2, "the dictionary is all that holds the list");
        let inner = outer.get(&1).unwrap().expect("it is there");
        outer.clear().unwrap();
        assert_eq!(inner.to_vec().unwrap(), [7], "somebody has a handle");
        assert_eq!(objects(), 2);
        drop(inner);
        assert_eq!(objects(), 1);
        // At any depth: each is held by the one before it.
        let chain = manager.list::<ListProxy<u8>>().unwrap();
        let middle = manager.list_from([manager.list_from([1]).unwrap()]).unwrap();
        let deep = manager.list_from([middle]).unwrap();
        chain.push(deep.get(0).unwrap().unwrap().get(0).unwrap().unwrap()).unwrap();
        assert_eq!(objects(), 5);
        drop(deep);
        assert_eq!(objects(), 3, "the innermost is in another one, too");
        assert_eq!(chain.get(0).unwrap().unwrap().to_vec().unwrap(), [1]);
        drop((chain, outer));
        assert_eq!(objects(), 0);
    });
}

/// Not only managed objects: whatever processes share.
#[mp::test]
fn mgr_06_events_in_a_dict_stay_live() {
    watched(|| {
        let manager = manager();
        let events = manager.dict::<u8, Event>().unwrap();
        mp::spawn(leave_an_event, events.clone()).unwrap().result().unwrap();
        let one = events.get(&1).unwrap().expect("its maker has ended, the server has it");
        let same = events.get(&1).unwrap().expect("it can be got again");
        one.set();
        assert!(same.is_set());
        drop((one, same));
        assert!(events.get(&1).unwrap().expect("nobody else has it").is_set());
    });
}

#[mp::task]
fn leave_an_event(events: DictProxy<u8, Event>) {
    events.insert(1, Event::new().expect("memory")).expect("it serves");
}

/// What is in the way of a `Sender` being gone is seen by its receiver: nobody asks the server.
#[mp::test]
fn mgr_07_what_was_in_a_container_goes_with_it() {
    watched(|| {
        let manager = manager();
        let (sender, receiver) = mp::channel::<u8>().unwrap();
        let inner = manager.list_from([sender]).unwrap();
        let outer = manager.dict_from([(1, inner)]).unwrap();
        assert_eq!(receiver.try_recv().unwrap_err().kind(), ErrorKind::Empty);
        outer.clear().unwrap();
        assert_eq!(receiver.recv().unwrap_err().kind(), ErrorKind::Disconnected);
    });
}

#[mp::test]
fn mgr_21_the_server_hears_of_a_killed_client_by_itself() {
    watched(|| {
        let manager = manager();
        let (sender, receiver) = mp::channel::<u8>().unwrap();
        let (list, ready) = (manager.list_from([sender]).unwrap(), Event::new().unwrap());
        // It has to say something, for the server to know it.
        let process = mp::spawn(use_and_keep, (list, ready.clone())).unwrap();
        ready.wait();
        assert_eq!(receiver.try_recv().unwrap_err().kind(), ErrorKind::Empty);
        let pid = i32::try_from(process.pid().expect("it was started")).unwrap();
        kill(pid, libc::SIGKILL).expect("it is there");
        assert_eq!(receiver.recv().unwrap_err().kind(), ErrorKind::Disconnected);
    });
}

/// One that never called is not known to the server, which looks for such when it has many objects.
#[mp::test]
fn mgr_21_objects_of_a_client_that_never_called_are_found() {
    watched(|| {
        let manager = manager();
        let (sender, receiver) = mp::channel::<u8>().unwrap();
        let (list, ready) = (manager.list_from([sender]).unwrap(), Event::new().unwrap());
        let process = mp::spawn(only_keep, (list, ready.clone())).unwrap();
        ready.wait();
        let pid = i32::try_from(process.pid().expect("it was started")).unwrap();
        kill(pid, libc::SIGKILL).expect("it is there");
        process.join().unwrap();
        let _many: Vec<_> = (0..100).map(|_| manager.list::<u8>().unwrap()).collect();
        assert_eq!(receiver.recv().unwrap_err().kind(), ErrorKind::Disconnected);
    });
}

#[mp::task]
fn only_keep(list: ListProxy<Sender<u8>>, ready: Event) {
    let _kept = list;
    ready.set();
    loop {
        std::thread::park();
    }
}

#[mp::task]
fn use_and_keep(list: ListProxy<Sender<u8>>, ready: Event) {
    assert_eq!(list.len().expect("it serves"), 1);
    ready.set();
    loop {
        std::thread::park();
    }
}

static REMOVES_FROM: Mutex<Option<DictProxy<u8, Racing>>> = Mutex::new(None);

/// An event which somebody takes out of the dictionary at the moment between its coming and its decoding.
struct Racing(Event);

impl Serialize for Racing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Racing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let dict = REMOVES_FROM.lock().unwrap().take();
        if let Some(dict) = dict {
            dict.clear().expect("it serves");
        }
        Event::deserialize(deserializer).map(Self)
    }
}

#[mp::test]
fn mgr_06_a_value_under_way_is_held() {
    watched(|| {
        let manager = manager();
        let dict = manager.dict_from([(1, Racing(Event::new().unwrap()))]).unwrap();
        *REMOVES_FROM.lock().unwrap() = Some(dict.clone());
        let Racing(event) = dict.get(&1).unwrap().expect("it was there when it was asked for");
        event.set();
        assert!(event.is_set() && dict.is_empty().unwrap());
    });
}

#[mp::task]
fn keep_until_killed(list: ListProxy<u8>, own: ListProxy<u8>, ready: Event) {
    let _kept = (list, own);
    ready.set();
    loop {
        std::thread::park();
    }
}

#[mp::test]
fn mgr_21_bey_41_what_a_killed_process_had_is_given_up() {
    watched(|| {
        let manager = manager();
        let objects = || manager.number_of_objects().unwrap();
        let (list, ready) = (manager.list::<u8>().unwrap(), Event::new().unwrap());
        let own = manager.list_from([1, 2]).unwrap();
        let process = mp::spawn(keep_until_killed, (list.clone(), own, ready.clone())).unwrap();
        ready.wait();
        assert_eq!(objects(), 2, "the child has one of them");
        let pid = i32::try_from(process.pid().expect("it was started")).unwrap();
        kill(pid, libc::SIGKILL).expect("it is there");
        process.join().unwrap();
        wait_until(LONG, "the server gives it up", || objects() == 1);
        list.push(1).expect("the other is there");
    });
}

#[mp::test]
fn mgr_21_dropped_handles_count_wherever_they_are() {
    watched(|| {
        let manager = manager();
        let objects = || manager.number_of_objects().unwrap();
        let one = manager.dict::<u8, u8>().unwrap();
        let other = one.clone();
        drop(one);
        assert_eq!(objects(), 1);
        drop(other);
        assert_eq!(objects(), 0);
        // In a queue it is held by nobody else.
        let queue = mp::Queue::new().unwrap();
        queue.put(manager.list_from([5]).unwrap()).unwrap();
        assert_eq!(objects(), 1);
        let list: ListProxy<u8> = queue.get().unwrap();
        assert_eq!(list.to_vec().unwrap(), [5]);
        queue.put(list).unwrap();
        drop(queue);
        assert_eq!(objects(), 0, "the queue is gone with what was in it");
    });
}
