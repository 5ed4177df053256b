//! What can be asked about processes that one does not hold: the current one, its parent, its children.

use crate::child::watch;
use crate::error::{Error, ErrorKind, Result};
use crate::identity::{self, AuthKey, Parent};
use crate::process::children::{self, Child};
use crate::process::exit;
use crate::sys::clock::Deadline;
use crate::sys::signal;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A key is a part of what every child is told at its start.
const KEY_MAX: usize = 1 << 16;

/// A process of the tree, seen from one of its relatives.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn nothing() {}
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let _process = mp::spawn(nothing, ())?;
///     for child in mp::active_children() {
///         child.join()?;
///         assert_eq!(child.exit_code(), Some(0));
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct ProcessInfo {
    pid: u32,
    name: String,
    daemon: bool,
    relation: Relation,
}

#[derive(Clone)]
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

    /// Waits until it has ended, however it ended.
    ///
    /// A child dies with its parent, at once: so a wait for the parent never comes to an end here.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for the current process, which would wait for
    /// itself.
    pub fn join(&self) -> Result<()> {
        self.wait(None).map(drop)
    }

    /// Waits at most `timeout` and says whether it has ended.
    ///
    /// # Errors
    ///
    /// As [`join`](Self::join).
    pub fn join_timeout(&self, timeout: Duration) -> Result<bool> {
        self.wait(Deadline::after(timeout))
    }

    /// Asks a child to end, by SIGTERM. One that has ended is not touched.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) if it is no child of this process.
    pub fn terminate(&self) -> Result<()> {
        self.child()?.signal(signal::SIGTERM)
    }

    /// Ends a child at once, by SIGKILL. One that has ended is not touched.
    ///
    /// # Errors
    ///
    /// As [`terminate`](Self::terminate).
    pub fn kill(&self) -> Result<()> {
        self.child()?.signal(signal::SIGKILL)
    }

    /// Interrupts a child, by SIGINT. One that has ended is not touched, and a pool's worker is not
    /// impressed.
    ///
    /// # Errors
    ///
    /// As [`terminate`](Self::terminate).
    pub fn interrupt(&self) -> Result<()> {
        self.child()?.signal(signal::SIGINT)
    }

    /// The secret by which processes of the tree know each other, which no `Debug` shows: 32 random
    /// bytes made by the main program, unless [`set_authkey`](Self::set_authkey) put others in their
    /// place. Of a child or the parent: what the child was given at its start.
    ///
    /// It is empty where the system has no random bytes to give.
    #[must_use]
    pub fn authkey(&self) -> AuthKey {
        match &self.relation {
            Relation::Current => identity::key(),
            Relation::Parent => identity::given_key().unwrap_or_else(|| Vec::new().into()),
            Relation::Child(child) => child.facts.authkey.clone(),
        }
    }

    /// Sets the key of the current process: for what it makes and starts from now on.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for any other process, and for more than
    /// 65,536 bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(mp::current_process().authkey().as_bytes().len(), 32);
    /// mp::current_process().set_authkey("known to both programs")?;
    /// assert_eq!(mp::current_process().authkey().as_bytes(), b"known to both programs");
    /// # Ok::<(), mp::Error>(())
    /// ```
    pub fn set_authkey(&self, key: impl Into<AuthKey>) -> Result<()> {
        if !matches!(self.relation, Relation::Current) {
            let text = format!("process {} sets its own key: this one cannot", self.name);
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        let key = key.into();
        let len = key.as_bytes().len();
        if len > KEY_MAX {
            let text = format!("a key has at most {KEY_MAX} bytes, not {len}");
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        identity::set_key(key);
        Ok(())
    }

    fn wait(&self, deadline: Option<Deadline>) -> Result<bool> {
        match &self.relation {
            Relation::Current => {
                let text = "the current process cannot wait for its own end";
                Err(Error::new(ErrorKind::InvalidArgument, text))
            }
            Relation::Parent => watch::await_parents_end(deadline),
            Relation::Child(child) => child.join(deadline),
        }
    }

    fn child(&self) -> Result<&Child> {
        match &self.relation {
            Relation::Child(child) => Ok(child),
            Relation::Current | Relation::Parent => {
                let text = format!("process {} is no child of this one", self.name);
                Err(Error::new(ErrorKind::InvalidArgument, text))
            }
        }
    }
}

impl fmt::Debug for ProcessInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relation = match self.relation {
            Relation::Current => "current",
            Relation::Parent => "parent",
            Relation::Child(_) => "child",
        };
        f.debug_struct("ProcessInfo")
            .field("name", &self.name)
            .field("pid", &self.pid)
            .field("relation", &format_args!("{relation}"))
            .field("daemon", &self.daemon)
            .finish()
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
    // In a copy of another process, whose children are none of ours.
    exit::arm();
    let info = |child: Arc<Child>| ProcessInfo {
        pid: child.facts.pid,
        name: child.facts.name.clone(),
        daemon: child.facts.daemon,
        relation: Relation::Child(child),
    };
    children::active().into_iter().map(info).collect()
}

/// The number of CPUs that this process may use, at least 1: the affinity mask and a control
/// group's quota are honoured.
///
/// # Examples
///
/// ```
/// assert!(mp::cpu_count() >= 1);
/// ```
#[must_use]
pub fn cpu_count() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
