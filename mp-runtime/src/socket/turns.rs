//! Something that one thread at a time uses, for as long as it takes, while others wait no longer than they want to.

use crate::sys::clock::Deadline;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
pub(super) struct Turns<T> {
    /// Whether somebody has its turn. `what` is locked by that one only.
    taken: Mutex<bool>,
    free: Condvar,
    what: Mutex<T>,
}

impl<T> Turns<T> {
    pub(super) fn new(what: T) -> Self {
        Self { taken: Mutex::new(false), free: Condvar::new(), what: Mutex::new(what) }
    }

    /// Runs `f` in its turn; `None` if that did not come before the deadline.
    pub(super) fn take<R>(
        &self,
        deadline: Option<Deadline>,
        f: impl FnOnce(&mut T) -> R,
    ) -> Option<R> {
        let mut taken = lock(&self.taken);
        while *taken {
            taken = match deadline {
                None => self.free.wait(taken).unwrap_or_else(PoisonError::into_inner),
                Some(at) if at.has_passed() => return None,
                Some(at) => {
                    let woken = self.free.wait_timeout(taken, at.remaining());
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        *taken = true;
        drop(taken);
        let _turn = Turn(self);
        Some(f(&mut lock(&self.what)))
    }
}

struct Turn<'t, T>(&'t Turns<T>);

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        *lock(&self.0.taken) = false;
        self.0.free.notify_one();
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
