//! The thread that takes records which other processes have sent, and gives them to this one's subscriber. What an event
//! is made of is in `callsite`.

use crate::channel::{self, Receiver, Sender};
use crate::codec;
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use crate::log::callsite::Callsites;
use crate::log::record::Record;
use crate::sys::own;
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tracing::Dispatch;
use tracing::dispatcher;
use tracing::subscriber::NoSubscriber;

/// How long who waits for records goes on if the subscriber takes none: it may be waiting for who waits here.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long if it has taken none for so long already: many who wait one after the other do not add that up.
const AGAIN: Duration = Duration::from_millis(500);

thread_local! {
    static RELAYING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this is the thread that relays records.
pub(super) fn is_current_thread() -> bool {
    RELAYING.get()
}

pub(super) struct Relay {
    /// What children are told.
    way: Vec<u8>,
    /// Keep that true: while they are there, so is the object that the words find.
    _kept: (Sender<Vec<u8>>, Attachments),
    records: Receiver<Vec<u8>>,
    /// The process that this is, by its forks.
    owner: u32,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// That of whoever asked for records, if that thread had one.
    subscriber: Option<Dispatch>,
    /// How many records the subscriber has had.
    done: u64,
    /// Since when it has the one that it has now.
    since: Option<Instant>,
    /// Nothing more comes.
    ended: bool,
}

impl Relay {
    pub(super) fn start() -> Result<Arc<Self>> {
        let (sender, records) = channel::channel::<Vec<u8>>()?;
        let (mut way, mut kept) = (Vec::new(), Attachments::for_many());
        codec::encode_with(&sender, &mut way, &mut kept)?;
        let relay = Arc::new(Self {
            way,
            _kept: (sender, kept),
            records,
            owner: own::forks(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        // There was none before.
        drop(relay.use_subscriber());
        let (own, thread) = (Arc::clone(&relay), thread::Builder::new().name("mp-logs".to_owned()));
        thread
            .spawn(move || own.run())
            .map_err(|error| Error::io("the thread for records could not be started", error))?;
        Ok(relay)
    }

    pub(super) fn way(&self) -> &[u8] {
        &self.way
    }

    /// Whether its thread is in this process, and not in one that this is a copy of.
    pub(super) fn is_ours(&self) -> bool {
        self.owner == own::forks()
    }

    /// Has records go to the subscriber of the calling thread, if it has one. Gives the one before: that is the user's, to
    /// be dropped where nothing is locked.
    #[must_use = "it is dropped where nothing is locked"]
    pub(super) fn use_subscriber(&self) -> Option<Dispatch> {
        let current = dispatcher::get_default(Dispatch::clone);
        let current = (!current.is::<NoSubscriber>()).then_some(current);
        std::mem::replace(&mut self.state().subscriber, current)
    }

    fn run(&self) {
        RELAYING.set(true);
        let mut callsites = Callsites::default();
        loop {
            match self.records.recv() {
                Ok(bytes) => self.give(&bytes, &mut callsites),
                // Somebody has put something else there.
                Err(error) if error.kind() == ErrorKind::Decode => {}
                // The memory was overwritten.
                Err(_) => break,
            }
            let mut state = self.state();
            state.done += 1;
            state.since = None;
            drop(state);
            self.changed.notify_all();
        }
        self.state().ended = true;
        self.changed.notify_all();
    }

    fn give(&self, bytes: &[u8], callsites: &mut Callsites) {
        let Ok(record) = codec::decode::<Record<'_>>(bytes) else { return };
        let mut state = self.state();
        state.since = Some(Instant::now());
        let subscriber = state.subscriber.clone();
        drop(state);
        // A panic in the subscriber has been reported, and is no reason to lose what comes after.
        for record in record.missing_before().iter().chain([&record]) {
            let _ = catch_unwind(AssertUnwindSafe(|| match &subscriber {
                Some(own) => dispatcher::with_default(own, || callsites.emit(record)),
                None => callsites.emit(record),
            }));
        }
        // The last of one that was replaced meanwhile, with what its drop does.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(subscriber)));
    }

    /// Waits until the subscriber has had all records that are here now.
    pub(super) fn flush(&self) {
        if !self.is_ours() || is_current_thread() {
            return;
        }
        let due = self.records.sent();
        let mut state = self.state();
        while state.done < due && !state.ended {
            let before = state.done;
            let stuck = state.since.map_or(Duration::ZERO, |since| since.elapsed());
            let left = PATIENCE.saturating_sub(stuck).max(AGAIN);
            let woken = self.changed.wait_timeout(state, left);
            let (now, timeout) = woken.unwrap_or_else(PoisonError::into_inner);
            state = now;
            if timeout.timed_out() && state.done == before {
                return;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay").finish_non_exhaustive()
    }
}
