//! Words under loom: its atomics, and a futex made of its mutex and condition variable. Time passes when a test says so.

use crate::sync::word::{Long, Patience, Woken, Word};
use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use loom::sync::{Condvar, Mutex};

#[derive(Debug)]
pub(super) struct Model {
    value: AtomicU32,
    queue: Mutex<Queue>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    /// Who sleeps, the longest first, by tickets.
    asleep: Vec<u32>,
    next: u32,
    /// Who has been woken and is not up yet: nobody else can take that wake-up.
    woken: Vec<u32>,
    /// How many looks by the clock are due.
    ticks: u32,
    /// Whether every deadline has passed.
    is_late: bool,
}

impl From<u32> for Model {
    fn from(value: u32) -> Self {
        let queue = Mutex::new(Queue::default());
        Self { value: AtomicU32::new(value), queue, bell: Condvar::new() }
    }
}

impl Model {
    /// Lets the clock of those that sleep on this word, now or later, come to so many looks.
    pub(super) fn tick(&self, looks: u32) {
        self.queue.lock().unwrap().ticks += looks;
        self.bell.notify_all();
    }

    /// Lets every deadline on this word pass.
    pub(super) fn expire(&self) {
        self.queue.lock().unwrap().is_late = true;
        self.bell.notify_all();
    }
}

impl Word for Model {
    type Long = ModelLong;

    fn load(&self, order: Ordering) -> u32 {
        self.value.load(order)
    }

    fn store(&self, value: u32, order: Ordering) {
        self.value.store(value, order);
    }

    fn swap(&self, value: u32, order: Ordering) -> u32 {
        self.value.swap(value, order)
    }

    fn exchange(&self, current: u32, new: u32, done: Ordering) -> Result<u32, u32> {
        self.value.compare_exchange(current, new, done, Ordering::Relaxed)
    }

    fn raise(&self, value: u32, order: Ordering) -> u32 {
        self.value.fetch_max(value, order)
    }

    fn fence(order: Ordering) {
        fence(order);
    }

    fn sleep(&self, expected: u32, patience: &mut Patience) -> Woken {
        let mut queue = self.queue.lock().unwrap();
        if self.value.load(Ordering::Relaxed) != expected {
            return Woken::Look;
        }
        let own = queue.next;
        queue.next += 1;
        queue.asleep.push(own);
        loop {
            if let Some(at) = queue.woken.iter().position(|ticket| *ticket == own) {
                queue.woken.swap_remove(at);
                return Woken::Look;
            }
            let late = queue.is_late && !patience.is_endless();
            if late || queue.ticks > 0 {
                queue.asleep.retain(|ticket| *ticket != own);
                queue.ticks -= u32::from(!late);
                return if late { Woken::TimedOut } else { Woken::Tick };
            }
            queue = self.bell.wait(queue).unwrap();
        }
    }

    fn wake(&self, most: u32) -> u32 {
        let mut queue = self.queue.lock().unwrap();
        let count = queue.asleep.len().min(usize::try_from(most).unwrap());
        let woken: Vec<u32> = queue.asleep.drain(..count).collect();
        queue.woken.extend(woken);
        self.bell.notify_all();
        u32::try_from(count).unwrap()
    }

    fn spin(mut ready: impl FnMut() -> bool) -> bool {
        ready()
    }

    fn is_hungry(_: &Patience) -> bool {
        true
    }

    fn pause(&self, expected: u32) -> bool {
        self.value.load(Ordering::Relaxed) != expected
    }

    /// No lease is ever over.
    fn seconds() -> u32 {
        1
    }
}

#[derive(Debug)]
pub(super) struct ModelLong(AtomicU64);

impl From<u64> for ModelLong {
    fn from(value: u64) -> Self {
        Self(AtomicU64::new(value))
    }
}

impl Long for ModelLong {
    fn load(&self, order: Ordering) -> u64 {
        self.0.load(order)
    }

    fn store(&self, value: u64, order: Ordering) {
        self.0.store(value, order);
    }
}

/// Tries every order of steps in which a thread is interrupted at most so many times.
pub(super) fn explore(interruptions: usize, body: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(interruptions);
    builder.check(body);
}
