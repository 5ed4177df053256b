//! Locks and their kin as their users see them, between real processes that are killed at bad moments.
//! Their algorithms are tested beside them, in `mp-runtime`, also under loom.

#[path = "../support/mod.rs"]
mod support;

mod barrier;
mod condition;
mod event;
mod lock;
mod rlock;
mod semaphore;
mod tally;
mod travel;

use mp::Process;
use std::time::{Duration, Instant};
use support::{state_of, wait_until};

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

/// Kills it, and waits until it is dead.
#[track_caller]
fn kill<F: mp::Task>(process: &Process<F>) {
    process.kill().expect("it is a child of ours");
    process.join().expect("it was started");
    assert_eq!(process.exit_code(), Some(-libc::SIGKILL), "it was to be killed in its work");
}

/// Waits until the main thread of the process sleeps in the kernel's futex call.
#[track_caller]
fn wait_until_asleep(pid: u32) {
    let number = if cfg!(target_arch = "x86_64") { "202 " } else { "98 " };
    wait_until(BOUNDED, "it sleeps", || {
        let call = std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
        state_of(pid.cast_signed()) == Some('S') && call.starts_with(number)
    });
}

/// What it gives, and how long it took.
fn timed<R>(body: impl FnOnce() -> R) -> (R, Duration) {
    let start = Instant::now();
    let value = body();
    (value, start.elapsed())
}

/// A wait that ran out: not before its time, and not much later.
#[track_caller]
fn assert_ran_out(took: Duration, timeout: Duration) {
    assert!(took >= timeout, "it gave up {:?} early", timeout - took);
    assert!(took < timeout + BOUNDED, "it took {took:?}");
}

/// Stays until it is killed.
fn stay() -> ! {
    loop {
        std::thread::park();
    }
}
