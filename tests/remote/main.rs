//! Managers that other programs use by a socket: what they find, what they share, and what becomes of it when either side goes.
//! Managers within one program are tested in `manager` and `managed_sync`.

#[path = "../support/mod.rs"]
mod support;

mod builder;
mod classes;
mod ends;
mod hostile;
mod restart;
mod shared;
#[cfg(feature = "tls")]
mod tls;
mod travel;
mod watch;

use std::time::Duration;

use mp::Manager;

const KEY: &str = "a key for tests";
/// Long enough for anything.
const LONG: Duration = Duration::from_secs(30);
/// Where another program finds the server.
const ADDRESS: &str = "MP_TEST_ADDRESS";

/// Runs a test's body on this thread, under the watchdog.
#[track_caller]
fn watched<R>(body: impl FnOnce() -> R) -> R {
    support::watchdog(LONG * 3, body)
}

/// A manager that listens there.
fn at(address: &str) -> Manager {
    Manager::builder().address(address).authkey(KEY).start().expect("a manager")
}

fn address_of(manager: &Manager) -> String {
    manager.address().expect("it listens").to_string()
}

/// In another program: connected to the manager that its test has made.
fn connected() -> Manager {
    let address = std::env::var(ADDRESS).expect("the test says where");
    Manager::connect(address, KEY).expect("it lets us in")
}
