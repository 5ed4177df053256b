//! What processes and pools hold of the system while they live, and that nothing of it stays.
//! Every count is taken in a program of its own.

mod corners;
mod descriptors;
#[path = "../process/gate.rs"]
mod gate;
mod hoards;
mod inherited;
mod kernel;
mod nothing_left;
mod refused;
mod rounds;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use gate::wait_at;

/// The upper bound of what may take a while.
const LONG: Duration = Duration::from_secs(10);
/// For programs that start some hundred others, on a machine that has other things to do.
const VERY_LONG: Duration = Duration::from_secs(200);

fn own_pid() -> i32 {
    std::process::id().cast_signed()
}

/// Gives its open descriptors and where each leads, once the test has looked, too.
#[mp::task]
fn descriptors_at(gate: &str) -> BTreeMap<i32, String> {
    wait_at(gate);
    support::open_descriptors(own_pid())
}

#[mp::task]
fn echo(number: usize) -> usize {
    number
}

#[mp::task]
fn panics() {
    panic!("as planned");
}

/// Runs until it is killed.
#[mp::task]
fn stays() {
    loop {
        std::thread::park();
    }
}
