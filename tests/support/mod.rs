//! What the tests share: programs of their own, watchdogs, repeated races, and looks at processes from outside.
//! No test lives here (`tests/support_self.rs` has those), and nothing here knows what a task or a pool is.
#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "each test binary uses its own part of this module"
)]

pub mod commons;
pub mod gate;
mod inspect;
mod left;
mod os;
mod output;
mod program;
mod repeat;
mod running;
pub mod start_method;
mod watchdog;

pub use inspect::{
    Footprint, children_of, cpu_time_of, descendants_of, describe, members_of, name_of, names_in,
    open_descriptors, process_exists, server_of, shm_entries, state_of, thread_count, wait_until,
    without_servers, zombies_of,
};
pub use os::{catch, kill, kill_group, set_variable, signal_thread, thread_id};
pub use program::{Scenario, example, offer};
pub(crate) use program::{scenario, scenario_main};
pub use repeat::{repeat, with_busy_cores};
pub use running::{Finished, Running};
pub use watchdog::{WATCHDOG_EXIT, watchdog};
