//! Who this process is in its tree: name, parent, daemon or not, key, the numbers of its children, and how it starts
//! them. No descriptors here.

use crate::sys::{own, random};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, RwLock};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

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

/// A secret by which processes know each other: of a tree ([`authkey`](crate::ProcessInfo::authkey)), or of a
/// listener and its clients. Any bytes will do; those that people can guess protect nothing.
///
/// `Debug` does not show the bytes, and serde cannot write them. They are compared in a time that does not
/// depend on them, and wiped from memory when the key is dropped.
///
/// # Examples
///
/// ```
/// let key = mp::AuthKey::from("known to both programs");
/// assert_eq!(key.as_bytes(), b"known to both programs");
/// assert_eq!(format!("{key:?}"), "AuthKey(..)");
/// assert!(key != mp::current_process().authkey());
/// ```
#[derive(Clone)]
pub struct AuthKey(Zeroizing<Vec<u8>>);

impl AuthKey {
    /// The secret itself: for what makes another process know it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for AuthKey {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl From<String> for AuthKey {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<&[u8]> for AuthKey {
    fn from(bytes: &[u8]) -> Self {
        bytes.to_vec().into()
    }
}

impl<const N: usize> From<&[u8; N]> for AuthKey {
    fn from(bytes: &[u8; N]) -> Self {
        bytes.to_vec().into()
    }
}

impl From<&str> for AuthKey {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl From<&Self> for AuthKey {
    fn from(key: &Self) -> Self {
        key.clone()
    }
}

impl PartialEq for AuthKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for AuthKey {}

impl fmt::Debug for AuthKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthKey(..)")
    }
}

/// All processes that come from one main program, by that: its pid and what makes it the only one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tree {
    pub(crate) root: u32,
    pub(crate) started: u64,
    /// Where the pid means something.
    pub(crate) namespace: u64,
    /// What no other user can guess.
    pub(crate) token: u64,
}

/// Replaced once at most: in a process that a fork server has forked, whose identity stands here then.
static CURRENT: RwLock<Option<&'static Identity>> = RwLock::new(None);
/// The tree that this process belongs to, and by its forks the copy that this is known of.
static TREE: Mutex<Option<(u32, Tree)>> = Mutex::new(None);
/// The key that this process gives to its children; none before it is first asked for.
static KEY: Mutex<Option<AuthKey>> = Mutex::new(None);
/// The key that the parent gave to this process.
static GIVEN: OnceLock<AuthKey> = OnceLock::new();
static CHILDREN: AtomicU32 = AtomicU32::new(0);
static FORKS: AtomicBool = AtomicBool::new(false);

/// How a child is started.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn add(a: i32, b: i32) -> i32 {
///     a + b
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let process = mp::Process::new(add, (5, 7));
///     let mut process = process.with_start_method(mp::StartMethod::ForkServer);
///     process.start()?;
///     assert_eq!(process.result()?, 12);
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StartMethod {
    /// The program is run again, from its start, as a process of its own: nothing of the parent's
    /// memory is in it. Takes about a millisecond.
    #[default]
    Reexec,
    /// A small process without threads, which was itself started by running the program again, is
    /// copied: more than twice as fast, and what was [preloaded](crate::fork_server) is there already.
    ForkServer,
}

/// Sets how processes and pools are started that do not say it themselves, from now on, by this
/// process and by the children that it starts from now on. Without this, by [`StartMethod::Reexec`].
///
/// # Examples
///
/// ```
/// assert_eq!(mp::start_method(), mp::StartMethod::Reexec);
/// mp::set_start_method(mp::StartMethod::ForkServer);
/// assert_eq!(mp::start_method(), mp::StartMethod::ForkServer);
/// ```
pub fn set_start_method(method: StartMethod) {
    FORKS.store(method == StartMethod::ForkServer, Ordering::Relaxed);
}

/// How processes and pools are started that do not say it themselves; see [`set_start_method`].
#[must_use]
pub fn start_method() -> StartMethod {
    match FORKS.load(Ordering::Relaxed) {
        true => StartMethod::ForkServer,
        false => StartMethod::Reexec,
    }
}

/// This process's identity.
pub(crate) fn current() -> &'static Identity {
    let current = *CURRENT.read().unwrap_or_else(PoisonError::into_inner);
    current.unwrap_or_else(|| {
        let main = Identity {
            name: "MainProcess".to_owned(),
            path: String::new(),
            daemon: false,
            pooled: false,
            parent: None,
        };
        let mut current = CURRENT.write().unwrap_or_else(PoisonError::into_inner);
        current.get_or_insert_with(|| Box::leak(Box::new(main)))
    })
}

/// Sets what the bootstrap told, before this process has done anything by itself.
pub(crate) fn set(identity: Identity) {
    let mut current = CURRENT.write().unwrap_or_else(PoisonError::into_inner);
    *current = Some(Box::leak(Box::new(identity)));
    CHILDREN.store(0, Ordering::Relaxed);
}

/// The tree that this process belongs to. A copy of the program that the user has forked begins one.
pub(crate) fn tree() -> io::Result<Tree> {
    let mut known = TREE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((forks, tree)) = *known
        && (forks == own::forks() || current().parent.is_some())
    {
        return Ok(tree);
    }
    let root = std::process::id();
    let (started, namespace) = (own::start_of(root)?, own::pid_namespace()?);
    let token = u64::from_ne_bytes(random::bytes()?);
    let tree = Tree { root, started, namespace, token };
    *known = Some((own::forks(), tree));
    Ok(tree)
}

/// Sets what the bootstrap told.
pub(crate) fn set_tree(tree: Tree) {
    *TREE.lock().unwrap_or_else(PoisonError::into_inner) = Some((own::forks(), tree));
}

/// This process's key. In a main program it is made here, of random bytes.
pub(crate) fn key() -> AuthKey {
    let mut key = KEY.lock().unwrap_or_else(PoisonError::into_inner);
    // Without random bytes there is no secret to share, and no challenge to answer: an empty key opens nothing.
    key.get_or_insert_with(|| random::bytes::<32>().map_or(Vec::new(), Vec::from).into()).clone()
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
