//! Processes that end while what they put is still there, and `join` on a queue.

use crate::gate::{Gate, stop_at};
use crate::tasks::{pattern, put_range};
use crate::{MIB, PROMPT, SHORT, kill, watched};
use mp::{ErrorKind, Queue};
use std::time::Instant;

#[mp::test]
fn queue_10_what_a_child_put_is_there_when_it_is_gone() {
    watched(|| {
        let queue = Queue::new().unwrap();
        mp::spawn(put_range, (queue.clone(), 0..10)).unwrap().join().unwrap();
        assert_eq!(queue.len(), 10);
        assert!((0..10).all(|number| queue.get().unwrap() == number));
    });
}

#[mp::task]
fn put_bytes(queue: Queue<Vec<u8>>, len: usize) {
    queue.put(pattern(len, 1)).expect("there is room");
}

#[mp::test]
fn queue_11_bey_27_a_child_with_unread_items_can_be_joined() {
    watched(|| {
        let queue = Queue::new().unwrap();
        mp::spawn(put_bytes, (queue.clone(), MIB)).unwrap().join().unwrap();
        assert!(queue.get().unwrap() == pattern(MIB, 1));
    });
}

#[mp::task]
fn work(queue: Queue<u64>, gate: &str) {
    while let Ok(number) = queue.get() {
        if number == 7 {
            stop_at(gate);
        }
        queue.task_done().expect("it was put");
    }
}

#[mp::test]
fn queue_16_join_waits_until_all_is_done() {
    watched(|| {
        let gate = Gate::new();
        let queue = Queue::new().unwrap();
        queue.join().unwrap();
        assert_eq!(queue.task_done().unwrap_err().kind(), ErrorKind::InvalidArgument);
        let workers: Vec<_> =
            (0..4).map(|_| mp::spawn(work, (queue.clone(), gate.name())).unwrap()).collect();
        (0..10).for_each(|number| queue.put(number).unwrap());
        let guest = gate.next();
        let begun = Instant::now();
        assert!(!queue.join_timeout(SHORT).unwrap());
        assert!(begun.elapsed() >= SHORT);
        guest.release();
        let begun = Instant::now();
        queue.join().unwrap();
        assert!(begun.elapsed() < PROMPT && queue.is_empty());
        assert_eq!(queue.task_done().unwrap_err().kind(), ErrorKind::InvalidArgument);
        queue.close_all();
        workers.iter().for_each(|worker| worker.join().unwrap());
    });
}

#[mp::test]
fn queue_16_join_ends_when_those_who_had_work_are_dead() {
    watched(|| {
        let gate = Gate::new();
        let queue = Queue::new().unwrap();
        let worker = mp::spawn(work, (queue.clone(), gate.name())).unwrap();
        queue.put(7).unwrap();
        let _guest = gate.next();
        kill(&worker);
        assert_eq!(queue.join().unwrap_err().kind(), ErrorKind::Disconnected);
    });
}
