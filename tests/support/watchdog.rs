//! The watchdog: a test that takes too long is ended, with everything it started.
//! Scenarios have their limit from `running`; this one is for what a test does in the test process.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::panic::Location;
use std::process;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::inspect::{descendants_of, describe};
use super::{left, os, start_method};

/// The exit code of a test process that its watchdog has ended.
pub const WATCHDOG_EXIT: i32 = 124;

/// Runs `body` on this thread. If it takes longer than `limit`, names the test and what it had
/// started, kills all of that, and ends the test process with `WATCHDOG_EXIT`.
///
/// While `body` runs there is one thread more; a scenario, which is watched from outside, has none.
#[track_caller]
pub fn watchdog<R>(limit: Duration, body: impl FnOnce() -> R) -> R {
    start_method::set();
    let caller = Location::caller();
    let name = thread::current().name().unwrap_or("unnamed").to_owned();
    let _timer = Timer::start(limit, format!("test {name} ({}:{})", caller.file(), caller.line()));
    body()
}

/// The thread that waits for the limit; its drop, also in a panic's unwinding, ends and joins it.
struct Timer {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Timer {
    fn start(limit: Duration, test: String) -> Self {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new().name("watchdog".to_owned()).spawn(move || {
            if stopped.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                bite(&test, limit);
            }
        });
        Self { stop: Some(stop), thread: Some(thread.expect("a thread for the watchdog")) }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the watchdog does not panic");
        }
    }
}

fn bite(test: &str, limit: Duration) -> ! {
    let own = i32::try_from(process::id()).expect("a pid fits");
    let mut message = format!("\nwatchdog: {test} has not ended within {limit:?}; killed:\n");
    for pid in [own].into_iter().chain(descendants_of(own)) {
        writeln!(message, "  {}", describe(pid)).expect("a String takes all");
    }
    // Not `eprint!`: libtest would keep the text for a report that never comes.
    let _ = io::stderr().write_all(message.as_bytes());
    left::kill_everything();
    os::quit(WATCHDOG_EXIT)
}
