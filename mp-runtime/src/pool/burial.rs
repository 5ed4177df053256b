//! What a worker's death means: in which order things are looked at, which calls fail, which are offered again, and when
//! the pool gives up. Seeing deaths and starting workers is in `supervise`.

use crate::error::{Error, ErrorKind, WorkerExit};
use crate::pool::engine::lock;
use crate::pool::ledger::Phase;
use crate::pool::owner::Owner;
use crate::pool::supervise::{Supervisor, Worker};
use crate::sys::signal;
use crate::transport::board::Sleeper;
use std::sync::atomic::Ordering::Relaxed;

/// So many workers in a row that end by themselves before they are up make a pool broken.
pub(super) const UNBORN: u32 = 5;
/// The same for workers that are killed: someone kills them, or the system lacks memory.
const KILLED_UNBORN: u32 = 200;

impl Supervisor {
    pub(super) fn bury_dead(&mut self) {
        let ended = |worker: &mut Worker| worker.child.exit_code().is_some();
        let dead: Vec<_> = self.workers.extract_if(.., ended).collect();
        for (at, worker) in dead.iter().enumerate() {
            self.bury(worker, &dead[at + 1..]);
        }
        if !dead.is_empty() {
            // A wake-up can die with its receiver or its sender: whoever may have been meant looks
            // again. In the parent, a worker that dies while it rings has disarmed the bell.
            self.engine.board.wake_all(0..self.engine.seats());
            self.engine.board.ring(Sleeper::Leader);
            self.engine.board.ring(Sleeper::Collector);
        }
    }

    fn bury(&mut self, worker: &Worker, not_yet_buried: &[Worker]) {
        // In this order: reaped, its ring read to the end, then the words.
        let link = self.engine.drain_dead(worker.number);
        let greeted = link.as_ref().is_some_and(|link| link.ring.greeted());
        let (verdict, stillborn) = link.map_or((None, None), |link| (link.verdict, link.stillborn));
        // A worker that is ended for an item has stopped its clock when that was just over.
        let between = verdict.is_some() && self.engine.board.clock_of(worker.seat).is_none();
        let (pid, name) = (worker.child.pid(), worker.child.name().to_owned());
        let code = worker.child.exit_code().unwrap_or_default();
        let exit = WorkerExit::new(pid, name, code);
        let board = &self.engine.board;
        board.clear_seat(worker.seat);
        let mut desk = lock(&self.engine.desk);
        let others = self.workers.iter().chain(not_yet_buried).map(|other| other.number);
        let others: Vec<_> = others.collect();
        let holds = |number| others.contains(&number);
        let death = desk.ledger.bury(worker.number, holds, |slot| board.read(slot));
        for (slot, generation) in death.returned {
            desk.slots.offer(board, slot, generation);
        }
        let mut settled = Vec::new();
        for (slot, placed) in death.failed {
            let condemned = verdict.as_ref().filter(|verdict| verdict.call.0 == slot);
            let error = match condemned {
                Some(verdict) => verdict.error.clone(),
                None => Error::worker_died(placed.call.owner.task(), exit.clone()),
            };
            let is_cancelled = error.kind() == ErrorKind::Cancelled;
            let of_chunk = matches!(placed.call.owner, Owner::Chunk(_));
            let error = Some(error).filter(|_| !(of_chunk && between && condemned.is_some()));
            let failed = match is_cancelled {
                true => Some(placed),
                false => desk.retry(slot, placed),
            };
            settled.extend(failed.and_then(|placed| desk.fail(slot, placed, error)));
        }
        let (_, unplaced) = self.engine.refill(&mut desk);
        drop(desk);
        self.engine.settle(settled.into_iter().chain(unplaced)).run();
        self.engine.alive.store(self.workers.len(), Relaxed);
        tracing::debug!(target: "mp::pool", "a worker has ended: {exit}");
        if self.engine.options.break_on_death && !self.ending && code != 0 {
            let text = format!("the pool is broken: {exit}");
            self.engine.abandon(Phase::Broken, &Error::new(ErrorKind::Broken, text));
        }
        self.count(greeted, &exit, stillborn);
    }

    /// Keeps an eye on workers that end before they are up, so that they are not started for ever.
    fn count(&mut self, greeted: bool, exit: &WorkerExit, stillborn: Option<Error>) {
        if greeted || self.ending {
            self.failures = 0;
            return;
        }
        self.failures += 1;
        self.failed_before = self.next_number;
        let killed = stillborn.is_none() && signal::ENDING.contains(&-exit.exit_code());
        if self.failures >= if killed { KILLED_UNBORN } else { UNBORN } {
            let error = match stillborn {
                None => {
                    let text = "the pool is broken: its workers end before they are up";
                    Error::new(ErrorKind::Broken, format!("{text}; {exit}"))
                }
                Some(error) => {
                    let text = format!("the pool is broken: its workers cannot begin: {error}");
                    Error::with_source(ErrorKind::Broken, text, error)
                }
            };
            self.engine.abandon(Phase::Broken, &error);
        }
    }
}
