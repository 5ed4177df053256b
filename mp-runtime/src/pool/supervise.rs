//! The thread that keeps a pool's workers alive: starts them, sees them die, says what follows, replaces them, and ends
//! them when the pool ends. What a death means for the calls is decided by the `ledger`.

use crate::codec;
use crate::error::{Error, ErrorKind, Result, WorkerExit};
use crate::identity;
use crate::pool::engine::{Engine, Link, lock};
use crate::pool::ledger::Phase;
use crate::pool::owner::Owner;
use crate::pool::post::Mailbox;
use crate::pool::worker::{Orders, WORKER};
use crate::process::children::Child;
use crate::process::launch::Launch;
use crate::sys::clock::Deadline;
use crate::sys::{poll, signal};
use crate::transport::board::{NUMBERS, Sleeper};
use crate::transport::ring::{self, Reader};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::Release;
use std::thread::JoinHandle;
use std::time::Duration;

/// How long workers may take to end after SIGTERM before they are killed.
const GRACE: Duration = Duration::from_millis(500);
/// So many workers in a row that end by themselves before they are up make a pool broken.
const UNBORN: u32 = 5;
/// The same for workers that are killed: someone kills them, or the system lacks memory.
const KILLED_UNBORN: u32 = 200;
/// So many refused starts in a row, ten a second, make a pool broken that has no worker left.
const REFUSED: u32 = 200;
/// The longest pause before the next try to start a worker.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Supervisor {
    engine: Arc<Engine>,
    /// Whether each worker leads a process group of its own.
    process_group: bool,
    workers: Vec<Worker>,
    /// Numbers of workers, never used again.
    next_number: u32,
    /// Workers in a row that have ended before they were up, and the number of the next one then.
    failures: u32,
    failed_before: u32,
    /// Starts in a row that the system has refused, and when to try again.
    refused: u32,
    retry: Option<Deadline>,
    /// The workers have been told to end; when they are killed if they have not.
    ending: bool,
    kill: Option<Deadline>,
    /// When a limit of time may be over.
    limit: Option<Deadline>,
}

struct Worker {
    number: u32,
    seat: usize,
    child: Arc<Child>,
    /// Nothing more comes by its socket.
    silent: bool,
}

impl Supervisor {
    pub(super) fn new(engine: Arc<Engine>, process_group: bool) -> Self {
        Self {
            engine,
            process_group,
            workers: Vec::new(),
            next_number: 1,
            failures: 0,
            failed_before: 0,
            refused: 0,
            retry: None,
            ending: false,
            kill: None,
            limit: None,
        }
    }

    /// Starts a worker on the lowest free seat.
    pub(super) fn start_worker(&mut self) -> Result<()> {
        let io = |error| Error::io("the memory of a worker could not be set up", error);
        let seat = (0..).find(|seat| self.workers.iter().all(|worker| worker.seat != *seat));
        let (seat, number) = (seat.unwrap_or(0), self.next_number);
        let path = identity::next_path();
        let name = format!("PoolWorker-{path}");
        let ring = ring::create().and_then(Reader::map).map_err(io)?;
        let orders = Orders {
            number,
            seat: u32::try_from(seat).unwrap_or(u32::MAX),
            spinners: u32::try_from(self.engine.cores - 1).unwrap_or(u32::MAX),
        };
        let mut arguments = Vec::new();
        codec::encode(&orders, &mut arguments)?;
        let descriptors =
            [self.engine.board_memory.as_fd(), self.engine.slots_for_workers.as_fd(), ring.as_fd()];
        let launch = Launch {
            task: &WORKER,
            arguments: &arguments,
            name: &name,
            path: &path,
            daemon: true,
            pooled: true,
            leads_group: self.process_group,
            environment: &[],
            descriptors: &descriptors,
        };
        let child = launch.start()?;
        // From here on the worker is on the list, so that whatever happens it is ended.
        self.workers.push(Worker { number, seat, child: Arc::clone(&child), silent: false });
        self.next_number = number % (NUMBERS - 1) + 1;
        let mail = Mailbox::default();
        let link = Link { number, seat, child, ring, mail, malformed: false, verdict: None };
        lock(&self.engine.rings).push(link);
        // What it has announced before its ring was on the list nobody has read.
        self.engine.drain();
        Ok(())
    }

    /// Ends what was started when the pool could not be completed.
    pub(super) fn give_up(mut self) {
        self.signal_all(signal::SIGKILL);
        for worker in self.workers.drain(..) {
            // An error would come from poll itself; the child is killed anyway.
            let _ = worker.child.join(None);
        }
    }

    /// The thread: until the pool has ended.
    pub(super) fn run(mut self, collector: JoinHandle<()>) {
        while !(self.ending && self.workers.is_empty()) {
            self.sleep();
            self.kill_scribblers();
            self.bury_dead();
            self.limit = self.engine.enforce_limits();
            match self.engine.phase() {
                Phase::Terminated | Phase::Broken => self.terminate(),
                Phase::Closed if self.engine.is_idle() => self.stop(),
                Phase::Open | Phase::Closed => self.fill_up(),
            }
        }
        let engine = Arc::clone(&self.engine);
        drop(self);
        lock(&engine.ended).workers = true;
        engine.ended_changed.notify_all();
        engine.end_threads(collector);
    }

    /// Sleeps until there is something to do; of that, reads what workers have sent.
    fn sleep(&mut self) {
        let speaking = self.workers.iter().filter(|worker| !worker.silent);
        let mut fds: Vec<_> = speaking.map(|worker| worker.child.post()).collect();
        fds.push(self.engine.control.as_fd());
        fds.extend(self.workers.iter().filter_map(|worker| worker.child.handle()));
        // Nothing is started any more once the workers have been told to end.
        let retry = self.retry.filter(|_| !self.ending);
        let limit = self.limit.filter(|_| !self.ending);
        let deadline = [retry, self.kill, limit].into_iter().flatten().min();
        // An error could only be a lack of memory: looking at everything is right after it, too.
        let readable = poll::readable(&fds, deadline).unwrap_or_default();
        self.engine.control.lower();
        let speaking = self.workers.iter_mut().filter(|worker| !worker.silent);
        for (worker, _) in speaking.zip(readable).filter(|(_, readable)| *readable) {
            worker.silent = !self.engine.read_post(worker.number);
        }
    }

    fn kill_scribblers(&self) {
        let links = lock(&self.engine.rings);
        for link in links.iter().filter(|link| link.malformed) {
            let worker = self.workers.iter().find(|worker| worker.number == link.number);
            if let Some(worker) = worker {
                // One that cannot be signalled has ended already.
                let _ = worker.child.signal(signal::SIGKILL);
            }
        }
    }

    fn bury_dead(&mut self) {
        let ended = |worker: &mut Worker| worker.child.exit_code().is_some();
        let dead: Vec<_> = self.workers.extract_if(.., ended).collect();
        for (at, worker) in dead.iter().enumerate() {
            self.bury(worker, &dead[at + 1..]);
        }
        if !dead.is_empty() {
            // A wake-up can die with its receiver or its sender: whoever may have been meant looks
            // again. In the parent, a worker that dies while it rings has disarmed the bell.
            self.engine.board.wake_all(0..self.engine.size);
            self.engine.board.ring(Sleeper::Leader);
            self.engine.board.ring(Sleeper::Collector);
        }
    }

    fn bury(&mut self, worker: &Worker, not_yet_buried: &[Worker]) {
        // In this order: reaped, its ring read to the end, then the words.
        let link = self.engine.drain_dead(worker.number);
        let greeted = link.as_ref().is_some_and(|link| link.ring.greeted());
        let verdict = link.and_then(|link| link.verdict);
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
        self.count(greeted, &exit);
    }

    /// Keeps an eye on workers that end before they are up, so that they are not started for ever.
    fn count(&mut self, greeted: bool, exit: &WorkerExit) {
        if greeted || self.ending {
            self.failures = 0;
            return;
        }
        self.failures += 1;
        self.failed_before = self.next_number;
        let killed = signal::ENDING.contains(&-exit.exit_code());
        if self.failures >= if killed { KILLED_UNBORN } else { UNBORN } {
            let text = format!("the pool is broken: its workers end before they are up; {exit}");
            self.engine.abandon(Phase::Broken, &Error::new(ErrorKind::Broken, text));
        }
    }

    fn fill_up(&mut self) {
        if self.ending || self.retry.is_some_and(|retry| !retry.has_passed()) {
            return;
        }
        self.retry = None;
        // A worker that was started after the last failure and is up ends the row of failures.
        let since = self.failed_before;
        if lock(&self.engine.rings).iter().any(|l| l.number >= since && l.ring.greeted()) {
            self.failures = 0;
        }
        let needed = match self.engine.phase() {
            Phase::Open => true,
            _ => !lock(&self.engine.desk).ledger.is_empty(),
        };
        while needed && self.workers.len() < self.engine.size {
            if self.failures > UNBORN {
                let pause = Duration::from_millis(1 << (self.failures - UNBORN).min(10));
                self.retry = Deadline::after(pause.min(PAUSE));
            }
            if let Err(error) = self.start_worker() {
                self.refused += 1;
                self.retry = Deadline::after(PAUSE / 10);
                if self.workers.is_empty() && self.refused >= REFUSED {
                    let text = "the pool is broken: no worker can be started";
                    let error = Error::with_source(ErrorKind::Broken, text, error);
                    self.engine.abandon(Phase::Broken, &error);
                }
                return;
            }
            self.refused = 0;
            if self.retry.is_some() {
                return;
            }
        }
    }

    /// Tells idle workers to end.
    fn stop(&mut self) {
        if !self.ending {
            self.ending = true;
            lock(&self.engine.desk).slots.stop();
            self.engine.board.wake_all(0..self.engine.size);
        }
    }

    /// Ends workers whatever they do.
    fn terminate(&mut self) {
        if self.kill.is_none() {
            self.ending = true;
            self.kill = Deadline::after(GRACE);
            self.signal_all(signal::SIGTERM);
        } else if self.kill.is_some_and(Deadline::has_passed) {
            self.kill = Deadline::after(GRACE);
            self.signal_all(signal::SIGKILL);
        }
    }

    fn signal_all(&self, signal: i32) {
        for worker in &self.workers {
            // One that cannot be signalled has ended already.
            let _ = worker.child.signal(signal);
        }
    }
}

impl Engine {
    pub(super) fn end_threads(&self, collector: JoinHandle<()>) {
        self.collector_stop.store(true, Release);
        self.board.ring(Sleeper::Collector);
        // It runs no user code, and does not panic.
        let _ = collector.join();
        self.callbacks.stop();
        lock(&self.ended).threads = true;
        self.ended_changed.notify_all();
    }
}
