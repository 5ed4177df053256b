//! Words under loom: its atomics, and a futex made of its mutex and condition variable. No time passes here.

use crate::sys::clock::Deadline;
use crate::transport::word::{Long, Word};
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use loom::sync::{Condvar, Mutex};

/// A word on which threads of loom can sleep.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) value: AtomicU32,
    queue: Mutex<Queue>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    /// Who sleeps, the longest first, by tickets.
    asleep: Vec<u32>,
    next: u32,
}

impl Word for Model {
    type Long = ModelLong;

    fn load(&self, order: Ordering) -> u32 {
        self.value.load(order)
    }

    fn store(&self, value: u32, order: Ordering) {
        self.value.store(value, order);
    }

    fn add(&self, value: u32, order: Ordering) -> u32 {
        self.value.fetch_add(value, order)
    }

    fn swap(&self, value: u32, order: Ordering) -> u32 {
        self.value.swap(value, order)
    }

    fn exchange(&self, current: u32, new: u32, done: Ordering) -> bool {
        self.value.compare_exchange(current, new, done, Ordering::Relaxed).is_ok()
    }

    fn fence(order: Ordering) {
        fence(order);
    }

    fn sleep(&self, expected: u32, until: Option<Deadline>) {
        assert!(until.is_none(), "there is no clock here");
        let mut queue = self.queue.lock().unwrap();
        if self.value.load(Ordering::Relaxed) != expected {
            return;
        }
        let own = queue.next;
        queue.next += 1;
        queue.asleep.push(own);
        while queue.asleep.contains(&own) {
            queue = self.bell.wait(queue).unwrap();
        }
    }

    fn wake(&self, most: i32) -> Option<u32> {
        let mut queue = self.queue.lock().unwrap();
        let count = queue.asleep.len().min(usize::try_from(most).unwrap());
        queue.asleep.drain(..count);
        self.bell.notify_all();
        u32::try_from(count).ok()
    }
}

/// A wider one.
#[derive(Debug, Default)]
pub(crate) struct ModelLong(pub(crate) AtomicU64);

impl Long for ModelLong {
    fn load(&self, order: Ordering) -> u64 {
        self.0.load(order)
    }

    fn store(&self, value: u64, order: Ordering) {
        self.0.store(value, order);
    }

    fn exchange(&self, current: u64, new: u64, done: Ordering) -> bool {
        self.0.compare_exchange(current, new, done, Ordering::Relaxed).is_ok()
    }

    fn set(&self, bits: u64, order: Ordering) {
        self.0.fetch_or(bits, order);
    }

    fn clear(&self, bits: u64, order: Ordering) -> u64 {
        self.0.fetch_and(!bits, order)
    }
}

/// Plain memory: it must not be read while it is written, and loom says when it is.
#[derive(Debug, Default)]
pub(crate) struct Bytes {
    access: UnsafeCell<()>,
    value: AtomicU64,
}

impl Bytes {
    pub(crate) fn write(&self, value: u64) {
        self.access.with_mut(|_| self.value.store(value, Ordering::Relaxed));
    }

    pub(crate) fn read(&self) -> u64 {
        self.access.with(|_| self.value.load(Ordering::Relaxed))
    }
}

/// Tries every order of steps in which a thread is interrupted at most so many times.
pub(crate) fn explore(interruptions: usize, body: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(interruptions);
    builder.check(body);
}
