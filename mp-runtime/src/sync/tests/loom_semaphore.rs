//! The semaphore under loom.

use super::model::{Model, explore};
use super::words::SemaphoreWords;
use crate::sync::word::Patience;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;
use std::time::Duration;

struct Room {
    semaphore: SemaphoreWords<Model>,
    inside: AtomicU32,
}

impl Room {
    fn new(permits: u32, limit: u32) -> Arc<Self> {
        Arc::new(Self { semaphore: SemaphoreWords::new(permits, limit), inside: AtomicU32::new(0) })
    }

    fn visit(&self, most: u32) {
        assert!(self.semaphore.permits().take(Patience::endless));
        assert!(self.inside.fetch_add(1, Ordering::AcqRel) < most);
        self.inside.fetch_sub(1, Ordering::AcqRel);
        assert!(self.semaphore.permits().give_back());
    }
}

fn spawn<R: 'static>(
    room: &Arc<Room>,
    f: impl FnOnce(&Room) -> R + 'static,
) -> thread::JoinHandle<R> {
    let room = room.clone();
    thread::spawn(move || f(&room))
}

#[test]
fn loom_semaphore_lets_in_no_more_than_its_permits() {
    explore(3, || {
        let room = Room::new(1, 1);
        let other = spawn(&room, |room| {
            room.visit(1);
            room.visit(1);
        });
        room.visit(1);
        other.join().unwrap();
        assert_eq!(room.semaphore.permits().free(), 1);
    });
}

/// What is written before a permit is given back is seen by who takes it.
#[test]
fn loom_semaphore_orders_memory() {
    explore(3, || {
        let room = Room::new(0, 1);
        let gives = spawn(&room, |room| {
            room.inside.store(1, Ordering::Relaxed);
            assert!(room.semaphore.permits().give_back());
        });
        assert!(room.semaphore.permits().take(Patience::endless));
        assert_eq!(room.inside.load(Ordering::Relaxed), 1);
        gives.join().unwrap();
    });
}

#[test]
fn loom_semaphore_two_permits_wake_two() {
    explore(2, || {
        let room = Room::new(0, 2);
        let waiters =
            [0, 1].map(|_| spawn(&room, |room| room.semaphore.permits().take(Patience::endless)));
        assert!(room.semaphore.permits().give_back());
        assert!(room.semaphore.permits().give_back());
        for waiter in waiters {
            assert!(waiter.join().unwrap());
        }
        assert_eq!(room.semaphore.permits().free(), 0);
    });
}

#[test]
fn loom_semaphore_deadline_loses_no_permit() {
    explore(2, || {
        let room = Room::new(0, 2);
        let late = Duration::from_secs(1);
        let hasty = spawn(&room, move |room| room.semaphore.permits().take(|| Patience::of(late)));
        let patient = spawn(&room, |room| room.semaphore.permits().take(Patience::endless));
        room.semaphore.permits.expire();
        assert!(room.semaphore.permits().give_back());
        if hasty.join().unwrap() {
            assert!(room.semaphore.permits().give_back());
        }
        assert!(patient.join().unwrap());
        assert_eq!(room.semaphore.permits().free(), 0);
    });
}
