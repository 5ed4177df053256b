//! When handles are closed or gone: who is told, and what becomes of what was put.

use crate::gate::Gate;
use crate::tasks::{get_all, hold_queue, put_range};
use crate::{PROMPT, kill, watched};
use mp::{ErrorKind, Queue};
use std::thread;
use std::time::Instant;

#[mp::test]
fn queue_13_a_closed_handle_is_of_no_use_and_others_go_on() {
    watched(|| {
        let queue = Queue::new().unwrap();
        let other = queue.clone();
        queue.put(1).unwrap();
        queue.close();
        queue.close();
        let closed = |kind| assert_eq!(kind, ErrorKind::Closed);
        closed(queue.put(2).unwrap_err().kind());
        closed(queue.try_put(2).unwrap_err().kind());
        closed(queue.get().unwrap_err().kind());
        closed(queue.try_get().unwrap_err().kind());
        closed(queue.task_done().unwrap_err().kind());
        closed(queue.join().unwrap_err().kind());
        assert_eq!(queue.iter().count(), 0);
        let error = mp::spawn(get_all, queue).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Encode);
        let process = mp::spawn(put_range, (other.clone(), 2..4)).unwrap();
        process.join().unwrap();
        assert_eq!([1, 2, 3].map(|_| other.get().unwrap()), [1, 2, 3]);
    });
}

#[mp::test]
fn queue_13_a_get_that_waits_ends_when_its_handle_is_closed() {
    watched(|| {
        let queue = Queue::<u64>::new().unwrap();
        let _other = queue.clone();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.get().unwrap_err().kind());
            queue.close();
            let begun = Instant::now();
            assert_eq!(waiting.join().unwrap(), ErrorKind::Closed);
            assert!(begun.elapsed() < PROMPT);
        });
    });
}

#[mp::test]
fn queue_19_a_get_ends_when_all_other_handles_are_dropped() {
    watched(|| {
        let gate = Gate::new();
        let queue = Queue::new().unwrap();
        queue.put(7).unwrap();
        let process = mp::spawn(hold_queue, (queue.clone(), gate.name())).unwrap();
        let guest = gate.next();
        assert_eq!(queue.get().unwrap(), 7);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| (queue.get().unwrap_err().kind(), Instant::now()));
            let begun = Instant::now();
            guest.release();
            let (kind, at) = waiting.join().unwrap();
            assert_eq!(kind, ErrorKind::Disconnected);
            assert!(at - begun < PROMPT, "{:?}", at - begun);
        });
        process.join().unwrap();
    });
}

#[mp::test]
fn queue_19_a_get_ends_when_the_last_producer_is_killed() {
    watched(|| {
        let gate = Gate::new();
        let queue = Queue::new().unwrap();
        let process = mp::spawn(hold_queue, (queue.clone(), gate.name())).unwrap();
        let _guest = gate.next();
        mp::spawn(put_range, (queue.clone(), 0..5)).unwrap().join().unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.iter().map(Result::unwrap).collect::<Vec<_>>());
            kill(&process);
            let begun = Instant::now();
            assert_eq!(waiting.join().unwrap(), [0, 1, 2, 3, 4]);
            assert!(begun.elapsed() < 2 * PROMPT, "{:?}", begun.elapsed());
        });
        assert_eq!(queue.get().unwrap_err().kind(), ErrorKind::Disconnected);
    });
}

#[mp::test]
fn queue_19_a_put_on_a_full_queue_ends_when_nobody_is_left_to_take_one() {
    watched(|| {
        let gate = Gate::new();
        let queue = Queue::bounded(1).unwrap();
        queue.put(1).unwrap();
        let process = mp::spawn(hold_queue, (queue.clone(), gate.name())).unwrap();
        let _guest = gate.next();
        kill(&process);
        assert_eq!(queue.put(2).unwrap_err().kind(), ErrorKind::Disconnected);
        assert_eq!(queue.get().unwrap(), 1);
    });
}

#[mp::test]
fn queue_19_a_handle_under_way_counts_as_one() {
    watched(|| {
        let (queue, carrier) = (Queue::new().unwrap(), Queue::new().unwrap());
        carrier.put(queue.clone()).unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.get().unwrap());
            carrier.get().unwrap().put(5u64).unwrap();
            assert_eq!(waiting.join().unwrap(), 5);
        });
        carrier.put(queue.clone()).unwrap();
        drop(carrier); // and with it the handle in it
        assert_eq!(queue.get().unwrap_err().kind(), ErrorKind::Disconnected);
    });
}

#[mp::test]
fn queue_19_threads_that_share_one_handle_may_wait_for_each_other() {
    watched(|| {
        let queue = Queue::new().unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.get().unwrap());
            scope.spawn(|| queue.put(5u64).unwrap());
            assert_eq!(waiting.join().unwrap(), 5);
        });
    });
}

#[mp::test]
fn bey_28_close_all_ends_every_loop_over_a_queue() {
    watched(|| {
        let queue = Queue::new().unwrap();
        let consumers: Vec<_> =
            (0..3).map(|_| mp::spawn(get_all, queue.clone()).unwrap()).collect();
        (0..100).for_each(|number| queue.put(number).unwrap());
        queue.close_all();
        assert_eq!(queue.put(100).unwrap_err().kind(), ErrorKind::Closed);
        let mut all: Vec<u64> =
            consumers.into_iter().flat_map(|consumer| consumer.result().unwrap()).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..100));
    });
}
