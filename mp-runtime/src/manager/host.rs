//! `ManagerServer`: a manager's server in the process that asks for it. What it does is in `server` and `gate`.

use crate::channel::{Encoded, Receiver, Sender, channel};
use crate::commons;
use crate::error::{Error, ErrorKind, Result};
use crate::manager::gate::{self, Gate};
use crate::manager::proxy::Way;
use crate::manager::session::Session;
use crate::manager::{Manager, SHUTDOWN_TIMEOUT, object, server};
use crate::socket::Address;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A manager's server in this process, made by [`ManagerBuilder::server`](crate::ManagerBuilder::server): for programs of
/// which it is the only purpose, and for tests.
///
/// # Examples
///
/// ```
/// use std::thread;
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let server = mp::Manager::builder().address("abstract:").authkey("a key").server()?;
///     thread::scope(|scope| {
///         let serving = scope.spawn(|| server.serve_forever());
///         let remote = mp::Manager::connect(server.address().unwrap(), "a key")?;
///         assert_eq!(remote.list_from([1, 2])?.len()?, 2);
///         server.stop();
///         serving.join().expect("it does not panic")
///     })
/// }
/// ```
pub struct ManagerServer {
    id: u64,
    session: Arc<Session>,
    address: Option<Address>,
    /// What serving takes; none once it was begun.
    ready: Mutex<Option<Serving>>,
}

struct Serving {
    door: Receiver<Encoded>,
    back: Sender<Encoded>,
    gate: Option<Gate>,
}

impl ManagerServer {
    pub(super) fn new(id: u64, gate: Option<&gate::Terms>) -> Result<Self> {
        let (back, door) = channel()?;
        let session = Session::to(id, commons::own()?.get(), back.clone());
        let gate = gate.map(|terms| Gate::open(terms, Arc::clone(&session))).transpose()?;
        let address = gate.as_ref().map(|gate| gate.address().clone());
        let ready = Mutex::new(Some(Serving { door, back, gate }));
        Ok(Self { id, session, address, ready })
    }

    /// Serves, on this thread, until [`stop`](Self::stop) or a shutdown by a client that may do that. Calls that were made before
    /// are answered first.
    ///
    /// # Errors
    ///
    /// `AlreadyStarted` if it serves, or has served.
    pub fn serve_forever(&self) -> Result<()> {
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Serving { door, back, gate }) = ready else {
            let text = "a manager's server serves once";
            return Err(Error::new(ErrorKind::AlreadyStarted, text));
        };
        object::serve_here(&self.session);
        let served = server::serve(self.id, door, back);
        object::serve_no_more(&self.session);
        drop(gate);
        served
    }

    /// Ends it, whether it serves now or is yet to: it takes no more calls, and [`serve_forever`](Self::serve_forever) returns when
    /// the methods have that still run.
    pub fn stop(&self) {
        self.session.end();
    }

    /// A manager with this server, for the threads of this process and the processes of its program. Its shutdown ends the
    /// server; its drop does not.
    #[must_use]
    pub fn manager(&self) -> Manager {
        Manager {
            process: None,
            way: Way::Near(Arc::clone(&self.session)),
            address: self.address.clone(),
            timeout: SHUTDOWN_TIMEOUT,
        }
    }

    /// Where it can be reached from other programs; none if it cannot.
    #[must_use]
    pub fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }
}

impl fmt::Debug for ManagerServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagerServer").field("address", &self.address).finish_non_exhaustive()
    }
}
