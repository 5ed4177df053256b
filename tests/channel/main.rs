//! Queues, channels and pipes as their users see them: between real processes that die as they please, every test under a
//! watchdog. How lanes work inside is tested beside them, in `mp-runtime`.

#[path = "../support/mod.rs"]
mod support;

mod bytes;
mod channels;
mod closed;
mod futures;
mod huge;
mod joined;
mod killed;
mod lending;
mod loans;
mod order;
mod pipes;
mod resources;
mod tasks;
mod travel;

use support::gate;

use std::time::Duration;

/// What "promptly" means, on a loaded machine too.
const PROMPT: Duration = Duration::from_secs(1);
/// What "bounded" means.
const BOUNDED: Duration = Duration::from_secs(10);
/// A wait that is to run out.
const SHORT: Duration = Duration::from_millis(100);

const MIB: usize = 1 << 20;

/// Runs a test's body on this thread, under the watchdog.
#[track_caller]
fn watched<R>(body: impl FnOnce() -> R) -> R {
    support::watchdog(Duration::from_secs(90), body)
}

/// Kills a process that was started, and waits until it is gone.
#[track_caller]
fn kill<T: mp::Task>(process: &mp::Process<T>) {
    process.kill().expect("it was started");
    process.join().expect("it was started");
}
