//! Values that the server changes itself: by tasks, sums, many keys at once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;

use mp::{DictProxy, ErrorKind, Event, ListProxy, ManagerBuilder, Sender, ValueProxy};

use crate::support::{kill, wait_until};
use crate::{LONG, manager, watched};

#[mp::task]
fn push(values: Option<Vec<u32>>, value: u32) -> Option<Vec<u32>> {
    let mut values = values.unwrap_or_default();
    values.push(value);
    Some(values)
}

#[mp::task]
fn push_all(lists: DictProxy<String, Vec<u32>>, from: u32) {
    for value in from..from + 25 {
        let pushed = lists.update_by(&"all".to_owned(), push, value).expect("it serves");
        assert!(pushed.expect("it was put").contains(&value));
    }
}

#[mp::test]
fn bey_43_a_task_changes_a_value_where_it_is() {
    watched(|| {
        let manager = manager();
        let lists = manager.dict::<String, Vec<u32>>().unwrap();
        let start = |from| mp::spawn(push_all, (lists.clone(), from)).unwrap();
        let processes = [0, 100, 200, 300].map(start);
        processes.into_iter().for_each(|process| process.result().unwrap());
        let all = lists.get(&"all".into()).unwrap().unwrap();
        assert_eq!(all.len(), 100);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 100, "none was lost");
    });
}

#[mp::task]
fn add(now: Option<u64>, more: u64) -> Option<u64> {
    Some(now.unwrap_or(0) + more)
}

#[mp::task]
fn add_in_every_way(dict: DictProxy<u8, u64>) {
    for _ in 0..20 {
        dict.update_by(&1, add, 1).expect("it serves");
        dict.update(&1, |now| Some(now.unwrap_or(0) + 10)).expect("it serves");
        dict.fetch_add(&1, 100).expect("it serves");
        let mut now = dict.get(&1).expect("it serves");
        let more = |now: Option<u64>| Some(now.unwrap_or(0) + 1000);
        while let Err(other) =
            dict.compare_exchange(&1, now.as_ref(), more(now).as_ref()).expect("it serves")
        {
            now = other;
        }
    }
}

#[mp::test]
fn mgr_14_every_way_to_change_a_value_is_one_step() {
    watched(|| {
        let manager = manager();
        let dict = manager.dict::<u8, u64>().unwrap();
        let start = |_| mp::spawn(add_in_every_way, dict.clone()).unwrap();
        let processes = [0; 3].map(start);
        processes.into_iter().for_each(|process| process.result().unwrap());
        assert_eq!(dict.get(&1).unwrap(), Some(60 * 1111));
    });
}

#[mp::task]
fn fail_after(value: Option<String>, text: &str) -> Option<String> {
    drop(value);
    panic!("{text}");
}

#[mp::test]
fn bey_43_a_task_that_panics_changes_nothing() {
    watched(|| {
        let manager = ManagerBuilder::default().name("keeper").start().unwrap();
        let dict = manager.dict_from([(1, "kept".to_owned())]).unwrap();
        let calls = manager.dict().unwrap();
        for round in 0..3 {
            let error = dict.update_by(&1, fail_after, "as planned").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Panicked, "{error}");
            let panic = error.panic().expect("what it was");
            assert_eq!((panic.message(), panic.worker()), ("as planned", "keeper"));
            assert!(panic.location().contains("changes.rs:"), "{panic:?}");
            assert!(error.to_string().contains("fail_after panicked"), "{error}");
            assert_eq!(dict.get(&1).unwrap().as_deref(), Some("kept"));
            assert_eq!(calls.update_by(&2, count_calls, round).unwrap(), Some(round + 1));
        }
    });
}

#[mp::task]
fn count_calls(calls: Option<u32>, before: u32) -> Option<u32> {
    assert_eq!(calls.unwrap_or(0), before, "every call has changed it once");
    Some(before + 1)
}

#[mp::task]
fn add_when(now: Option<u64>, more: u64, begun: Event, go: Event) -> Option<u64> {
    begun.set();
    go.wait();
    Some(now.unwrap_or(0) + more)
}

#[mp::test]
fn mgr_13_a_task_that_takes_long_holds_nobody_up() {
    watched(|| {
        let manager = manager();
        let dict = manager.dict_from([(1, 1_u64), (2, 2)]).unwrap();
        let (begun, go) = (Event::new().unwrap(), Event::new().unwrap());
        thread::scope(|scope| {
            let args = (10, begun.clone(), go.clone());
            let long = scope.spawn(|| dict.update_by(&1, add_when, args).unwrap());
            begun.wait();
            assert_eq!(dict.get(&1).unwrap(), Some(1), "what was before");
            assert_eq!(dict.to_map().unwrap().len(), 2);
            assert_eq!(dict.insert(3, 3).unwrap(), None);
            assert_eq!(dict.update_by(&2, add, 10).unwrap(), Some(12));
            assert_eq!(manager.value(0_u8).unwrap().get().unwrap(), 0);
            assert!(!long.is_finished());
            go.set();
            assert_eq!(long.join().unwrap(), Some(11));
        });
        assert_eq!(dict.get(&1).unwrap(), Some(11));
    });
}

static RUNNING: AtomicU32 = AtomicU32::new(0);
static CALLS: AtomicU32 = AtomicU32::new(0);

/// Says how many calls there were before it, and that no other is run at the same time.
#[mp::task]
fn append_alone(calls: Vec<u32>, begun: Event, go: Event) -> Vec<u32> {
    assert_eq!(RUNNING.fetch_add(1, SeqCst), 0, "one at a time");
    begun.set();
    go.wait();
    RUNNING.fetch_sub(1, SeqCst);
    calls.into_iter().chain([CALLS.fetch_add(1, SeqCst)]).collect()
}

#[mp::test]
fn bey_43_tasks_for_one_value_run_one_after_the_other_and_once() {
    watched(|| {
        let manager = manager();
        let value = manager.value(Vec::<u32>::new()).unwrap();
        let (begun, go) = (Event::new().unwrap(), Event::new().unwrap());
        thread::scope(|scope| {
            for _ in 0..6 {
                let args = (begun.clone(), go.clone());
                let value = &value;
                scope.spawn(move || value.update_by(append_alone, args).unwrap());
            }
            begun.wait();
            assert_eq!(value.get().unwrap(), []);
            go.set();
        });
        assert_eq!(value.get().unwrap(), [0, 1, 2, 3, 4, 5]);
    });
}

/// What others put there meanwhile is not lost.
#[mp::test]
fn bey_43_a_task_is_called_again_if_somebody_else_was_faster() {
    watched(|| {
        let manager = manager();
        let dict = manager.dict_from([(1, 1_u64)]).unwrap();
        let (begun, go) = (Event::new().unwrap(), Event::new().unwrap());
        thread::scope(|scope| {
            let args = (10, begun.clone(), go.clone());
            let long = scope.spawn(|| dict.update_by(&1, add_when, args).unwrap());
            begun.wait();
            assert_eq!(dict.insert(1, 500).unwrap(), Some(1), "nobody waits for the task");
            go.set();
            assert_eq!(long.join().unwrap(), Some(510));
        });
        // Also if it is gone by then.
        begun.clear();
        go.clear();
        thread::scope(|scope| {
            let args = (10, begun.clone(), go.clone());
            let long = scope.spawn(|| dict.update_by(&1, add_when, args).unwrap());
            begun.wait();
            dict.remove(&1).unwrap();
            go.set();
            assert_eq!(long.join().unwrap(), Some(10));
        });
    });
}

/// What a task does to the dictionary that its value is of.
#[mp::task]
fn look_around(now: Option<u64>, dict: DictProxy<u8, u64>) -> Option<u64> {
    let own = dict.update_by(&1, add, 1).expect_err("it would wait for itself");
    assert_eq!(own.kind(), ErrorKind::InvalidArgument, "{own}");
    let other = dict.update_by(&2, add, 1).expect("another key is another matter");
    Some(now.unwrap_or(0) + other.unwrap_or(0) + dict.get(&1).expect("a copy").unwrap_or(0))
}

#[mp::test]
fn bey_43_a_task_may_use_the_dictionary_but_not_wait_for_itself() {
    watched(|| {
        let manager = manager();
        let dict = manager.dict_from([(1, 1_u64), (2, 2)]).unwrap();
        assert_eq!(dict.update_by(&1, look_around, dict.clone()).unwrap(), Some(1 + 3 + 1));
        assert_eq!(dict.update_by(&1, add, 1).unwrap(), Some(6), "that was for its thread");
    });
}

/// Puts what it is given, and returns what was there, so that objects go both ways.
#[mp::task]
fn exchange(
    lists: Option<ListProxy<u8>>,
    other: ListProxy<u8>,
    tell: Sender<usize>,
) -> Option<ListProxy<u8>> {
    let len = lists.map_or(0, |list| list.len().expect("it serves"));
    tell.send(len).expect("it is there");
    other.push(7).expect("it serves");
    Some(other)
}

#[mp::test]
fn mgr_06_objects_go_through_tasks_that_change_values() {
    watched(|| {
        let manager = manager();
        let dict = manager.dict::<String, ListProxy<u8>>().unwrap();
        let (sender, receiver) = mp::channel().unwrap();
        let key = "list".to_owned();
        for round in 0..3 {
            let list = manager.list_from(vec![round; usize::from(round)]).unwrap();
            let put = dict.update_by(&key, exchange, (list.clone(), sender.clone())).unwrap();
            assert!(put.unwrap().is_same(&list));
            drop(list);
            assert_eq!(receiver.recv().unwrap(), usize::from(round), "the one before");
            assert_eq!(dict.get(&key).unwrap().unwrap().len().unwrap(), usize::from(round) + 1);
        }
        wait_until(LONG, "the others are gone", || manager.number_of_objects().unwrap() == 2);
        drop(sender);
        let end = receiver.recv().unwrap_err();
        assert_eq!(end.kind(), ErrorKind::Disconnected, "the server keeps nothing of a call");
        assert_eq!(dict.update_by(&key, take_out, ()).unwrap().map(|_| ()), None);
        assert_eq!(manager.number_of_objects().unwrap(), 1);
    });
}

#[mp::task]
fn take_out(list: Option<ListProxy<u8>>) -> Option<ListProxy<u8>> {
    assert!(list.is_some());
    None
}

#[mp::task]
fn join(text: String, a: &str, b: char, c: Vec<u8>, d: Option<&str>) -> String {
    format!("{text}{a}{b}{c:?}{d:?}")
}

#[mp::task]
fn bytes_of(bytes: Vec<u8>, more: &[u8]) -> Vec<u8> {
    [&bytes, more].concat()
}

#[mp::test]
fn bey_43_lists_arrays_and_values_as_well() {
    watched(|| {
        let manager = manager();
        let owned = String::from("x");
        let args = || (&*owned, 'y', vec![1], Some("z"));
        let joined = "0xy[1]Some(\"z\")";
        let value = manager.value("0".to_owned()).unwrap();
        assert_eq!(value.update_by(join, args()).unwrap(), joined);
        let list = manager.list_from(["".to_owned(), "0".to_owned()]).unwrap();
        assert_eq!(list.update_by(1, join, args()).unwrap(), joined);
        let array = manager.array(["0".to_owned()]).unwrap();
        assert_eq!(array.update_by(0, join, args()).unwrap(), joined);
        assert_eq!(
            (value.get().unwrap(), array.to_vec().unwrap()),
            (joined.into(), vec![joined.into()])
        );
        assert_eq!(list.to_vec().unwrap(), ["", joined]);
        for missing in [list.update_by(2, join, args()), array.update_by(1, join, args())] {
            assert_eq!(missing.unwrap_err().kind(), ErrorKind::InvalidArgument);
        }
        let bytes = manager.value(vec![1_u8; 100_000]).unwrap();
        assert_eq!(bytes.update_by(bytes_of, &[2; 100_000]).unwrap().len(), 200_000);
    });
}

#[mp::task]
fn update_and_wait(value: ValueProxy<Vec<u32>>, begun: Event, go: Event) -> mp::Result<()> {
    value.update_by(append_alone, (begun, go)).map(drop)
}

#[mp::test]
fn mgr_29_who_waits_for_a_task_hears_of_the_servers_end() {
    watched(|| {
        for by_kill in [true, false] {
            let manager = ManagerBuilder::default().shutdown_timeout(LONG / 300).start().unwrap();
            let value = manager.value(Vec::new()).unwrap();
            let (begun, go) = (Event::new().unwrap(), Event::new().unwrap());
            let args = (value.clone(), begun.clone(), go.clone());
            let processes =
                [args.clone(), args].map(|args| mp::spawn(update_and_wait, args).unwrap());
            begun.wait();
            if by_kill {
                let server = i32::try_from(manager.pid().unwrap()).unwrap();
                kill(server, libc::SIGKILL).expect("it is there");
            } else {
                manager.shutdown().unwrap();
            }
            for process in processes {
                let error = process.result().unwrap().unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
            }
        }
    });
}

#[mp::test]
fn mgr_14_sums_are_made_by_the_server() {
    watched(|| {
        let manager = manager();
        let dict = manager.dict::<String, i32>().unwrap();
        let key = "a".to_owned();
        assert_eq!(dict.fetch_add(&key, -5).unwrap(), 0, "there was nothing");
        assert_eq!(dict.fetch_add(&key, i32::MIN).unwrap(), -5);
        assert_eq!(dict.get(&key).unwrap(), Some(i32::MAX - 4), "it wraps around");
        macro_rules! all {
            ($($number:ty),*) => {$({
                let value = manager.value(<$number>::MAX).unwrap();
                assert_eq!(value.fetch_add(1).unwrap(), <$number>::MAX);
                assert_eq!(value.get().unwrap(), <$number>::MIN);
                let list = manager.list_from([1, 2 as $number]).unwrap();
                assert_eq!(list.fetch_add(1, 40).unwrap(), 2);
                assert_eq!(list.to_vec().unwrap(), [1, 42]);
            })*};
        }
        all!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);
        let array = manager.array([0.5_f64]).unwrap();
        assert_eq!((array.fetch_add(0, 1.25).unwrap(), array.get(0).unwrap()), (0.5, 1.75));
        assert_eq!(array.fetch_add(1, 1.0).unwrap_err().kind(), ErrorKind::InvalidArgument);
        let float = manager.value(1.0_f32).unwrap();
        assert_eq!((float.fetch_add(0.5).unwrap(), float.get().unwrap()), (1.0, 1.5));
    });
}

#[mp::test]
fn mgr_03_many_keys_in_one_call() {
    watched(|| {
        let manager = manager();
        let dict = manager.dict_from((0..100_u8).map(|n| (n, n.to_string()))).unwrap();
        assert_eq!(
            dict.get_many(&[7, 200, 7]).unwrap(),
            [Some("7".into()), None, Some("7".into())]
        );
        assert_eq!(dict.get_many([]).unwrap(), []);
        assert_eq!(
            dict.remove_many([7, 8, 7].iter()).unwrap(),
            [Some("7".into()), Some("8".into()), None]
        );
        assert_eq!(dict.len().unwrap(), 98);
        assert_eq!(dict.remove_many(&(0..=255).collect::<Vec<_>>()).unwrap().len(), 256);
        assert!(dict.is_empty().unwrap());
        // Objects in the values are live, and held by nobody else afterwards.
        let events = manager.dict_from([(1, Event::new().unwrap())]).unwrap();
        let [one, none] = &events.remove_many(&[1, 1]).unwrap()[..] else { panic!("two") };
        one.as_ref().unwrap().set();
        assert!(none.is_none() && one.as_ref().unwrap().is_set());
    });
}
