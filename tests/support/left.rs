//! What a scenario leaves when its main process has ended: waited for, named, and killed.
//! Also the list of groups under way, for the watchdog.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::inspect::{descendants_of, describe, holders_of, members_of, process_exists};
use super::os;
use super::output::Output;

static GROUPS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

fn groups() -> MutexGuard<'static, BTreeSet<i32>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes a group that must not outlive the test process.
pub fn group_begins(group: i32) {
    groups().insert(group);
}

pub fn group_ends(group: i32) {
    groups().remove(&group);
}

/// Waits until no process of the group lives and nobody holds its output open; describes and kills
/// what is still there at the deadline.
///
/// Orphans are not this process's children, so `wait` cannot tell of their end. Their pidfds can:
/// each round waits for one of the members found in `/proc` to end, and looks again, since they may
/// start others. Zombies do not count: once orphaned they are init's to collect.
pub fn settle(group: i32, outputs: [&Output; 2], deadline: Instant) -> Vec<String> {
    loop {
        let members = members_of(group);
        if members.is_empty() {
            break;
        }
        if !wait_one_ended(&members, deadline) {
            let left = members.iter().map(|pid| describe(*pid)).collect();
            kill_members(group);
            return left;
        }
    }
    let mut left = BTreeSet::new();
    for output in outputs {
        if output.wait_end(deadline) {
            continue;
        }
        for pid in holders_of(output.link()) {
            left.insert(format!("{}, holds the output open from outside the group", describe(pid)));
            ignore_gone(os::kill(pid, libc::SIGKILL));
        }
    }
    left.into_iter().collect()
}

/// Waits until one of the processes has ended, or returns true at once if one is gone already.
fn wait_one_ended(pids: &[i32], deadline: Instant) -> bool {
    let pidfds: io::Result<Vec<OwnedFd>> = pids.iter().map(|pid| os::pidfd(*pid)).collect();
    match pidfds {
        Ok(pidfds) => os::wait_any_ended(&pidfds, deadline),
        Err(error) if is_gone(&error) => Instant::now() < deadline,
        Err(error) => panic!("pidfd_open: {error}"),
    }
}

/// Kills the group and waits, a while, until none of it lives.
pub fn kill_members(group: i32) {
    let deadline = Instant::now() + Duration::from_secs(5);
    ignore_gone(os::kill_group(group, libc::SIGKILL));
    loop {
        let members = members_of(group);
        if members.is_empty() || !wait_one_ended(&members, deadline) {
            return;
        }
    }
}

/// Kills every process that this one has started, directly or not, and every scenario's group.
///
/// All are stopped first and killed then, since a parent may replace a child that it sees die, and
/// an orphan's parent can no longer be told.
pub fn kill_everything() {
    let own = i32::try_from(process::id()).expect("a pid fits");
    let mut found = BTreeSet::new();
    for _ in 0..100 {
        let mut now = descendants_of(own);
        for group in groups().iter() {
            now.extend(members_of(*group));
        }
        let new: Vec<i32> = now.difference(&found).copied().collect();
        if new.is_empty() {
            break;
        }
        for pid in new {
            ignore_gone(os::kill(pid, libc::SIGSTOP));
            found.insert(pid);
        }
    }
    for pid in found.into_iter().filter(|pid| process_exists(*pid)) {
        ignore_gone(os::kill(pid, libc::SIGKILL));
    }
}

fn ignore_gone(result: io::Result<()>) {
    if let Err(error) = result {
        assert!(is_gone(&error), "kill: {error}");
    }
}

fn is_gone(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ESRCH)
}
