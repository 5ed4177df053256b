//! The end of a program and its signals: what is waited for, what is ended, what dies with a killed parent.
//! How a single process ends is in `tests/process`.

mod cleanups;
mod daemons;
mod ending;
mod exiting;
mod forked;
#[path = "../process/gate.rs"]
mod gate;
mod interrupt;
mod kernel;
mod killed;
mod signals;
mod started_late;
#[path = "../support/mod.rs"]
mod support;

use std::io::{self, Write};
use std::time::Duration;

use gate::wait_at;

/// The upper bound of what may take a while.
const LONG: Duration = Duration::from_secs(10);
/// The upper bound of what happens promptly.
const PROMPT: Duration = Duration::from_secs(1);
/// How long the tasks here work, where that has to be seen in the time of the whole.
const WORK: Duration = Duration::from_millis(300);

/// Runs until it is killed.
#[mp::task]
fn stays() {
    println!("stays {}", std::process::id());
    loop {
        std::thread::park();
    }
}

/// Uses a core until it is killed.
#[mp::task]
fn spins() {
    println!("spins {}", std::process::id());
    loop {
        std::hint::spin_loop();
    }
}

#[mp::task]
fn waits(gate: &str) -> u32 {
    wait_at(gate);
    std::process::id()
}

#[mp::task]
fn works(number: u32) -> u32 {
    // work: long enough to be seen running when the program ends
    std::thread::sleep(WORK);
    println!("worked {number}");
    number
}

/// Prints a line in one piece. `process::exit` takes away stdout's buffer before the program's end has
/// run, so that `println!` writes piece by piece from then on, and lines of several processes mix.
fn say(line: &str) {
    io::stdout().write_all(format!("{line}\n").as_bytes()).expect("stdout is open");
}

fn daemon<T: mp::Task>(task: T, arguments: T::Args<'_>) -> mp::Process<T> {
    let mut process = mp::Process::new(task, arguments).with_daemon(true);
    process.start().expect("it starts");
    process
}
