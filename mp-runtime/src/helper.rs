//! Small processes that serve all processes of a tree, and how those find them: by a name in the kernel that follows from
//! the tree's token. Whoever needs the first one takes that name and hands the socket to a new process. What they serve
//! with is in `shared::tracker` and `custody::store`, how they are started in `process::helpers`.

use crate::error::Result;
use crate::identity;
use crate::sys::clock::Deadline;
use crate::sys::{poll, rendezvous};
use serde::{Deserialize, Serialize};
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// How long one who has taken the name may need until it hears, and how often to look.
const BETWEEN: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(1);

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Helper {
    /// Removes named blocks that the tree has left.
    Tracker,
    /// Keeps the descriptors of messages that nobody has taken yet.
    Custodian,
}

/// Starts a helper that hears on this socket. In the table that is made at link time, since processes
/// are started by a higher layer.
#[derive(Debug)]
pub(crate) struct Starter(pub(crate) fn(Helper, OwnedFd) -> Result<()>);

inventory::collect!(Starter);

impl Helper {
    /// What it is called, where it shows.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tracker => "mp-tracker",
            Self::Custodian => "mp-custodian",
        }
    }

    fn address(self) -> io::Result<String> {
        let tree = identity::tree()?;
        Ok(format!("{}-{}-{:016x}", self.name(), tree.root, tree.token))
    }

    /// Connects to it.
    ///
    /// # Errors
    ///
    /// `ConnectionRefused` if there is none.
    pub(crate) fn find(self) -> io::Result<OwnedFd> {
        rendezvous::connect(&self.address()?)
    }

    /// Connects to it, and starts it if it is not there.
    pub(crate) fn find_or_start(self) -> io::Result<OwnedFd> {
        let address = self.address()?;
        let deadline = Deadline::after(BETWEEN);
        loop {
            match rendezvous::connect(&address) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                other => return other,
            }
            match rendezvous::take(&address) {
                Ok(listener) => self.start(listener)?,
                // Somebody else is about to hear there; the kernel does not tell when.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    if deadline.is_none_or(Deadline::has_passed) {
                        return Err(error);
                    }
                    poll::readable(&[], Deadline::after(LOOK))?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn start(self, listener: OwnedFd) -> io::Result<()> {
        let starter = inventory::iter::<Starter>.into_iter().next();
        let Starter(start) = starter.ok_or(io::ErrorKind::Unsupported)?;
        start(self, listener).map_err(io::Error::other)
    }
}

/// Whether the other end of a connection has ended.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}
