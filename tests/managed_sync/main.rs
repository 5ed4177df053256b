//! Queues, locks and their kin that a manager keeps: that they are as their direct forms, and end with the server. What they do at
//! length is tested in `tests/sync` and `tests/channel`, containers in `tests/manager`.

#[path = "../support/mod.rs"]
mod support;

mod forms;
mod lives;
mod others;
mod pool_lives;
mod pools;
mod travel;

use mp::{Manager, Process};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};
use support::{state_of, wait_until};

/// What "promptly" means, on a loaded machine too: who sleeps looks once a second.
const PROMPT: Duration = Duration::from_secs(3);
/// What "bounded" means.
const BOUNDED: Duration = Duration::from_secs(10);
/// A wait that is to run out.
const SHORT: Duration = Duration::from_millis(100);

/// Runs a test's body with a manager, on this thread, under the watchdog.
#[track_caller]
fn managed<R>(body: impl FnOnce(&Manager) -> R) -> R {
    support::watchdog(Duration::from_secs(90), || {
        let manager = Manager::new().expect("a server starts");
        body(&manager)
    })
}

/// Kills it, and waits until it is dead.
#[track_caller]
fn kill<F: mp::Task>(process: &Process<F>) {
    process.kill().expect("it is a child of ours");
    process.join().expect("it was started");
    assert_eq!(process.exit_code(), Some(-libc::SIGKILL), "it was to be killed in its work");
}

/// Waits until the main thread of the process sleeps in one of the kernel's futex calls: for one word, or for several.
#[track_caller]
fn wait_until_asleep(pid: u32) {
    let one = if cfg!(target_arch = "x86_64") { "202 " } else { "98 " };
    wait_until(BOUNDED, "it sleeps", || {
        let call = std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
        state_of(pid.cast_signed()) == Some('S')
            && [one, "449 "].iter().any(|number| call.starts_with(number))
    });
}

/// What it gives, and how long it took.
fn timed<R>(body: impl FnOnce() -> R) -> (R, Duration) {
    let start = Instant::now();
    let value = body();
    (value, start.elapsed())
}

/// What another thread gets from it.
#[track_caller]
fn elsewhere<R: Send>(body: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(body).join().expect("no panic"))
}

/// Runs a future on this thread.
fn block_on<R>(future: impl Future<Output = R>) -> R {
    struct Unpark(thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

/// Stays until it is killed.
fn stay() -> ! {
    loop {
        thread::park();
    }
}
