//! A scenario under way, and what became of it.
//! How it was started is in `program`; how its output is read, in `output`.

use std::fmt;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::slice;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::inspect::{describe, members_of, names_in};
use super::output::{Missing, Output};
use super::{left, os};

/// What a start takes from the scenario, besides the command.
pub(super) struct Plan {
    pub name: &'static str,
    pub limit: Duration,
    pub settle: Duration,
    pub may_leave: bool,
    /// Whether the program's own output begins with the mark of `output`.
    pub marked: bool,
}

/// A scenario that runs. Dropped, it is killed with its whole group.
pub struct Running {
    /// The pid of the main process, and the id of its group.
    pub pid: i32,
    plan: Plan,
    child: Child,
    /// Whether the main process was waited for, so that its pid may be another's by now.
    collected: bool,
    pidfd: OwnedFd,
    started: Instant,
    stdout: Output,
    stderr: Output,
    /// The program's `TMPDIR`, which nobody else uses.
    temporary: TempDir,
}

impl Running {
    #[track_caller]
    pub(super) fn start(command: &mut Command, plan: Plan) -> Self {
        let started = Instant::now();
        let temporary = tempfile::tempdir().expect("a temporary directory");
        command.env("TMPDIR", temporary.path());
        let mut child = command.spawn().expect("starting the scenario");
        let pid = i32::try_from(child.id()).expect("a pid fits");
        left::group_begins(pid);
        let pidfd = os::pidfd(pid).expect("pidfd of the scenario");
        let stdout = Output::drain(child.stdout.take().expect("a pipe"), plan.marked);
        let stderr = Output::drain(child.stderr.take().expect("a pipe"), false);
        let collected = false;
        let running =
            Self { pid, plan, child, collected, pidfd, started, stdout, stderr, temporary };
        if let Err(missing) = running.stdout.wait_begin(running.deadline()) {
            running.fail(&format!("the test binary did not reach it ({missing:?})"));
        }
        running
    }

    /// Sends a signal to the main process.
    #[track_caller]
    pub fn kill(&self, signal: i32) {
        // The process is not waited for before `finish`, so the pid is still its own.
        os::kill(self.pid, signal).expect("kill");
    }

    /// Sends a signal to the whole group, as a terminal does.
    #[track_caller]
    pub fn kill_group(&self, signal: i32) {
        os::kill_group(self.pid, signal).expect("kill");
    }

    /// The living processes of the group, the main process among them.
    pub fn members(&self) -> Vec<i32> {
        members_of(self.pid)
    }

    /// Waits for a line of stdout that starts with `prefix` and gives what follows it.
    ///
    /// Each line is given once, so that ten calls give ten lines, whatever stands between them.
    /// Panics when the limit has passed or the output has ended.
    #[track_caller]
    pub fn wait_line(&self, prefix: &str) -> String {
        match self.stdout.wait_line(prefix, self.deadline()) {
            Ok(line) => line,
            Err(Missing::Ended) => self.fail(&format!("ended without a line {prefix:?}")),
            Err(Missing::Late) => {
                self.fail(&format!("no line {prefix:?} within {:?}", self.plan.limit))
            }
        }
    }

    /// What the program has written to stderr so far.
    pub fn stderr_so_far(&self) -> String {
        self.stderr.text()
    }

    /// Waits for the end of the main process, and then until nothing of its group is left and nobody
    /// holds its output open. Panics when either takes too long.
    #[track_caller]
    pub fn finish(mut self) -> Finished {
        if !os::wait_any_ended(slice::from_ref(&self.pidfd), self.deadline()) {
            self.fail(&format!("has not ended within {:?}", self.plan.limit));
        }
        let ended = Instant::now();
        let outputs = [&self.stdout, &self.stderr];
        let mut left = left::settle(self.pid, outputs, ended + self.plan.settle);
        let gone_after = ended.elapsed();
        left.extend(names_in(self.temporary.path()).iter().map(|name| format!("$TMPDIR/{name}")));
        // Collected only now: until then nobody else can get this pid, nor a group of this id.
        let status = self.child.wait().expect("the status of the scenario");
        self.collected = true;
        left::group_ends(self.pid);
        let finished = Finished {
            name: self.plan.name,
            code: status.code(),
            signal: status.signal(),
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
            pid: self.pid,
            elapsed: ended - self.started,
            gone_after,
            left,
        };
        if !self.plan.may_leave {
            finished.assert_nothing_left();
        }
        finished
    }

    fn deadline(&self) -> Instant {
        self.started + self.plan.limit
    }

    #[track_caller]
    fn fail(&self, what: &str) -> ! {
        let members: Vec<String> = self.members().into_iter().map(describe).collect();
        // The last word is how it ended, if it has.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        left::kill_members(self.pid);
        panic!(
            "scenario {} {what}; killed: {members:#?}; was: {stat}\n{}",
            self.plan.name,
            Streams(&self.stdout.text(), &self.stderr.text())
        );
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.collected {
            left::kill_members(self.pid);
            left::group_ends(self.pid);
            // Ended by now: only its status is left.
            let _ = self.child.wait();
        }
    }
}

/// What became of a scenario.
#[derive(Debug)]
pub struct Finished {
    name: &'static str,
    /// The exit code, unless a signal ended the main process.
    pub code: Option<i32>,
    /// The signal that ended the main process.
    pub signal: Option<i32>,
    /// What the program and its children wrote, without the lines of libtest.
    pub stdout: String,
    pub stderr: String,
    /// The pid that the main process had.
    pub pid: i32,
    /// From the start of the test binary to the end of the main process.
    pub elapsed: Duration,
    /// From the end of the main process until nothing of it was left.
    pub gone_after: Duration,
    /// What outlived the program, a line each: processes that lived longer than the scenario's
    /// `settle` and were killed then, files in its `TMPDIR`.
    pub left: Vec<String>,
}

impl Finished {
    /// Panics, with the output, unless the program ended with this exit code.
    #[track_caller]
    pub fn assert_code(&self, code: i32) {
        assert!(
            self.code == Some(code),
            "scenario {}: code {:?} and signal {:?} instead of code {code}\n{}",
            self.name,
            self.code,
            self.signal,
            Streams(&self.stdout, &self.stderr)
        );
    }

    /// Panics, with the output, unless the program ended with exit code 0.
    #[track_caller]
    pub fn assert_success(&self) {
        self.assert_code(0);
    }

    /// Panics if anything outlived the program. `finish` and `run` have asked that already unless
    /// the scenario was told `may_leave`.
    #[track_caller]
    pub fn assert_nothing_left(&self) {
        assert!(
            self.left.is_empty(),
            "scenario {} left {:#?}\n{}",
            self.name,
            self.left,
            Streams(&self.stdout, &self.stderr)
        );
    }

    /// What follows `prefix` in each line of stdout that starts with it.
    pub fn values(&self, prefix: &str) -> Vec<&str> {
        self.stdout.lines().filter_map(|line| line.strip_prefix(prefix)).collect()
    }

    /// What follows `prefix` in the only line of stdout that starts with it.
    #[track_caller]
    pub fn value(&self, prefix: &str) -> &str {
        let values = self.values(prefix);
        assert!(
            values.len() == 1,
            "scenario {}: {} lines begin with {prefix:?}\n{}",
            self.name,
            values.len(),
            Streams(&self.stdout, &self.stderr)
        );
        values[0]
    }
}

/// Both outputs, as failed assertions show them.
struct Streams<'a>(&'a str, &'a str);

impl fmt::Display for Streams<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--- stdout\n{}\n--- stderr\n{}\n---", self.0, self.1)
    }
}
