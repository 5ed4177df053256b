//! The start method of a run: `MP_TEST_START_METHOD=forkserver cargo test` has every test and scenario start its
//! processes so where it does not say how itself. Read here, never by the library.

use std::env;
use std::time::Duration;

use super::inspect::{server_of, wait_until};

/// Names the method; anything but `reexec` and `forkserver` is a mistake.
const VARIABLE: &str = "MP_TEST_START_METHOD";

/// How long a start may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// What a fork server is called, as `ps` shows it.
pub const SERVER: &str = "mp-fork-server";

/// Whether this run is one of the fork server's.
pub fn forks() -> bool {
    match env::var(VARIABLE).as_deref() {
        Ok("forkserver") => true,
        Ok("reexec") | Err(_) => false,
        Ok(other) => panic!("{VARIABLE} is {other:?}: say reexec or forkserver"),
    }
}

/// Sets the method for this program. In a program of the fork server's that server is there from
/// the start, so that counts taken before and after have it in both.
pub fn set() {
    if forks() {
        mp::set_start_method(mp::StartMethod::ForkServer);
        // A program that cannot have children is none of those that count.
        if mp::fork_server::start().is_ok() {
            let own = std::process::id().cast_signed();
            wait_until(LIMIT, "the fork server is up", || server_of(own).is_some());
        }
    }
}
