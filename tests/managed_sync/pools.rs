//! MGR-10: a pool that a manager's server has, as it is from outside: what it does with tasks, errors, objects, and its end.

use crate::support::wait_until;
use crate::{BOUNDED, SHORT, block_on, managed, stay};
use mp::{ErrorKind, EventProxy, Pool, PoolProxy, ResultProxy};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

#[mp::task]
pub(crate) fn square(x: u64) -> u64 {
    x * x
}

#[mp::task]
fn join_texts(text: &str, more: Vec<u8>, last: Option<&str>) -> Result<String, String> {
    let joined = format!("{text}{more:?}{}", last.unwrap_or("-"));
    if text.is_empty() { Err(joined) } else { Ok(joined) }
}

#[mp::task]
fn use_pool(pool: PoolProxy, from: u64) -> mp::Result<u64> {
    let mapped: u64 = pool.map(square, from..from + 100)?.iter().sum();
    let handles = (from..from + 100).map(|x| pool.submit(square, x));
    let handles: Vec<_> = handles.collect::<mp::Result<_>>()?;
    let submitted: u64 = handles.iter().map(ResultProxy::get).sum::<mp::Result<u64>>()?;
    let applied = (from..from + 100).map(|x| pool.apply(square, x)).sum::<mp::Result<u64>>()?;
    assert_eq!((mapped, submitted), (submitted, applied));
    Ok(mapped)
}

#[mp::test]
fn mgr_10_several_processes_give_tasks_to_one_pool() {
    managed(|manager| {
        let pool = manager.pool(2).unwrap();
        let dict = manager.dict().unwrap();
        dict.insert(1, pool.clone()).unwrap();
        let start = |from| mp::spawn(use_pool, (dict.get(&1).unwrap().unwrap(), from)).unwrap();
        let processes = [0, 100, 200].map(start);
        let sums = processes.map(|process| process.result().unwrap().unwrap());
        assert_eq!(sums.iter().sum::<u64>(), (0..300).map(|x| x * x).sum::<u64>());
        assert!(pool.is_same(&dict.get(&1).unwrap().unwrap()));
        let text = pool.apply(join_texts, ("a", vec![1, 2], Some("b"))).unwrap();
        assert_eq!(text.unwrap(), "a[1, 2]b");
        let texts = [("a", vec![], None), ("", vec![3], Some("x"))];
        let expected = vec![Ok("a[]-".to_owned()), Err("[3]x".to_owned())];
        assert_eq!(pool.starmap(join_texts, texts).unwrap(), expected);
        pool.resize(3).unwrap();
        assert_eq!(pool.resize(0).unwrap_err().kind(), ErrorKind::InvalidArgument);
        assert_eq!(pool.apply(square, 3).unwrap(), 9);
        assert_eq!(manager.pool(0).unwrap_err().kind(), ErrorKind::InvalidArgument);
    });
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Meters(f64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Dot,
    Line(u8, String),
}

/// Tasks that give back what they take, of types that travel side by side, and of others.
macro_rules! echoes {
    ($($name:ident: $type:ty = $values:expr;)*) => {
        $(#[mp::task]
        fn $name(value: $type) -> $type {
            value
        })*

        #[mp::test]
        fn mgr_10_values_of_every_kind_come_back() {
            managed(|manager| {
                let pool = manager.pool(2).unwrap();
                $({
                    let values: Vec<$type> = $values;
                    let echoed = pool.map($name, values.clone()).unwrap();
                    assert_eq!(echoed, values, stringify!($name));
                    for value in values {
                        assert_eq!(pool.apply($name, value.clone()).unwrap(), value);
                    }
                })*
            });
        }
    };
}

echoes! {
    echo_u8: u8 = vec![0, 127, 128, 255];
    echo_u16: u16 = vec![0, 300, u16::MAX];
    echo_u64: u64 = vec![0, 1 << 40, u64::MAX];
    echo_u128: u128 = vec![0, u128::MAX];
    echo_usize: usize = vec![0, usize::MAX];
    echo_i8: i8 = vec![0, -1, i8::MIN, i8::MAX];
    echo_i32: i32 = vec![0, -1, i32::MIN, i32::MAX];
    echo_i128: i128 = vec![0, -1, i128::MIN];
    echo_bool: bool = vec![true, false];
    echo_char: char = vec!['a', 'ä', '\u{1f980}'];
    echo_f32: f32 = vec![0.0, -1.5, f32::INFINITY];
    echo_f64: f64 = vec![0.0, -1.5, f64::MAX];
    echo_meters: Meters = vec![Meters(1.0), Meters(-2.5)];
    echo_unit: () = vec![(), (), ()];
    echo_text: String = vec![String::new(), "x".repeat(100_000)];
    echo_bytes: Vec<u8> = vec![vec![], vec![7; 200_000], vec![1]];
    echo_option: Option<u32> = vec![None, Some(0), Some(u32::MAX)];
    echo_shape: Shape = vec![Shape::Dot, Shape::Line(1, "a".to_owned())];
    echo_none: u32 = vec![];
    echo_mixed: Mixed = (0..100).map(|n| Mixed(if n < 50 { 2 * n } else { n })).collect();
}

/// A number if it is even, and else something with a part: items of it do not all lie side by side.
#[derive(Clone, Debug, PartialEq)]
struct Mixed(u32);

impl Serialize for Mixed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(2) {
            return self.0.serialize(serializer);
        }
        let mut part = serializer.serialize_tuple(1)?;
        part.serialize_element(&self.0)?;
        part.end()
    }
}

impl<'de> Deserialize<'de> for Mixed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer).map(Self)
    }
}

#[mp::test]
fn mgr_10_a_long_map_keeps_its_order() {
    managed(|manager| {
        let pool = manager.pool(2).unwrap();
        let all = pool.map(square, 0..100_000).unwrap();
        assert!((0..).zip(&all).all(|(x, y)| x * x == *y) && all.len() == 100_000);
    });
}

#[mp::task]
fn fail(how: &str) -> u32 {
    match how {
        "panic" => panic!("as planned"),
        "exit" => std::process::exit(3),
        "sleep" => stay(),
        _ => 7,
    }
}

#[mp::task]
fn fail_at_odd(x: u32) -> u32 {
    assert!(x.is_multiple_of(2), "{x} is odd");
    x
}

#[mp::test]
fn mgr_10_errors_of_a_managed_pool_are_a_pools() {
    managed(|manager| {
        let pool = manager.pool(2).unwrap();
        let error = pool.apply(fail, "panic").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panicked);
        let panic = error.panic().expect("what it was");
        assert_eq!(panic.message(), "as planned");
        assert!(panic.location().contains("pools.rs:"), "{panic:?}");
        assert!(panic.worker().starts_with("PoolWorker-"), "{panic:?}");
        assert!(error.to_string().contains("fail panicked at"), "{error}");
        let error = pool.apply(fail, "exit").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WorkerDied);
        assert_eq!(error.worker().expect("which it was").exit_code(), 3);
        let late = pool.call(fail, "sleep").timeout(SHORT).submit().unwrap();
        assert_eq!(late.get().unwrap_err().kind(), ErrorKind::Timeout);
        let again = pool.call(fail, "panic").retries(2).submit().unwrap();
        assert_eq!(again.get().unwrap_err().kind(), ErrorKind::Panicked);
        let error = pool.map(fail_at_odd, [0, 2, 3, 4]).unwrap_err();
        assert_eq!(error.panic().map(mp::RemotePanic::message), Some("3 is odd"));
        // The handle gives the same each time, and so does another one.
        let handle = pool.submit(fail, "panic").unwrap();
        let other = handle.clone();
        let kinds = [handle.get(), handle.get(), other.get()].map(|it| it.unwrap_err().kind());
        assert_eq!(kinds, [ErrorKind::Panicked; 3]);
        assert_eq!(pool.apply(fail, "not").unwrap(), 7, "it goes on");
    });
}

#[mp::task]
fn try_again(attempts: mp::RawValue<AtomicU32>) -> u32 {
    let attempt = attempts.fetch_add(1, Relaxed);
    assert!(attempt >= 2, "not yet");
    attempt
}

#[mp::test]
fn mgr_10_a_task_with_objects_is_run_again() {
    managed(|manager| {
        let pool = manager.pool(1).unwrap();
        let attempts = mp::RawValue::new(AtomicU32::new(0)).unwrap();
        let handle = pool.call(try_again, attempts).retries(5).submit().unwrap();
        assert_eq!(handle.get().unwrap(), 2);
    });
}

#[mp::task]
pub(crate) fn wait_for(go: EventProxy) -> u32 {
    go.wait().expect("the server is there");
    5
}

#[mp::test]
fn mgr_10_handles_wait_are_ready_and_cancel() {
    managed(|manager| {
        let pool = manager.pool(1).unwrap();
        let go = manager.event().unwrap();
        let handle = pool.submit(wait_for, go.clone()).unwrap();
        let behind = pool.submit(square, 3).unwrap();
        let late = handle.get_timeout(SHORT).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::Timeout);
        assert!(!handle.ready().unwrap() && !handle.wait_timeout(SHORT).unwrap());
        wait_until(BOUNDED, "it is run", || handle.running().unwrap());
        assert!(behind.cancel().unwrap() && behind.cancel().unwrap());
        assert_eq!(behind.get().unwrap_err().kind(), ErrorKind::Cancelled);
        assert!(!handle.cancel().unwrap(), "a worker has begun it");
        assert_eq!(mp::wait(&[&handle, &behind], None).unwrap(), [1]);
        go.set().unwrap();
        assert_eq!(mp::wait(&[&handle], None).unwrap(), [0]);
        assert!(handle.ready().unwrap() && handle.wait_timeout(Duration::ZERO).unwrap());
        assert_eq!((handle.get().unwrap(), handle.get().unwrap()), (5, 5));
        assert!(!handle.running().unwrap() && !handle.cancel().unwrap());
        go.clear().unwrap();
        let stuck = pool.submit(wait_for, go.clone()).unwrap();
        wait_until(BOUNDED, "it is run", || stuck.running().unwrap());
        assert!(stuck.cancel_running().unwrap());
        assert_eq!(stuck.get().unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(block_on(pool.submit(square, 12).unwrap().get_async()).unwrap(), 144);
    });
}

#[mp::test]
fn mgr_10_close_terminate_and_join_are_a_pools() {
    managed(|manager| {
        let pool = manager.pool(2).unwrap();
        assert_eq!(pool.join().unwrap_err().kind(), ErrorKind::StillRunning);
        let go = manager.event().unwrap();
        let (handle, other) = (pool.submit(wait_for, go.clone()).unwrap(), pool.clone());
        other.close().unwrap();
        assert_eq!(pool.apply(square, 1).unwrap_err().kind(), ErrorKind::NotRunning);
        assert_eq!(pool.map(square, 0..2).unwrap_err().kind(), ErrorKind::NotRunning);
        thread::scope(|scope| {
            let joined = scope.spawn(|| other.join());
            thread::sleep(SHORT); // work: it is to wait for so long at least
            assert!(!joined.is_finished(), "a task is not done");
            assert_eq!(manager.value(1).unwrap().get().unwrap(), 1, "the server does not wait");
            go.set().unwrap();
            joined.join().unwrap().unwrap();
        });
        assert_eq!((handle.get().unwrap(), pool.join().is_ok()), (5, true));
        for by_kill in [false, true] {
            let pool = manager.pool(1).unwrap();
            let (running, waiting) = (pool.submit(fail, "sleep").unwrap(), pool.submit(square, 1));
            wait_until(BOUNDED, "it is run", || running.running().unwrap());
            if by_kill {
                pool.kill().unwrap()
            } else {
                pool.terminate().unwrap()
            }
            for error in [running.get().map(u64::from), waiting.unwrap().get()] {
                assert_eq!(error.unwrap_err().kind(), ErrorKind::Terminated);
            }
            pool.join().unwrap();
        }
    });
}

/// Takes long for the first item.
#[mp::task]
fn first_waits(x: u32, go: EventProxy) -> u32 {
    if x == 0 {
        go.wait().expect("the server is there");
    }
    fail_at_odd(2 * x) / 2
}

#[mp::task]
fn count_and_wait(begun: mp::RawValue<AtomicU32>, go: EventProxy) {
    begun.fetch_add(1, Relaxed);
    go.wait().expect("the server is there");
}

#[mp::test]
fn mgr_10_results_come_one_by_one() {
    managed(|manager| {
        let pool = manager.pool(2).unwrap();
        let taken = Cell::new(0);
        let endless = (0..).inspect(|x| taken.set(*x));
        let mut squares = pool.imap(square, endless);
        assert!((0..100).all(|x| squares.next().unwrap().unwrap() == x * x));
        assert!(taken.get() < 200, "it takes as many as are consumed, and some");
        drop(squares);
        let errors: Vec<_> = pool.imap(fail_at_odd, 0..10).map(|result| result.is_err()).collect();
        assert!(
            (0..).zip(&errors).all(|(x, is_err)| *is_err == (x % 2 == 1)) && errors.len() == 10
        );
        let go = manager.event().unwrap();
        let mut results = pool.imap_unordered(first_waits, (0..200).map(|x| (x, go.clone())));
        let mut others: Vec<_> = results.by_ref().take(199).collect::<mp::Result<_>>().unwrap();
        others.sort_unstable();
        assert!(others.into_iter().eq(1..200), "all but the one that waits");
        go.set().unwrap();
        assert_eq!((results.next().unwrap().unwrap(), results.next().is_none()), (0, true));
        assert!(pool.imap(square, []).next().is_none());
        // Dropped, it takes back what was not begun.
        go.clear().unwrap();
        let begun = mp::RawValue::new(AtomicU32::new(0)).unwrap();
        let waiting = (0..50).map(|_| (begun.clone(), go.clone()));
        let results = pool.imap(count_and_wait, waiting);
        assert!(format!("{results:?}").contains("count_and_wait"));
        drop(results);
        go.set().unwrap();
        let closed = pool.clone();
        closed.close().unwrap();
        let mut refused = pool.imap(square, 0..);
        assert_eq!(refused.next().unwrap().unwrap_err().kind(), ErrorKind::NotRunning);
        assert!(refused.next().is_none());
        pool.join().unwrap();
        assert!(begun.load(Relaxed) <= 2, "one for each worker");
        drop(refused);
        assert_eq!(manager.number_of_objects().unwrap(), 2);
    });
}

/// Compares with a pool of this process: the same answers, whoever has the workers.
#[mp::test]
fn mgr_10_a_managed_pool_gives_what_a_pool_gives() {
    managed(|manager| {
        let (direct, managed) = (Pool::new(2).unwrap(), manager.pool(2).unwrap());
        let items: Vec<_> = (0..500).collect();
        let of_both = (direct.map(square, items.clone()), managed.map(square, items));
        assert_eq!(of_both.0.unwrap(), of_both.1.unwrap());
        let kinds = |how| {
            let own = direct.apply(fail, how).map_err(|error| error.kind());
            assert_eq!(own, managed.apply(fail, how).map_err(|error| error.kind()), "{how}");
        };
        ["panic", "exit", "not"].into_iter().for_each(kinds);
    });
}
