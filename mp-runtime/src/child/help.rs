//! The first steps of a process that serves its whole tree: the tracker, in `shared::tracker`, or the custodian, in
//! `custody::store`.

use crate::child::bootstrap;
use crate::custody::store;
use crate::error::{Error, Result};
use crate::helper::Helper;
use crate::identity::{self, Identity, Parent};
use crate::protocol::handshake::Bootstrap;
use crate::shared::tracker;
use crate::sys::{own, signal, surroundings};
use crate::task::registry;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;

/// Serves until the tree has ended; gives the exit code.
pub(super) fn run(told: &Bootstrap<'_>, descriptors: Vec<OwnedFd>, helper: Helper) -> Result<i32> {
    let io = |error| Error::io(format!("{} could not go on", helper.name()), error);
    // First: from now on it outlives what the others die of.
    signal::ignore_ending().map_err(io)?;
    own::set_comm(OsStr::new(helper.name()));
    // Whoever reads what the program prints waits for the program only.
    own::print_nothing().map_err(io)?;
    identity::set(Identity {
        name: told.name.to_owned(),
        path: told.path.to_owned(),
        daemon: true,
        pooled: true,
        parent: Some(Parent {
            pid: told.parent_pid,
            name: told.parent_name.to_owned(),
            daemon: told.parent_daemon,
        }),
    });
    if registry::table()?.fingerprint() != told.fingerprint {
        return Err(bootstrap::other_program());
    }
    surroundings::raise_descriptors().map_err(io)?;
    let listener = descriptors.into_iter().next();
    let listener = listener.ok_or_else(|| io(ErrorKind::NotFound.into()))?;
    match helper {
        Helper::Tracker => tracker::server::serve(told.tree, listener).map_err(io),
        Helper::Custodian => store::server::serve(told.tree, listener).map(|()| 0).map_err(io),
    }
}
