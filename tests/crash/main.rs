//! Crashes: what a child says of its own, what its parent learns, and that neither takes long; and what else ends with a
//! child.
//! What deaths cost a pool is in `tests/pool`.

mod bounded;
mod groups;
mod handlers;
mod kernel;
#[path = "../outside_package/mod.rs"]
mod outside_package;
mod programs;
mod reports;
#[path = "../support/mod.rs"]
mod support;

use support::gate;

use std::thread;
use std::time::Duration;

/// A watchdog's limit.
const LONG: Duration = Duration::from_secs(60);
/// What "bounded" means: the two seconds that a report may take, and as much again for a busy machine.
const BOUNDED: Duration = Duration::from_secs(4);

/// Crashes in one way or another.
#[mp::task]
fn crashes(how: &str) {
    crash(how);
}

#[inline(never)]
fn crash(how: &str) {
    match how {
        "write" => kernel::write_to(8),
        "write nowhere" => kernel::write_to(1 << 63),
        "illegal" => kernel::illegal_instruction(),
        "bus" => kernel::touch_beyond_a_files_end(),
        "abort" => std::process::abort(),
        "overflow" => drop(overflow(0)),
        "write in a thread" => in_a_thread("write"),
        "overflow in a thread" => in_a_thread("overflow"),
        signal => kernel::raise(signal.parse().expect("a signal's number")),
    }
    panic!("{how:?} is no crash");
}

fn overflow(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    if depth == u64::MAX { 0 } else { overflow(depth + 1) + frame[1] }
}

fn in_a_thread(how: &'static str) {
    let beside = thread::Builder::new().name("beside".to_owned()).spawn(move || crash(how));
    beside.expect("a thread").join().expect("it ends the process");
}

/// Runs until it is killed; says when it has begun.
#[mp::task]
fn stays() {
    println!("stays {}", std::process::id());
    loop {
        thread::park();
    }
}

#[mp::task]
fn own_pid() -> u32 {
    std::process::id()
}

/// Starts a process named "greeter", waits for its end, and gives its error.
fn greeter<T: mp::Task>(task: T, arguments: T::Args<'_>) -> mp::Error
where
    T::Output: std::fmt::Debug,
{
    let mut process = mp::Process::new(task, arguments).with_name("greeter");
    process.start().expect("it starts");
    process.result().expect_err("it crashes")
}

/// What a scenario prints of an error: the pid, the exit code, the text.
fn print(error: &mp::Error) {
    let exit = error.worker().expect("the process has ended");
    println!("ended {} {} {error}", exit.pid(), exit.exit_code());
}
