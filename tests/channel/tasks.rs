//! The tasks that several modules give to their processes, and the values these should give.

use crate::gate;
use mp::{Queue, Receiver, Sender};
use std::ops::Range;

#[mp::task]
pub fn put_range(queue: Queue<u64>, range: Range<u64>) {
    for number in range {
        queue.put(number).expect("the queue is in order");
    }
}

#[mp::task]
pub fn send_range(sender: Sender<u64>, range: Range<u64>) {
    for number in range {
        sender.send(number).expect("the receiver is there");
    }
}

#[mp::task]
pub fn get_many(queue: Queue<u64>, count: u64) -> Vec<u64> {
    (0..count).map(|_| queue.get().expect("there are as many")).collect()
}

#[mp::task]
pub fn get_all(queue: Queue<u64>) -> Vec<u64> {
    queue.iter().map(|item| item.expect("it decodes")).collect()
}

#[mp::task]
pub fn receive_all(receiver: Receiver<u64>) -> Vec<u64> {
    receiver.iter().map(|item| item.expect("it decodes")).collect()
}

/// Comes to a gate with a handle in its hands, and drops it there.
#[mp::task]
pub fn hold_queue(queue: Queue<u64>, gate: &str) {
    gate::stop_at(gate);
    drop(queue);
}

#[mp::task]
pub fn hold_sender(sender: Sender<u64>, gate: &str) {
    gate::stop_at(gate);
    drop(sender);
}

#[mp::task]
pub fn hold_receiver(receiver: Receiver<u64>, gate: &str) {
    gate::stop_at(gate);
    drop(receiver);
}

/// Waits for an item that does not come.
#[mp::task]
pub fn get_one(queue: Queue<u64>, gate: &str) -> u64 {
    gate::stop_at(gate);
    queue.get().expect("one comes")
}

/// Bytes of which no two stretches are alike.
pub fn pattern(len: usize, seed: u8) -> Vec<u8> {
    let mut block: Vec<u8> = (0..4096u32).map(|at| (at * at / 7) as u8 ^ seed).collect();
    let mut all = Vec::with_capacity(len);
    for number in 0u64.. {
        block[..8].copy_from_slice(&number.wrapping_mul(0xD6E8_FEB8_6659_FD93).to_le_bytes());
        let left = len - all.len();
        if left <= block.len() {
            all.extend_from_slice(&block[..left]);
            break;
        }
        all.extend_from_slice(&block);
    }
    all
}

/// Numbers that look random, the same in every run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}
