//! The thread that keeps a pool's workers alive: starts them, sees them die, says what follows, replaces them, and ends
//! them when the pool ends. What a death means for the calls is decided by the `ledger`.

use crate::codec;
use crate::error::{Error, ErrorKind, Result};
use crate::identity::{self, StartMethod};
use crate::pool::burial::UNBORN;
use crate::pool::engine::{Engine, Link, lock};
use crate::pool::ledger::Phase;
use crate::pool::post::Mailbox;
use crate::pool::worker::{Orders, WORKER};
use crate::process::children::Child;
use crate::process::launch::{Launch, Role};
use crate::sys::clock::Deadline;
use crate::sys::{poll, signal};
use crate::transport::board::{NUMBERS, Sleeper};
use crate::transport::ring::{self, Reader};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, Release, SeqCst};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long workers may take to end after SIGTERM before they are killed.
const GRACE: Duration = Duration::from_millis(500);
/// So many refused starts in a row, ten a second, make a pool broken that has no worker left.
const REFUSED: u32 = 200;
/// The longest pause before the next try to start a worker.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Supervisor {
    pub(super) engine: Arc<Engine>,
    method: StartMethod,
    pub(super) workers: Vec<Worker>,
    /// Numbers of workers, never used again.
    pub(super) next_number: u32,
    /// Workers in a row that have ended before they were up, and the number of the next one then.
    pub(super) failures: u32,
    pub(super) failed_before: u32,
    /// Starts in a row that the system has refused, and when to try again.
    refused: u32,
    retry: Option<Deadline>,
    /// The workers have been told to end; when they are killed if they have not.
    pub(super) ending: bool,
    kill: Option<Deadline>,
    /// When a limit of time may be over.
    limit: Option<Deadline>,
}

pub(super) struct Worker {
    pub(super) number: u32,
    pub(super) seat: usize,
    pub(super) child: Arc<Child>,
    /// Nothing more comes by its socket.
    silent: bool,
    /// Which of the pool's errands it may be at, and when it has taken too long over it.
    errand: &'static str,
    errand_ends: Option<Deadline>,
}

impl Supervisor {
    pub(super) fn new(engine: Arc<Engine>, method: StartMethod) -> Self {
        Self {
            engine,
            method,
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
        let options = &self.engine.options;
        let name = format!("{}-{path}", options.name.as_deref().unwrap_or("PoolWorker"));
        let ring = ring::create().and_then(Reader::map).map_err(io)?;
        let orders = Orders {
            number,
            seat: u32::try_from(seat).unwrap_or(u32::MAX),
            spinners: u32::try_from(self.engine.cores).unwrap_or(u32::MAX),
            manner: options.manner()?,
        };
        let mut arguments = Vec::new();
        codec::encode(&orders, &mut arguments)?;
        let engine = &self.engine;
        let mut descriptors =
            vec![engine.board_memory.as_fd(), engine.slots_for_workers.as_fd(), ring.as_fd()];
        descriptors.extend(engine.shared.as_ref().map(AsFd::as_fd));
        let launch = Launch {
            task: &WORKER,
            arguments: &arguments,
            name: &name,
            path: &path,
            daemon: true,
            pooled: true,
            leads_group: options.process_group,
            authkey: identity::key(),
            environment: &options.environment,
            descriptors: &descriptors,
            method: self.method,
            role: Role::Task,
        };
        let child = launch.start()?;
        // From here on the worker is on the list, so that whatever happens it is ended.
        let own = Arc::clone(&child);
        let (errand, errand_ends) = ("", None);
        self.workers.push(Worker { number, seat, child: own, silent: false, errand, errand_ends });
        self.engine.alive.store(self.workers.len(), Relaxed);
        self.next_number = number % (NUMBERS - 1) + 1;
        let mail = Mailbox::default();
        let link = Link {
            number,
            seat,
            child,
            ring,
            mail,
            malformed: false,
            verdict: None,
            stillborn: None,
            leaving: false,
        };
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
            let errand = self.end_slow_errands();
            self.limit = self.engine.enforce_limits().into_iter().chain(errand).min();
            self.sleep();
            self.kill_scribblers();
            self.bury_dead();
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
        let deadline = [retry, self.kill, self.limit].into_iter().flatten().min();
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

    fn fill_up(&mut self) {
        self.retire_surplus();
        if self.ending || self.retry.is_some_and(|retry| !retry.has_passed()) {
            return;
        }
        self.retry = None;
        // A worker that was started after the last failure and is up ends the row of failures.
        let since = self.failed_before;
        if lock(&self.engine.rings).iter().any(|l| l.number >= since && l.ring.greeted()) {
            self.failures = 0;
        }
        while self.workers.len() < self.needed() {
            if self.failures > UNBORN {
                let pause = Duration::from_millis(1 << (self.failures - UNBORN).min(10));
                self.retry = Deadline::after(pause.min(PAUSE));
            }
            if let Err(error) = self.start_worker() {
                tracing::warn!(target: "mp::pool", "a worker could not be started: {error}");
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
            if let Some(worker) = self.workers.last() {
                let (name, pid) = (worker.child.name(), worker.child.pid());
                tracing::debug!(target: "mp::pool", "worker {name} (pid {pid}) was started");
            }
            if self.retry.is_some() {
                return;
            }
        }
    }

    /// How many workers there should be.
    fn needed(&self) -> usize {
        let size = self.engine.size();
        let open = self.engine.phase() == Phase::Open;
        if open && !self.engine.options.is_lazy() {
            return size;
        }
        if !open && lock(&self.engine.desk).ledger.is_empty() {
            return 0;
        }
        size.min(self.engine.unsettled())
    }

    /// Tells as many workers to end as there are too many.
    fn retire_surplus(&self) {
        let board = &self.engine.board;
        let (retiring, staying): (Vec<_>, Vec<_>) =
            self.workers.iter().partition(|worker| board.retires(worker.seat));
        let surplus = self.workers.len().saturating_sub(self.engine.size() + retiring.len());
        for worker in staying.iter().rev().take(surplus) {
            board.retire(worker.seat);
            board.wake_seat(worker.seat);
        }
    }

    /// Kills workers whose initializer or finalizer takes too long; says when the next may.
    fn end_slow_errands(&mut self) -> Option<Deadline> {
        let options = &self.engine.options;
        if options.initializer_timeout.is_none() && options.finalizer_timeout.is_none() {
            return None;
        }
        let mut links = lock(&self.engine.rings);
        let mut next = None;
        for worker in &mut self.workers {
            let Some(link) = links.iter_mut().find(|l| l.number == worker.number) else { continue };
            let (limit, name) = match link.ring.greeted() {
                false => (options.initializer_timeout, "initializer"),
                true if link.leaving || self.ending => (options.finalizer_timeout, "finalizer"),
                true => (None, ""),
            };
            if worker.errand != name {
                (worker.errand, worker.errand_ends) = (name, limit.and_then(Deadline::after));
            }
            let Some(ends) = worker.errand_ends else { continue };
            if !ends.has_passed() {
                next = Some(next.map_or(ends, |next: Deadline| next.min(ends)));
                continue;
            }
            worker.errand_ends = None;
            let limit = limit.unwrap_or_default();
            let text = format!("the {name} of {} took longer than {limit:?}", worker.child.name());
            let error = Error::new(ErrorKind::Timeout, text);
            match link.ring.greeted() {
                false => link.stillborn = Some(error),
                true => drop(lock(&self.engine.failed_end).get_or_insert(error)),
            }
            // One that cannot be signalled has ended already.
            let _ = worker.child.signal(signal::SIGKILL);
        }
        next
    }

    /// Tells idle workers to end.
    fn stop(&mut self) {
        if !self.ending {
            self.ending = true;
            lock(&self.engine.desk).slots.stop();
            self.engine.board.wake_all(0..self.engine.seats());
        }
    }

    /// Ends workers whatever they do.
    fn terminate(&mut self) {
        if self.engine.kill.swap(false, SeqCst) {
            self.ending = true;
            self.kill = Deadline::after(GRACE);
            self.signal_all(signal::SIGKILL);
        } else if self.kill.is_none() {
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
