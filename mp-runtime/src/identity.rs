//! Who this process is in its tree: name, parent, daemon or not, key, and the numbers of its children. No descriptors here.

use crate::sys::random;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

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

/// The secret that the processes of a tree share. Nothing shows it but its own getters.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuthKey(pub(crate) Vec<u8>);

impl fmt::Debug for AuthKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthKey(..)")
    }
}

static CURRENT: OnceLock<Identity> = OnceLock::new();
/// The key that this process gives to its children; none before it is first asked for.
static KEY: Mutex<Option<AuthKey>> = Mutex::new(None);
/// The key that the parent gave to this process.
static GIVEN: OnceLock<AuthKey> = OnceLock::new();
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

/// This process's key. In a main program it is made here, of random bytes.
pub(crate) fn key() -> AuthKey {
    let mut key = KEY.lock().unwrap_or_else(PoisonError::into_inner);
    // Without random bytes there is no secret to share: an empty key opens nothing.
    key.get_or_insert_with(|| AuthKey(random::bytes::<32>().map_or(Vec::new(), Vec::from))).clone()
}

pub(crate) fn set_key(key: AuthKey) {
    *KEY.lock().unwrap_or_else(PoisonError::into_inner) = Some(key);
}

/// Takes the key that the parent gave.
pub(crate) fn accept_key(key: AuthKey) {
    set_key(key.clone());
    // A second call would come from a second bootstrap, and a process has one.
    let _ = GIVEN.set(key);
}

/// The key that the parent gave; none in a main program.
pub(crate) fn given_key() -> Option<AuthKey> {
    GIVEN.get().cloned()
}

/// The path of the next child, whose last number no other child of this process has.
pub(crate) fn next_path() -> String {
    let number = CHILDREN.fetch_add(1, Ordering::Relaxed) + 1;
    match current().path.as_str() {
        "" => number.to_string(),
        path => format!("{path}:{number}"),
    }
}
