//! A process that writes over all memory that the processes of its program share: it costs others errors, and no more.

use crate::support::commons::Window;
use crate::support::scenario;
use mp::{Array, Barrier, Condition, ErrorKind, Event, Lock, Queue, RLock, Semaphore, Value};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(2);

#[derive(Clone, Serialize, Deserialize)]
struct Things {
    queue: Queue<(u64, Vec<u8>, Option<Queue<u64>>)>,
    bounded: Queue<u64>,
    lock: Lock,
    rlock: RLock,
    semaphore: Semaphore,
    event: Event,
    condition: Condition,
    barrier: Barrier,
    value: Value<u64>,
    array: Array<u64>,
}

impl Things {
    fn new() -> mp::Result<Self> {
        let lock = Lock::new()?;
        Ok(Self {
            queue: Queue::new()?,
            bounded: Queue::bounded(2)?,
            condition: Condition::with_lock(&lock)?,
            lock,
            rlock: RLock::new()?,
            semaphore: Semaphore::new(2)?,
            event: Event::new()?,
            barrier: Barrier::new(2)?,
            value: Value::new(1)?,
            array: Array::zeroed(100)?,
        })
    }

    /// Uses all of them, whatever comes of it; whether something was found to be broken.
    fn use_all(&self, round: u64) -> bool {
        let inner = (round.is_multiple_of(3)).then(Queue::new).and_then(mp::Result::ok);
        let bytes = vec![7; usize::try_from(round * 997 % 9000).unwrap()];
        let put = self.queue.put_timeout((round, bytes, inner), SHORT);
        let _ = self.queue.get_timeout(SHORT);
        let _ = (self.queue.len(), self.queue.is_full(), self.queue.task_done());
        let _ = self.queue.join_timeout(SHORT);
        let _ = (self.bounded.put_timeout(1, SHORT), self.bounded.get_timeout(SHORT));
        if let Ok(true) = self.lock.acquire_timeout(SHORT) {
            let _ = self.lock.release();
        }
        if let Ok(true) = self.rlock.acquire_timeout(SHORT) {
            let _ = self.rlock.release();
        }
        if let Ok(true) = self.semaphore.acquire_timeout(SHORT) {
            let _ = self.semaphore.release();
        }
        self.event.set();
        self.event.clear();
        let _ = self.event.wait_timeout(SHORT);
        if let Ok(Some(mut guard)) = self.lock.try_lock() {
            let _ = self.condition.notify_all(&guard);
            let _ = self.condition.wait_timeout(&mut guard, SHORT);
        }
        let _ = (self.value.get(), self.value.set(round), self.array.get(3), self.array.to_vec());
        let _ = self.barrier.wait_timeout(SHORT);
        let _ = self.barrier.reset();
        drop(self.clone());
        // Nobody has closed it.
        put.is_err_and(|error| matches!(error.kind(), ErrorKind::Broken | ErrorKind::Closed))
    }
}

#[mp::task]
fn use_for_a_while(things: Things, begun: Event) -> u64 {
    begun.set();
    let start = Instant::now();
    let mut round = 0;
    while start.elapsed() < Duration::from_secs(2) {
        things.use_all(round);
        round += 1;
    }
    round
}

/// Numbers that look random, the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Writes over the first megabyte of each territory, where all objects of such a small program are, and of the lists in
/// front.
#[mp::task]
fn scribble(seed: u64) {
    let window = Window::find().expect("it is mapped");
    let mut random = Random(seed);
    for base in [0, 1 << 20, 1 << 28, 2 << 28, 3 << 28, 4 << 28] {
        for at in (base..base + (1 << 20)).step_by(1 << 12) {
            let how = random.next() % 4;
            let word = |_| match how {
                0 => random.next(),
                1 => u64::MAX,
                2 => 0,
                _ => random.next() & random.next() & random.next(),
            };
            let page: Vec<u8> = (0..512).map(word).flat_map(u64::to_le_bytes).collect();
            window.write(at, &page);
        }
    }
}

fn scribbled(seed: u64) {
    let things = Things::new().unwrap();
    let begun = Event::new().unwrap();
    let user = mp::spawn(use_for_a_while, (things.clone(), begun.clone())).unwrap();
    begun.wait();
    mp::spawn(scribble, seed).unwrap().join().unwrap();
    let broken = (0..50).filter(|round| things.use_all(*round)).count();
    println!("broken {broken}");
    let ended = user.join_timeout(Duration::from_secs(30)).unwrap();
    assert!(ended && user.exit_code() == Some(0), "{user:?}");
    println!("rounds {}", user.result().unwrap());
    // New ones are no worse, or are refused.
    if let Ok(things) = Things::new() {
        things.use_all(0);
    }
    drop(things);
    println!("done yes");
}

#[mp::test]
fn bey_03_bey_04_one_that_writes_over_all_shared_memory_costs_others_errors_only() {
    let programs = [
        scenario!(|| scribbled(1)),
        scenario!(|| scribbled(22)),
        scenario!(|| scribbled(333)),
        scenario!(|| scribbled(4444)),
    ];
    let mut broken = 0;
    for program in programs {
        let finished = program.limit(Duration::from_secs(60)).run();
        finished.assert_success();
        assert_eq!(finished.value("done "), "yes");
        broken += finished.value("broken ").parse::<u32>().unwrap();
    }
    assert!(broken > 0, "it was not written over");
}
