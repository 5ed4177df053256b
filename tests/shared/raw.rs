//! Values and arrays without a lock. Those with one are in `values` and `arrays`.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64};

use mp::{ErrorKind, RawArray, RawValue};
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Error as _, Serialize, Serializer};

use crate::LONG;
use crate::support::{Footprint, example, scenario, watchdog};

#[mp::task]
fn add(count: RawValue<AtomicI64>, times: i64) {
    for _ in 0..times {
        count.fetch_add(1, Relaxed);
    }
}

#[mp::test]
fn val_13_atomics_count_exactly() {
    watchdog(LONG, || {
        let count = RawValue::new(AtomicI64::new(-5)).expect("memory");
        let start = |_| mp::spawn(add, (count.clone(), 10_000)).expect("it starts");
        let processes: Vec<_> = (0..8).map(start).collect();
        processes.iter().for_each(|process| process.result().expect("it returns"));
        assert_eq!(count.load(Relaxed), 80_000 - 5);
        let pool = mp::Pool::new(2).expect("workers");
        pool.map(add_to_all, (0..8).map(|_| counts()).collect::<Vec<_>>()).expect("they return");
    });
}

fn counts() -> RawArray<AtomicU64> {
    let counts = RawArray::<AtomicU64>::zeroed(3).expect("memory");
    assert_eq!(counts.len(), 3);
    counts[1].store(u64::MAX, Relaxed);
    counts
}

#[mp::task]
fn add_to_all(counts: RawArray<AtomicU64>) -> [u64; 3] {
    for count in counts.iter() {
        count.fetch_add(1, Relaxed);
    }
    let now: Vec<u64> = counts.iter().map(|count| count.load(Relaxed)).collect();
    now.try_into().expect("three")
}

#[mp::test]
fn val_13_an_array_of_atomics_is_a_slice_of_them() {
    watchdog(LONG, || {
        let counts = counts();
        let process = mp::spawn(add_to_all, counts.clone()).expect("it starts");
        assert_eq!(process.result().expect("it returns"), [1, 0, 1]);
        assert_eq!(counts[0].load(Relaxed) + counts[2].load(Relaxed), 2);
        let none = RawArray::<AtomicU8>::zeroed(0).expect("memory");
        assert!(none.is_empty() && none.copy().expect("memory").is_empty());
    });
}

#[mp::task]
fn increase_all(values: (RawValue<i32>, RawArray<u16>, RawValue<[f64; 2]>)) {
    let (value, array, pair) = values;
    value.set(value.get() + 1);
    for index in 0..array.len() {
        array.set(index, array.get(index).expect("in range") + 1).expect("in range");
    }
    pair.set(pair.get().map(|number| number + 1.0));
}

#[mp::test]
fn val_04_raw_values_and_arrays_have_no_lock() {
    watchdog(LONG, || {
        let value = RawValue::new(41).expect("memory");
        let array = RawArray::from_slice(&[1_u16, 2, 3]).expect("memory");
        let pair = RawValue::new([0.5, -1.0]).expect("memory");
        let all = (value.clone(), array.clone(), pair.clone());
        mp::spawn(increase_all, all).expect("it starts").result().expect("it returns");
        assert_eq!((value.get(), array.to_vec(), pair.get()), (42, vec![2, 3, 4], [1.5, 0.0]));
    });
}

#[mp::test]
fn val_08_what_lies_outside_a_raw_array_is_refused() {
    watchdog(LONG, || {
        let array = RawArray::from_slice(&[1, 2, 3]).expect("memory");
        let refused = |done: mp::Result<()>| {
            assert_eq!(done.unwrap_err().kind(), ErrorKind::InvalidArgument);
        };
        refused(array.get(3).map(drop));
        refused(array.set(3, 9));
        refused(array.set(usize::MAX, 9));
        refused(array.write(1, &[9; 3]));
        refused(array.read(2, &mut [9; 2]));
        refused(array.write(usize::MAX, &[9; 2]));
        refused(array.write(4, &[]));
        array.write(3, &[]).expect("nothing fits everywhere");
        array.write(1, &[8, 9]).expect("in range");
        let mut back = [0; 2];
        array.read(0, &mut back).expect("in range");
        assert_eq!((back, array.to_vec()), ([1, 8], vec![1, 8, 9]));
        let empty = RawArray::<u64>::from_slice(&[]).expect("memory");
        assert!(empty.is_empty() && empty.to_vec().is_empty());
        refused(empty.get(0).map(drop));
        refused(RawArray::<u64>::zeroed(usize::MAX / 4).map(drop));
        assert!(RawArray::<u64>::zeroed(1 << 50).is_err());
    });
}

#[mp::test]
fn val_10_a_raw_copy_is_another_one() {
    watchdog(LONG, || {
        let (value, array) = (RawValue::new(7), RawArray::from_slice(&[1.5; 1000]));
        let (value, array) = (value.expect("memory"), array.expect("memory"));
        let (other, others) = (value.copy().expect("memory"), array.copy().expect("memory"));
        value.set(8);
        array.set(999, 2.5).expect("in range");
        assert_eq!((other.get(), others.to_vec()), (7, vec![1.5; 1000]));
        let atomic = RawValue::new(AtomicU8::new(3)).expect("memory");
        let copy = atomic.copy().expect("memory");
        atomic.store(4, Relaxed);
        assert_eq!(copy.load(Relaxed), 3);
    });
}

#[mp::test]
fn val_07_memory_that_was_used_before_is_zero() {
    let program = scenario!(|| {
        let pool = mp::Pool::new(1).expect("a worker");
        pool.apply(fill_and_sum, RawArray::zeroed(1).expect("memory")).expect("it returns");
        let before = Footprint::now();
        for len in [10, 500, 10_000, 1 << 20] {
            for _ in 0..3 {
                let array = RawArray::<u8>::zeroed(len).expect("memory");
                assert!(array.to_vec().iter().all(|byte| *byte == 0), "{len} bytes are used ones");
                let sum = pool.apply(fill_and_sum, array).expect("it returns");
                assert_eq!(sum, 255 * len as u64);
            }
        }
        before.assert_restored(LONG);
    });
    program.run().assert_success();
}

#[mp::task]
fn fill_and_sum(array: RawArray<u8>) -> u64 {
    array.write(0, &vec![255; array.len()]).expect("in range");
    array.to_vec().iter().map(|byte| u64::from(*byte)).sum()
}

/// Written as a handle on one type, and read as one on another.
enum Mixed {
    Written(RawValue<u64>, RawArray<[u8; 3]>, RawValue<[u16; 4]>),
    Read(Vec<Result<(), String>>),
}

impl Serialize for Mixed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Written(value, array, four) => (value, array, four).serialize(serializer),
            Self::Read(_) => Err(S::Error::custom("it was read")),
        }
    }
}

impl<'de> Deserialize<'de> for Mixed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = <(Half, Half, Quarter)>::deserialize(deserializer)?;
        let (Half(value), Half(array), Quarter(one)) = read;
        Ok(Self::Read(vec![value, array, one]))
    }
}

/// What reading a handle as one on an array of `u16` has come to: neither 8 nor 9 bytes are three of them.
struct Half(Result<(), String>);

impl<'de> Deserialize<'de> for Half {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(RawArray::<u16>::deserialize(deserializer).map(drop).map_err(|e| e.to_string())))
    }
}

/// As a handle on one `u16`, of which there are four.
struct Quarter(Result<(), String>);

impl<'de> Deserialize<'de> for Quarter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(RawValue::<u16>::deserialize(deserializer).map(drop).map_err(|e| e.to_string())))
    }
}

#[mp::task]
fn what_was_read(mixed: Mixed) -> String {
    match mixed {
        Mixed::Read(all) => format!("{all:?}"),
        Mixed::Written(..) => String::from("it was not read"),
    }
}

#[mp::test]
fn val_09_a_handle_of_another_type_is_refused() {
    watchdog(LONG, || {
        let value = RawValue::new(3_u64).expect("memory");
        let array = RawArray::from_slice(&[[1, 2, 3]; 3]).expect("memory");
        let four = RawValue::new([1, 2, 3, 4]).expect("memory");
        let process = mp::spawn(what_was_read, Mixed::Written(value.clone(), array, four));
        let said = process.expect("it starts").result().expect("it returns");
        assert_eq!(said.matches("another type").count(), 3, "{said}");
        assert!(serde_json::to_string(&value).is_err(), "it means nothing elsewhere");
    });
}

#[mp::test]
fn val_06_the_example_of_a_matrix_gives_what_one_process_gives() {
    let finished = example("shared_array").run();
    finished.assert_success();
    assert!(finished.stdout.contains("this process") && finished.stdout.contains("workers"));
    assert_eq!(finished.stdout.lines().count(), 7, "{}", finished.stdout);
}
