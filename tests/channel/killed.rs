//! Processes killed while they put and get: those who live go on, and only what the dead one had is lost.

use crate::gate::{Gate, stop_at};
use crate::support::{state_of, wait_until};
use crate::tasks::{Random, get_many, get_one, pattern, put_range};
use crate::{BOUNDED, MIB, PROMPT, kill, watched};
use mp::{Process, Queue};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

#[mp::test]
fn queue_20_a_consumer_killed_while_it_waits_takes_nothing_with_it() {
    watched(|| {
        let gate = Gate::new();
        let queue = Queue::new().unwrap();
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let process = mp::spawn(get_one, (queue.clone(), gate.name())).unwrap();
                gate.next().release();
                let pid = process.pid().unwrap().cast_signed();
                wait_until(BOUNDED, "it sleeps", || state_of(pid) == Some('S'));
                process
            })
            .collect();
        waiting.iter().for_each(kill);
        let other = mp::spawn(get_many, (queue.clone(), 100)).unwrap();
        let begun = Instant::now();
        (0..100).for_each(|number| queue.put(number).unwrap());
        assert!(other.result().unwrap().into_iter().eq(0..100));
        assert!(begun.elapsed() < 3 * PROMPT, "{:?}", begun.elapsed());
    });
}

/// Kills a process that is busy after some time.
fn kill_after<T: mp::Task>(process: &Process<T>, time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
    kill(process);
}

/// The number in front, and bytes that follow from it.
type Item = (u64, Vec<u8>);

fn item(number: u64, len: usize) -> Item {
    (number, pattern(len, number as u8))
}

fn check((number, bytes): Item) -> u64 {
    assert!(bytes == pattern(bytes.len(), number as u8), "item {number} is damaged");
    number
}

#[mp::task]
fn put_large(queue: Queue<Item>, gate: &str) {
    let item = item(666, 50 * MIB);
    stop_at(gate);
    loop {
        queue.put(item.clone()).expect("there is room");
    }
}

#[mp::test]
fn queue_21_a_producer_killed_in_the_middle_of_a_large_put_leaves_no_garbage() {
    watched(|| {
        let gate = Gate::new();
        for round in 0..6 {
            let queue = Queue::new().unwrap();
            let process = mp::spawn(put_large, (queue.clone(), gate.name())).unwrap();
            gate.next().release();
            kill_after(&process, Duration::from_millis(7 * round));
            (0..10).for_each(|number| queue.put(item(number, 1000)).unwrap());
            queue.close_all();
            let numbers: Vec<u64> = queue.iter().map(|item| check(item.unwrap())).collect();
            let others = numbers.iter().copied().filter(|number| *number != 666);
            assert!(others.eq(0..10), "{numbers:?}");
        }
    });
}

#[mp::task]
fn put_for_ever(queue: Queue<Item>, producer: u64, gate: &str) {
    stop_at(gate);
    for number in 0.. {
        let len = if number % 100 == 3 { 100_000 } else { (number % 200) as usize };
        queue.put(item(producer << 32 | number, len)).expect("the queue is in order");
    }
}

#[mp::task]
fn get_for_ever(queue: Queue<Item>, seen: Queue<u64>, gate: &str) {
    stop_at(gate);
    for item in queue.iter() {
        seen.put(check(item.expect("it is whole"))).expect("the queue is in order");
    }
}

#[mp::test]
fn bey_03_a_pair_goes_on_while_fifty_producers_are_killed() {
    watched(|| {
        let gate = Gate::new();
        let queue = Queue::bounded(1000).unwrap();
        let seen = Queue::new().unwrap();
        let consumer = mp::spawn(get_for_ever, (queue.clone(), seen.clone(), gate.name())).unwrap();
        gate.next().release();
        let mut random = Random(5);
        for producer in 0..50 {
            let process = mp::spawn(put_for_ever, (queue.clone(), producer, gate.name())).unwrap();
            gate.next().release();
            kill_after(&process, Duration::from_micros(random.below(6000)));
        }
        for number in 0..10_000 {
            queue.put(item(99 << 32 | number, 64)).unwrap();
        }
        let mut next = BTreeMap::new();
        while next.get(&99) != Some(&10_000) {
            let number: u64 = seen.get_timeout(BOUNDED).unwrap();
            let expected = next.entry(number >> 32).or_insert(0);
            assert_eq!(number & 0xffff_ffff, *expected, "of producer {}", number >> 32);
            *expected += 1;
        }
        kill(&consumer);
    });
}

#[mp::test]
fn queue_20_consumers_killed_at_random_lose_only_what_they_had() {
    watched(|| {
        const ITEMS: u64 = 40_000;
        let gate = Gate::new();
        let (queue, seen) = (Queue::new().unwrap(), Queue::new().unwrap());
        let mut random = Random(8);
        let consumer = || {
            let process =
                mp::spawn(get_for_ever, (queue.clone(), seen.clone(), gate.name())).unwrap();
            gate.next().release();
            process
        };
        let mut consumers = [consumer(), consumer()];
        let mut killed = 0;
        for number in 0..ITEMS {
            let len = if number % 100 == 3 { 100_000 } else { (number % 200) as usize };
            queue.put(item(number, len)).unwrap();
            if number % 1000 == 999 {
                let victim = random.below(2) as usize;
                kill_after(&consumers[victim], Duration::from_micros(random.below(3000)));
                consumers[victim] = consumer();
                killed += 1;
            }
        }
        let mut all = BTreeSet::new();
        while !queue.is_empty() || !seen.is_empty() {
            if let Ok(number) = seen.get_timeout(Duration::from_millis(10)) {
                assert!(all.insert(number), "{number} came twice");
            }
        }
        while let Ok(number) = seen.get_timeout(PROMPT) {
            assert!(all.insert(number), "{number} came twice");
        }
        let lost = ITEMS - all.len() as u64;
        assert!(lost <= killed, "{lost} items are lost by {killed} kills");
        consumers.iter().for_each(kill);
    });
}

#[mp::test]
fn queue_20_a_stopped_consumer_holds_nobody_up_for_ever() {
    watched(|| {
        let gate = Gate::new();
        let (queue, seen) = (Queue::new().unwrap(), Queue::new().unwrap());
        let consumer = mp::spawn(get_for_ever, (queue.clone(), seen.clone(), gate.name())).unwrap();
        gate.next().release();
        (0..5000).for_each(|number| queue.put(item(number, 100)).unwrap());
        let pid = consumer.pid().unwrap().cast_signed();
        crate::support::kill(pid, libc::SIGSTOP).unwrap();
        // It may stand anywhere: with the lock, even. Killed, it is one that died there.
        let begun = Instant::now();
        let taken = queue.try_get();
        assert!(begun.elapsed() < 3 * PROMPT);
        kill(&consumer);
        let rest = (0..).map_while(|_| queue.try_get().ok()).map(check).count();
        let seen = (0..).map_while(|_| seen.try_get().ok()).count();
        let all = rest + seen + usize::from(taken.is_ok());
        assert!((4999..=5000).contains(&all), "{all}");
    });
}

#[mp::test]
fn queue_21_many_queues_live_through_the_deaths_of_their_makers() {
    watched(|| {
        #[mp::task]
        fn make(to: Queue<Queue<u64>>, gate: &str) {
            let queue = Queue::new().expect("there is memory");
            put_range(queue.clone(), 0..1000);
            to.put(queue).expect("it is in order");
            stop_at(gate);
        }
        let gate = Gate::new();
        let to = Queue::new().unwrap();
        for _ in 0..5 {
            let process = mp::spawn(make, (to.clone(), gate.name())).unwrap();
            let _guest = gate.next();
            kill(&process);
            let queue = to.get().unwrap();
            queue.put(1000).unwrap();
            assert!((0..=1000).all(|number| queue.get().unwrap() == number));
        }
    });
}
