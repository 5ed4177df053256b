//! What each process of the tangle does: puts and gets, takes locks, sets events and waits, at random, and writes down what
//! it is about to do and what it has done, where that outlives it.

use crate::Random;
use mp::{Condition, ErrorKind, Event, Lock, Queue, RawArray, Semaphore};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::time::Duration;

/// An item: its number, bytes that follow from it, and at times a queue that has the number in it.
pub type Item = (u64, Vec<u8>, Option<Queue<u64>>);

/// What all of them have.
#[derive(Clone, Serialize, Deserialize)]
pub struct Things {
    pub queues: Vec<Queue<Item>>,
    pub locks: Vec<Lock>,
    /// Two for each lock, which are equal while nobody has it.
    pub pairs: RawArray<u64>,
    pub semaphore: Semaphore,
    pub event: Event,
    pub condition: Condition,
    pub stop: Event,
}

impl Things {
    pub fn new() -> mp::Result<Self> {
        let queue = |number: usize| match number % 2 {
            0 => Queue::new(),
            _ => Queue::bounded(3 * number),
        };
        Ok(Self {
            queues: (0..4).map(queue).collect::<mp::Result<_>>()?,
            locks: (0..3).map(|_| Lock::new()).collect::<mp::Result<_>>()?,
            pairs: RawArray::zeroed(6)?,
            semaphore: Semaphore::new(3)?,
            event: Event::new()?,
            condition: Condition::new()?,
            stop: Event::new()?,
        })
    }
}

/// One line of a process's journal: `p`, `P`: an item is about to be put, is put; `g`: one is about to be got; `G`: it
/// is got; `e`: none came; `D`: one came whose queue has gone.
pub const LINE: usize = 9;

struct Journal(File);

impl Journal {
    fn write(&mut self, what: u8, item: u64) {
        let mut line = [what; LINE];
        line[1..].copy_from_slice(&item.to_le_bytes());
        self.0.write_all(&line).expect("the journal takes it");
    }
}

fn bytes_of(item: u64, len: usize) -> Vec<u8> {
    (0..len).map(|at| (at as u64 ^ item) as u8).collect()
}

/// Whether an item is as it was put; its number.
pub fn check((number, bytes, inner): Item) -> u64 {
    assert!(bytes == bytes_of(number, bytes.len()), "item {number:x} is damaged");
    if let Some(queue) = inner {
        assert_eq!(queue.try_get().expect("it is in it"), number);
    }
    number
}

struct Party {
    things: Things,
    journal: Journal,
    random: Random,
    serial: u64,
    count: u64,
}

#[mp::task]
pub fn mingle(things: Things, serial: u64, journal: &str, seed: u64) {
    let file = File::options().append(true).create(true).open(journal).expect("it can be made");
    let journal = Journal(file);
    let mut party = Party { things, journal, random: Random(seed), serial, count: 0 };
    while !party.things.stop.is_set() {
        match party.random.below(12) {
            0..=3 => party.put(),
            4..=7 => party.get(),
            8 | 9 => party.bump(),
            10 => party.share(),
            _ => party.notify(),
        }
    }
}

impl Party {
    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.random.below(n as u64)).expect("it is below")
    }

    fn put(&mut self) {
        let item = self.serial << 32 | self.count;
        self.count += 1;
        let len = match self.below(200) {
            0 => 100_000,
            1..10 => 5_000,
            short => short,
        };
        let inner = (self.below(20) == 0).then(|| {
            let queue = Queue::new().expect("there is memory");
            queue.put(item).expect("it is in order");
            queue
        });
        let at = self.below(4);
        if self.things.queues[at].len() > 500 {
            return;
        }
        self.journal.write(b'p', item);
        let timeout = Duration::from_millis(self.random.below(4));
        let item = (item, bytes_of(item, len), inner);
        let number = item.0;
        match self.things.queues[at].put_timeout(item, timeout) {
            Ok(()) => self.journal.write(b'P', number),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Full, "{error}"),
        }
    }

    fn get(&mut self) {
        self.journal.write(b'g', 0);
        let timeout = Duration::from_millis(self.random.below(4));
        let at = self.below(4);
        match self.things.queues[at].get_timeout(timeout) {
            Ok(item) => {
                let number = check(item);
                self.journal.write(b'G', number);
            }
            Err(error) if error.kind() == ErrorKind::Empty => self.journal.write(b'e', 0),
            Err(error) => {
                assert!(error.to_string().contains("not there any more"), "{error}");
                self.journal.write(b'D', 0);
            }
        }
    }

    /// Adds one to both of a pair, which are found equal unless their owner has died in between.
    fn bump(&mut self) {
        let at = self.below(3);
        let guard = self.things.locks[at].lock().expect("it is in order");
        let pairs = &self.things.pairs;
        let get = |index| pairs.get(index).expect("it is one of six");
        let set = |index, value| pairs.set(index, value).expect("it is one of six");
        let (first, second) = (get(2 * at), get(2 * at + 1));
        assert!(first == second || guard.owner_died(), "{first} {second}: two have the lock");
        set(2 * at, first + 1);
        if self.serial.is_multiple_of(3) {
            std::thread::yield_now();
        }
        set(2 * at + 1, first + 1);
    }

    fn share(&mut self) {
        let timeout = Duration::from_millis(self.random.below(3));
        if self.things.semaphore.acquire_timeout(timeout).expect("it is in order") {
            self.things.semaphore.release().expect("it is in order");
        }
        self.things.event.set();
        self.things.event.clear();
        let _ = self.things.event.wait_timeout(timeout);
    }

    fn notify(&mut self) {
        let mut guard = self.things.condition.lock().expect("it is in order");
        if self.random.below(2) == 0 {
            self.things.condition.notify_one(&guard).expect("it is its lock");
        } else {
            let timeout = Duration::from_millis(self.random.below(3));
            self.things.condition.wait_timeout(&mut guard, timeout).expect("it is in order");
        }
    }
}
