//! Words that do not stand in the code: the kernel outside `sys`, unfinished work, sleeps as waits.
//! What clippy forbids by name stands in clippy.toml.

use super::source::{self, Source};
use super::{assert_none, assert_one};

/// Files of the tests that sleep for another reason than a task's work.
const SLEEPERS: &[(&str, &str)] =
    &[("tests/support/inspect.rs", "looks again at what only the outside of a process shows")];

/// Marks a sleep that is the work of a task, not a wait for something to have happened.
const WORK: &str = "// work:";

fn check_kernel(source: &Source) -> Vec<String> {
    let Some(path) = source.in_runtime().filter(|path| !path.starts_with("sys/")) else {
        let macros = source.path.starts_with("mp-macros/") || source.path.starts_with("src/");
        return if macros { kernel_words(source) } else { Vec::new() };
    };
    if source.is_test() || path.is_empty() { Vec::new() } else { kernel_words(source) }
}

fn kernel_words(source: &Source) -> Vec<String> {
    let found = ["nix", "libc"]
        .into_iter()
        .flat_map(|name| source.words(name).map(move |at| (name, source.line_at(at))));
    found
        .map(|(name, line)| {
            format!("{}:{line}: `{name}` outside `sys`: give `sys` a function for it", source.path)
        })
        .collect()
}

fn check_unfinished(source: &Source) -> Vec<String> {
    let mut problems = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        // Spelt so that this file does not hold them itself.
        for word in [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("to", "do!(")] {
            if line.contains(word) {
                problems.push(format!(
                    "{}:{}: `{word}`: do it now, or file an issue and leave it out",
                    source.path,
                    index + 1
                ));
            }
        }
    }
    problems
}

fn check_ignored(source: &Source) -> Vec<String> {
    let ignored = source.code_lines().filter(|(_, line)| line.contains("#[ignore]"));
    ignored
        .map(|(line, _)| {
            format!("{}:{line}: an ignored test says why: #[ignore = \"..\"]", source.path)
        })
        .collect()
}

fn check_sleeps(source: &Source) -> Vec<String> {
    if !source.is_test() || SLEEPERS.iter().any(|(path, _)| *path == source.path) {
        return Vec::new();
    }
    let texts: Vec<&str> = source.text.lines().collect();
    let marked = |line: usize| texts[line - 1].contains(WORK);
    let sleeps = source.code_lines().filter(|(_, line)| line.contains("thread::sleep"));
    sleeps
        .filter(|(line, _)| !marked(*line) && (*line == 1 || !marked(line - 1)))
        .map(|(line, _)| {
            format!(
                "{}:{line}: a sleep waits for nothing: wait for the event itself, or by \
                 `support::wait_until`; mark a task's work with `{WORK}`",
                source.path
            )
        })
        .collect()
}

fn check_all(check: fn(&Source) -> Vec<String>) {
    let problems: Vec<String> = source::all().iter().flat_map(check).collect();
    assert_none(&problems);
}

#[test]
fn only_sys_talks_to_the_kernel() {
    check_all(check_kernel);
}

#[test]
fn nothing_is_left_unfinished() {
    check_all(check_unfinished);
}

#[test]
fn ignored_tests_say_why() {
    check_all(check_ignored);
}

#[test]
fn tests_do_not_wait_by_sleeping() {
    check_all(check_sleeps);
}

#[test]
fn kernel_outside_sys_is_found() {
    let check = |path: &str, text: &str| check_kernel(&Source::new(path, text));
    assert_none(&check("mp-runtime/src/sys/poll.rs", "use nix::poll;"));
    assert_none(&check("mp-runtime/src/pool/tests.rs", "libc::kill(1, 2)"));
    assert_none(&check("mp-runtime/src/pool/mod.rs", "use std::os::unix::io; // libc::x"));
    assert_none(&check("tests/a.rs", "libc::SIGKILL"));
    assert_one(&check("mp-runtime/src/pool/mod.rs", "\nlibc::kill(1, 2)"), "mod.rs:2: `libc`");
    assert_one(&check("mp-runtime/src/error.rs", "use nix as kernel;"), "`nix`");
    assert_one(&check("src/lib.rs", "pub use libc;"), "`libc`");
}

#[test]
fn unfinished_work_is_found() {
    let sample = concat!("x\n// TO", "DO: y\nto", "do!()\n");
    let problems = check_unfinished(&Source::new("src/a.rs", sample));
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].starts_with("src/a.rs:2:"));
    assert_none(&check_unfinished(&Source::new("src/a.rs", "// to do so\nlet todos = 1;")));
}

#[test]
fn ignored_test_without_reason_is_found() {
    let check = |text: &str| check_ignored(&Source::new("tests/a.rs", text));
    assert_none(&check("#[ignore = \"takes an hour\"]\n// #[ignore]\n"));
    assert_one(&check("#[test]\n#[ignore]\nfn f() {}"), "a.rs:2:");
}

#[test]
fn sleep_as_wait_is_found() {
    let check = |path: &str, text: &str| check_sleeps(&Source::new(path, text));
    let bare = "fn f() {\n    std::thread::sleep(d);\n}";
    assert_none(&check("tests/a.rs", "thread::sleep(d); // work: two seconds a task"));
    assert_none(&check("tests/a.rs", "// work: two seconds a task\nthread::sleep(d);"));
    assert_none(&check("examples/a.rs", bare));
    assert_none(&check("tests/support/inspect.rs", bare));
    assert_one(&check("tests/a.rs", bare), "a.rs:2: a sleep");
    assert_one(&check("tests/a.rs", "use std::thread::sleep;\n"), "a.rs:1: a sleep");
    assert_one(&check("mp-runtime/src/pool/tests.rs", bare), "tests.rs:2:");
}
