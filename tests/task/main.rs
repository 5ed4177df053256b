//! Tasks in other processes: how they are called, found and told what they get (TASK-01 to TASK-20).
//! What the macros refuse is in `ui.rs`; what needs a program with a main of its own, in `outside.rs`.

#[path = "../support/mod.rs"]
mod support;

mod accepted;
mod calls;
mod entry;
mod environment;
mod large;
mod names;
mod refused;
mod values;

use std::time::Duration;

/// How long a test may take: far above what any needs, on a loaded machine too.
const LIMIT: Duration = Duration::from_secs(60);

/// What a task gives in a process of its own, and what it gives in a pool's worker.
#[track_caller]
fn everywhere<T: mp::Task>(task: T, arguments: impl Fn() -> T::Args<'static>) -> [T::Output; 2] {
    support::watchdog(LIMIT, || {
        let process = mp::spawn(task, arguments()).expect("a process").result().expect("a value");
        let pool = mp::Pool::new(1).expect("a pool");
        let worker = pool.apply(task, arguments()).expect("a value");
        pool.close();
        pool.join().expect("an end");
        [process, worker]
    })
}
