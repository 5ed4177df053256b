//! What can be seen of processes from outside: descriptors, threads, children, zombies, names, CPU time.
//! Only looks; signals and waits on pidfds are in `os`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::{os, start_method};

/// The parts of `/proc/PID/stat` that tests ask for.
struct Stat {
    state: char,
    parent: i32,
    group: i32,
    threads: i32,
    /// In ticks since the machine's start.
    started: u64,
}

impl Stat {
    fn of(pid: i32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in parentheses, may hold spaces and parentheses of its own.
        let fields: Vec<&str> = text[text.rfind(')')? + 1..].split_ascii_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse().ok();
        Some(Self {
            state: fields.first()?.chars().next()?,
            parent: number(1)?,
            group: number(2)?,
            threads: number(17)?,
            started: fields.get(19)?.parse().ok()?,
        })
    }

    /// A first thread that has ended is in state Z, too, while its process goes on.
    fn lives(&self) -> bool {
        !matches!(self.state, 'Z' | 'X') || self.threads > 1
    }
}

fn processes() -> impl Iterator<Item = (i32, Stat)> {
    let entries = fs::read_dir("/proc").expect("/proc is mounted");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, Stat::of(pid)?)))
}

fn own_pid() -> i32 {
    i32::try_from(std::process::id()).expect("a pid fits")
}

/// Whether the process is there and not a zombie.
pub fn process_exists(pid: i32) -> bool {
    Stat::of(pid).is_some_and(|stat| stat.lives())
}

/// The process's state as `ps` shows it: `R`, `S`, `T`, `Z` ...; None where there is no such process.
pub fn state_of(pid: i32) -> Option<char> {
    Stat::of(pid).map(|stat| stat.state)
}

/// The living children of a process, without zombies, and without its fork server in a run of such.
pub fn children_of(pid: i32) -> Vec<i32> {
    let children = processes().filter(|(_, stat)| stat.parent == pid && stat.lives());
    let server = start_method::forks().then(|| server_of(pid)).flatten();
    children.map(|(pid, _)| pid).filter(|child| Some(*child) != server).collect()
}

/// The fork server of a process, once it is up: of its children with the name the oldest, since what
/// it forks has the name too, for a moment.
pub fn server_of(pid: i32) -> Option<i32> {
    let children = processes().filter(|(_, stat)| stat.parent == pid && stat.lives());
    let named = children.filter(|(pid, _)| name_of(*pid) == start_method::SERVER);
    named.min_by_key(|(pid, stat)| (stat.started, *pid)).map(|(pid, _)| pid)
}

/// Those of the processes that are no fork servers, once all have come up.
pub fn without_servers(pids: &[i32]) -> Vec<i32> {
    pids.iter().copied().filter(|pid| name_of(*pid) != start_method::SERVER).collect()
}

/// The name that `ps` shows.
pub fn name_of(pid: i32) -> String {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim_end().to_owned()
}

/// The children of a process that have ended and that it has not waited for.
pub fn zombies_of(pid: i32) -> Vec<i32> {
    processes()
        .filter(|(_, stat)| stat.parent == pid && !stat.lives())
        .map(|(pid, _)| pid)
        .collect()
}

/// The living descendants of a process: children, their children and so on.
pub fn descendants_of(pid: i32) -> BTreeSet<i32> {
    let all: Vec<(i32, Stat)> = processes().collect();
    let mut found = BTreeSet::new();
    let mut parents = vec![pid];
    while let Some(parent) = parents.pop() {
        for (child, stat) in &all {
            if stat.parent == parent && stat.lives() && found.insert(*child) {
                parents.push(*child);
            }
        }
    }
    found
}

/// The living processes of a process group.
pub fn members_of(group: i32) -> Vec<i32> {
    processes()
        .filter(|(_, stat)| stat.group == group && stat.lives())
        .map(|(pid, _)| pid)
        .collect()
}

/// The living processes, this one aside, that have an open descriptor which leads to `target`.
pub fn holders_of(target: &str) -> Vec<i32> {
    let holds = |pid: i32| open_descriptors(pid).values().any(|link| link == target);
    processes().map(|(pid, _)| pid).filter(|pid| *pid != own_pid() && holds(*pid)).collect()
}

/// The open descriptors of a process and where each leads: `pipe:[123]`, `/dev/null`, `/memfd:x (deleted)` ...
/// Empty where there is no such process.
pub fn open_descriptors(pid: i32) -> BTreeMap<i32, String> {
    let directory = format!("/proc/{pid}/fd");
    let Ok(entries) = fs::read_dir(&directory) else { return BTreeMap::new() };
    let links = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let link = fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned();
        Some((entry.file_name().to_str()?.parse().ok()?, link))
    });
    // This call's own look at the directory is none of the process's descriptors.
    links.filter(|(_, link)| *link != directory).collect()
}

/// How many threads this process has. One that was just joined may still be counted for a moment:
/// compare by `wait_until` or `Footprint::assert_restored`.
pub fn thread_count() -> usize {
    fs::read_dir("/proc/self/task").expect("/proc is mounted").count()
}

/// The names in `/dev/shm`.
pub fn shm_entries() -> BTreeSet<String> {
    names_in(Path::new("/dev/shm"))
}

/// The names in a directory; none where there is no such directory.
pub fn names_in(directory: &Path) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(directory) else { return BTreeSet::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
}

/// The CPU time a living process has used so far, to the nanosecond.
#[track_caller]
pub fn cpu_time_of(pid: i32) -> Duration {
    os::cpu_time(pid).unwrap_or_else(|error| panic!("CPU time of process {pid}: {error}"))
}

/// One line about a process, for messages: pid, name, state, parent, command line, and each thread
/// with where it waits in the kernel.
pub fn describe(pid: i32) -> String {
    let Some(stat) = Stat::of(pid) else { return format!("{pid} (gone)") };
    let process = format!("/proc/{pid}");
    let read = |directory: &str, name: &str| {
        let text = fs::read_to_string(format!("{directory}/{name}")).unwrap_or_default();
        text.replace('\0', " ").trim_end().to_owned()
    };
    let tasks = names_in(format!("{process}/task").as_ref());
    let threads: Vec<String> = tasks
        .iter()
        .map(|task| format!("{process}/task/{task}"))
        .map(|task| format!("{} in {}", read(&task, "comm"), read(&task, "wchan")))
        .collect();
    format!(
        "{pid} ({}) state {}, parent {}, group {}: {} [{}]",
        read(&process, "comm"),
        stat.state,
        stat.parent,
        stat.group,
        read(&process, "cmdline"),
        threads.join(", "),
    )
}

/// Looks again until `condition` holds; panics with `what` when `limit` has passed before.
///
/// For conditions that are seen only from outside, where nothing can be waited on.
#[track_caller]
pub fn wait_until(limit: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + limit;
    let mut pause = Duration::from_micros(200);
    while !condition() {
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// What this process holds of the system, to be compared before and after.
///
/// Taken in a scenario, which has a `TMPDIR` of its own: the other tests of a binary open and start
/// things, too.
#[derive(Debug, PartialEq, Eq)]
pub struct Footprint {
    pub descriptors: BTreeMap<i32, String>,
    pub threads: usize,
    pub children: Vec<i32>,
    pub zombies: Vec<i32>,
    pub shared_names: BTreeSet<String>,
    pub temporary_names: BTreeSet<String>,
}

impl Footprint {
    pub fn now() -> Self {
        Self {
            descriptors: open_descriptors(own_pid()),
            threads: thread_count(),
            children: children_of(own_pid()),
            zombies: zombies_of(own_pid()),
            shared_names: shm_entries(),
            temporary_names: names_in(&std::env::temp_dir()),
        }
    }

    /// Panics with both footprints when the process does not come back to this one within `limit`.
    ///
    /// Names in `/dev/shm` are everybody's: those of other programs may have gone meanwhile.
    #[track_caller]
    pub fn assert_restored(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let look = || {
            let mut now = Self::now();
            if now.shared_names.is_subset(&self.shared_names) {
                now.shared_names.clone_from(&self.shared_names);
            }
            now
        };
        let mut now = look();
        while now != *self && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
            now = look();
        }
        assert_eq!(now, *self, "left: what is held now; right: what was held before");
    }
}
