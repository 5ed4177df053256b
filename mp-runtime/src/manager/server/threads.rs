//! Threads for what may take long or wait: one that is idle is used again, and there is one more when none is. What they
//! do is for `custom`.

use crate::error::{Error, Result};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// A thread that had nothing to do for so long ends.
const IDLE: Duration = Duration::from_secs(10);

type Work = Box<dyn FnOnce() + Send>;

/// The threads of one server.
#[derive(Clone, Default)]
pub(super) struct Threads(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// There is work.
    work: Condvar,
    /// There is none left.
    settled: Condvar,
}

#[derive(Default)]
struct State {
    work: VecDeque<Work>,
    /// Threads that do nothing, or are just starting.
    free: usize,
    /// As many of them are promised to somebody, or have their work waiting.
    claimed: usize,
    busy: usize,
}

/// The promise of a thread.
#[must_use = "a thread waits for it"]
pub(super) struct Claim(Arc<Shared>);

impl Threads {
    /// Sees to it that there is a thread for one more piece of work.
    ///
    /// # Errors
    ///
    /// If there can be no more threads.
    pub(super) fn claim(&self) -> Result<Claim> {
        let mut state = self.0.lock();
        if state.free <= state.claimed {
            let shared = Arc::clone(&self.0);
            let thread = thread::Builder::new().name("mp-method".to_owned());
            let text = "a thread for a method of a managed object";
            thread.spawn(move || shared.run()).map_err(|error| Error::io(text, error))?;
            state.free += 1;
        }
        state.claimed += 1;
        Ok(Claim(Arc::clone(&self.0)))
    }

    /// Waits until nothing is done any more.
    pub(super) fn settle(&self) {
        let mut state = self.0.lock();
        while state.busy > 0 || state.claimed > 0 {
            state = self.0.settled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Claim {
    /// Has it done there.
    pub(super) fn spend(self, work: impl FnOnce() + Send + 'static) {
        self.0.lock().work.push_back(Box::new(work));
        self.0.work.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        while let Some(work) = self.next() {
            // Whose work panics has said so already: this is what is dropped with it.
            let _ = catch_unwind(AssertUnwindSafe(work));
            let mut state = self.lock();
            state.busy -= 1;
            state.free += 1;
            if state.busy == 0 && state.claimed == 0 {
                self.settled.notify_all();
            }
        }
    }

    /// The next piece of work; none if this thread is of no more use.
    fn next(&self) -> Option<Work> {
        let mut state = self.lock();
        loop {
            if let Some(work) = state.work.pop_front() {
                state.claimed -= 1;
                state.free -= 1;
                state.busy += 1;
                return Some(work);
            }
            let waited = self.work.wait_timeout(state, IDLE);
            let (back, time) = waited.unwrap_or_else(PoisonError::into_inner);
            state = back;
            if time.timed_out() && state.work.is_empty() && state.free > state.claimed {
                state.free -= 1;
                return None;
            }
        }
    }
}
