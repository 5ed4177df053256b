//! In builds for it only: a thread that ends its process at its n-th access to memory that others share. What is killed so,
//! and what must become of the others, is in `tests/steps`.

use nix::sys::signal::{Signal, raise};
use std::cell::Cell;

thread_local! {
    static ARMED: Cell<Option<u64>> = const { Cell::new(None) };
    static SEEN: Cell<u64> = const { Cell::new(0) };
}

/// Has this thread kill its process just before its access of this number, counted from now on, from 1.
pub fn die_at(step: u64) {
    SEEN.set(0);
    ARMED.set(Some(step));
}

/// Takes that back, and says how many accesses there were.
pub fn survived() -> u64 {
    ARMED.set(None);
    SEEN.get()
}

/// Counts an access.
pub(super) fn step() {
    let Some(last) = ARMED.get() else { return };
    SEEN.set(SEEN.get() + 1);
    if SEEN.get() >= last {
        // Nothing of this process runs after it.
        let _ = raise(Signal::SIGKILL);
    }
}
