//! What can be asked about processes that one does not hold: the current one, its parent, its children.

use crate::child::watch;
use crate::identity::{self, Parent};
use crate::process::children::{self, Child};
use std::sync::Arc;

/// A process of the tree, seen from one of its relatives.
#[derive(Clone, Debug)]
pub struct ProcessInfo {
    pid: u32,
    name: String,
    daemon: bool,
    relation: Relation,
}

#[derive(Clone, Debug)]
enum Relation {
    Current,
    Parent,
    Child(Arc<Child>),
}

impl ProcessInfo {
    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its name: "MainProcess" for a main program.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a daemon, as pool workers are.
    #[must_use]
    pub fn daemon(&self) -> bool {
        self.daemon
    }

    /// Whether it still runs.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        match &self.relation {
            Relation::Current => true,
            Relation::Parent => watch::parent_is_alive(),
            Relation::Child(child) => child.exit_code().is_none(),
        }
    }

    /// How it ended, as [`Process::exit_code`](crate::Process::exit_code) says it; known of
    /// children only.
    #[must_use]
    pub fn exit_code(&self) -> Option<i32> {
        match &self.relation {
            Relation::Current | Relation::Parent => None,
            Relation::Child(child) => child.exit_code(),
        }
    }
}

/// This process.
///
/// # Examples
///
/// ```
/// let current = mp::current_process();
/// assert_eq!(current.name(), "MainProcess");
/// assert_eq!(current.pid(), std::process::id());
/// ```
#[must_use]
pub fn current_process() -> ProcessInfo {
    let identity = identity::current();
    ProcessInfo {
        pid: std::process::id(),
        name: identity.name.clone(),
        daemon: identity.daemon,
        relation: Relation::Current,
    }
}

/// The process that started this one; none in a main program.
///
/// # Examples
///
/// ```
/// assert!(mp::parent_process().is_none());
/// ```
#[must_use]
pub fn parent_process() -> Option<ProcessInfo> {
    let Parent { pid, name, daemon } = identity::current().parent.clone()?;
    Some(ProcessInfo { pid, name, daemon, relation: Relation::Parent })
}

/// The children of this process that still run, pool workers included; those that have ended are
/// reaped on the way.
///
/// # Examples
///
/// ```
/// assert!(mp::active_children().is_empty());
/// ```
#[must_use]
pub fn active_children() -> Vec<ProcessInfo> {
    let info = |child: Arc<Child>| ProcessInfo {
        pid: child.facts.pid,
        name: child.facts.name.clone(),
        daemon: child.facts.daemon,
        relation: Relation::Child(child),
    };
    children::active().into_iter().map(info).collect()
}
