//! A process's way to a manager's server in another program: calls by sockets, one at a time on each. Which connections there
//! are is in `lines`, what this process has of the server's objects in `lease`, how those stand in values in `travel`, how
//! a call looks in `frame`, and an item of a queue in `item`. The server's side is `gate`.

pub(super) mod frame;
pub(super) mod item;
pub(super) mod lease;
mod lines;
pub(super) mod travel;

use crate::error::{Error, ErrorKind, Result};
use crate::identity::AuthKey;
use crate::manager::wire::{self, Message, Reader, method};
use crate::socket::Address;
#[cfg(feature = "tls")]
use crate::socket::TlsClient;
use frame::Answer;
use lease::{Lease, Left, Origin};
use lines::{Line, Lines};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// All of this process's.
static REMOTES: Mutex<Vec<Weak<Remote>>> = Mutex::new(Vec::new());

/// How a server elsewhere is reached, and what is done when it is not.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) timeout: Duration,
    pub(super) any_user: bool,
    /// Whether a server that comes after it will do.
    pub(super) reconnects: bool,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<TlsClient>,
}

impl Terms {
    fn is_same(&self, other: &Self) -> bool {
        #[cfg(feature = "tls")]
        if self.tls.as_ref().map(TlsClient::parts) != other.tls.as_ref().map(TlsClient::parts) {
            return false;
        }
        let plain = |terms: &Self| (terms.timeout, terms.any_user, terms.reconnects);
        plain(self) == plain(other)
    }
}

/// The way to one address, of all proxies of this process.
pub(super) struct Remote {
    address: Address,
    key: AuthKey,
    terms: Terms,
    lines: Mutex<Lines>,
    leases: Mutex<HashMap<(u64, u64), Weak<Lease>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Remote {
    /// A way that is still to be taken.
    pub(super) fn new(address: Address, key: AuthKey, terms: Terms) -> Arc<Self> {
        let remote = Arc::new(Self {
            address,
            key,
            terms,
            lines: Mutex::default(),
            leases: Mutex::default(),
        });
        let mut remotes = lock(&REMOTES);
        remotes.retain(|remote| remote.strong_count() > 0);
        remotes.push(Arc::downgrade(&remote));
        remote
    }

    /// Connects, and sees that it is a server of a manager's.
    pub(super) fn connect(address: Address, key: AuthKey, terms: Terms) -> Result<Arc<Self>> {
        let remote = Self::new(address, key, terms);
        let line = remote.open()?;
        remote.put_back(line);
        Ok(remote)
    }

    /// The one to that server, by this address if there is none yet.
    pub(super) fn to(server: u64, address: Address, key: AuthKey, terms: Terms) -> Arc<Self> {
        let remotes: Vec<_> = lock(&REMOTES).iter().filter_map(Weak::upgrade).collect();
        let found = remotes.into_iter().find(|remote| {
            remote.address == address
                && remote.terms.is_same(&terms)
                && lock(&remote.lines).server() == Some(server)
        });
        found.unwrap_or_else(|| {
            let remote = Self::new(address, key, terms);
            lock(&remote.lines).expect(server);
            remote
        })
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn key(&self) -> &AuthKey {
        &self.key
    }

    pub(super) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Asks the server for something of that object, or of the server itself, and reads the answer.
    ///
    /// # Errors
    ///
    /// What the server answers; `Disconnected` if it is not there.
    pub(super) fn call<R>(
        self: &Arc<Self>,
        lease: Option<&Lease>,
        request: Message,
        read: impl FnOnce(&mut Reader<'_>) -> Result<R>,
    ) -> Result<R> {
        let line = self.take()?;
        self.settle(&line).map_err(|error| self.gone(error))?;
        let found = lease.map_or(Ok(0), |lease| self.find(lease, &line));
        let is_past = request.far.as_ref().is_some_and(|far| !far.is_for(line.server));
        let object = match found {
            Ok(_) if is_past => Err(lease::of_the_past()),
            other => other,
        };
        let object = match object {
            Ok(object) => object,
            Err(error) => {
                self.put_back(line);
                return Err(error);
            }
        };
        let Message { bytes, far, within, .. } = request;
        let numbers = far.as_ref().map_or_else(Vec::new, |far| far.numbers());
        let (server, answer) =
            self.exchange(line, &frame::finish(bytes, object, &numbers), within)?;
        // What was beside the values is there until the server has it.
        drop(far);
        let answer = Answer::read(&answer)?;
        let leases = self.granted(server, &answer.numbers);
        let mut reader = Reader::with(answer.body, leases);
        wire::read_status(&mut reader).and_then(|()| read(&mut reader))
    }

    /// Sends a request and awaits its answer, and has the connection used again. A server that is to answer `within` some time
    /// has as much more for it as for letting us in; then the connection is given up, and with it the call.
    fn exchange(
        self: &Arc<Self>,
        mut line: Line,
        request: &[u8],
        within: Option<Duration>,
    ) -> Result<(u64, Vec<u8>)> {
        let gone = |error| self.gone(error);
        if let Err(error) = frame::expect_fit(request) {
            self.put_back(line);
            return Err(error);
        }
        line.client.send_bytes(request).map_err(gone)?;
        if let Some(within) = within
            && !line.client.poll(within.saturating_add(self.terms.timeout)).map_err(gone)?
        {
            let address = &self.address;
            let text = format!(
                "the manager's server at {address} does not answer: it is held up, or the network is"
            );
            return Err(Error::new(ErrorKind::Timeout, text));
        }
        let answer = line.client.recv_bytes().map_err(gone)?;
        line.owned = Answer::read(&answer)?.owned;
        let server = line.server;
        self.put_back(line);
        Ok((server, answer))
    }

    /// Objects that an answer gives.
    fn granted(self: &Arc<Self>, server: u64, numbers: &[u64]) -> Vec<Option<Arc<Lease>>> {
        numbers.iter().map(|number| (*number != 0).then(|| self.grant(server, *number))).collect()
    }

    fn grant(self: &Arc<Self>, server: u64, number: u64) -> Arc<Lease> {
        let lease = self.lease(server, number);
        lease.grant();
        lease
    }

    /// What all proxies here of an object have.
    fn lease(self: &Arc<Self>, server: u64, number: u64) -> Arc<Lease> {
        let mut leases = lock(&self.leases);
        if let Some(lease) = leases.get(&(server, number)).and_then(Weak::upgrade) {
            return lease;
        }
        let lease = Arc::new(Lease::new(Arc::clone(self), server, number));
        leases.insert((server, number), Arc::downgrade(&lease));
        lease
    }

    /// Takes over a reference that another process of this program has, or had.
    pub(super) fn adopt(self: &Arc<Self>, server: u64, number: u64) -> Arc<Lease> {
        let lease = self.lease(server, number);
        if !lease.is_granted() {
            let mut request = Message::request(0, 0, method::RESOLVE);
            request.u64(number);
            // If it fails now, so will the first call, and say why.
            let _ = self.call(None, request, |_| Ok(()));
        }
        lease
    }

    /// The number of an object in the server that a connection leads to.
    fn find(self: &Arc<Self>, lease: &Lease, line: &Line) -> Result<u64> {
        let (server, number) = lease.place();
        if server == line.server {
            return Ok(number);
        }
        let Some(Origin { name, of, place }) = lease.origin() else {
            return Err(lease::of_the_past());
        };
        let mut request = Message::request(0, 0, method::LOOKUP);
        request.text(&name).text(&of);
        let frame = frame::finish(request.bytes, 0, &[]);
        line.client.send_bytes(&frame).map_err(|error| self.gone(error))?;
        let answer = line.client.recv_bytes().map_err(|error| self.gone(error))?;
        let answer = Answer::read(&answer)?;
        wire::read_status(&mut Reader::new(answer.body))?;
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        let mut found = None;
        for (at, number) in answer.numbers.iter().enumerate().filter(|(_, number)| **number != 0) {
            if at == place {
                found = Some(*number);
            } else {
                drop(self.grant(line.server, *number));
            }
        }
        let number = found.ok_or_else(lease::of_the_past)?;
        lease.renew(line.server, number);
        Ok(number)
    }

    /// Finds an object again by its name if this way now leads to another server than that which had it.
    pub(super) fn follow(self: &Arc<Self>, lease: &Lease) -> Result<()> {
        let line = self.take()?;
        let found = self.find(lease, &line);
        self.put_back(line);
        found.map(drop)
    }

    pub(super) fn server(&self) -> Option<u64> {
        lock(&self.lines).server()
    }

    /// Has the server end, if it lets others do that.
    pub(super) fn shutdown(self: &Arc<Self>) -> Result<()> {
        let request = Message::request(0, 0, method::SHUTDOWN);
        match self.call(None, request, |_| Ok(())) {
            // It may have ended before it could answer, or earlier.
            Err(error) if error.kind() == ErrorKind::Disconnected => Ok(()),
            other => other,
        }
    }

    fn gone(&self, error: Error) -> Error {
        let text = format!("the connection to the manager's server at {} is gone", self.address);
        match error.kind() {
            ErrorKind::Disconnected | ErrorKind::Truncated | ErrorKind::Broken => {
                Error::with_source(ErrorKind::Disconnected, text, error)
            }
            _ => error,
        }
    }

    fn give_back(&self, left: Left) {
        let mut leases = lock(&self.leases);
        let place = (left.server, left.number);
        if leases.get(&place).is_some_and(|lease| lease.strong_count() == 0) {
            leases.remove(&place);
        }
        drop(leases);
        self.send_back(left);
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remote({})", self.address)
    }
}
