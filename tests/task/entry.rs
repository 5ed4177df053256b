//! How a child of this very test binary comes up: runs its task, and no tests (TASK-08), with its
//! parent's arguments and nothing of ours to be seen (TASK-09).
//! Programs with a main are in `outside.rs`.

use super::support::watchdog;
use super::{LIMIT, everywhere};
use std::env;
use std::ffi::OsString;
use std::process::{Command, Stdio};

/// For use by the tests below, which run this test binary again for them; by themselves as well.
mod again {
    use super::{LIMIT, everywhere, watchdog};

    #[mp::task]
    fn print(text: &str) {
        println!("printed in a {text}");
        eprintln!("complained in a {text}");
    }

    #[mp::test]
    fn prints_in_children() {
        watchdog(LIMIT, || {
            mp::spawn(print, "process").expect("a process").result().expect("a value");
            let pool = mp::Pool::new(1).expect("a pool");
            pool.apply(print, "worker").expect("a value");
        });
    }

    /// One `#[mp::test]` in a test binary is enough for all its tests.
    #[test]
    fn plain_test_prints_in_children() {
        prints_in_children();
    }

    #[mp::test]
    #[should_panic(expected = "as planned")]
    fn panics_as_planned() {
        everywhere(print, || "panicking test");
        panic!("as planned");
    }

    #[mp::test]
    fn arguments_are_equal() {
        let here: Vec<_> = std::env::args_os().collect();
        assert_eq!(everywhere(super::arguments, || ()), [here.clone(), here]);
    }
}

#[mp::task]
fn arguments() -> Vec<OsString> {
    env::args_os().collect()
}

/// What one test of `again` prints, on both streams, when this test binary runs it alone.
fn run_again(test: &str, flags: &[&str]) -> (String, String) {
    let mut command = Command::new(env::current_exe().expect("this binary"));
    command.args([&format!("entry::again::{test}"), "--exact"]).args(flags).stdin(Stdio::null());
    let output = watchdog(LIMIT, || command.output()).expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{:?}\n{stdout}\n{stderr}", output.status);
    (stdout, stderr)
}

/// The harness's own lines but for how long it took, and with the result on a line of its own.
fn lines(stdout: &str) -> Vec<String> {
    let lines = stdout.lines().map(|line| line.split("; finished in").next().unwrap_or_default());
    lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[mp::test]
fn task_08_children_print_no_harness_lines() {
    for test in ["prints_in_children", "plain_test_prints_in_children"] {
        for flags in
            [&[][..], &["--nocapture"], &["--test-threads=1"], &["--nocapture", "--test-threads=1"]]
        {
            let (stdout, stderr) = run_again(test, flags);
            let mut printed = lines(&stdout);
            // With one thread the harness names the test first, and its children print behind that.
            printed.iter_mut().for_each(|line| {
                let shown = format!("test entry::again::{test} ... ");
                if let Some(rest) =
                    line.strip_prefix(&shown).filter(|rest| rest.contains("printed"))
                {
                    *line = rest.to_owned();
                }
                if line == "ok" {
                    *line = format!("{shown}ok");
                }
            });
            let expected = [
                "running 1 test".to_owned(),
                "printed in a process".to_owned(),
                "printed in a worker".to_owned(),
                format!("test entry::again::{test} ... ok"),
            ];
            assert_eq!(printed[..4], expected, "{flags:?}: {stdout}");
            assert!(
                printed[4].starts_with("test result: ok. 1 passed; 0 failed; 0 ignored"),
                "{stdout}"
            );
            assert_eq!(printed.len(), 5, "{flags:?}: {stdout}");
            assert_eq!(stderr, "complained in a process\ncomplained in a worker\n", "{flags:?}");
        }
    }
}

#[mp::test]
fn task_08_other_attributes_of_tests_work() {
    let (stdout, _) = run_again("panics_as_planned", &["--nocapture"]);
    assert!(stdout.contains("printed in a panicking test\n"), "{stdout}");
    assert!(stdout.contains("panics_as_planned - should panic ... ok"), "{stdout}");
    assert_eq!(stdout.matches("running ").count(), 1, "{stdout}");
}

#[mp::test]
fn task_08_children_run_no_tests_while_others_run() {
    // Several tests at once, each with children: the sum says one test run.
    let mut command = Command::new(env::current_exe().expect("this binary"));
    command.args(["entry::again::", "--test-threads=4"]).stdin(Stdio::null());
    let output = watchdog(LIMIT, || command.output()).expect("it starts");
    let stdout = String::from_utf8(output.stdout).expect("it prints text");
    assert_eq!(stdout.matches("running 4 tests").count(), 1, "{stdout}");
    assert_eq!(stdout.matches("test result: ok. 4 passed; 0 failed").count(), 1, "{stdout}");
    assert_eq!(stdout.matches("printed in a worker").count(), 2, "{stdout}");
}

#[mp::test]
fn task_09_arguments_are_the_parents() {
    let here: Vec<_> = env::args_os().collect();
    assert_eq!(everywhere(arguments, || ()), [here.clone(), here]);
    // Whatever they are: these are further filters to the harness.
    run_again("arguments_are_equal", &["two words", "", "Grüße", "quote\"'\\", "--test-threads=1"]);
}

/// The environment of this process and, as they report it, of two programs that it starts.
#[mp::task]
fn environments() -> [Vec<(OsString, OsString)>; 2] {
    let mut own: Vec<_> = env::vars_os().collect();
    let output = Command::new("env").arg("-0").output().expect("env is there");
    let text = String::from_utf8(output.stdout).expect("it prints text");
    let variables = text.split_terminator('\0').filter_map(|line| line.split_once('='));
    let mut programs: Vec<(OsString, OsString)> =
        variables.map(|(name, value)| (name.into(), value.into())).collect();
    own.sort();
    programs.sort();
    [own, programs]
}

#[mp::test]
fn task_09_nothing_of_ours_is_in_the_environment() {
    let mut here: Vec<_> = env::vars_os().collect();
    here.sort();
    assert!(here.iter().all(|(name, _)| !name.to_string_lossy().starts_with("MP_RS")));
    for [own, programs] in everywhere(environments, || ()) {
        assert_eq!(own, here, "in the child");
        assert_eq!(programs, here, "in a program that the child starts");
    }
}

#[mp::test]
fn task_09_nor_in_a_childs_child() {
    #[mp::task]
    fn environments_of_a_child() -> [Vec<(OsString, OsString)>; 2] {
        mp::spawn(environments, ()).expect("a process").result().expect("a value")
    }
    let mut here: Vec<_> = env::vars_os().collect();
    here.sort();
    for seen in everywhere(environments_of_a_child, || ()) {
        assert_eq!(seen, [here.clone(), here.clone()]);
    }
}
