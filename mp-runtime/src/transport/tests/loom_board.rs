//! A slot's word, and the sleep of workers and of the parent, under loom.

use super::model::{Bytes, Model, ModelLong, explore};
use crate::transport::board::sleep::Beds;
use crate::transport::board::word::Slot;
use crate::transport::board::{State, Word};
use crate::transport::word::Word as _;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

/// One slot, and two seats.
#[derive(Default)]
struct Pool {
    word: ModelLong,
    payload: Bytes,
    /// How many calls were run.
    runs: AtomicU32,
    bells: [Model; 2],
    parked: ModelLong,
    armed: Model,
    /// The bell of who waits for results.
    sleeper: Model,
}

impl Beds for Pool {
    type Word = Model;
    const GROUPS: usize = 1;

    fn bell(&self, seat: usize) -> &Model {
        &self.bells[seat]
    }

    fn group(&self, _: usize) -> &ModelLong {
        &self.parked
    }

    fn armed(&self) -> &Model {
        &self.armed
    }
}

impl Pool {
    fn slot(&self) -> Slot<'_, ModelLong> {
        Slot(&self.word)
    }

    fn offer(&self, generation: u32) {
        self.payload.write(generation.into());
        self.slot().set(generation, State::Filled);
    }

    fn claim(&self, worker: u32) -> Option<Word> {
        let seen = self.slot().read();
        (seen.state == State::Filled && self.slot().claim(seen, worker)).then_some(seen)
    }

    /// As a worker: runs the call that is there, if one is and stays.
    fn work(&self, worker: u32) -> bool {
        let Some(Word { generation, .. }) = self.claim(worker) else { return false };
        let begun = self.slot().begin(generation, worker);
        if begun {
            assert_eq!(self.payload.read(), generation.into(), "another call's payload");
            self.runs.fetch_add(1, Ordering::Relaxed);
        }
        begun
    }

    fn runs(&self) -> u32 {
        self.runs.load(Ordering::Relaxed)
    }
}

fn spawn<R: 'static>(
    pool: &Arc<Pool>,
    f: impl FnOnce(&Pool) -> R + 'static,
) -> thread::JoinHandle<R> {
    let pool = pool.clone();
    thread::spawn(move || f(&pool))
}

/// Every order with up to three interruptions of a thread.
#[test]
fn loom_board_a_call_is_run_once_or_withdrawn() {
    explore(3, || {
        let pool = Arc::new(Pool::default());
        let workers = [1, 2].map(|worker| spawn(&pool, move |pool| pool.work(worker)));
        pool.offer(1);
        let withdrawn = pool.slot().withdraw(1);
        let ran = workers.map(|worker| worker.join().unwrap());
        let ran = ran.into_iter().filter(|ran| *ran).count();
        assert_eq!(ran, usize::from(!withdrawn));
        assert_eq!(pool.runs(), u32::from(!withdrawn));
    });
}

/// Every order with up to three interruptions of a thread.
#[test]
fn loom_board_a_withdrawn_calls_slot_is_used_again() {
    explore(3, || {
        let pool = Arc::new(Pool::default());
        pool.offer(1);
        let workers = [1, 2].map(|worker| spawn(&pool, move |pool| pool.work(worker)));
        let first = pool.slot().withdraw(1);
        if first {
            pool.offer(2);
        }
        for worker in workers {
            worker.join().unwrap();
        }
        // What nobody has begun is still to be had.
        let rest = u32::from(first && pool.work(3));
        assert_eq!(pool.runs(), 1);
        assert!(rest <= 1 && !pool.work(4));
    });
}

/// Every order with up to three interruptions of a thread.
#[test]
fn loom_board_what_a_dead_worker_claimed_is_handed_back() {
    explore(3, || {
        let pool = Arc::new(Pool::default());
        pool.offer(1);
        let dying = spawn(&pool, |pool| pool.claim(1));
        let living = spawn(&pool, |pool| {
            while !pool.work(2) {
                thread::yield_now();
            }
        });
        dying.join().unwrap();
        let word = pool.slot().read();
        if (word.state, word.worker) == (State::Claimed, 1) {
            pool.offer(word.generation + 1);
        }
        living.join().unwrap();
        assert_eq!(pool.runs(), 1);
    });
}

/// Every order with up to three interruptions of a thread.
#[test]
fn loom_board_a_call_wakes_a_worker_that_goes_to_sleep() {
    explore(3, || {
        let pool = Arc::new(Pool::default());
        let worker = spawn(&pool, |pool| {
            while !pool.work(1) {
                let filled = || pool.slot().read().state == State::Filled;
                assert!(pool.lie_down(0, None, filled));
            }
        });
        pool.offer(1);
        pool.rouse(1);
        worker.join().unwrap();
        assert_eq!((pool.runs(), pool.asleep().count()), (1, 0));
    });
}

/// Every order with up to two interruptions of a thread.
#[test]
fn loom_board_two_wakes_reach_two_workers() {
    explore(2, || {
        let pool = Arc::new(Pool::default());
        let stop = Arc::new(AtomicU32::new(0));
        let workers = [0, 1].map(|seat| {
            let stop = stop.clone();
            let is_set = move || stop.load(Ordering::Relaxed) != 0;
            spawn(&pool, move |pool| {
                while !is_set() {
                    pool.lie_down(seat, None, &is_set);
                }
            })
        });
        stop.store(1, Ordering::Relaxed);
        let other = spawn(&pool, |pool| pool.rouse(1));
        pool.rouse(1);
        other.join().unwrap();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
}

/// Every order with up to three interruptions of a thread.
#[test]
fn loom_board_a_result_rings_who_waits_for_it() {
    explore(3, || {
        let pool = Arc::new(Pool::default());
        let worker = spawn(&pool, |pool| {
            pool.payload.write(1);
            pool.slot().set(1, State::Running);
            if pool.take_armed() == 1 {
                Pool::ring_bell(&pool.sleeper);
            }
        });
        let is_there = || pool.slot().read().state == State::Running;
        while !is_there() {
            let seen = pool.sleeper.load(Ordering::Acquire);
            pool.set_armed(1);
            if !is_there() {
                pool.sleeper.sleep(seen, None);
            }
        }
        assert_eq!(pool.payload.read(), 1);
        worker.join().unwrap();
    });
}
