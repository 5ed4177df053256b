//! Which task this process is running, as a crash handler can ask: one word, no lock. Running it is in `run`.

use crate::task::registry::{self, Entry};
use std::sync::atomic::{AtomicU32, Ordering};

const NONE: u32 = u32::MAX;

/// The index of the task in the table.
static CURRENT: AtomicU32 = AtomicU32::new(NONE);

/// While this lives, the task is the current one; then what was before.
#[derive(Debug)]
#[must_use = "the task is current for as long as this lives"]
pub(crate) struct Current {
    before: u32,
}

/// Notes that a task is begun.
pub(crate) fn begin(task: &'static Entry) -> Current {
    let before = CURRENT.load(Ordering::Relaxed);
    CURRENT.store(task.index(), Ordering::Relaxed);
    Current { before }
}

impl Drop for Current {
    fn drop(&mut self) {
        CURRENT.store(self.before, Ordering::Relaxed);
    }
}

/// The name of the current task, unless it is one of the library's own. May be asked in a signal
/// handler.
pub(crate) fn name() -> Option<&'static str> {
    // Whoever has an index has made the table, so that this does not make it.
    let index = Some(CURRENT.load(Ordering::Relaxed)).filter(|index| *index != NONE)?;
    let task = registry::table().ok()?.at(index)?;
    (!task.is_internal()).then(|| task.key().name)
}
