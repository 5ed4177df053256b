//! What each kind of object can do, seen by several processes.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;

use mp::{DictProxy, ErrorKind, Event, ListProxy};

use crate::{manager, watched};

fn refused<T: Debug>(done: mp::Result<T>) {
    let error = done.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
}

#[mp::task]
fn change_list(list: ListProxy<i32>) -> Vec<i32> {
    list.push(50).expect("it serves");
    list.set(0, -1).expect("there is one");
    list.to_vec().expect("it serves")
}

#[mp::test]
fn mgr_02_a_list_acts_as_a_vec_and_all_see_it() {
    watched(|| {
        let manager = manager();
        let list = manager.list_from(0..5).unwrap();
        assert_eq!((list.len().unwrap(), list.is_empty().unwrap()), (5, false));
        assert_eq!(list.get(3).unwrap(), Some(3));
        assert_eq!(list.slice(1..=3).unwrap(), [1, 2, 3]);
        assert_eq!(list.slice(3..).unwrap(), [3, 4]);
        assert_eq!(list.slice(7..).unwrap(), []);
        list.push(5).unwrap();
        list.extend([6, 7]).unwrap();
        list.insert(0, 10).unwrap();
        list.insert(9, 8).unwrap();
        assert_eq!(list.to_vec().unwrap(), [10, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(list.pop().unwrap(), Some(8));
        assert_eq!(list.remove(0).unwrap(), 10);
        assert_eq!(list.set(1, 100).unwrap(), 1);
        list.swap(0, 7).unwrap();
        list.reverse().unwrap();
        assert_eq!(list.to_vec().unwrap(), [0, 6, 5, 4, 3, 2, 100, 7]);
        list.modify(|values| values.sort()).unwrap();
        assert_eq!(list.position(&100).unwrap(), Some(7));
        assert_eq!((list.contains(&6).unwrap(), list.contains(&8).unwrap()), (true, false));
        list.extend([6, 6]).unwrap();
        assert_eq!((list.count(&6).unwrap(), list.count(&8).unwrap()), (3, 0));
        list.truncate(2).unwrap();
        let process = mp::spawn(change_list, list.clone()).unwrap();
        assert_eq!(process.result().unwrap(), [-1, 2, 50]);
        assert_eq!(list.to_vec().unwrap(), [-1, 2, 50], "what the child did is seen");
        assert_eq!(format!("{list:?}"), "[-1, 2, 50]");
        assert_eq!(list.update(1, |value| value * 10).unwrap(), 20);
        assert_eq!(list.compare_exchange(1, &20, &21).unwrap(), Ok(()));
        assert_eq!(list.compare_exchange(1, &20, &22).unwrap(), Err(21));
        list.clear().unwrap();
        assert!(list.is_empty().unwrap() && list.to_vec().unwrap().is_empty());
    });
}

#[mp::task]
fn change_dict(dict: DictProxy<String, u8>) {
    dict.insert("child".into(), 3).expect("it serves");
    dict.remove(&"one".into()).expect("it serves");
}

#[mp::test]
fn mgr_03_a_dict_acts_as_a_map_and_all_see_it() {
    watched(|| {
        let manager = manager();
        let key = |text: &str| text.to_owned();
        let dict = manager.dict_from([(key("one"), 1), (key("two"), 2)]).unwrap();
        assert_eq!(dict.insert(key("two"), 22).unwrap(), Some(2));
        assert_eq!(dict.insert(key("three"), 3).unwrap(), None);
        assert_eq!(dict.get(&key("two")).unwrap(), Some(22));
        assert_eq!((dict.len().unwrap(), dict.is_empty().unwrap()), (3, false));
        assert!(dict.contains_key(&key("one")).unwrap() && !dict.contains_key(&key("on")).unwrap());
        assert_eq!(dict.get_or_insert(key("one"), 9).unwrap(), 1);
        assert_eq!(dict.get_or_insert(key("four"), 4).unwrap(), 4);
        let mut keys = dict.keys().unwrap();
        keys.sort();
        assert_eq!(keys, ["four", "one", "three", "two"]);
        let mut values = dict.values().unwrap();
        values.sort_unstable();
        assert_eq!(values, [1, 3, 4, 22]);
        dict.extend([(key("five"), 5), (key("one"), 11)]).unwrap();
        mp::spawn(change_dict, dict.clone()).unwrap().result().unwrap();
        let expected = [("two", 22), ("three", 3), ("four", 4), ("five", 5), ("child", 3)];
        let expected: HashMap<_, _> = expected.map(|(k, v)| (key(k), v)).into();
        assert_eq!(dict.to_map().unwrap(), expected);
        assert_eq!(dict.iter().map(Result::unwrap).collect::<HashMap<_, _>>(), expected);
        let text = format!("{dict:?}");
        assert!(text.starts_with('{') && text.contains("\"two\": 22"), "{text}");
        let (popped, value) = dict.pop_item().unwrap().expect("there are some");
        assert_eq!(expected[&popped], value);
        assert_eq!(dict.len().unwrap(), 4);
        dict.clear().unwrap();
        assert_eq!(dict.pop_item().unwrap(), None);
    });
}

#[mp::test]
fn mgr_03_values_change_by_what_they_were() {
    watched(|| {
        let manager = manager();
        let dict = manager.dict::<u8, String>().unwrap();
        let add = |old: Option<String>| Some(old.unwrap_or_default() + "x");
        assert_eq!(dict.update(&1, add).unwrap().as_deref(), Some("x"));
        assert_eq!(dict.update(&1, add).unwrap().as_deref(), Some("xx"));
        assert_eq!(dict.update(&1, |_| None).unwrap(), None);
        assert_eq!(dict.get(&1).unwrap(), None);
        let (one, two) = ("1".to_owned(), "2".to_owned());
        assert_eq!(dict.compare_exchange(&1, None, Some(&one)).unwrap(), Ok(()));
        assert_eq!(dict.compare_exchange(&1, None, Some(&two)).unwrap(), Err(Some(one.clone())));
        assert_eq!(dict.compare_exchange(&1, Some(&one), Some(&two)).unwrap(), Ok(()));
        assert_eq!(dict.compare_exchange(&1, Some(&two), None).unwrap(), Ok(()));
        assert_eq!(dict.compare_exchange(&1, Some(&two), None).unwrap(), Err(None));
    });
}

#[mp::test]
fn mgr_04_what_is_missing_is_told_apart_from_a_lost_server() {
    watched(|| {
        let manager = manager();
        let (list, dict) = (manager.list_from([1]).unwrap(), manager.dict::<u8, u8>().unwrap());
        assert_eq!((list.get(1).unwrap(), dict.get(&1).unwrap()), (None, None));
        assert_eq!(dict.remove(&1).unwrap(), None);
        refused(list.set(1, 5));
        refused(list.insert(2, 5));
        refused(list.remove(1));
        refused(list.swap(0, 1));
        refused(list.update(1, |value| value));
        refused(list.compare_exchange(1, &1, &2));
        let error = list.set(7, 5).unwrap_err();
        assert!(error.to_string().contains('7') && error.to_string().contains("list of 1"));
        assert_eq!(list.pop().unwrap(), Some(1));
        assert_eq!(list.pop().unwrap(), None);
        let array = manager.array([1, 2]).unwrap();
        refused(array.get(2));
        list.push(2).expect("the server goes on");
        manager.shutdown().unwrap();
        assert_eq!(list.get(0).unwrap_err().kind(), ErrorKind::Disconnected);
    });
}

#[mp::test]
fn mgr_05_what_is_got_is_a_copy() {
    watched(|| {
        let manager = manager();
        let dict = manager.dict_from([(1, vec![1, 2])]).unwrap();
        let mut copy = dict.get(&1).unwrap().expect("it is there");
        copy.push(3);
        assert_eq!(dict.get(&1).unwrap(), Some(vec![1, 2]));
        dict.insert(1, copy).unwrap();
        assert_eq!(dict.get(&1).unwrap(), Some(vec![1, 2, 3]));
    });
}

#[mp::test]
fn mgr_08_iteration_sees_a_change_as_an_error_or_goes_on() {
    watched(|| {
        let manager = manager();
        // More than comes at once.
        let text = "x".repeat(10_000);
        let dict = manager.dict_from((0..50).map(|n| (n, text.clone()))).unwrap();
        assert_eq!(dict.iter().map(|entry| entry.unwrap().0).collect::<HashSet<_>>().len(), 50);
        let mut entries = dict.iter();
        entries.next().expect("there are some").unwrap();
        dict.insert(3, "y".into()).unwrap();
        assert_eq!(
            entries.by_ref().take(20).filter(Result::is_ok).count(),
            20,
            "keys are the same"
        );
        dict.clear().unwrap();
        let rest: Vec<_> = entries.collect();
        let (last, before) = rest.split_last().expect("there were more");
        assert!(before.iter().all(Result::is_ok) && before.len() < 29);
        assert_eq!(last.as_ref().unwrap_err().kind(), ErrorKind::Broken);

        let list = manager.list_from((0..20).map(|n| format!("{n}{text}"))).unwrap();
        let mut values = list.iter();
        values.next().expect("there are some").unwrap();
        list.extend(["new".to_owned()]).unwrap();
        assert_eq!(values.by_ref().map(Result::unwrap).last().as_deref(), Some("new"));
        let mut values = list.iter();
        values.next().expect("there are some").unwrap();
        list.clear().unwrap();
        assert!(values.count() < 20, "it ends");
    });
}

#[mp::test]
fn mgr_09_a_namespace_has_values_of_many_types() {
    watched(|| {
        let manager = manager();
        let space = manager.namespace().unwrap();
        space.set("number", 5).unwrap();
        space.set("text", "five".to_owned()).unwrap();
        space.set("_hidden", vec![1.5]).unwrap();
        let process = mp::spawn(change_space, space.clone()).unwrap();
        assert_eq!(process.result().unwrap(), 5);
        assert_eq!(space.get::<String>("text").unwrap(), "FIVE");
        assert_eq!(space.get::<Vec<f64>>("_hidden").unwrap(), [1.5]);
        assert_eq!(space.names().unwrap(), ["_hidden", "number", "text"]);
        assert_eq!(format!("{space:?}"), "NamespaceProxy {\"number\", \"text\"}");
        let error = space.get::<u8>("text").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(error.to_string().contains("String"), "{error}");
        space.remove("number").unwrap();
        assert!(!space.contains("number").unwrap());
        assert_eq!(space.get::<i32>("number").unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(space.remove("number").unwrap_err().kind(), ErrorKind::NotFound);
    });
}

#[mp::task]
fn change_space(space: mp::NamespaceProxy) -> i32 {
    space.set("text", "FIVE".to_owned()).expect("it serves");
    space.get("number").expect("it is there")
}

#[mp::test]
fn mgr_10_values_and_arrays_have_any_type() {
    watched(|| {
        let manager = manager();
        let value = manager.value(("a".to_owned(), 1)).unwrap();
        assert_eq!(value.replace(("b".to_owned(), 2)).unwrap(), ("a".to_owned(), 1));
        value.set(("c".to_owned(), 3)).unwrap();
        value.update(|(text, number)| (text + "!", number + 1)).unwrap();
        assert_eq!(value.get().unwrap(), ("c!".to_owned(), 4));
        let (old, new) = (("c!".to_owned(), 4), ("d".to_owned(), 5));
        assert_eq!(value.compare_exchange(&old, &new).unwrap(), Ok(()));
        assert_eq!(value.compare_exchange(&old, &new).unwrap(), Err(new));
        let array = manager.array([1.5, 2.5, 3.5]).unwrap();
        assert_eq!(array.set(1, 20.0).unwrap(), 2.5);
        array.update(2, |number| number * 2.0).unwrap();
        assert_eq!(array.to_vec().unwrap(), [1.5, 20.0, 7.0]);
        assert_eq!((array.len().unwrap(), array.slice(..2).unwrap()), (3, vec![1.5, 20.0]));
    });
}

#[mp::test]
fn mgr_11_a_set_acts_as_a_set() {
    watched(|| {
        let manager = manager();
        let set = manager.set::<i64>().unwrap();
        assert!(set.insert(1).unwrap() && !set.insert(1).unwrap());
        set.extend([2, 3, 2]).unwrap();
        assert!(set.contains(&3).unwrap() && !set.contains(&4).unwrap());
        assert!(set.remove(&3).unwrap() && !set.remove(&3).unwrap());
        let other = HashSet::from([2, 5]);
        let both = set.to_set().unwrap();
        assert_eq!(both.union(&other).copied().collect::<HashSet<_>>(), HashSet::from([1, 2, 5]));
        assert_eq!(both.intersection(&other).collect::<Vec<_>>(), [&2]);
        assert_eq!(set.iter().map(Result::unwrap).collect::<HashSet<_>>(), both);
        assert_eq!(
            format!("{:?}", {
                set.remove(&1).unwrap();
                &set
            }),
            "{2}"
        );
        assert_eq!((set.pop().unwrap(), set.pop().unwrap()), (Some(2), None));
        assert!(set.is_empty().unwrap());
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
