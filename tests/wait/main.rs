//! `mp::wait`: several things of different kinds waited for at once. What each of them is, is tested elsewhere.

#[path = "../support/mod.rs"]
mod support;

mod descriptors;
mod events;

use std::time::Duration;

/// Runs a test's body on this thread, under the watchdog.
#[track_caller]
fn watched<R>(body: impl FnOnce() -> R) -> R {
    support::watchdog(Duration::from_secs(90), body)
}
