//! A lane's counts and bells under loom, with room for one item. Its locks are those of `sync`, which has models of its
//! own: here consumers take turns by a lock of loom's, and a bell makes the fence that letting go of one is on x86-64.

use crate::channel::lane::count::Counts;
use crate::channel::lane::{Bell, ITEMS, PUTS, ROOM, TAKES};
use crate::transport::tests::model::{Bytes, Model, ModelLong, explore};
use loom::sync::{Arc, Mutex};
use loom::thread;

#[derive(Default)]
struct Words {
    puts: ModelLong,
    takes: ModelLong,
    items: [Model; 2],
    room: [Model; 2],
    item: Bytes,
    taking: Mutex<()>,
}

impl Counts for Words {
    type Word = Model;

    fn short(&self, at: usize) -> &Model {
        let of = |bell: Bell| at.checked_sub(bell.word() - 4).map(|at| at / 4).filter(|at| *at < 2);
        match (of(ITEMS), of(ROOM)) {
            (Some(at), _) => &self.items[at],
            (_, Some(at)) => &self.room[at],
            _ => unreachable!("no bell's word: {at}"),
        }
    }

    fn long(&self, at: usize) -> &ModelLong {
        match at {
            PUTS => &self.puts,
            TAKES => &self.takes,
            _ => unreachable!("no count: {at}"),
        }
    }
}

impl Words {
    fn has_room(&self) -> bool {
        self.puts() == self.takes()
    }

    /// By the only producer.
    fn put(&self, value: u64) {
        while !self.has_room() {
            ROOM.sleep(self, None, || self.has_room());
        }
        self.item.write(value);
        self.count_put(self.puts());
        ITEMS.ring(self);
    }

    fn try_take(&self) -> Option<u64> {
        let taking = self.taking.lock().unwrap();
        let takes = self.takes();
        if self.puts() == takes {
            return None;
        }
        let value = self.item.read();
        self.count_take(takes);
        drop(taking);
        ROOM.ring(self);
        Some(value)
    }

    fn take(&self) -> u64 {
        loop {
            if let Some(value) = self.try_take() {
                return value;
            }
            ITEMS.sleep(self, None, || self.puts() != self.takes());
        }
    }
}

fn spawn<R: 'static>(
    words: &Arc<Words>,
    f: impl FnOnce(&Words) -> R + 'static,
) -> thread::JoinHandle<R> {
    let words = words.clone();
    thread::spawn(move || f(&words))
}

/// Every order with up to three interruptions of a thread.
#[test]
fn loom_lane_items_come_once_and_in_order_and_nobody_sleeps_on() {
    explore(3, || {
        let words = Arc::new(Words::default());
        let producer = spawn(&words, |words| (1..=2).for_each(|value| words.put(value)));
        assert_eq!([words.take(), words.take()], [1, 2]);
        producer.join().unwrap();
        assert_eq!(words.try_take(), None);
    });
}

/// Every order with up to two interruptions of a thread.
#[test]
fn loom_lane_two_consumers_get_an_item_each() {
    explore(2, || {
        let words = Arc::new(Words::default());
        let consumers = [0, 1].map(|_| spawn(&words, Words::take));
        (1..=2).for_each(|value| words.put(value));
        let taken = consumers.map(|consumer| consumer.join().unwrap());
        assert!(taken == [1, 2] || taken == [2, 1], "{taken:?}");
    });
}

/// Every order with up to three interruptions of a thread.
#[test]
fn loom_lane_all_are_rung() {
    explore(3, || {
        let words = Arc::new(Words::default());
        let sleepers = [0, 1].map(|_| {
            spawn(&words, |words| {
                while words.puts() == 0 {
                    ITEMS.sleep(words, None, || words.puts() != 0);
                }
            })
        });
        words.count_put(0);
        ITEMS.ring_all(&*words);
        sleepers.into_iter().for_each(|sleeper| sleeper.join().unwrap());
    });
}
