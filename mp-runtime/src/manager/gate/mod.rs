//! Clients of a manager's server that are no processes of its program: they come by a socket, and each connection has a thread
//! of the server's process, which calls the server as a client of its own would. What a client has there is `guest`, what is
//! said over a connection `line`, and what is done with queues and locks for those who cannot reach them `hands`. The clients'
//! side is `far`.

mod guest;
mod hands;
mod line;

use crate::error::{Error, ErrorKind, Result};
use crate::identity::AuthKey;
use crate::manager::session::Session;
#[cfg(feature = "tls")]
use crate::socket::ServerParts;
use crate::socket::{Address, Client, Listener};
use guest::Guest;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

/// So many connections at once; more wait until one of them goes.
const MOST: usize = 4_096;

/// Where a server can be reached from elsewhere, and by whom.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Terms {
    pub(super) address: String,
    pub(super) key: Vec<u8>,
    pub(super) any_user: bool,
    /// Whether clients may end the server.
    pub(super) may_end: bool,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<ServerParts>,
}

impl fmt::Debug for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terms").field("address", &self.address).finish_non_exhaustive()
    }
}

/// An open one.
pub(super) struct Gate(Arc<Shared>);

struct Shared {
    listener: Listener,
    session: Arc<Session>,
    may_end: bool,
    guests: Mutex<HashMap<[u8; 16], Weak<Guest>>>,
    /// The connections that there are, by number.
    clients: Mutex<Clients>,
}

#[derive(Default)]
struct Clients {
    last: u64,
    open: HashMap<u64, Arc<Client>>,
    /// Whoever comes now has come too late.
    closed: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gate {
    /// Listens, and lets clients in that have the key: what they ask for is for `session`.
    ///
    /// # Errors
    ///
    /// As [`Listener::bind`].
    pub(super) fn open(terms: &Terms, session: Arc<Session>) -> Result<Self> {
        let mut builder = Listener::builder().max_clients(MOST);
        if terms.any_user {
            builder = builder.any_user();
        }
        #[cfg(feature = "tls")]
        if let Some(tls) = &terms.tls {
            builder = builder.tls(tls.whole()?);
        }
        let listener = builder.bind(terms.address.as_str(), AuthKey::from(&*terms.key))?;
        let shared = Arc::new(Shared {
            listener,
            session,
            may_end: terms.may_end,
            guests: Mutex::default(),
            clients: Mutex::default(),
        });
        let own = Arc::clone(&shared);
        let thread = thread::Builder::new().name("mp-gate".to_owned());
        thread
            .spawn(move || own.let_in())
            .map_err(|error| Error::io("a thread for a manager's clients", error))?;
        Ok(Self(shared))
    }

    pub(super) fn address(&self) -> &Address {
        self.0.listener.address()
    }
}

/// Sends all away, also who waits for something.
impl Drop for Gate {
    fn drop(&mut self) {
        self.0.listener.close();
        let mut clients = lock(&self.0.clients);
        clients.closed = true;
        clients.open.values().for_each(|client| client.close());
    }
}

/// A connection; when this is dropped, however that comes, it is one no more.
struct Leaving {
    shared: Arc<Shared>,
    number: u64,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        let client = lock(&self.shared.clients).open.remove(&self.number);
        client.iter().for_each(|client| client.close());
    }
}

impl Shared {
    fn let_in(self: Arc<Self>) {
        loop {
            let client = match self.listener.accept() {
                Ok(client) => Arc::new(client),
                Err(error) if error.kind() == ErrorKind::Closed => return,
                Err(_) => continue,
            };
            let number = {
                let mut clients = lock(&self.clients);
                if clients.closed {
                    return;
                }
                clients.last += 1;
                let number = clients.last;
                clients.open.insert(number, Arc::clone(&client));
                number
            };
            let own = Arc::clone(&self);
            let thread = thread::Builder::new().name("mp-client".to_owned());
            let leaving = Leaving { shared: own, number };
            // If there can be no more threads, this one finds its connection closed.
            let _ = thread.spawn(move || line::serve(&client, &leaving.shared));
        }
    }

    /// The client of that number, which has one connection more.
    fn guest(&self, client: [u8; 16]) -> Arc<Guest> {
        let mut guests = lock(&self.guests);
        if let Some(guest) = guests.get(&client).and_then(Weak::upgrade) {
            return guest;
        }
        guests.retain(|_, guest| guest.strong_count() > 0);
        let guest = Arc::new(Guest::new(Arc::clone(&self.session)));
        guests.insert(client, Arc::downgrade(&guest));
        guest
    }
}
