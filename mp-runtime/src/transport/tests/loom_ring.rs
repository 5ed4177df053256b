//! A ring's two sides under loom: with room for two records, of two words each.

use super::model::{Bytes, Model, ModelLong, explore};
use crate::transport::ring::turns::Turns;
use loom::sync::Arc;
use loom::thread;

const ROOM: u64 = RECORDS as u64;
const RECORDS: usize = 2;

#[derive(Default)]
struct Ring {
    tail: ModelLong,
    head: ModelLong,
    progress: ModelLong,
    waiting: Model,
    bell: Model,
    records: [[Bytes; 2]; RECORDS],
}

impl Turns for Ring {
    type Word = Model;

    fn tail(&self) -> &ModelLong {
        &self.tail
    }

    fn head(&self) -> &ModelLong {
        &self.head
    }

    fn waiting(&self) -> &Model {
        &self.waiting
    }

    fn bell(&self) -> &Model {
        &self.bell
    }

    fn progress(&self) -> &ModelLong {
        &self.progress
    }
}

impl Ring {
    fn at(&self, position: u64) -> &[Bytes; 2] {
        &self.records[usize::try_from(position % ROOM).unwrap()]
    }

    fn push(&self, position: u64, value: u64) {
        self.wait_for_head((position + 1).saturating_sub(ROOM));
        self.at(position).iter().for_each(|word| word.write(value));
        self.publish(position + 1);
    }

    /// What was there to be read from `position` on; none if nothing is.
    fn pop_all(&self, position: u64) -> Vec<u64> {
        let one = |position| {
            let [first, second] = self.at(position).each_ref().map(Bytes::read);
            assert_eq!(first, second, "half a record");
            self.pass(position + 1);
            first
        };
        (position..self.published()).map(one).collect()
    }
}

/// Every order with up to three interruptions of a thread.
#[test]
fn loom_ring_records_come_once_whole_and_in_order() {
    explore(3, || {
        let ring = Arc::new(Ring::default());
        let writer = {
            let ring = ring.clone();
            // The third and the fourth lie where the first ones did.
            thread::spawn(move || (0..4).for_each(|position| ring.push(position, 10 + position)))
        };
        let mut seen = Vec::new();
        while seen.len() < 4 {
            let more = ring.pop_all(seen.len() as u64);
            if more.is_empty() {
                thread::yield_now();
            }
            seen.extend(more);
        }
        writer.join().unwrap();
        assert_eq!(seen, [10, 11, 12, 13]);
        assert!(ring.pop_all(4).is_empty());
    });
}

/// Every order with up to three interruptions of a thread.
#[test]
fn loom_ring_what_is_noted_of_an_open_record_is_there() {
    explore(3, || {
        let ring = Arc::new(Ring::default());
        let writer = {
            let ring = ring.clone();
            thread::spawn(move || {
                for (word, parts) in ring.at(0).iter().zip(1..) {
                    word.write(7);
                    ring.note(parts);
                }
            })
        };
        let parts = usize::try_from(ring.noted()).unwrap();
        assert!(ring.at(0)[..parts].iter().all(|word| word.read() == 7));
        writer.join().unwrap();
        assert_eq!(ring.noted(), 2);
    });
}
