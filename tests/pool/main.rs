//! Pools as their users see them: real workers, real deaths, every test under a watchdog.
//! How the parts work inside is tested beside them, in `mp-runtime`.

#[path = "../support/mod.rs"]
mod support;

mod callbacks;
mod calls;
mod corners;
mod deaths;
mod drops;
mod end;
mod ends_early;
mod errors;
mod futures;
mod handles;
mod kills;
mod limits;
mod many;
mod map_async;
mod map_faults;
mod map_places;
mod maps;
mod nested;
mod numbers;
mod payload;
mod places;
mod races;
mod room;
mod shutdown;
mod tasks;
mod waits;
mod workers;

use support::gate;

use std::process;
use std::time::Duration;

/// What "promptly" means, on a loaded machine too.
const PROMPT: Duration = Duration::from_secs(1);
/// What "bounded" means.
const BOUNDED: Duration = Duration::from_secs(10);
/// A wait that is to run out.
const SHORT: Duration = Duration::from_millis(100);

/// Runs a test's body on this thread, under the watchdog.
#[track_caller]
fn watched<R>(body: impl FnOnce() -> R) -> R {
    support::watchdog(Duration::from_secs(90), body)
}

fn own_pid() -> i32 {
    process::id().cast_signed()
}

#[track_caller]
fn kill(pid: u32) {
    support::kill(pid.cast_signed(), libc::SIGKILL).expect("it is there");
}
