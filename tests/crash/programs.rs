//! Crashes of children of a program with a main of its own, where std has prepared its threads, and with an allocator of
//! its own. What the program does is in `programs/crashing.rs`.

use std::process::Command;
use std::time::Duration;

use crate::BOUNDED;
use crate::outside_package::{LIMIT, Outcome, Workspace, built, dependencies, once};
use crate::support::watchdog;

/// The program's outcome, and how long its process and its worker took to end.
#[track_caller]
fn crashing(how: &str, code: i32) -> (Outcome, Vec<Duration>) {
    let outcome = watchdog(LIMIT, || {
        once("crashing", &["tests/crash/programs"], || {
            let files = [("src/main.rs", include_str!("programs/crashing.rs"))];
            let workspace = Workspace::new().package("crashing", 2024, &dependencies("mp"), &files);
            workspace.cargo(&["build", "--package", "crashing"]).assert_code(0);
            String::new()
        });
        let program = built("crashing");
        Outcome::of(Command::new("timeout").args(["--signal=KILL", "60"]).arg(program).arg(how))
    });
    outcome.assert_code(0);
    let ends = ["process", "worker"].map(|end| outcome.values(&format!("{end} Some({code}) ")));
    let took = ends
        .iter()
        .flatten()
        .map(|millis| Duration::from_millis(millis.parse().expect("a number")));
    let took: Vec<_> = took.collect();
    assert_eq!(took.len(), 2, "{outcome:?}");
    assert!(took.iter().all(|took| *took < BOUNDED), "{outcome:?}");
    (outcome, took)
}

/// The first lines of the reports of the process and of the worker.
#[track_caller]
fn lines(outcome: &Outcome) -> [&str; 2] {
    let lines: Vec<&str> =
        outcome.stderr.lines().filter(|line| line.starts_with("Process ")).collect();
    let [process, worker] = lines[..] else { panic!("{}", outcome.stderr) };
    assert!(process.starts_with("Process greeter (pid "), "{process}");
    assert!(worker.starts_with("Process PoolWorker-"), "{worker}");
    let task = ") crashed in task crashing::crashes";
    [process, worker].map(|line| line.split_once(task).unwrap_or_else(|| panic!("{line}")).1)
}

#[test]
fn exit_14_bey_10_in_a_program_of_its_own() {
    let (outcome, _) = crashing("write", -11);
    assert_eq!(lines(&outcome), [": SIGSEGV at address 0x8"; 2]);
    assert_eq!(outcome.stderr.matches(": crashing::crash\n").count(), 2, "{}", outcome.stderr);
}

#[test]
fn exit_14_a_stack_overflow_in_a_program_of_its_own() {
    let (outcome, _) = crashing("overflow", -11);
    let lines = lines(&outcome);
    assert!(lines.iter().all(|line| line.starts_with(": stack overflow, SIGSEGV")), "{lines:?}");
    assert!(outcome.stderr.contains(": crashing::overflow\n"), "{}", outcome.stderr);
}

#[test]
fn exit_14_a_crash_in_a_thread_of_the_task_has_its_backtrace() {
    let (outcome, _) = crashing("thread", -11);
    assert!(lines(&outcome).iter().all(|line| line.ends_with(": SIGSEGV at address 0x8")));
    assert_eq!(outcome.stderr.matches(": crashing::crash\n").count(), 2, "{}", outcome.stderr);
}

/// On the small stack that std gives its threads for signals.
#[test]
fn exit_14_a_stack_overflow_in_a_thread_of_the_task_is_called_one() {
    let (outcome, _) = crashing("overflow in a thread", -11);
    assert!(lines(&outcome).iter().all(|line| line.contains(": stack overflow, SIGSEGV")));
    assert!(outcome.stderr.contains(": crashing::overflow\n"), "{}", outcome.stderr);
}

/// The report's backtrace allocates, and waits for a lock that nobody gives back: its time is limited.
#[test]
fn exit_14_a_crash_that_holds_the_allocators_lock_ends() {
    let (outcome, took) = crashing("allocator", -11);
    assert_eq!(lines(&outcome), [": SIGSEGV at address 0x8"; 2]);
    assert!(!outcome.stderr.contains("stack backtrace:"), "{}", outcome.stderr);
    assert!(took.iter().all(|took| *took > Duration::from_millis(1900)), "{took:?}");
}

/// The report's backtrace crashes, as the task did: it is not tried for long.
#[test]
fn exit_14_a_second_crash_inside_the_report_ends_it_at_once() {
    let (outcome, took) = crashing("allocator again", -11);
    assert_eq!(lines(&outcome), [": SIGSEGV at address 0x8"; 2]);
    assert!(!outcome.stderr.contains("stack backtrace:"), "{}", outcome.stderr);
    assert!(took.iter().all(|took| *took < Duration::from_millis(1900)), "{took:?}");
}

/// Of the two signals the first counts.
#[test]
fn exit_14_a_second_crash_of_another_kind_leaves_the_first_ones_signal() {
    let (outcome, took) = crashing("abort", -6);
    assert_eq!(lines(&outcome), [": SIGABRT"; 2]);
    assert!(!outcome.stderr.contains("stack backtrace:"), "{}", outcome.stderr);
    assert!(took.iter().all(|took| *took < Duration::from_millis(1900)), "{took:?}");
}
