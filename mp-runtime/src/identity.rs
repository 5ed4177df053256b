//! Who this process is in its tree: name, parent, daemon or not, and the numbers of its children. No descriptors here.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// What a process is told about itself at its start, or what a main program is by itself.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) name: String,
    /// The numbers that lead from the main program to here, such as "1:2"; empty in it.
    pub(crate) path: String,
    pub(crate) daemon: bool,
    /// Whether this is a pool's worker.
    pub(crate) pooled: bool,
    /// None in a main program.
    pub(crate) parent: Option<Parent>,
}

/// The process that started this one, as it described itself.
#[derive(Clone, Debug)]
pub(crate) struct Parent {
    pub(crate) pid: u32,
    pub(crate) name: String,
    pub(crate) daemon: bool,
}

static CURRENT: OnceLock<Identity> = OnceLock::new();
static CHILDREN: AtomicU32 = AtomicU32::new(0);

/// This process's identity.
pub(crate) fn current() -> &'static Identity {
    CURRENT.get_or_init(|| Identity {
        name: "MainProcess".to_owned(),
        path: String::new(),
        daemon: false,
        pooled: false,
        parent: None,
    })
}

/// Sets what the bootstrap told, before anything has asked.
pub(crate) fn set(identity: Identity) {
    // A second call would come from a second bootstrap, and a process has one.
    let _ = CURRENT.set(identity);
}

/// The path of the next child, whose last number no other child of this process has.
pub(crate) fn next_path() -> String {
    let number = CHILDREN.fetch_add(1, Ordering::Relaxed) + 1;
    match current().path.as_str() {
        "" => number.to_string(),
        path => format!("{path}:{number}"),
    }
}
