//! Outcomes on their way to whoever wants them: callbacks first, then handles and gathers, then wakers. Where outcomes come
//! from is in `collect` and `supervise`.

use crate::error::Error;
use crate::pool::bell::Told;
use crate::pool::callback::Due;
use crate::pool::completion::{Completion, Outcome};
use crate::pool::desk::Stage;
use crate::pool::engine::{Engine, lock};
use crate::pool::gather::Gather;
use crate::pool::ledger::Phase;
use crate::pool::owner::{Arrived, Owner, Settled};
use crate::transport::board::{Sleeper, State};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::Waker;

impl Engine {
    /// Takes outcomes for calls that were accepted: to their callbacks first, where they have one.
    pub(super) fn settle(&self, settled: impl IntoIterator<Item = Settled>) -> After {
        let mut due = Vec::new();
        let mut wakers = Vec::new();
        let mut withdrawn = After::default();
        for settled in settled {
            match settled {
                Settled::Call(completion, outcome) if completion.callback().is_some() => {
                    due.push(Due { completion, outcome });
                }
                Settled::Call(completion, outcome) => {
                    wakers.extend(self.finish(&completion, outcome));
                }
                Settled::Part(arrived) => {
                    let Arrived { gather, part, took, last } = *arrived;
                    wakers.extend(self.tell(gather.deliver(part, took)));
                    let driver = gather.driver();
                    if let Some((completion, outcome)) =
                        driver.and_then(|driver| driver.advance(self, &gather))
                    {
                        withdrawn = withdrawn.and(self.take_back(&gather, &outcome));
                        due.push(Due { completion, outcome });
                    }
                    if last {
                        self.count_settled();
                    }
                }
            }
        }
        let mut after = self.callbacks.push(self, due);
        after.wakers.extend(wakers);
        after.and(withdrawn)
    }

    /// Takes back, after a batch's outcome, what no worker has begun of it: an error may come early.
    pub(super) fn take_back(&self, gather: &Arc<Gather>, outcome: &Outcome) -> After {
        if outcome.is_ok() { After::default() } else { self.withdraw(gather) }
    }

    /// Sets a call's outcome and wakes the threads that wait for it; gives who else does.
    #[must_use = "wakers are to be woken where no lock is held"]
    pub(super) fn finish(&self, completion: &Completion, outcome: Outcome) -> Vec<Waker> {
        let told = completion.set(outcome);
        if told.is_none() {
            return Vec::new();
        }
        let wakers = self.tell(told);
        self.count_settled();
        wakers
    }

    /// Tells those threads of the pool that wait; gives who else does.
    pub(super) fn tell(&self, told: Option<Told>) -> Vec<Waker> {
        let Some(Told { leader, nested, wakers }) = told else { return Vec::new() };
        if leader {
            self.board.ring(Sleeper::Leader);
        }
        if nested {
            self.callbacks.look_again();
        }
        wakers
    }

    /// One accepted call less has no outcome.
    pub(super) fn count_settled(&self) {
        // SeqCst, as `ends_inside`: either this is seen by who waits inside a callback, or the wait
        // is seen here.
        let left = self.count_one_settled();
        if self.ends_inside.load(SeqCst) {
            self.callbacks.look_again();
        }
        if left == 0 {
            let open = lock(&self.desk).ledger.phase == Phase::Open;
            if !open {
                self.control.raise();
            }
        }
    }

    /// Settles a call that was not taken on. Its error callback, if any, runs here and now.
    pub(super) fn refuse(&self, completion: &Completion, error: Error) {
        let outcome = Err(error);
        completion.callback().run(&outcome);
        let told = completion.set(outcome);
        After { unused: Vec::new(), wakers: self.tell(told) }.run();
    }

    /// Takes no more calls, and settles all that have no outcome yet with `error`. The supervisor
    /// ends the workers.
    pub(super) fn abandon(&self, phase: Phase, error: &Error) {
        let mut desk = lock(&self.desk);
        if matches!(desk.ledger.phase, Phase::Terminated | Phase::Broken) {
            return;
        }
        desk.ledger.phase = phase;
        if phase == Phase::Broken {
            desk.broken = Some(error.clone());
        }
        let (placed, waiting) = desk.ledger.drain();
        let mut owners = Vec::with_capacity(placed.len() + waiting.len());
        for (slot, placed) in placed {
            // What no worker has begun, none will begin.
            self.board.set(slot, 0, State::Free);
            owners.push(placed.call.owner);
        }
        drop(desk);
        match phase {
            Phase::Broken => tracing::error!(target: "mp::pool", "{error}"),
            _ => tracing::debug!(target: "mp::pool", "the pool is ended: its workers are stopped"),
        }
        owners.extend(waiting.into_iter().map(|waiting| waiting.call.owner));
        owners.retain(|owner| !owner.is_cancelled());
        owners.iter().for_each(|owner| owner.stage(Stage::Elsewhere));
        let mut completions = Vec::with_capacity(owners.len());
        let mut after = Vec::new();
        for owner in owners {
            match owner {
                Owner::Call(completion) => completions.push(completion),
                chunk @ Owner::Chunk(_) => after.push(self.settle([chunk.fail(error.clone())])),
            }
        }
        completions.extend(self.callbacks.abandon(error).into_iter().map(|due| due.completion));
        let finish = |completion: &Arc<Completion>| self.finish(completion, Err(error.clone()));
        let wakers = completions.iter().flat_map(finish).collect();
        self.control.raise();
        After { unused: completions, wakers }.run();
        after.into_iter().for_each(After::run);
    }
}

/// What is the user's, and is done where no lock is held.
#[derive(Default)]
#[must_use = "it is to be run where no lock is held"]
pub(super) struct After {
    /// Whose callbacks will not run.
    pub(super) unused: Vec<Arc<Completion>>,
    pub(super) wakers: Vec<Waker>,
}

impl After {
    pub(super) fn and(mut self, other: Self) -> Self {
        self.unused.extend(other.unused);
        self.wakers.extend(other.wakers);
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.unused.is_empty() && self.wakers.is_empty()
    }

    pub(super) fn run(self) {
        let Self { unused, wakers } = self;
        unused.iter().for_each(|completion| completion.callback().discard());
        for waker in wakers {
            // A panic there was reported by the panic hook, and costs nothing else.
            let _ = std::panic::catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}
