//! The thread that lets a listener's clients in, all at once and each within its time; and the door behind which those wait
//! who were. One handshake is in `guest`.

use crate::error::{Error, ErrorKind, Result};
use crate::identity::AuthKey;
use crate::socket::address::{Address, Place};
use crate::socket::auth::{Digests, Side};
use crate::socket::carrier::Carrier;
use crate::socket::client::Client;
use crate::socket::guest::Guest;
use crate::socket::link::Link;
#[cfg(feature = "tls")]
use crate::socket::tls::{Sealed, TlsServer};
use crate::socket::turns::lock;
use crate::sys::clock::Deadline;
use crate::sys::event::Event;
use crate::sys::{poll, stream};
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// So many handshakes at once; who comes then takes the place of the one that has taken longest.
const GUESTS: usize = 256;
/// So many wait to be accepted; others stay in the system's queue.
const WAITING: usize = 128;
/// How long nobody is taken on after the system has refused, such as for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Who is let in, and within what.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) patience: Duration,
    pub(super) digests: Digests,
    pub(super) any_user: bool,
    pub(super) max_message: usize,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<TlsServer>,
}

impl Terms {
    fn carrier(&self, socket: OwnedFd) -> Result<Carrier> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return Sealed::accept(socket, tls).map(Box::new).map(Carrier::Sealed);
        }
        Ok(Carrier::Open(socket))
    }
}

/// What the reception and those who accept share.
#[derive(Debug)]
pub(super) struct Door {
    state: Mutex<State>,
    changed: Condvar,
    /// Raised while a client waits to be accepted, or none will.
    ready: Event,
    /// Calls the reception.
    bell: Event,
    max_clients: usize,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(Link, Option<Address>)>,
    /// How many clients there are that were accepted.
    seated: usize,
    closed: bool,
    last: Option<Address>,
    refused: u64,
    refusal: Option<Error>,
}

impl Door {
    pub(super) fn new(max_clients: usize) -> Result<Arc<Self>> {
        let event =
            || Event::new().map_err(|error| Error::io("a listener needs descriptors", error));
        Ok(Arc::new(Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            ready: event()?,
            bell: event()?,
            max_clients,
        }))
    }

    /// The next client; none if the deadline has passed.
    pub(super) fn next(self: &Arc<Self>, deadline: Option<Deadline>) -> Result<Option<Client>> {
        let mut state = lock(&self.state);
        loop {
            if state.closed {
                return Err(Error::new(ErrorKind::Closed, "the listener is closed"));
            }
            let next = match state.seated < self.max_clients {
                true => state.waiting.pop_front(),
                false => None,
            };
            if let Some((link, peer)) = next {
                state.last = peer.clone();
                state.seated += 1;
                if state.waiting.is_empty() || state.seated == self.max_clients {
                    self.ready.lower();
                }
                if state.waiting.len() + 1 == WAITING {
                    self.bell.raise();
                }
                return Ok(Some(Client::new(link, peer, Some(Seat(Arc::clone(self))))));
            }
            state = match deadline {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(at) if at.has_passed() => return Ok(None),
                Some(at) => {
                    let woken = self.changed.wait_timeout(state, at.remaining());
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    pub(super) fn last_accepted(&self) -> Option<Address> {
        lock(&self.state).last.clone()
    }

    pub(super) fn refused(&self) -> (u64, Option<Error>) {
        let state = lock(&self.state);
        (state.refused, state.refusal.clone())
    }

    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        let gone = std::mem::take(&mut state.waiting);
        drop(state);
        drop(gone);
        self.ready.raise();
        self.bell.raise();
        self.changed.notify_all();
    }

    fn let_in(&self, link: Link, peer: Option<Address>) {
        let mut state = lock(&self.state);
        if !state.closed {
            state.waiting.push_back((link, peer));
            self.offer(&state);
        }
    }

    /// Tells those who accept, if there is something for them.
    fn offer(&self, state: &State) {
        if !state.waiting.is_empty() && state.seated < self.max_clients {
            self.ready.raise();
            self.changed.notify_all();
        }
    }

    /// Does nothing for a while, unless it is closed.
    fn rest(&self, time: Duration) {
        let state = lock(&self.state);
        drop(self.changed.wait_timeout_while(state, time, |state| !state.closed));
    }

    fn refuse(&self, why: Error) {
        let mut state = lock(&self.state);
        state.refused += 1;
        state.refusal = Some(why);
    }

    /// Whether it is closed, and whether one more may wait.
    fn look(&self) -> (bool, bool) {
        let state = lock(&self.state);
        (state.closed, state.waiting.len() < WAITING)
    }
}

impl AsFd for Door {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }
}

/// A client's place among those that there may be; free again when this is dropped.
#[derive(Debug)]
pub(super) struct Seat(Arc<Door>);

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.seated -= 1;
        self.0.offer(&state);
    }
}

/// One in its handshake.
#[derive(Debug)]
struct Pending {
    guest: Guest,
    peer: Option<Address>,
    deadline: Option<Deadline>,
}

#[derive(Debug)]
pub(super) struct Reception {
    door: Arc<Door>,
    listener: OwnedFd,
    tcp: bool,
    terms: Terms,
    key: AuthKey,
    /// The longest there first.
    pending: VecDeque<Pending>,
    pause: Option<Deadline>,
}

impl Reception {
    pub(super) fn new(
        door: Arc<Door>,
        listener: OwnedFd,
        address: &Address,
        terms: Terms,
        key: AuthKey,
    ) -> Self {
        let tcp = matches!(address.0, Place::Tcp { .. });
        Self { door, listener, tcp, terms, key, pending: VecDeque::new(), pause: None }
    }

    /// Runs until the door is closed.
    pub(super) fn run(mut self) {
        loop {
            // Before the look: what changes after it rings again.
            self.door.bell.lower();
            let (closed, room) = self.door.look();
            if closed {
                return;
            }
            self.pause = self.pause.filter(|until| !until.has_passed());
            let takes = room && self.pause.is_none();
            let Ok(ready) = self.sleep(takes) else {
                // Poll fails for want of memory only: there may be some in a while.
                self.door.rest(PAUSE);
                continue;
            };
            self.attend(&ready);
            self.send_late_away();
            if takes {
                self.take_on();
            }
        }
    }

    /// Waits until something is to be done; which of those pending can go on.
    fn sleep(&self, takes: bool) -> std::io::Result<Vec<bool>> {
        let mut fds = vec![self.door.bell.as_fd()];
        fds.extend(self.pending.iter().map(|pending| pending.guest.socket()));
        if takes {
            fds.push(self.listener.as_fd());
        }
        // The oldest one's is the first.
        let deadlines = [self.pending.front().and_then(|first| first.deadline), self.pause];
        let mut ready = poll::readable(&fds, deadlines.into_iter().flatten().min())?;
        ready.remove(0);
        Ok(ready)
    }

    fn attend(&mut self, ready: &[bool]) {
        let mut ready = ready.iter();
        for _ in 0..self.pending.len() {
            let Some(mut pending) = self.pending.pop_front() else { return };
            if !ready.next().is_some_and(|ready| *ready) {
                self.pending.push_back(pending);
                continue;
            }
            match pending.guest.go_on() {
                Ok(false) => self.pending.push_back(pending),
                Ok(true) => {
                    let link = Link::new(pending.guest.into_carrier(), self.terms.max_message);
                    self.door.let_in(link, pending.peer);
                }
                Err(error) => self.door.refuse(error),
            }
        }
    }

    fn send_late_away(&mut self) {
        let is_late = |pending: &Pending| pending.deadline.is_some_and(Deadline::has_passed);
        while self.pending.front().is_some_and(is_late) {
            self.send_oldest_away(
                "a client did not show in time that it has the key: it may have none, or no TLS where that is wanted",
            );
        }
    }

    fn send_oldest_away(&mut self, why: &str) {
        if let Some(oldest) = self.pending.pop_front() {
            self.door.refuse(Error::new(ErrorKind::Timeout, why));
            drop(oldest);
        }
    }

    fn take_on(&mut self) {
        for _ in 0..GUESTS {
            if !self.door.look().1 {
                return;
            }
            match stream::accept(self.listener.as_fd()) {
                Ok(None) => return,
                // Who hears that it is sent away is counted by then.
                Ok(Some(socket)) => match self.check(socket.as_fd()) {
                    Err(error) => self.door.refuse(error),
                    Ok(()) => {
                        if let Err(error) = self.begin(socket) {
                            self.door.refuse(error);
                        }
                    }
                },
                Err(error) => {
                    if stream::is_out_of_numbers(&error) && !self.pending.is_empty() {
                        self.send_oldest_away(
                            "a client made room for another one: this process may open no more",
                        );
                    } else {
                        self.pause = Deadline::after(PAUSE);
                    }
                    return;
                }
            }
        }
    }

    /// Whether it may be talked to, and prepares it for that.
    fn check(&self, socket: BorrowedFd<'_>) -> Result<()> {
        if self.tcp {
            return stream::prepare_tcp(socket)
                .map_err(|error| Error::io("preparing a connection", error));
        }
        if self.terms.any_user {
            return Ok(());
        }
        stream::check_peer(socket).map_err(|error| {
            let text = "a client is of another user: see `any_user`";
            Error::with_source(ErrorKind::Authentication, text, error)
        })
    }

    fn begin(&mut self, mut socket: OwnedFd) -> Result<()> {
        let mut peer = None;
        if self.tcp {
            let address;
            (socket, address) = stream::peer_of(socket);
            peer = address.map(Address::from);
        }
        if self.pending.len() >= GUESTS {
            self.send_oldest_away(
                "a client made room for another one, and had not yet shown that it has the key",
            );
        }
        let carrier = self.terms.carrier(socket)?;
        let guest = Guest::new(carrier, self.key.clone(), Side::Listener, self.terms.digests)?;
        let deadline = Deadline::after(self.terms.patience);
        self.pending.push_back(Pending { guest, peer, deadline });
        Ok(())
    }
}
