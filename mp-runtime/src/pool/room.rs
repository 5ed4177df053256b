//! Waiting before a call is given to a pool that has as many as it may have. How many that is is an option of the pool's.

use crate::pool::engine::{Engine, lock};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Condvar, Mutex, PoisonError};

/// Where submitters wait.
#[derive(Default)]
pub(super) struct Room {
    /// How many do. Whoever waits adds itself and then looks how many calls there are; whoever settles one
    /// counts it and then looks whether someone waits: one of the two sees the other.
    waiting: AtomicUsize,
    lock: Mutex<()>,
    changed: Condvar,
}

impl Room {
    /// Wakes those who wait, if any do.
    pub(super) fn one_settled(&self) {
        if self.waiting.load(SeqCst) > 0 {
            // Under the lock, so that whoever has looked is waiting by now.
            drop(lock(&self.lock));
            self.changed.notify_all();
        }
    }
}

impl Engine {
    /// Waits until one more call may be accepted.
    pub(super) fn wait_for_room(&self) {
        let Some(most) = self.options.max_pending else { return };
        if self.unsettled() < most || self.callbacks.is_current_thread() {
            return;
        }
        let mut guard = lock(&self.room.lock);
        self.room.waiting.fetch_add(1, SeqCst);
        while self.unsettled() >= most {
            guard = self.room.changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        self.room.waiting.fetch_sub(1, SeqCst);
    }
}
