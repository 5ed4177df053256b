//! The event under loom.

use super::model::{Model, explore};
use super::words::EventWords;
use crate::sync::word::{Patience, Word};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;
use std::time::Duration;

fn spawn<R: 'static>(
    event: &Arc<EventWords<Model>>,
    f: impl FnOnce(&EventWords<Model>) -> R + 'static,
) -> thread::JoinHandle<R> {
    let event = event.clone();
    thread::spawn(move || f(&event))
}

#[test]
fn loom_event_wakes_all_and_orders_memory() {
    explore(3, || {
        let event = Arc::new(EventWords(Model::from(0)));
        let data = Arc::new(AtomicU32::new(0));
        let waiters = [0, 1].map(|_| {
            let data = data.clone();
            spawn(&event, move |event| {
                assert!(event.flag().wait(Patience::endless));
                assert_eq!(data.load(Ordering::Relaxed), 1);
            })
        });
        data.store(1, Ordering::Relaxed);
        event.flag().set();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    });
}

#[test]
fn loom_event_seen_set_orders_memory() {
    explore(3, || {
        let event = Arc::new(EventWords(Model::from(0)));
        let data = Arc::new(AtomicU32::new(0));
        let looks = {
            let data = data.clone();
            spawn(&event, move |event| {
                if event.flag().is_set() {
                    assert_eq!(data.load(Ordering::Relaxed), 1);
                }
            })
        };
        data.store(1, Ordering::Relaxed);
        event.flag().set();
        looks.join().unwrap();
    });
}

#[test]
fn loom_event_set_and_cleared_at_once_lets_go_who_waited() {
    explore(3, || {
        let event = Arc::new(EventWords(Model::from(0)));
        let waiter = spawn(&event, |event| event.flag().wait(Patience::endless));
        while event.0.load(Ordering::Relaxed) == 0 {
            thread::yield_now();
        }
        event.flag().set();
        event.flag().clear();
        assert!(waiter.join().unwrap());
        assert!(!event.flag().is_set());
    });
}

#[test]
fn loom_event_deadline_and_set_meet() {
    explore(3, || {
        let event = Arc::new(EventWords(Model::from(0)));
        let timeout = Duration::from_secs(1);
        let hasty = spawn(&event, move |event| event.flag().wait(|| Patience::of(timeout)));
        let patient = spawn(&event, |event| event.flag().wait(Patience::endless));
        event.0.expire();
        event.flag().set();
        hasty.join().unwrap();
        assert!(patient.join().unwrap());
    });
}

#[test]
fn loom_event_orders_what_a_second_setter_wrote() {
    explore(3, || {
        let event = Arc::new(EventWords(Model::from(0)));
        let (ours, theirs) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let second = {
            let theirs = theirs.clone();
            spawn(&event, move |event| {
                theirs.store(1, Ordering::Relaxed);
                event.flag().set();
            })
        };
        ours.store(1, Ordering::Relaxed);
        event.flag().set();
        let reader = spawn(&event, move |event| {
            assert!(event.flag().wait(Patience::endless));
            // Set by this thread before the reader began; by the other one perhaps.
            assert_eq!(ours.load(Ordering::Relaxed), 1);
        });
        second.join().unwrap();
        reader.join().unwrap();
        assert!(event.flag().is_set());
        assert_eq!(theirs.load(Ordering::Relaxed), 1);
    });
}
