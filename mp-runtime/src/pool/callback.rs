//! The thread that runs callbacks, and the queue before it. One thread, so that a slow callback delays callbacks and
//! nothing else.

use crate::error::Error;
use crate::pool::engine::{Engine, lock};
use crate::pool::handle::{Completion, Outcome};
use crate::sys::clock::Deadline;
use crate::sys::own;
use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// So many callbacks may be nested before a waiting one runs but the one that it needs.
const DEEP: usize = 32;

/// What is called with an outcome before its handle turns ready.
pub(super) type Callback = Box<dyn FnOnce(&Outcome) + Send>;

/// An outcome that has come, and the callback to be run on it.
pub(super) struct Due {
    pub(super) completion: Arc<Completion>,
    pub(super) outcome: Outcome,
    pub(super) callback: Callback,
}

/// Drops callbacks that will not run. What they have captured is the user's, and may panic.
pub(super) fn discard(callbacks: impl IntoIterator<Item = Callback>) {
    for callback in callbacks {
        // A panic there was reported by the panic hook, and costs nothing else.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(callback)));
    }
}

#[derive(Default)]
pub(super) struct Callbacks {
    queue: Mutex<Queue>,
    /// Something came into the queue, or a handle that its thread waits for turned ready.
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    due: VecDeque<Due>,
    /// Whose callbacks the thread is inside of: more than one when one waits for another's result.
    running: Vec<Arc<Completion>>,
    thread: Option<JoinHandle<()>>,
    thread_id: Option<i32>,
    stopped: bool,
    /// What outcomes turn into that come after the pool was abandoned.
    abandoned: Option<Error>,
}

impl Callbacks {
    /// Hands an outcome to the thread, which is started by the first one. Gives the callback back
    /// if it will not run.
    pub(super) fn push(&self, engine: &Arc<Engine>, due: Due) -> Option<Callback> {
        let mut queue = lock(&self.queue);
        if let Some(error) = queue.abandoned.clone() {
            // It was read before, and settled only now: nobody may be there to run its callback.
            drop(queue);
            engine.finish(&due.completion, Err(error));
            return Some(due.callback);
        }
        if queue.thread.is_none() && !queue.stopped {
            let own = Arc::clone(engine);
            let thread = thread::Builder::new().name("mp-callbacks".to_owned());
            match thread.spawn(move || own.callbacks.run(&own)) {
                Ok(thread) => queue.thread = Some(thread),
                Err(error) => {
                    // Better a callback not run than a handle that never turns ready.
                    drop(queue);
                    let error = Error::io("the thread for callbacks could not be started", error);
                    engine.finish(&due.completion, Err(error));
                    return Some(due.callback);
                }
            }
        }
        queue.due.push_back(due);
        drop(queue);
        self.changed.notify_all();
        None
    }

    /// Whether the caller is inside a callback of this pool.
    pub(super) fn is_current_thread(&self) -> bool {
        lock(&self.queue).thread_id.is_some_and(|id| id == own::thread_id())
    }

    /// Whether one of the callbacks that are being run is this handle's own.
    pub(super) fn is_running(&self, completion: &Arc<Completion>) -> bool {
        lock(&self.queue).running.iter().any(|running| Arc::ptr_eq(running, completion))
    }

    /// Whether the thread has called exit while another one is doing so: it will not come back.
    pub(super) fn is_parked_in_exit(&self) -> bool {
        lock(&self.queue).thread_id.is_some_and(own::is_parked_in_exit)
    }

    /// For a caller inside a callback: runs the callbacks that are due, since nobody else would,
    /// until `done`, which is told how many callbacks are being run; says whether that was before the
    /// deadline. When they are nested [`DEEP`], runs only that of the handle waited for, so that
    /// callbacks which wait do not fill the stack.
    pub(super) fn run_until(
        &self,
        engine: &Arc<Engine>,
        waited_for: Option<&Arc<Completion>>,
        deadline: Option<Deadline>,
        mut done: impl FnMut(usize) -> bool,
    ) -> bool {
        let mut queue = lock(&self.queue);
        loop {
            if done(queue.running.len()) {
                return true;
            }
            if deadline.is_some_and(Deadline::has_passed) {
                return false;
            }
            let at = match waited_for.filter(|_| queue.running.len() >= DEEP) {
                None => (!queue.due.is_empty()).then_some(0),
                Some(one) => queue.due.iter().position(|due| Arc::ptr_eq(&due.completion, one)),
            };
            queue = match (at.and_then(|at| queue.due.remove(at)), deadline) {
                (Some(due), _) => self.run_one(engine, queue, due),
                (None, None) => self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
                (None, Some(deadline)) => {
                    let woken = self.changed.wait_timeout(queue, deadline.remaining());
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Has [`run_until`](Self::run_until) look again.
    pub(super) fn look_again(&self) {
        // Under the lock, so that a caller that has looked is waiting by now.
        drop(lock(&self.queue));
        self.changed.notify_all();
    }

    /// Takes away the outcomes whose callbacks have not begun; those still to come give `error`.
    pub(super) fn abandon(&self, error: &Error) -> Vec<Due> {
        let mut queue = lock(&self.queue);
        queue.abandoned = Some(error.clone());
        queue.due.drain(..).collect()
    }

    /// Ends the thread once its queue is empty, and waits for it.
    pub(super) fn stop(&self) {
        let mut queue = lock(&self.queue);
        queue.stopped = true;
        let thread = queue.thread.take();
        drop(queue);
        self.changed.notify_all();
        if let Some(thread) = thread {
            // It catches every panic of a callback.
            let _ = thread.join();
        }
    }

    fn run(&self, engine: &Arc<Engine>) {
        lock(&self.queue).thread_id = Some(own::thread_id());
        let mut queue = lock(&self.queue);
        loop {
            queue = match queue.due.pop_front() {
                Some(due) => self.run_one(engine, queue, due),
                None if queue.stopped => break,
                None => self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
        }
        queue.thread_id = None;
    }

    fn run_one<'a>(
        &'a self,
        engine: &Arc<Engine>,
        mut queue: MutexGuard<'a, Queue>,
        due: Due,
    ) -> MutexGuard<'a, Queue> {
        queue.running.push(Arc::clone(&due.completion));
        drop(queue);
        let Due { completion, outcome, callback } = due;
        // A panic there was reported by the panic hook, and costs nothing else.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| callback(&outcome)));
        engine.finish(&completion, outcome);
        let mut queue = lock(&self.queue);
        queue.running.pop();
        queue
    }
}
