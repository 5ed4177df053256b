//! The lock under loom: exclusion, order of memory, no lost wake-up, deaths and deadlines at every step.

use super::model::{Model, explore};
use super::words::LockWords;
use crate::sync::me::Me;
use crate::sync::raw::Outcome;
use crate::sync::word::{Patience, Word};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use loom::thread;
use std::time::Duration;

const CLEAN: Outcome = Outcome::Taken { owner_died: false };
const LATE: Duration = Duration::from_secs(1);

struct Guarded {
    lock: LockWords<Model>,
    /// Only the lock gives it an order: with one too weak, loom has a load see an older value.
    data: AtomicU32,
    is_first_dead: AtomicBool,
}

impl Guarded {
    fn new() -> Arc<Self> {
        let is_first_dead = AtomicBool::new(false);
        Arc::new(Self { lock: LockWords::new(), data: AtomicU32::new(0), is_first_dead })
    }

    fn as_process<R>(&self, number: u32, f: impl FnOnce(&Me<'_>) -> R) -> R {
        let is_alive =
            |other| other <= 3 && (other != 1 || !self.is_first_dead.load(Ordering::SeqCst));
        f(&Me::new(number, 1, &is_alive))
    }

    fn add_one(&self, number: u32, patience: fn() -> Patience) -> Outcome {
        self.as_process(number, |me| {
            let outcome = self.lock.raw().take(me, patience);
            if matches!(outcome, Outcome::Taken { .. }) {
                self.data.store(self.data.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                assert!(self.lock.raw().give_back(me));
            }
            outcome
        })
    }

    fn sum(&self) -> u32 {
        self.data.load(Ordering::Relaxed)
    }
}

fn spawn(guarded: &Arc<Guarded>, f: impl FnOnce(&Guarded) + 'static) -> thread::JoinHandle<()> {
    let guarded = guarded.clone();
    thread::spawn(move || f(&guarded))
}

#[test]
fn loom_lock_excludes_two_that_come_again() {
    explore(3, || {
        let guarded = Guarded::new();
        let other = spawn(&guarded, |guarded| {
            for _ in 0..2 {
                assert_eq!(guarded.add_one(2, Patience::endless), CLEAN);
            }
        });
        for _ in 0..2 {
            assert_eq!(guarded.add_one(1, Patience::endless), CLEAN);
        }
        other.join().unwrap();
        assert_eq!(guarded.sum(), 4);
    });
}

#[test]
fn loom_lock_that_is_tried_orders_memory() {
    explore(3, || {
        let guarded = Guarded::new();
        let other = spawn(&guarded, |guarded| {
            assert_eq!(guarded.add_one(2, Patience::endless), CLEAN);
        });
        let taken = guarded.as_process(1, |me| {
            let taken = guarded.lock.raw().try_take(me).is_some();
            if taken {
                guarded.data.store(guarded.sum() + 1, Ordering::Relaxed);
                assert!(guarded.lock.raw().give_back(me));
            }
            taken
        });
        other.join().unwrap();
        assert_eq!(guarded.sum(), 1 + u32::from(taken));
    });
}

#[test]
fn loom_lock_wakes_each_of_three() {
    explore(2, || {
        let guarded = Guarded::new();
        let others = [2, 3].map(|number| {
            spawn(&guarded, move |guarded| {
                assert_eq!(guarded.add_one(number, Patience::endless), CLEAN);
            })
        });
        assert_eq!(guarded.add_one(1, Patience::endless), CLEAN);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(guarded.sum(), 3);
    });
}

#[test]
fn loom_lock_of_a_dead_owner_goes_on_with_a_mark() {
    explore(3, || {
        let guarded = Guarded::new();
        let dying = spawn(&guarded, |guarded| {
            let taken = guarded.as_process(1, |me| guarded.lock.raw().take(me, Patience::endless));
            assert!(matches!(taken, Outcome::Taken { .. }));
            // Its death, and the look by the clock that follows.
            guarded.is_first_dead.store(true, Ordering::SeqCst);
            guarded.lock.word.tick(1);
        });
        let outcome = guarded.add_one(2, Patience::endless);
        dying.join().unwrap();
        let after = guarded.add_one(3, Patience::endless);
        // Either of the two has come after the death, and one only.
        let died = Outcome::Taken { owner_died: true };
        assert!([(died, CLEAN), (CLEAN, died)].contains(&(outcome, after)));
    });
}

#[test]
fn loom_lock_left_for_one_who_has_died_elsewhere_goes_on_with_a_mark() {
    explore(3, || {
        let guarded = Guarded::new();
        let leaving = spawn(&guarded, |guarded| {
            guarded.as_process(1, |me| {
                let taken = guarded.lock.raw().take(me, Patience::endless);
                assert!(matches!(taken, Outcome::Taken { .. }));
                guarded.data.store(guarded.sum() + 1, Ordering::Relaxed);
                guarded.lock.raw().abandon(me);
            });
        });
        let outcome = guarded.add_one(2, Patience::endless);
        leaving.join().unwrap();
        let after = guarded.add_one(3, Patience::endless);
        let died = Outcome::Taken { owner_died: true };
        assert!([(died, CLEAN), (CLEAN, died)].contains(&(outcome, after)));
        assert_eq!(guarded.sum(), 3);
    });
}

#[test]
fn loom_lock_is_not_lost_with_a_woken_waiter() {
    explore(3, || {
        let guarded = Guarded::new();
        let owner = guarded.as_process(2, |me| guarded.lock.raw().take(me, Patience::endless));
        assert_eq!(owner, CLEAN);
        let flagged = 2 | 1 << 31;
        guarded.lock.word.store(flagged, Ordering::Relaxed);
        let killed = spawn(&guarded, move |guarded| {
            // It was about to sleep, and whatever wakes it, takes nothing.
            guarded.lock.word.sleep(flagged, &mut Patience::endless());
        });
        let waiter = spawn(&guarded, |guarded| {
            assert_eq!(guarded.add_one(3, Patience::endless), CLEAN);
        });
        assert!(guarded.as_process(2, |me| guarded.lock.raw().give_back(me)));
        guarded.lock.word.tick(2);
        killed.join().unwrap();
        waiter.join().unwrap();
    });
}

#[test]
fn loom_lock_deadline_loses_no_wake_up() {
    explore(2, || {
        let guarded = Guarded::new();
        let hasty = spawn(&guarded, |guarded| {
            let outcome = guarded.add_one(2, || Patience::of(LATE));
            assert!([CLEAN, Outcome::TimedOut].contains(&outcome));
        });
        let patient = spawn(&guarded, |guarded| {
            assert_eq!(guarded.add_one(3, Patience::endless), CLEAN);
        });
        assert_eq!(guarded.add_one(1, Patience::endless), CLEAN);
        guarded.lock.word.expire();
        hasty.join().unwrap();
        patient.join().unwrap();
        assert!(!guarded.lock.raw().is_taken());
    });
}
