//! What a queue holds: in which order it comes out, how much of it there may be, and how much there is.

use crate::gate::Gate;
use crate::support::{example, repeat, state_of, wait_until};
use crate::tasks::{get_all, get_many, get_one, pattern, put_range};
use crate::{BOUNDED, MIB, PROMPT, SHORT, watched};
use mp::{ErrorKind, Queue, TrySendError};
use serde::{Deserialize, Serialize, Serializer};
use std::time::{Duration, Instant};

#[mp::test]
fn queue_01_items_come_out_in_the_order_in_which_processes_put_them() {
    watched(|| {
        let queue = Queue::new().unwrap();
        (0..10).for_each(|number| queue.put(number).unwrap());
        mp::spawn(put_range, (queue.clone(), 10..20)).unwrap().join().unwrap();
        for number in 0..20 {
            assert_eq!(queue.get().unwrap(), number);
        }
        assert_eq!(queue.try_get().unwrap_err().kind(), ErrorKind::Empty);
    });
}

#[mp::test]
fn queue_02_many_producers_and_consumers_lose_and_double_nothing() {
    watched(|| {
        const EACH: u64 = 5000;
        let queue = Queue::new().unwrap();
        let consumers: Vec<_> =
            (0..4).map(|_| mp::spawn(get_all, queue.clone()).unwrap()).collect();
        let producers: Vec<_> = (0..3)
            .map(|of| mp::spawn(put_range, (queue.clone(), of * EACH..(of + 1) * EACH)).unwrap())
            .collect();
        for producer in producers {
            producer.join().unwrap();
            assert_eq!(producer.exit_code(), Some(0));
        }
        queue.close_all();
        let mut all = Vec::new();
        for consumer in consumers {
            let taken = consumer.result().unwrap();
            for of in 0..3 {
                let range = of * EACH..(of + 1) * EACH;
                let of: Vec<_> = taken.iter().filter(|item| range.contains(item)).collect();
                assert!(of.is_sorted(), "each producer's items keep their order");
            }
            all.extend(taken);
        }
        all.sort_unstable();
        assert!(all.into_iter().eq(0..3 * EACH));
    });
}

#[mp::test]
fn queue_03_a_bounded_queue_is_full_after_its_number_of_items() {
    watched(|| {
        let queue = Queue::bounded(6).unwrap();
        assert_eq!(queue.capacity(), Some(6));
        for number in 0..6 {
            assert!(!queue.is_full());
            queue.put(number).unwrap();
        }
        assert!(queue.is_full() && !queue.is_empty());
        let begun = Instant::now();
        let refused = queue.try_put(6).unwrap_err();
        assert!(begun.elapsed() < PROMPT);
        assert!(matches!(refused, TrySendError::Full(6)));
        let begun = Instant::now();
        let refused = queue.put_timeout(7, SHORT).unwrap_err();
        assert!(begun.elapsed() >= SHORT && begun.elapsed() < SHORT + PROMPT);
        assert_eq!((refused.kind(), refused.into_inner()), (ErrorKind::Full, 7));
        let error: mp::Error = queue.try_put(8).unwrap_err().into();
        assert_eq!(error.kind(), ErrorKind::Full);
        assert!((0..6).all(|number| queue.get().unwrap() == number) && queue.is_empty());
    });
}

#[mp::test]
fn queue_04_a_get_that_finds_nothing_says_empty_at_its_time() {
    watched(|| {
        let queue = Queue::<u64>::new().unwrap();
        for timeout in [None, Some(Duration::ZERO)] {
            let begun = Instant::now();
            let got = timeout.map_or_else(|| queue.try_get(), |d| queue.get_timeout(d));
            assert!(begun.elapsed() < PROMPT);
            assert_eq!(got.unwrap_err().kind(), ErrorKind::Empty);
        }
        let begun = Instant::now();
        assert_eq!(queue.get_timeout(SHORT).unwrap_err().kind(), ErrorKind::Empty);
        assert!(begun.elapsed() >= SHORT && begun.elapsed() < SHORT + PROMPT);
        // Also where others had it, which are gone.
        mp::spawn(put_range, (queue.clone(), 0..0)).unwrap().join().unwrap();
        let begun = Instant::now();
        assert_eq!(queue.get_timeout(SHORT).unwrap_err().kind(), ErrorKind::Empty);
        assert!(begun.elapsed() >= SHORT);
    });
}

#[mp::test]
fn queue_05_one_without_a_bound_takes_any_number() {
    watched(|| {
        let queue = Queue::new().unwrap();
        (0..100_000u64).for_each(|number| queue.put(number).unwrap());
        assert_eq!((queue.len(), queue.is_full(), queue.capacity()), (100_000, false, None));
        assert!((0..100_000).all(|number| queue.get().unwrap() == number));
        assert_eq!(Queue::<u64>::bounded(0).unwrap_err().kind(), ErrorKind::InvalidArgument);
    });
}

#[mp::test]
fn queue_06_a_put_that_waits_goes_on_when_another_process_takes_one() {
    watched(|| {
        let gate = Gate::new();
        let queue = Queue::bounded(1).unwrap();
        queue.put(1).unwrap();
        let taker = mp::spawn(get_one, (queue.clone(), gate.name())).unwrap();
        let guest = gate.next();
        let putter = mp::spawn(put_range, (queue.clone(), 2..4)).unwrap();
        let pid = putter.pid().unwrap().cast_signed();
        wait_until(BOUNDED, "the putter sleeps", || state_of(pid) == Some('S'));
        let begun = Instant::now();
        guest.release();
        assert_eq!(taker.result().unwrap(), 1);
        assert_eq!([queue.get().unwrap(), queue.get().unwrap()], [2, 3]);
        putter.join().unwrap();
        assert!(begun.elapsed() < PROMPT, "{:?}", begun.elapsed());
    });
}

#[mp::test]
fn queue_07_the_length_is_right_when_a_call_returns() {
    watched(|| {
        let queue = Queue::new().unwrap();
        let mut lengths = vec![queue.len()];
        queue.put(1).unwrap();
        lengths.push(queue.len());
        mp::spawn(put_range, (queue.clone(), 2..3)).unwrap().join().unwrap();
        lengths.push(queue.len());
        queue.get().unwrap();
        lengths.push(queue.len());
        mp::spawn(get_many, (queue.clone(), 1)).unwrap().join().unwrap();
        lengths.push(queue.len());
        assert_eq!(lengths, [0, 1, 2, 1, 0]);
    });
}

/// How empty the queue is each time when it was told that something was put.
#[mp::task]
fn watch_empty(queue: Queue<u64>, end: mp::Connection<bool, ()>) {
    while end.recv().is_ok() {
        end.send(queue.is_empty()).expect("it waits for that");
    }
}

#[mp::test]
fn queue_08_another_process_sees_an_item_until_it_is_taken() {
    watched(|| {
        let queue = Queue::new().unwrap();
        let (own, other) = mp::pipe().unwrap();
        let _process = mp::spawn(watch_empty, (queue.clone(), other)).unwrap();
        let is_empty_there = || {
            own.send(()).unwrap();
            own.recv().unwrap()
        };
        repeat(200, |_| {
            assert!(is_empty_there());
            queue.put(1).unwrap();
            assert!(!is_empty_there() && !is_empty_there());
            queue.get().unwrap();
        });
    });
}

#[mp::test]
fn queue_09_a_large_item_is_put_without_a_reader() {
    watched(|| {
        let queue = Queue::new().unwrap();
        let item = pattern(100 * MIB, 3);
        let begun = Instant::now();
        queue.put(item.clone()).unwrap();
        assert!(begun.elapsed() < BOUNDED, "{:?}", begun.elapsed());
        assert!(queue.get().unwrap() == item);
    });
}

/// Encodes only if it is even.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
struct Even(u64);

impl Serialize for Even {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 % 2 {
            0 => serializer.serialize_newtype_struct("Even", &self.0),
            _ => Err(serde::ser::Error::custom("it is odd")),
        }
    }
}

#[mp::test]
fn queue_15_an_item_that_does_not_encode_takes_no_room() {
    watched(|| {
        let queue = Queue::bounded(1).unwrap();
        for _ in 0..3 {
            let error = queue.put(Even(1)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Encode);
            assert!(error.to_string().contains("it is odd"), "{error}");
        }
        let refused = queue.try_put(Even(3)).unwrap_err();
        assert_eq!((refused.kind(), refused.into_inner()), (ErrorKind::Encode, Even(3)));
        assert!(queue.is_empty());
        queue.try_put(Even(2)).unwrap();
        assert_eq!(queue.get().unwrap(), Even(2));
    });
}

/// Decodes only if it is even.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct EvenRead(u64);

impl<'de> Deserialize<'de> for EvenRead {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            odd if odd % 2 == 1 => Err(serde::de::Error::custom("it is odd")),
            even => Ok(Self(even)),
        }
    }
}

#[mp::test]
fn queue_15_an_item_that_does_not_decode_is_an_error_and_the_next_one_follows() {
    watched(|| {
        let queue = Queue::new().unwrap();
        (0..4).for_each(|number| queue.put(EvenRead(number)).unwrap());
        queue.close_all();
        let kinds: Vec<_> = queue.iter().map(|item| item.map_err(|error| error.kind())).collect();
        let bad = Err(ErrorKind::Decode);
        assert_eq!(kinds, [Ok(EvenRead(0)), bad, Ok(EvenRead(2)), bad]);
    });
}

#[mp::test]
fn queue_01_the_example_prints_what_the_child_put() {
    let finished = example("queue").run();
    finished.assert_success();
    assert_eq!(finished.stdout, "[Text(\"shen\"), Nothing, Year(1995)]\n");
}

#[mp::test]
fn queue_02_the_example_of_a_pipeline_counts_every_file_once() {
    let finished = example("worker_pipeline").run();
    finished.assert_success();
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let (mut files, mut lines) = (0, 0);
    for entry in std::fs::read_dir(directory).unwrap() {
        files += 1;
        lines += std::fs::read_to_string(entry.unwrap().path()).unwrap().lines().count();
    }
    let first = format!("{files} text files, {lines} lines\n");
    assert!(finished.stdout.starts_with(&first), "{}", finished.stdout);
}
