//! Values that the server changes by tasks.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;

use mp::{Changed, DictProxy, ErrorKind, Event, ListProxy, ManagerBuilder, Sender, ValueProxy};

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

/// Never gets its own value in, since it puts another one first.
#[mp::task]
fn overtake_itself(now: Option<u64>, dict: DictProxy<u8, u64>) -> Option<u64> {
    let now = now.unwrap_or(0);
    dict.insert(1, now + 1).expect("it serves");
    Some(0)
}

#[mp::test]
fn bey_43_a_task_that_is_overtaken_for_ever_is_an_error() {
    watched(|| {
        let manager = manager();
        let dict = manager.dict_from([(1, 0_u64)]).unwrap();
        let error = dict.update_by(&1, overtake_itself, dict.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Broken, "{error}");
        assert_eq!(dict.get(&1).unwrap(), Some(1000), "it was called so often");
        assert_eq!(dict.update_by(&1, add, 1).unwrap(), Some(1001), "the next one is called");
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

/// Takes the last value out, and says what it was.
#[mp::task]
fn pop(values: Option<Vec<u32>>) -> Changed<Option<Vec<u32>>, Option<u32>> {
    let mut values = values.unwrap_or_default();
    let result = values.pop();
    Changed { value: Some(values).filter(|values| !values.is_empty()), result }
}

#[mp::task]
fn pop_all(lists: DictProxy<String, Vec<u32>>) -> Vec<u32> {
    std::iter::from_fn(|| lists.update_by(&"all".to_owned(), pop, ()).expect("it serves")).collect()
}

#[mp::task]
fn swap(text: Vec<u8>, other: &[u8]) -> Changed<Vec<u8>, Vec<u8>> {
    Changed { value: other.to_vec(), result: text }
}

#[mp::task]
fn keep_the_longer(list: ListProxy<u8>, other: ListProxy<u8>) -> Changed<ListProxy<u8>, String> {
    let lens = [&list, &other].map(|list| list.len().expect("it serves"));
    Changed { value: if lens[0] > lens[1] { list } else { other }, result: format!("{lens:?}") }
}

#[mp::test]
fn bey_43_a_task_gives_a_result_beside_the_value() {
    watched(|| {
        let manager = manager();
        let lists = manager.dict_from([("all".to_owned(), (0..90).collect())]).unwrap();
        let processes = [0; 3].map(|_| mp::spawn(pop_all, lists.clone()).unwrap());
        let popped = processes.map(|process| process.result().unwrap());
        let sorted: BTreeSet<_> = popped.iter().flatten().copied().collect();
        assert!(sorted.into_iter().eq(0..90), "each once: {popped:?}");
        assert!(lists.is_empty().unwrap());
        let bytes = manager.value(vec![1_u8; 300]).unwrap();
        assert_eq!(bytes.update_by(swap, &[2; 100_000]).unwrap(), [1; 300]);
        assert_eq!(bytes.update_by(swap, &[]).unwrap(), [2; 100_000]);
        assert_eq!(bytes.get().unwrap(), []);
        let proxies = manager.list_from([manager.list_from([1, 2]).unwrap()]).unwrap();
        for (other, lens) in [(vec![3], "[2, 1]"), (vec![4, 5, 6], "[2, 3]")] {
            let other = manager.list_from(other).unwrap();
            assert_eq!(proxies.update_by(0, keep_the_longer, other).unwrap(), lens);
        }
        assert_eq!(proxies.get(0).unwrap().unwrap().to_vec().unwrap(), [4, 5, 6]);
        assert_eq!(manager.number_of_objects().unwrap(), 4, "what was dropped is gone");
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
