//! Watching a key of a managed dictionary.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use mp::{DictProxy, DictWatcher, ErrorKind, Event, ManagerBuilder, QueueProxy};

use crate::support::{Footprint, kill, scenario, state_of, wait_until};
use crate::{LONG, manager, watched};

fn key() -> String {
    "key".to_owned()
}

#[track_caller]
fn assert_no_change(watcher: &mut DictWatcher<u32>) {
    assert_eq!(watcher.try_recv().unwrap_err().kind(), ErrorKind::Empty);
}

#[mp::test]
fn bey_43_a_watcher_gives_each_change_of_its_key() {
    watched(|| {
        let manager = manager();
        let dict = manager.dict_from([(key(), 1_u32)]).unwrap();
        let mut watcher = dict.watch(&key()).unwrap();
        assert_no_change(&mut watcher);
        let mut is_told = |change: &dyn Fn(), now: Option<u32>| {
            change();
            assert_eq!(watcher.recv().unwrap(), now);
            assert_no_change(&mut watcher);
            assert_eq!(dict.get(&key()).unwrap(), now);
        };
        is_told(&|| drop(dict.insert(key(), 2)), Some(2));
        is_told(&|| drop(dict.insert(key(), 2)), Some(2));
        is_told(&|| drop(dict.remove(&key())), None);
        is_told(&|| drop(dict.get_or_insert(key(), 3)), Some(3));
        is_told(&|| dict.extend([("x".to_owned(), 0), (key(), 4)]).unwrap(), Some(4));
        is_told(&|| drop(dict.update(&key(), |now| now.map(|now| now + 1))), Some(5));
        is_told(&|| drop(dict.update_by(&key(), add, 1)), Some(6));
        is_told(&|| drop(dict.fetch_add(&key(), 1)), Some(7));
        is_told(&|| drop(dict.compare_exchange(&key(), Some(&7), Some(&8))), Some(8));
        is_told(&|| dict.clear().unwrap(), None);
        is_told(&|| drop(dict.insert(key(), 9)), Some(9));
        is_told(&|| assert_eq!(dict.pop_item().unwrap(), Some((key(), 9))), None);
        is_told(&|| drop(dict.insert(key(), 10)), Some(10));
        is_told(&|| drop(dict.remove_many([&key()])), None);
        // What changes nothing there is no change.
        dict.insert("other".to_owned(), 1).unwrap();
        dict.remove(&key()).unwrap();
        dict.get(&key()).unwrap();
        dict.clear().unwrap();
        let refused = dict.compare_exchange(&key(), Some(&7), Some(&8)).unwrap();
        assert_eq!(refused, Err(None));
        assert_no_change(&mut watcher);
    });
}

#[mp::task]
fn add(now: Option<u32>, more: u32) -> Option<u32> {
    now.map(|now| now + more)
}

#[mp::test]
fn bey_43_a_slow_watcher_gets_the_latest_value() {
    watched(|| {
        let manager = manager();
        let dict = manager.dict::<String, u32>().unwrap();
        let (mut slow, mut quick) = (dict.watch(&key()).unwrap(), dict.watch(&key()).unwrap());
        let mut other = dict.watch(&"other".to_owned()).unwrap();
        for number in 0..1000 {
            dict.insert(key(), number).unwrap();
            if number % 100 == 0 {
                assert_eq!(quick.recv().unwrap(), Some(number));
            }
        }
        assert_eq!((slow.recv().unwrap(), quick.recv().unwrap()), (Some(999), Some(999)));
        assert_no_change(&mut slow);
        assert_no_change(&mut other);
    });
}

/// Changes the key when it is told to, so many times.
#[mp::task]
fn insert_all(dict: DictProxy<String, u32>, go: QueueProxy<u32>) {
    for number in go.iter() {
        dict.insert(key(), number.expect("a number")).expect("it serves");
    }
}

#[mp::test]
fn bey_43_who_waits_for_a_change_sleeps_until_it_comes() {
    watched(|| {
        let manager = manager();
        let dict = manager.dict::<String, u32>().unwrap();
        let go = manager.queue().unwrap();
        let process = mp::spawn(insert_all, (dict.clone(), go.clone())).unwrap();
        let mut watcher = dict.watch(&key()).unwrap();
        let short = Duration::from_millis(50);
        assert_eq!(watcher.recv_timeout(short).unwrap_err().kind(), ErrorKind::Empty);
        for number in 0..50 {
            go.put(number).unwrap();
            assert_eq!(watcher.recv_timeout(LONG).unwrap(), Some(number));
        }
        assert_eq!(mp::wait(&[&watcher], Some(short)).unwrap(), []);
        go.put(50).unwrap();
        assert_eq!(mp::wait(&[&process, &watcher], None).unwrap(), [1]);
        assert_eq!(watcher.try_recv().unwrap(), Some(50));
        assert_eq!(mp::wait(&[&watcher], Some(Duration::ZERO)).unwrap(), [], "that was it");
        go.close_all().unwrap();
        process.join().unwrap();
    });
}

#[mp::test]
fn bey_43_a_change_can_be_awaited() {
    struct Unpark(thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    watched(|| {
        let manager = manager();
        let dict = manager.dict::<String, u32>().unwrap();
        let mut watcher = dict.watch(&key()).unwrap();
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        for number in 0..5 {
            let mut change = pin!(watcher.recv_async());
            assert!(change.as_mut().poll(&mut context).is_pending(), "there was none");
            dict.insert(key(), number).unwrap();
            let now = loop {
                match change.as_mut().poll(&mut context) {
                    Poll::Ready(now) => break now.unwrap(),
                    Poll::Pending => thread::park(),
                }
            };
            assert_eq!(now, Some(number));
        }
        manager.shutdown().unwrap();
        let mut end = pin!(watcher.recv_async());
        let Poll::Ready(end) = end.as_mut().poll(&mut context) else { panic!("it has ended") };
        assert_eq!(end.unwrap_err().kind(), ErrorKind::Disconnected);
    });
}

/// No change is lost, whatever comes between: the last one is always seen.
#[mp::test]
fn bey_43_the_last_change_is_seen_race() {
    watched(|| {
        let manager = manager();
        let dict = manager.dict_from([(key(), 0)]).unwrap();
        let mut watcher = dict.watch(&key()).unwrap();
        crate::support::repeat(200, |_| {
            thread::scope(|scope| {
                scope.spawn(|| {
                    for number in 0..5 {
                        dict.insert(key(), number).unwrap();
                    }
                });
                while watcher.recv_timeout(LONG).unwrap() != Some(4) {}
            });
        });
        assert_no_change(&mut watcher);
    });
}

#[mp::task]
fn watch_until_the_end(dict: DictProxy<String, u32>, ready: Event, changed: Event) -> (u32, bool) {
    let mut watcher = dict.watch(&key()).expect("it serves");
    ready.set();
    let first = watcher.recv().expect("a change").expect("a value");
    changed.set();
    let rest = watcher.by_ref().map(|change| change.expect("it travels"));
    let end = rest.last().is_none_or(|last| last == Some(first));
    (first, end && watcher.recv().unwrap_err().kind() == ErrorKind::Disconnected)
}

#[mp::test]
fn mgr_29_watchers_end_with_the_server() {
    watched(|| {
        for by_kill in [true, false] {
            let manager = ManagerBuilder::default().start().unwrap();
            let dict = manager.dict::<String, u32>().unwrap();
            let (ready, changed) = (Event::new().unwrap(), Event::new().unwrap());
            let arguments = (dict.clone(), ready.clone(), changed.clone());
            let process = mp::spawn(watch_until_the_end, arguments).unwrap();
            ready.wait();
            dict.insert(key(), 5).unwrap();
            changed.wait();
            let pid = process.pid().unwrap().cast_signed();
            wait_until(LONG, "it waits again", || state_of(pid) == Some('S'));
            if by_kill {
                let server = i32::try_from(manager.pid().unwrap()).unwrap();
                kill(server, libc::SIGKILL).expect("it is there");
            } else {
                manager.shutdown().unwrap();
            }
            assert_eq!(process.result().unwrap(), (5, true));
        }
    });
}

#[mp::task]
fn watch_and_stay(dict: DictProxy<String, u32>, ready: Event) {
    let mut watchers: Vec<_> = (0..10).map(|_| dict.watch(&key()).expect("it serves")).collect();
    ready.set();
    let _ = watchers[9].recv();
    loop {
        thread::park();
    }
}

#[mp::test]
fn mgr_21_watchers_go_with_those_who_have_them() {
    watched(|| {
        let manager = manager();
        let objects = || manager.number_of_objects().unwrap();
        let dict = manager.dict::<String, u32>().unwrap();
        let watcher = dict.watch(&key()).unwrap();
        let mut stays = dict.watch(&key()).unwrap();
        assert_eq!(objects(), 3);
        drop(watcher);
        assert_eq!(objects(), 2);
        let ready = Event::new().unwrap();
        let process = mp::spawn(watch_and_stay, (dict.clone(), ready.clone())).unwrap();
        ready.wait();
        assert_eq!(objects(), 12);
        kill(process.pid().unwrap().cast_signed(), libc::SIGKILL).expect("it is there");
        process.join().unwrap();
        wait_until(LONG, "its watchers are gone", || objects() == 2);
        // The others go on, and the dictionary is there while somebody watches it.
        dict.insert(key(), 1).unwrap();
        drop(dict);
        assert_eq!((stays.recv().unwrap(), objects()), (Some(1), 2));
        drop(stays);
        assert_eq!(objects(), 0);
    });
}

#[mp::test]
fn mgr_21_watchers_leave_no_descriptors() {
    let program = scenario!(|| {
        let manager = manager();
        let dict = manager.dict::<String, u32>().unwrap();
        let server = manager.pid().unwrap();
        let descriptors = || std::fs::read_dir(format!("/proc/{server}/fd")).unwrap().count();
        drop(dict.watch(&key()).unwrap());
        let (before, at_server) = (Footprint::now(), descriptors());
        let mut watchers: Vec<_> = (0..100).map(|_| dict.watch(&key()).unwrap()).collect();
        dict.insert(key(), 1).unwrap();
        watchers.iter_mut().for_each(|watcher| assert_eq!(watcher.recv().unwrap(), Some(1)));
        drop(watchers);
        assert_eq!(manager.number_of_objects().unwrap(), 1);
        before.assert_restored(LONG);
        assert_eq!(descriptors(), at_server);
    });
    program.limit(LONG).run().assert_success();
}
