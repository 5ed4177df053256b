//! The thread that runs callbacks, and the queue before it. One thread, so that a slow callback delays callbacks and
//! nothing else.

use crate::error::{Error, Result};
use crate::pool::bell::Awaited;
use crate::pool::completion::{Completion, Outcome};
use crate::pool::engine::{Engine, lock};
use crate::pool::settle::After;
use crate::sys::clock::Deadline;
use crate::sys::own;
use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// So many callbacks may be nested before a waiting one runs but the one that it needs.
const DEEP: usize = 32;

/// An outcome that has come, and whose callback is to be run on it.
pub(super) struct Due {
    pub(super) completion: Arc<Completion>,
    pub(super) outcome: Outcome,
}

/// What the thread has to do.
enum Job {
    Due(Due),
    /// Something else of the user's.
    Other(Box<dyn FnOnce() + Send>),
}

impl Job {
    fn is_needed_by(&self, awaited: &dyn Awaited) -> bool {
        matches!(self, Self::Due(due) if awaited.needs(due.completion.address()))
    }
}

fn run_other(other: Box<dyn FnOnce() + Send>) {
    // A panic there was reported by the panic hook, and costs nothing else.
    let _ = panic::catch_unwind(AssertUnwindSafe(other));
}

#[derive(Default)]
pub(super) struct Callbacks {
    queue: Mutex<Queue>,
    /// Something came into the queue, or a handle that its thread waits for turned ready.
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    due: VecDeque<Job>,
    /// How many threads wait for [`Callbacks::changed`].
    asleep: usize,
    /// Where those lie whose callbacks the thread is inside of: more than one when one waits for another's result.
    running: Vec<usize>,
    thread: Option<JoinHandle<()>>,
    thread_id: Option<i32>,
    stopped: bool,
    /// What outcomes turn into that come after the pool was abandoned.
    abandoned: Option<Error>,
}

impl Callbacks {
    /// Hands outcomes to the thread, which is started by the first ones. Those whose callbacks will
    /// not run are settled.
    pub(super) fn push(&self, engine: &Engine, due: Vec<Due>) -> After {
        if due.is_empty() {
            return After::default();
        }
        let mut queue = lock(&self.queue);
        if let Some(error) = queue.abandoned.clone() {
            // They were read before, and settled only now: nobody may be there to run a callback.
            drop(queue);
            return Self::fail(engine, due, &error);
        }
        if let Err(error) = Self::need_thread(engine, &mut queue) {
            // Better a callback not run than a handle that never turns ready.
            drop(queue);
            return Self::fail(engine, due, &error);
        }
        queue.due.extend(due.into_iter().map(Job::Due));
        let asleep = queue.asleep;
        drop(queue);
        if asleep > 0 {
            self.changed.notify_all();
        }
        After::default()
    }

    /// Has the thread run something of the user's, or runs it here if there is no thread any more.
    pub(super) fn push_other(&self, engine: &Engine, other: Box<dyn FnOnce() + Send>) {
        let mut queue = lock(&self.queue);
        let over = queue.stopped && queue.thread.is_none();
        if over || Self::need_thread(engine, &mut queue).is_err() {
            drop(queue);
            run_other(other);
            return;
        }
        queue.due.push_back(Job::Other(other));
        drop(queue);
        self.changed.notify_all();
    }

    fn need_thread(engine: &Engine, queue: &mut Queue) -> Result<()> {
        if queue.thread.is_some() || queue.stopped {
            return Ok(());
        }
        let doing = "the thread for callbacks could not be started";
        let Some(own) = engine.this.upgrade() else {
            return Err(Error::io(doing, std::io::ErrorKind::NotConnected.into()));
        };
        let thread = thread::Builder::new().name("mp-callbacks".to_owned());
        let started = thread.spawn(move || own.callbacks.run(&own));
        queue.thread = Some(started.map_err(|error| Error::io(doing, error))?);
        Ok(())
    }

    fn fail(engine: &Engine, due: Vec<Due>, error: &Error) -> After {
        let finish = |due: &Due| engine.finish(&due.completion, Err(error.clone()));
        let wakers = due.iter().flat_map(finish).collect();
        After { unused: due.into_iter().map(|due| due.completion).collect(), wakers }
    }

    /// Whether the caller is inside a callback of this pool.
    pub(super) fn is_current_thread(&self) -> bool {
        lock(&self.queue).thread_id.is_some_and(|id| id == own::thread_id())
    }

    /// Whether a callback that is being run waits here for what comes only after it.
    pub(super) fn waits_for_itself(&self, awaited: &dyn Awaited) -> bool {
        awaited.comes_after(&lock(&self.queue).running)
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
        engine: &Engine,
        waited_for: Option<&dyn Awaited>,
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
                Some(one) => queue.due.iter().position(|job| job.is_needed_by(one)),
            };
            queue = match at.and_then(|at| queue.due.remove(at)) {
                Some(job) => self.run_one(engine, queue, job),
                None => self.sleep(queue, deadline),
            };
        }
    }

    fn sleep<'a>(
        &self,
        mut queue: MutexGuard<'a, Queue>,
        deadline: Option<Deadline>,
    ) -> MutexGuard<'a, Queue> {
        queue.asleep += 1;
        let mut queue = match deadline {
            None => self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
            Some(deadline) => {
                let woken = self.changed.wait_timeout(queue, deadline.remaining());
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        queue.asleep -= 1;
        queue
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
        let (due, others): (VecDeque<_>, VecDeque<_>) =
            queue.due.drain(..).partition(|job| matches!(job, Job::Due(_)));
        queue.due = others;
        let due = due.into_iter().filter_map(|job| match job {
            Job::Due(due) => Some(due),
            Job::Other(_) => None,
        });
        due.collect()
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

    fn run(&self, engine: &Engine) {
        lock(&self.queue).thread_id = Some(own::thread_id());
        let mut queue = lock(&self.queue);
        loop {
            queue = match queue.due.pop_front() {
                Some(job) => self.run_one(engine, queue, job),
                None if queue.stopped => break,
                None => self.sleep(queue, None),
            };
        }
        queue.thread_id = None;
    }

    fn run_one<'a>(
        &'a self,
        engine: &Engine,
        mut queue: MutexGuard<'a, Queue>,
        job: Job,
    ) -> MutexGuard<'a, Queue> {
        let Due { completion, outcome } = match job {
            Job::Due(due) => due,
            Job::Other(other) => {
                drop(queue);
                run_other(other);
                return lock(&self.queue);
            }
        };
        queue.running.push(completion.address());
        drop(queue);
        completion.callback().run(&outcome);
        After { unused: Vec::new(), wakers: engine.finish(&completion, outcome) }.run();
        let mut queue = lock(&self.queue);
        queue.running.pop();
        queue
    }
}
