//! MGR-27, BEY-40: servers that come after one another at an address, and what their clients have of it.

use mp::{DictProxy, ErrorKind, Manager, QueueProxy};

use crate::support::{Footprint, scenario, wait_until};
use crate::{KEY, LONG, address_of, at, watched};

#[mp::test]
fn mgr_27_a_server_can_be_started_at_once_where_another_has_ended() {
    watched(|| {
        let path = std::env::temp_dir().join(format!("mp-restart-{}.sock", std::process::id()));
        let path = format!("unix://{}", path.display());
        for address in ["tcp://127.0.0.1:0", "abstract:", &path] {
            let mut address = address.to_owned();
            for round in 0..5 {
                let manager = at(&address);
                address = address_of(&manager);
                let remote = Manager::connect(&*address, KEY).unwrap();
                let list = remote.list_from([round]).unwrap();
                if round % 2 == 0 {
                    // The side that closes first is the one whose port is kept from others.
                    manager.shutdown().unwrap();
                    assert_eq!(list.len().unwrap_err().kind(), ErrorKind::Disconnected);
                } else {
                    assert_eq!(list.to_vec().unwrap(), [round]);
                }
            }
        }
    });
}

#[mp::test]
fn mgr_27_two_servers_at_one_address_are_one_too_many() {
    watched(|| {
        let manager = at("tcp://127.0.0.1:0");
        let second = Manager::builder().address(manager.address().unwrap()).authkey(KEY).start();
        assert_eq!(second.unwrap_err().kind(), ErrorKind::AlreadyExists);
        manager.list_from([1]).unwrap();
    });
}

fn serving(address: &str, number: u32) -> Manager {
    let manager = at(address);
    let dict = manager.dict().unwrap();
    dict.insert("number".to_owned(), number).unwrap();
    manager.publish("dict", &dict).unwrap();
    manager
        .publish("queues", &vec![manager.queue::<u32>().unwrap(), manager.queue().unwrap()])
        .unwrap();
    manager
}

#[mp::test]
fn bey_40_proxies_find_a_server_again_if_they_are_to() {
    watched(|| {
        let manager = serving("tcp://127.0.0.1:0", 1);
        let address = address_of(&manager);
        let loyal = Manager::connect(&*address, KEY).unwrap();
        let remote = Manager::connector().reconnect(true).connect(&*address, KEY).unwrap();
        let number = "number".to_owned();
        let ended: DictProxy<String, u32> = loyal.lookup("dict").unwrap();
        let dict: DictProxy<String, u32> = remote.lookup("dict").unwrap();
        let queues: Vec<QueueProxy<u32>> = remote.lookup("queues").unwrap();
        let own = remote.list_from([1]).unwrap();
        assert_eq!(dict.get(&number).unwrap(), Some(1));
        manager.shutdown().unwrap();
        assert_eq!(dict.get(&number).unwrap_err().kind(), ErrorKind::Disconnected);
        assert_eq!(ended.get(&number).unwrap_err().kind(), ErrorKind::Disconnected);
        let manager = serving(&address, 2);
        assert_eq!(dict.get(&number).unwrap(), Some(2));
        queues[1].put(5).unwrap();
        let there: Vec<QueueProxy<u32>> = manager.lookup("queues").unwrap();
        assert_eq!((there[0].len().unwrap(), there[1].get().unwrap()), (0, 5));
        // What was not published is no more, nor is anything for who did not ask for it.
        let gone = own.len().unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::Disconnected);
        assert!(gone.to_string().contains("only what is published is found again"), "{gone}");
        let gone = ended.get(&number).unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::Disconnected, "{gone}");
        assert_eq!(remote.list_from([1]).unwrap().len().unwrap(), 1);
        drop((dict, queues, own, there));
        wait_until(LONG, "only what is published is there", || {
            manager.number_of_objects().unwrap() == 3
        });
        drop(ended);
    });
}

#[mp::test]
fn bey_40_a_value_takes_no_number_of_one_server_to_another() {
    watched(|| {
        let manager = serving("tcp://127.0.0.1:0", 1);
        let address = address_of(&manager);
        let remote = Manager::connector().reconnect(true).connect(&*address, KEY).unwrap();
        let own = remote.list_from([1_u32]).unwrap();
        let queues: Vec<QueueProxy<u32>> = remote.lookup("queues").unwrap();
        manager.shutdown().unwrap();
        let manager = serving(&address, 2);
        // Most likely it has the number that `own` had.
        let others = manager.list_from([2_u32]).unwrap();
        for kind in [ErrorKind::Disconnected, ErrorKind::Encode] {
            let error = remote.publish("own", &own).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            let text = error.to_string();
            assert!(text.contains("only what is published is found again"), "{text}");
        }
        assert_eq!(remote.unpublish("own").unwrap_err().kind(), ErrorKind::NotFound);
        // What was looked up is found by its name in a value, too.
        remote.publish("again", &queues).unwrap();
        let again: Vec<QueueProxy<u32>> = manager.lookup("again").unwrap();
        queues[1].put(5).unwrap();
        assert_eq!((again[1].get().unwrap(), others.to_vec().unwrap()), (5, vec![2]));
    });
}

#[mp::test]
fn bey_40_a_lock_stays_its_thread_s_whatever_is_not_found() {
    watched(|| {
        let manager = serving("tcp://127.0.0.1:0", 1);
        let address = address_of(&manager);
        let remote = Manager::connector().reconnect(true).connect(&*address, KEY).unwrap();
        let own = remote.list_from([1_u32]).unwrap();
        manager.shutdown().unwrap();
        let _manager = serving(&address, 2);
        let (lock, other) = (remote.lock().unwrap(), remote.lock().unwrap());
        lock.acquire().unwrap();
        assert_eq!(own.len().unwrap_err().kind(), ErrorKind::Disconnected);
        // It uses a connection that nobody has, and keeps that.
        std::thread::scope(|scope| scope.spawn(|| other.acquire().unwrap()).join().unwrap());
        lock.release().unwrap();
        assert!(!lock.is_locked().unwrap());
    });
}

#[mp::task]
fn same(dict: DictProxy<String, u32>) -> DictProxy<String, u32> {
    dict
}

#[mp::test]
fn bey_40_who_did_not_ask_for_it_does_not_find_a_server_again() {
    watched(|| {
        let manager = serving("tcp://127.0.0.1:0", 1);
        let address = address_of(&manager);
        let remote = Manager::connector().reconnect(true).connect(&*address, KEY).unwrap();
        let loyal = Manager::connect(&*address, KEY).unwrap();
        let found: DictProxy<String, u32> = remote.lookup("dict").unwrap();
        let ended = loyal.lookup("dict").unwrap();
        // Of two ways to one server, each has its own terms.
        let ended = mp::spawn(same, ended).unwrap().result().unwrap();
        let number = "number".to_owned();
        assert_eq!(ended.get(&number).unwrap(), Some(1));
        manager.shutdown().unwrap();
        let _manager = serving(&address, 2);
        assert_eq!(found.get(&number).unwrap(), Some(2));
        let gone = ended.get(&number).unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::Disconnected, "{gone}");
    });
}

#[mp::test]
fn bey_40_two_hundred_clients_at_once() {
    let program = scenario!(|| {
        let manager = at("tcp://127.0.0.1:0");
        let total = manager.value(0_u64).unwrap();
        manager.publish("total", &total).unwrap();
        let before = Footprint::now();
        std::thread::scope(|scope| {
            for number in 0..200 {
                let address = manager.address().unwrap();
                scope.spawn(move || {
                    let remote = Manager::connect(address, KEY).unwrap();
                    let total: mp::ValueProxy<u64> = remote.lookup("total").unwrap();
                    total.update(|total| total + number).unwrap();
                });
            }
        });
        assert_eq!(total.get().unwrap(), 199 * 100);
        before.assert_restored(LONG);
    });
    program.limit(LONG * 2).run().assert_success();
}
