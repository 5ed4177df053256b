//! References on objects of a server elsewhere: one for all proxies of a process, given back with the last. How they are sent
//! back is for `lines`.

use crate::commons::{Hold, Kind, Role};
use crate::error::{Error, ErrorKind, Result};
use crate::manager::far::Remote;
use crate::manager::server::store;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A reference.
pub(in crate::manager) struct Lease {
    remote: Arc<Remote>,
    state: Mutex<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    server: u64,
    number: u64,
    /// How often the server has said that this process has it.
    granted: u64,
    /// How it was found.
    origin: Option<Origin>,
    /// What others of this program's processes hold that have it, or will have.
    tree: Option<Hold>,
    /// Whether this process answers for those.
    answers: bool,
}

/// The name by which an object was found, and which one of that name's value it is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(in crate::manager) struct Origin {
    pub(in crate::manager) name: String,
    pub(in crate::manager) of: String,
    pub(in crate::manager) place: u32,
}

/// What is left of one that nobody has here any more.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) server: u64,
    pub(super) number: u64,
    pub(super) granted: u64,
    /// Of other processes that may have it.
    pub(super) tree: Option<Hold>,
}

impl Left {
    /// Whether another process of this program has it, or a message to one.
    pub(super) fn is_held(&self) -> bool {
        self.tree.as_ref().is_some_and(|hold| hold.has_other_holder(Role::RECEIVER))
    }
}

impl Lease {
    pub(super) fn new(remote: Arc<Remote>, server: u64, number: u64) -> Self {
        Self { remote, state: Mutex::new(State { server, number, ..State::default() }) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::manager) fn remote(&self) -> &Arc<Remote> {
        &self.remote
    }

    /// The server has said once more that this process has it.
    pub(super) fn grant(&self) {
        self.lock().granted += 1;
    }

    pub(super) fn is_granted(&self) -> bool {
        self.lock().granted > 0
    }

    /// Which object of which server it is.
    pub(in crate::manager) fn place(&self) -> (u64, u64) {
        let state = self.lock();
        (state.server, state.number)
    }

    pub(in crate::manager) fn origin(&self) -> Option<Origin> {
        self.lock().origin.clone()
    }

    pub(in crate::manager) fn set_origin(&self, origin: Origin) {
        self.lock().origin.get_or_insert(origin);
    }

    /// Makes it one of another server, which was found again by its name.
    pub(super) fn renew(&self, server: u64, number: u64) {
        let mut state = self.lock();
        let known = (state.server, state.number) == (server, number);
        let granted = if known { state.granted + 1 } else { 1 };
        (state.server, state.number, state.granted) = (server, number, granted);
    }

    /// What holds it for the other processes of this program.
    pub(in crate::manager) fn tree(&self) -> Result<Hold> {
        let mut state = self.lock();
        if let Some(hold) = &state.tree {
            return Ok(hold.clone());
        }
        let hold = Hold::new(Kind::Managed, Role::RECEIVER, store::LEN)?;
        hold.u64(store::OBJECT).store(state.number, Relaxed);
        hold.u64(store::SERVER).store(state.server, Relaxed);
        state.answers = true;
        Ok(state.tree.insert(hold).clone())
    }

    /// Whether that holds such an object of that server's, as another process of this program has written it.
    pub(in crate::manager) fn is_of(hold: &Hold, server: u64) -> bool {
        let of = hold.u64(store::SERVER).load(Relaxed);
        // An object of this program's own server has a process.
        of == server && hold.u32(store::PROCESS).load(Relaxed) == 0
    }

    /// Keeps what came with it from another process.
    pub(in crate::manager) fn keep(&self, hold: Hold) {
        self.lock().tree.get_or_insert(hold);
    }
}

/// What is said of an object in a server that is not there any more.
pub(super) fn of_the_past() -> Error {
    let text = "the manager's server has ended that had this object; of another one only what is published is found again";
    Error::new(ErrorKind::Disconnected, text)
}

impl Drop for Lease {
    fn drop(&mut self) {
        let State { server, number, granted, tree, answers, .. } =
            std::mem::take(&mut *self.lock());
        self.remote.give_back(Left { server, number, granted, tree: tree.filter(|_| answers) });
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, number) = self.place();
        write!(f, "object {number} of {}", self.remote.address())
    }
}
