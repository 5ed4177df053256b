//! Managers and the objects that their servers keep: dictionaries, lists, sets, values. What is under them, objects that
//! processes share, is tested in `sync` and `channel`.

#[path = "../support/mod.rs"]
mod support;

mod changes;
mod containers;
mod lives;
mod nested;
mod travel;
mod watching;

use std::time::Duration;

/// Long enough for anything.
const LONG: Duration = Duration::from_secs(30);

/// Runs a test's body on this thread, under the watchdog.
#[track_caller]
fn watched<R>(body: impl FnOnce() -> R) -> R {
    support::watchdog(LONG * 3, body)
}

/// A manager that is up.
fn manager() -> mp::Manager {
    mp::Manager::new().expect("a manager")
}
