//! Values and arrays behind a lock. Those without are in `raw`; locks by themselves are tested in `sync`.

use std::fmt::Debug;
use std::sync::Barrier;
use std::thread;

use mp::{Array, ErrorKind, Lock, Plain, Value};
use serde::{Deserialize, Serialize};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::LONG;
use crate::support::watchdog;

#[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Foo {
    x: f64,
    y: i32,
    z: [u16; 2],
}

/// A handle in every place that there is for one.
#[derive(Serialize, Deserialize)]
struct Bank {
    accounts: Vec<Value<i64>>,
    sums: Option<(String, Array<f64>)>,
}

type All = (Value<i32>, Value<f64>, Value<i16>, Value<i64>, Value<u8>);

#[mp::task]
fn set_all(all: All) {
    all.0.set(i32::MIN).expect("not held");
    all.1.set(-0.5).expect("not held");
    all.2.set(-2).expect("not held");
    all.3.set(i64::MAX).expect("not held");
    all.4.set(255).expect("not held");
}

fn value<T: Plain>(value: T) -> Value<T> {
    Value::new(value).expect("memory")
}

fn refused<T: Debug>(done: mp::Result<T>) {
    assert_eq!(done.unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[mp::test]
fn val_01_what_a_child_stores_the_parent_reads() {
    watchdog(LONG, || {
        let all = (value(1), value(2.5), value(0), value(-3), value(7));
        let before = (all.0.get(), all.1.get(), all.2.get(), all.3.get(), all.4.get());
        let before = (before.0.unwrap(), before.1.unwrap(), before.2.unwrap(), before.3.unwrap());
        assert_eq!((before, all.4.get().unwrap()), ((1, 2.5, 0, -3), 7));
        let process = mp::spawn(set_all, all.clone()).expect("it starts");
        process.result().expect("it returns");
        assert_eq!(all.0.get().expect("not held"), i32::MIN);
        assert_eq!(all.1.get().expect("not held"), -0.5);
        assert_eq!(all.2.get().expect("not held"), -2);
        assert_eq!(all.3.get().expect("not held"), i64::MAX);
        assert_eq!(all.4.get().expect("not held"), 255);
    });
}

#[mp::task]
fn add_locked(count: Value<i64>, times: u32) {
    for _ in 0..times {
        *count.lock().expect("not held") += 1;
    }
}

/// Reads and writes apart, and lets another process in between, as often as it takes to see it.
#[mp::task]
fn add_in_two_steps(count: Value<i64>, partner: Value<u32>, other: Value<u32>) -> bool {
    let before = count.get().expect("not held");
    partner.set(1).expect("not held");
    while other.get().expect("not held") == 0 {
        thread::yield_now();
    }
    count.set(before + 1).expect("not held");
    true
}

#[mp::test]
fn val_02_under_the_lock_counting_is_exact() {
    watchdog(LONG, || {
        let count = value(0);
        let pool = mp::Pool::new(4).expect("workers");
        pool.starmap(add_locked, (0..8).map(|_| (count.clone(), 5_000))).expect("they return");
        assert_eq!(count.get().expect("not held"), 40_000);
    });
}

#[mp::test]
fn val_02_get_and_set_are_two_steps() {
    watchdog(LONG, || {
        let (count, one, other) = (value(0), value(0_u32), value(0_u32));
        let first = (count.clone(), one.clone(), other.clone());
        let first = mp::spawn(add_in_two_steps, first).expect("it starts");
        let second = mp::spawn(add_in_two_steps, (count.clone(), other, one)).expect("it starts");
        assert!(first.result().expect("it returns") && second.result().expect("it returns"));
        assert_eq!(count.get().expect("not held"), 1, "both have read 0");
    });
}

#[mp::test]
fn val_03_a_second_lock_by_its_thread_is_an_error() {
    watchdog(LONG, || {
        let (one, many) = (value(5), Array::from_slice(&[1, 2]).expect("memory"));
        let (mut guard, mut slice) = (one.lock().expect("free"), many.lock().expect("free"));
        let clone = one.clone();
        refused(one.lock());
        refused(clone.lock());
        refused(one.get());
        refused(one.set(6));
        refused(one.copy());
        refused(many.lock());
        refused(many.get(0));
        refused(many.set(0, 1));
        refused(many.to_vec());
        refused(many.copy());
        *guard += 1;
        slice[1] = *guard;
        drop((guard, slice));
        assert_eq!(one.get().expect("free"), 6);
        assert_eq!(*many.lock().expect("free"), [1, 6]);
    });
}

/// A lock that is given back while its guard lives makes no second `&mut`.
#[mp::test]
fn val_03_a_lock_given_back_under_a_guard_is_no_second_way() {
    watchdog(LONG, || {
        let lock = Lock::new().expect("memory");
        let one = Value::with_lock(5, &lock).expect("memory");
        let guard = one.lock().expect("free");
        lock.release().expect("this thread has it");
        let other = one.clone();
        thread::scope(|scope| {
            scope.spawn(|| refused(other.lock())).join().expect("no panic");
        });
        refused(one.get());
        refused(one.set(6));
        drop(guard);
        assert_eq!(*one.lock().expect("free"), 5);
    });
}

#[mp::task]
fn get_both(one: Value<i32>, other: Value<f64>) -> Option<(i32, f64)> {
    Some((one.get().ok()?, other.get().ok()?))
}

#[mp::test]
fn val_05_a_lock_of_the_callers_is_the_one_used() {
    watchdog(LONG, || {
        let lock = Lock::new().expect("memory");
        let one = Value::with_lock(1, &lock).expect("memory");
        let other = Value::with_lock(2.5, &lock).expect("memory");
        let many = Array::with_lock(&[1, 2, 3], &lock).expect("memory");
        let guard = one.lock().expect("free");
        assert!(lock.is_locked());
        refused(other.get());
        refused(many.get(0));
        assert!(!other.as_lock().try_acquire().expect("it can be asked"));
        let process = mp::spawn(get_both, (one.clone(), other.clone())).expect("it starts");
        assert!(!process.join_timeout(std::time::Duration::from_millis(100)).expect("it runs"));
        drop(guard);
        assert_eq!(process.result().expect("it returns"), Some((1, 2.5)));
        let guard = many.as_lock().lock().expect("free");
        assert!(one.as_lock().is_locked());
        refused(one.get());
        drop(guard);
        assert!(!lock.is_locked());
        assert_eq!(many.to_vec().expect("free"), [1, 2, 3]);
    });
}

#[mp::task]
fn running_sums(array: Array<i32>) {
    let mut array = array.lock().expect("free");
    for index in 1..array.len() {
        array[index] += array[index - 1];
    }
}

#[mp::test]
fn val_06_an_array_is_a_slice_under_its_lock() {
    watchdog(LONG, || {
        let array = Array::from_slice(&[680, 626, 934, 821, 150]).expect("memory");
        assert_eq!((array.len(), array.is_empty()), (5, false));
        assert_eq!(array.get(3).expect("in range"), 821);
        assert_eq!(array.lock().expect("free")[2..4], [934, 821]);
        array.lock().expect("free")[..2].copy_from_slice(&[1, 2]);
        array.set(4, 3).expect("in range");
        array.write(2, &[4, 5]).expect("in range");
        let mut part = [0; 3];
        array.read(1, &mut part).expect("in range");
        assert_eq!((part, array.to_vec().expect("free")), ([2, 4, 5], vec![1, 2, 4, 5, 3]));
        let process = mp::spawn(running_sums, array.clone()).expect("it starts");
        process.result().expect("it returns");
        assert_eq!(*array.lock().expect("free"), [1, 3, 7, 12, 15]);
    });
}

#[mp::test]
fn val_07_an_array_of_a_length_is_zero() {
    watchdog(LONG, || {
        for _ in 0..3 {
            let array = Array::<u32>::zeroed(10).expect("memory");
            assert_eq!(*array.lock().expect("free"), [0; 10]);
            array.lock().expect("free").iter_mut().for_each(|number| *number = u32::MAX);
        }
    });
}

#[mp::test]
fn val_08_what_lies_outside_an_array_is_an_error_or_a_panic() {
    watchdog(LONG, || {
        let array = Array::from_slice(&[1, 2, 3]).expect("memory");
        refused(array.get(3));
        refused(array.set(3, 1));
        refused(array.write(2, &[1, 2]));
        refused(array.read(usize::MAX, &mut [0; 2]));
        refused(Array::<u64>::zeroed(usize::MAX / 8));
        let panics = |work: fn(&mut [i32])| {
            let array = array.clone();
            let outcome = thread::spawn(move || work(&mut array.lock().expect("free"))).join();
            outcome.expect_err("as a slice does");
        };
        panics(|slice| slice[3] = 1);
        panics(|slice| slice.copy_from_slice(&[1, 2]));
        assert_eq!(*array.lock().expect("a panic gives it back"), [1, 2, 3]);
        let empty = Array::<f64>::zeroed(0).expect("memory");
        assert!(empty.is_empty() && empty.lock().expect("free").is_empty());
        refused(empty.get(0));
        assert_eq!(mp::spawn(len_of, empty).expect("it starts").result().expect("it returns"), 0);
    });
}

#[mp::task]
fn len_of(array: Array<f64>) -> usize {
    array.len()
}

#[mp::task]
fn double(one: Value<Foo>, many: Array<Foo>) {
    let mut one = one.lock().expect("free");
    (one.x, one.y) = (2.0 * one.x, 2 * one.y);
    many.lock().expect("free").iter_mut().for_each(|one| one.z[1] *= 2);
}

#[mp::test]
fn val_09_a_struct_of_plain_data_is_a_value() {
    watchdog(LONG, || {
        let with = |y| Foo { x: 0.5, y, z: [1, 2] };
        let (one, many) = (value(with(7)), Array::from_slice(&[with(1), with(2)]).expect("memory"));
        let process = mp::spawn(double, (one.clone(), many.clone())).expect("it starts");
        process.result().expect("it returns");
        assert_eq!(one.get().expect("free"), Foo { x: 1.0, y: 14, z: [1, 2] });
        assert_eq!(many.get(1).expect("free"), Foo { x: 0.5, y: 2, z: [1, 4] });
    });
}

#[mp::test]
fn val_10_a_copy_is_another_one() {
    watchdog(LONG, || {
        let (one, many) = (value(2), Array::from_slice(&[3, 4]).expect("memory"));
        let (other, others) = (one.copy().expect("memory"), many.copy().expect("memory"));
        // Each has a lock of its own, too.
        let (mut guard, mut slice) = (one.lock().expect("free"), many.lock().expect("free"));
        assert_eq!(other.get().expect("free"), 2);
        assert_eq!(others.to_vec().expect("free"), [3, 4]);
        *guard = 9;
        slice[0] = 9;
        assert_eq!(other.get().expect("free"), 2);
        assert_eq!(others.to_vec().expect("free"), [3, 4]);
    });
}

#[mp::test]
fn task_15_values_travel_at_any_depth() {
    #[mp::task]
    fn transfer(bank: Bank) -> Bank {
        *bank.accounts[0].lock().expect("free") -= 10;
        *bank.accounts[1].lock().expect("free") += 10;
        let (name, sums) = bank.sums.as_ref().expect("given");
        assert_eq!(name, "sums");
        sums.lock().expect("free").fill(0.5);
        bank
    }
    watchdog(LONG, || {
        let accounts = vec![value(100), value(0)];
        let sums = Array::<f64>::zeroed(3).expect("memory");
        let bank =
            || Bank { accounts: accounts.clone(), sums: Some(("sums".into(), sums.clone())) };
        let pool = mp::Pool::new(2).expect("workers");
        let process = mp::spawn(transfer, bank()).expect("it starts");
        process.result().expect("it returns");
        pool.map(transfer, [bank(), bank(), bank()]).expect("they return");
        let back = pool.apply(transfer, bank()).expect("it returns");
        assert_eq!(accounts[0].get().expect("free"), 50);
        assert_eq!(back.accounts[1].get().expect("free"), 50);
        assert_eq!(*sums.lock().expect("free"), [0.5; 3]);
    });
}

#[mp::test]
fn val_02_threads_of_one_process_exclude_each_other() {
    watchdog(LONG, || {
        let (count, start) = (value(0), Barrier::new(4));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let count = count.clone();
                    start.wait();
                    (0..2_000).for_each(|_| *count.lock().expect("free") += 1);
                });
            }
        });
        assert_eq!(count.get().expect("free"), 8_000);
    });
}

/// Of a kit of values, adds up what each has, and says which one that was.
#[mp::task]
fn add_up(from: mp::Queue<Kit>, to: mp::Queue<(Value<u64>, usize)>) {
    for kit in from.iter() {
        let kit = kit.expect("it decodes");
        let sum = kit.values.iter().map(|value| value.get().expect("free")).sum::<u64>();
        let sum =
            sum + kit.array.lock().expect("free").iter().map(|byte| u64::from(*byte)).sum::<u64>();
        kit.sum.set(sum).expect("free");
        to.put((kit.sum, kit.values.len())).expect("somebody takes it");
    }
}

#[derive(Serialize, Deserialize)]
struct Kit {
    values: Vec<Value<u64>>,
    array: Array<u8>,
    sum: Value<u64>,
}

#[mp::test]
fn sync_30_values_travel_in_messages_to_running_workers() {
    watchdog(LONG, || {
        let pool = mp::Pool::new(1).expect("a worker");
        let (there, back) = (mp::Queue::new().expect("memory"), mp::Queue::new().expect("memory"));
        let running = pool.submit(add_up, (there.clone(), back.clone()));
        let kit = |count: u64| Kit {
            values: (0..count).map(value).collect(),
            array: Array::from_slice(&[1, 2, 3]).expect("memory"),
            sum: value(0),
        };
        let (small, large) = (kit(3), kit(400));
        let sums = [small.sum.clone(), large.sum.clone()];
        there.put(small).expect("room");
        there.put(large).expect("room");
        for (index, (count, sum)) in [(3, 9), (400, 79_806)].into_iter().enumerate() {
            let (result, had) = back.get().expect("it comes");
            assert_eq!((result.get().expect("free"), had), (sum, count));
            result.set(7).expect("free");
            assert_eq!(sums[index].get().expect("free"), 7, "it is the same one");
        }
        there.close_all();
        running.get().expect("it returns");
    });
}
