//! The table of all tasks linked into this program, the same in parent and child. What running one means is in `run`.

use crate::error::{Error, ErrorKind, Result};
use crate::protocol::message::TaskKey;
use crate::task::Task;
use crate::task::run::{self, Act, ChunkRunner, Runner};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// One task as the macro registers it.
pub struct Entry {
    name: &'static str,
    given: bool,
    type_name: fn() -> &'static str,
    place: (&'static str, u32, u32),
    runner: Runner,
    /// None for the library's own tasks.
    chunk_runner: Option<ChunkRunner>,
    /// The same.
    act: Option<Act>,
    index: AtomicU32,
}

/// What goes into the link-time list: the entry itself stays a static that its task can name.
#[derive(Debug)]
pub struct Registration(pub &'static Entry);

inventory::collect!(Registration);

impl Entry {
    /// An entry for `T`, written at `file:line:column`; `given` is a name of the user's choice.
    #[must_use]
    pub const fn new<T: Task>(
        given: Option<&'static str>,
        file: &'static str,
        line: u32,
        column: u32,
    ) -> Self {
        Self {
            name: T::NAME,
            given: given.is_some(),
            type_name: std::any::type_name::<T>,
            place: (file, line, column),
            runner: run::run::<T>,
            chunk_runner: Some(run::run_chunk::<T>),
            act: Some(run::act::<T>),
            index: AtomicU32::new(u32::MAX),
        }
    }

    /// An entry for a task of the library's own, such as a pool's worker.
    pub(crate) const fn internal(name: &'static str, runner: Runner) -> Self {
        Self {
            name,
            given: false,
            type_name: || "",
            place: ("", 0, 0),
            runner,
            chunk_runner: None,
            act: None,
            index: AtomicU32::new(u32::MAX),
        }
    }

    /// Whether it is one of the library's own.
    pub(crate) fn is_internal(&self) -> bool {
        self.place.0.is_empty()
    }

    pub(crate) fn runner(&self) -> Runner {
        self.runner
    }

    pub(crate) fn chunk_runner(&self) -> Option<ChunkRunner> {
        self.chunk_runner
    }

    pub(crate) fn act(&self) -> Option<Act> {
        self.act
    }

    pub(crate) fn key(&self) -> TaskKey<'static> {
        let (file, line, column) = self.place;
        TaskKey { name: self.name, type_name: (self.type_name)(), file, line, column }
    }

    /// Where it stands in the table; to be asked only after [`table`] was made.
    pub(crate) fn index(&self) -> u32 {
        self.index.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entry").field(&self.key()).finish()
    }
}

/// All tasks, sorted by key.
#[derive(Debug)]
pub(crate) struct Table {
    entries: Vec<&'static Entry>,
    fingerprint: u64,
}

/// The table of this program.
///
/// # Errors
///
/// If two tasks cannot be told apart.
pub(crate) fn table() -> Result<&'static Table> {
    static TABLE: OnceLock<Result<Table>> = OnceLock::new();
    let made = TABLE.get_or_init(|| Table::new(inventory::iter::<Registration>().map(|r| r.0)));
    made.as_ref().map_err(Clone::clone)
}

impl Table {
    fn new(entries: impl Iterator<Item = &'static Entry>) -> Result<Self> {
        let mut entries: Vec<_> = entries.collect();
        entries.sort_by_key(|entry| entry.key());
        for pair in entries.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            if a.name == b.name && (a.given && b.given || a.key() == b.key()) {
                let place = |e: &Entry| format!("{}:{}:{}", e.place.0, e.place.1, e.place.2);
                let text = format!(
                    "two tasks are named {:?}, at {} and at {}: give one of them another name",
                    a.name,
                    place(a),
                    place(b)
                );
                return Err(Error::new(ErrorKind::InvalidArgument, text));
            }
        }
        let mut hasher = DefaultHasher::new();
        for (index, entry) in (0..).zip(&entries) {
            entry.key().hash(&mut hasher);
            entry.index.store(index, Ordering::Relaxed);
        }
        Ok(Self { entries, fingerprint: hasher.finish() })
    }

    /// A number that is equal in two processes if their tables are.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    pub(crate) fn find(&self, key: &TaskKey<'_>) -> Result<&'static Entry> {
        let found = self.entries.binary_search_by(|entry| {
            let known: TaskKey<'_> = entry.key();
            known.cmp(key)
        });
        found.map(|at| self.entries[at]).map_err(|_| unknown(key.name))
    }

    pub(crate) fn at(&self, index: u32) -> Option<&'static Entry> {
        self.entries.get(usize::try_from(index).ok()?).copied()
    }
}

/// The error for a task that is not in the table, and what to do about it.
pub(crate) fn unknown(name: &str) -> Error {
    let krate = name.split("::").next().unwrap_or(name);
    let text = format!(
        "unknown task {name}: the program's table does not hold it; if it stands in a library that \
         the program does not otherwise use, say `use {krate} as _;` once in the program"
    );
    Error::new(ErrorKind::UnknownTask, text)
}

#[cfg(test)]
mod tests {
    use super::{Entry, Table};
    use crate::error::ErrorKind;

    fn leak(name: &'static str, given: bool, line: u32) -> &'static Entry {
        let mut entry = Entry::internal(name, |_, _, _| {});
        (entry.given, entry.place) = (given, ("f.rs", line, 1));
        Box::leak(Box::new(entry))
    }

    #[test]
    fn equal_names_at_two_places_are_two_tasks() {
        let entries = [leak("a", false, 1), leak("a", false, 2), leak("b", true, 3)];
        let table = Table::new(entries.into_iter()).unwrap();
        for entry in entries {
            assert!(std::ptr::eq(table.find(&entry.key()).unwrap(), entry));
            assert!(std::ptr::eq(table.at(entry.index()).unwrap(), entry));
        }
        let stranger = leak("a", false, 9);
        assert_eq!(table.find(&stranger.key()).unwrap_err().kind(), ErrorKind::UnknownTask);
        assert!(table.at(3).is_none());
    }

    #[test]
    fn equal_given_names_are_refused_with_both_places() {
        let entries = [leak("a", true, 1), leak("a", true, 2)];
        let error = Table::new(entries.into_iter()).unwrap_err().to_string();
        assert!(error.contains("f.rs:1:1") && error.contains("f.rs:2:1"), "{error}");
    }
}
