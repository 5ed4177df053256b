//! Memory that processes share: blocks with a name and their tracker, lists in such blocks, slices, values and arrays.
//! How handles travel beside bytes is tested in `handles`.

#[path = "../support/mod.rs"]
mod support;

mod blocks;
mod kernel;
mod lists;
mod manager;
mod memory;
mod raw;
mod room;
mod scribbled;
mod slices;
mod tracked;
mod tracker;
mod values;

use std::env;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use support::name_of;

/// The upper bound of what may take a while.
const LONG: Duration = Duration::from_secs(20);

/// A name that no other test, and no other run, has.
fn own_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("mp-test-{}-{number}", std::process::id())
}

fn is_there(name: &str) -> bool {
    fs::exists(format!("/dev/shm/{name}")).expect("the folder can be read")
}

/// The trackers of this program: of those that are there, the ones with its own temporary directory,
/// which no other program has.
fn trackers() -> Vec<i32> {
    let own = format!("TMPDIR={}", env::var("TMPDIR").expect("a scenario has one"));
    let entries = fs::read_dir("/proc").expect("/proc is mounted");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_own = |pid: &i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == own.as_bytes())
    };
    pids.filter(|pid| name_of(*pid) == "mp-tracker" && is_own(pid)).collect()
}

#[mp::task]
fn make_block(name: Option<&str>) -> mp::Result<mp::SharedMemory, String> {
    mp::SharedMemory::create(name, 8).map_err(|error| format!("{error:?}"))
}

#[mp::task]
fn fill(block: mp::SharedMemory, with: u8) -> Result<(), String> {
    block.write(0, &vec![with; block.len()]).map_err(|error| format!("{error:?}"))
}

/// Attaches a block by its name and ends, by this exit code.
#[mp::task]
fn attach_and_exit(name: &str, code: i32) {
    let block = mp::SharedMemory::attach(name).expect("it is there");
    std::hint::black_box(&block);
    std::process::exit(code);
}

fn own_pid() -> i32 {
    std::process::id().cast_signed()
}

/// The names that were made up in this program.
fn own_blocks() -> Vec<String> {
    let own = format!("-{}-", std::process::id());
    support::shm_entries().into_iter().filter(|name| name.contains(&own)).collect()
}
