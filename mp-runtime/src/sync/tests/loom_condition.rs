//! The condition's places under loom. The lock is loom's own mutex: ours has its own tests.

use super::model::{Model, explore};
use super::words::ConditionWords;
use crate::sync::me::Me;
use crate::sync::tickets::{Place, Told};
use crate::sync::word::Patience;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;
use std::time::Duration;

struct Condition {
    words: ConditionWords<Model>,
    lock: Mutex<u32>,
    /// The number of a process that is dead.
    dead: AtomicU32,
}

impl Condition {
    fn new(slots: usize) -> Arc<Self> {
        let words = ConditionWords::new(slots);
        Arc::new(Self { words, lock: Mutex::new(0), dead: AtomicU32::new(0) })
    }

    fn as_process<R>(&self, number: u32, f: impl FnOnce(&Me<'_>) -> R) -> R {
        let is_alive = |other| other != self.dead.load(Ordering::SeqCst);
        f(&Me::new(number, 1, &is_alive))
    }

    fn enlist(&self, number: u32) -> Place {
        let _held = self.lock.lock().unwrap();
        self.as_process(number, |me| self.words.with(|words| words.enlist(me))).unwrap()
    }

    fn wait(&self, number: u32, place: &mut Place, patience: &mut Patience) -> Told {
        self.as_process(number, |me| {
            let told = self.words.with(|words| words.wait(place, me, patience));
            let _held = self.lock.lock().unwrap();
            if told == Told::Notified {
                self.words.with(|words| words.leave(place, me));
            }
            told
        })
    }

    fn notify(&self, most: u32) {
        let _held = self.lock.lock().unwrap();
        self.as_process(9, |me| self.words.with(|words| words.notify(most, me)));
    }

    fn assert_empty(&self) {
        use crate::sync::word::Word;
        for (state, _) in &self.words.slots {
            assert_eq!(state.load(Ordering::Relaxed), 0);
        }
    }
}

fn spawn<R: 'static>(
    condition: &Arc<Condition>,
    f: impl FnOnce(&Condition) -> R + 'static,
) -> thread::JoinHandle<R> {
    let condition = condition.clone();
    thread::spawn(move || f(&condition))
}

fn waiter(
    condition: &Arc<Condition>,
    number: u32,
    mut place: Place,
    patience: fn() -> Patience,
) -> thread::JoinHandle<Told> {
    spawn(condition, move |condition| condition.wait(number, &mut place, &mut patience()))
}

fn hasty() -> Patience {
    Patience::of(Duration::from_secs(1))
}

#[test]
fn loom_condition_predicate_under_the_lock() {
    explore(3, || {
        let condition = Condition::new(2);
        let consumer = spawn(&condition, |condition| {
            loop {
                let mut held = condition.lock.lock().unwrap();
                if *held > 0 {
                    *held -= 1;
                    return;
                }
                let place =
                    condition.as_process(1, |me| condition.words.with(|words| words.enlist(me)));
                drop(held);
                let told = condition.wait(1, &mut place.unwrap(), &mut Patience::endless());
                assert_eq!(told, Told::Notified);
            }
        });
        {
            let mut held = condition.lock.lock().unwrap();
            *held += 1;
            condition.as_process(9, |me| condition.words.with(|words| words.notify(1, me)));
        }
        consumer.join().unwrap();
        condition.assert_empty();
    });
}

#[test]
fn loom_condition_notifies_one_and_stores_nothing() {
    explore(3, || {
        let condition = Condition::new(2);
        let first = condition.enlist(1);
        let second = condition.enlist(2);
        let first = waiter(&condition, 1, first, Patience::endless);
        let second = waiter(&condition, 2, second, hasty);
        condition.notify(1);
        assert_eq!(first.join().unwrap(), Told::Notified);
        for slot in &condition.words.slots {
            slot.0.expire();
        }
        assert_eq!(second.join().unwrap(), Told::TimedOut);
        condition.assert_empty();
    });
}

#[test]
fn loom_condition_notification_is_not_lost_with_a_deadline() {
    explore(3, || {
        let condition = Condition::new(2);
        let first = condition.enlist(1);
        let second = condition.enlist(2);
        let first = waiter(&condition, 1, first, hasty);
        let second = waiter(&condition, 2, second, Patience::endless);
        condition.words.slots[0].0.expire();
        condition.notify(1);
        if first.join().unwrap() == Told::Notified {
            condition.notify(1);
        }
        assert_eq!(second.join().unwrap(), Told::Notified);
        condition.assert_empty();
    });
}

#[test]
fn loom_condition_notification_of_a_dead_waiter_is_inherited() {
    explore(2, || {
        let condition = Condition::new(3);
        let _killed = condition.enlist(1);
        let second = condition.enlist(2);
        let third = condition.enlist(3);
        condition.notify(1);
        // The first has been notified, and is dead before it has seen that.
        condition.dead.store(1, Ordering::SeqCst);
        let second = waiter(&condition, 2, second, Patience::endless);
        let third = waiter(&condition, 3, third, Patience::endless);
        condition.words.slots[1].0.tick(1);
        condition.words.slots[2].0.tick(1);
        // Two notifications for the two.
        condition.notify(1);
        assert_eq!(second.join().unwrap(), Told::Notified);
        assert_eq!(third.join().unwrap(), Told::Notified);
        condition.assert_empty();
    });
}
