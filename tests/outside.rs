//! Projects outside this repository, as users have them: each is put into a temporary directory, and Cargo run on it.
//! Their sources are in `tests/outside`; mistakes in such projects are in `ui.rs`.

#[path = "outside_package/mod.rs"]
mod outside_package;
mod support;

use outside_package::{LIMIT, Outcome, Workspace, built, dependencies, once, repository};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use support::watchdog;

/// How long a program may run; it is killed then, by coreutils' `timeout`.
const SECONDS: &str = "60";

/// The program under a limit of its own, so that what hangs is named by its test.
#[track_caller]
fn run(command: &Command) -> Outcome {
    let mut limited = Command::new("timeout");
    limited.args(["--signal=KILL", SECONDS]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        limited.env(name, value.expect("variables are only set"));
    }
    if let Some(directory) = command.get_current_dir() {
        limited.current_dir(directory);
    }
    Outcome::of(&mut limited)
}

/// The first Rust program in README.md.
fn readme() -> String {
    let text = fs::read_to_string(repository().join("README.md")).expect("README.md is there");
    let (_, code) = text.split_once("```rust,no_run\n").expect("a block of Rust");
    code.split_once("```").expect("its end").0.to_owned()
}

#[test]
fn readme_example_runs_as_it_stands() {
    watchdog(LIMIT, || {
        let code = readme();
        assert!(code.contains("pool.apply_async(foo, i, "), "{code}");
        let workspace = Workspace::new().package(
            "readme",
            2024,
            &dependencies("mp"),
            &[("src/main.rs", &code)],
        );
        workspace.cargo(&["build", "--package", "readme"]).assert_code(0);
        let outcome = run(&Command::new(built("readme")));
        outcome.assert_code(0);
        let done: BTreeSet<i32> =
            outcome.values("done: ").iter().map(|value| value.parse().expect("a number")).collect();
        assert_eq!(done, (100..110).collect());
        assert_eq!(outcome.stdout.lines().count(), 10, "{}", outcome.stdout);
        assert_eq!(outcome.stderr, "");
    });
}

#[test]
fn task_08_tests_of_a_user_run_under_cargo_test_and_nextest() {
    watchdog(LIMIT, || {
        let files = [
            ("src/lib.rs", include_str!("outside/tested.rs")),
            ("tests/outside.rs", include_str!("outside/tested_from_outside.rs")),
        ];
        let workspace = Workspace::new().package("tested", 2024, &dependencies("mp"), &files);
        let outcome = workspace.cargo(&["test", "--package", "tested"]);
        outcome.assert_code(0);
        let results = outcome.values("test result: ok. ");
        let passed: Vec<&str> = results.iter().map(|line| &line[..8]).collect();
        assert_eq!(passed, ["2 passed", "2 passed", "1 passed"], "{}", outcome.stdout);
        assert_eq!(outcome.values("running ").len(), 3, "one line for each: {}", outcome.stdout);

        if workspace.cargo(&["nextest", "--version"]).code != Some(0) {
            println!("skipped: no cargo-nextest here");
            return;
        }
        let outcome = workspace.cargo(&["nextest", "run", "--package", "tested"]);
        outcome.assert_code(0);
        assert!(outcome.stderr.contains("4 tests run: 4 passed"), "{}", outcome.stderr);
        assert!(!outcome.stderr.contains("LEAK"), "{}", outcome.stderr);
    });
}

/// One of the programs with a main, which are built together, and rarely.
fn program(name: &str) -> Command {
    once("programs", &["tests/outside"], || {
        let files = [
            ("src/bin/forgot_init.rs", include_str!("outside/forgot_init.rs")),
            ("src/bin/main_by_hand.rs", include_str!("outside/main_by_hand.rs")),
            ("src/bin/equal_names.rs", include_str!("outside/equal_names.rs")),
            ("src/bin/equal_places.rs", include_str!("outside/equal_places.rs")),
            ("src/bin/own_file.rs", include_str!("outside/own_file.rs")),
            ("src/bin/surroundings.rs", include_str!("outside/surroundings.rs")),
        ];
        let workspace = Workspace::new().package("programs", 2021, &dependencies("mp"), &files);
        workspace.cargo(&["build", "--package", "programs"]).assert_code(0);
        String::new()
    });
    Command::new(built(name))
}

#[test]
fn task_05_equal_given_names_are_refused_with_both_places() {
    let outcome = watchdog(LIMIT, || run(&program("equal_names")));
    assert!(!matches!(outcome.code, Some(0) | None), "{outcome:?}");
    assert_eq!(outcome.stdout, "", "main is not reached");
    let (first, second) = ("equal_names.rs:4:4", "equal_names.rs:7:4");
    for text in ["two tasks are named \"same\"", first, second, "another name"] {
        assert!(outcome.stderr.contains(text), "{text}: {}", outcome.stderr);
    }
}

#[test]
fn task_05_equal_places_are_refused() {
    let outcome = watchdog(LIMIT, || run(&program("equal_places")));
    assert!(!matches!(outcome.code, Some(0) | None), "{outcome:?}");
    assert_eq!(outcome.stdout, "", "main is not reached");
    assert!(outcome.stderr.contains("equal_places.rs:17:5"), "{}", outcome.stderr);
}

#[test]
fn task_07_forgotten_init_is_told_and_nothing_recurses() {
    let outcome = watchdog(LIMIT, || run(&program("forgot_init")));
    outcome.assert_code(0);
    assert_eq!(outcome.values("main runs").len(), 1, "{}", outcome.stdout);
    let errors = outcome.values("error ");
    assert_eq!(errors.len(), 2, "{}", outcome.stdout);
    for error in errors {
        assert!(error.starts_with("Unsupported "), "{error}");
        assert!(error.contains("mp::init()") && error.contains("#[mp::main]"), "{error}");
    }
    assert_eq!(outcome.values("children "), ["0"]);
    assert_eq!(outcome.values("called "), ["101"], "a call is a call");
}

#[test]
fn task_07_bey_46_main_by_hand_runs_once() {
    let outcome = in_empty_directory(&mut program("main_by_hand"));
    outcome.assert_code(0);
    assert_eq!(outcome.values("main runs").len(), 1, "{}", outcome.stdout);
}

#[test]
fn task_14_start_does_not_wait_for_a_child_that_has_not_come_up() {
    let outcome = in_empty_directory(&mut program("main_by_hand"));
    outcome.assert_code(0);
    assert_eq!(outcome.values("started, ended: "), ["None"]);
    assert_eq!(outcome.values("a child is at the gate").len(), 1, "{}", outcome.stdout);
    assert_eq!(outcome.values("measured "), ["104857600 elsewhere: true"]);
}

fn in_empty_directory(command: &mut Command) -> Outcome {
    let directory = tempfile::tempdir().expect("a temporary directory");
    watchdog(LIMIT, || run(command.current_dir(directory.path())))
}

#[test]
fn task_09_arguments_are_the_parents_whatever_they_hold() {
    let mut command = program("surroundings");
    command.args(["two words", "", "--test-threads", "Grüße"]).arg(OsStr::from_bytes(b"\xff"));
    let outcome = watchdog(LIMIT, || run(&command));
    outcome.assert_code(0);
    assert_eq!(outcome.values("count "), ["6"]);
    assert_eq!(outcome.values("arguments "), ["true"]);
    assert_eq!(outcome.values("worker "), ["true Some(\"after\")"]);
}

#[test]
fn task_11_environment_is_the_one_at_the_start_of_the_child() {
    let outcome = watchdog(LIMIT, || run(program("surroundings").env("REMOVED", "x")));
    outcome.assert_code(0);
    assert_eq!(outcome.values("changed "), ["Some(\"after\")"]);
    assert_eq!(outcome.values("removed "), ["None"]);
}

#[test]
fn task_13_children_start_from_the_running_image() {
    for what in ["delete", "rename", "replace"] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let copy = directory.path().join("program");
        fs::copy(program("own_file").get_program(), &copy).expect("it is built");
        let outcome = watchdog(LIMIT, || run(Command::new(&copy).arg(what)));
        outcome.assert_code(0);
        assert_eq!(outcome.stdout, "process 101\nworker 102\n", "{what}");
        assert_eq!(copy.exists(), what == "replace");
    }
}

#[test]
fn task_05_two_versions_of_a_library_each_run_their_own() {
    let library = include_str!("outside/library.rs");
    let version = |divisor| format!("{library}\nconst DIVISOR: u32 = {divisor};\n");
    let dependency = |name: &str, folder: &str| {
        format!("{name} = {{ package = \"library\", path = \"../../{folder}\" }}\n")
    };
    let both = dependency("first", "library-2") + &dependency("second", "library-3");
    let files = [
        ("src/main.rs", include_str!("outside/uses_libraries.rs")),
        ("src/bin/elsewhere.rs", include_str!("outside/elsewhere.rs")),
    ];
    watchdog(LIMIT, || {
        once("libraries", &["tests/outside"], || {
            let workspace = Workspace::new()
                .beside("library-2", "library", "2.0.0", &version(2))
                .beside("library-3", "library", "3.0.0", &version(3))
                .package("uses_libraries", 2024, &(dependencies("mp") + &both), &files);
            workspace.cargo(&["build", "--package", "uses_libraries"]).assert_code(0);
            String::new()
        });
        let outcome = run(&Command::new(built("uses_libraries")));
        outcome.assert_code(0);
        let halves = "first 30\nsecond 20\nfirst's own 30\nsecond's own 20\nprocess 20\n";
        assert_eq!(outcome.stdout, format!("own 10\n{halves}"));
        // What names no task of the library, but a function that does, links them as well.
        let outcome = run(&Command::new(built("elsewhere")));
        outcome.assert_code(0);
        assert_eq!(outcome.stdout, "half 20\n");
    });
}

#[test]
fn renamed_strict_and_of_every_edition() {
    let source = include_str!("outside/strict.rs");
    watchdog(LIMIT, || {
        let editions = [2018, 2021, 2024];
        let name = |edition: u32| format!("strict_{edition}");
        let workspace = editions.iter().fold(Workspace::new(), |workspace, edition| {
            let files = [("src/main.rs", source)];
            workspace.package(&name(*edition), *edition, &dependencies("par"), &files)
        });
        workspace.cargo(&["build", "--workspace"]).assert_code(0);
        for edition in editions {
            let outcome = run(&Command::new(built(&name(edition))));
            outcome.assert_code(0);
            let mut lines: Vec<&str> = outcome.stdout.lines().collect();
            lines.sort_unstable();
            let own = ["called 0", "called 0"];
            let others = ["callback 101", "half Err(\"7 is odd\")", "length 4", "sum 3"];
            assert_eq!(lines, [&others[..1], &own, &others[1..]].concat());
        }
        if workspace.cargo(&["clippy", "--version"]).code != Some(0) {
            println!("skipped: no clippy here");
            return;
        }
        let flags = ["--", "-D", "warnings", "-W", "clippy::pedantic"];
        let arguments = ["clippy", "--workspace", "--all-targets"];
        workspace.cargo(&[&arguments[..], &flags].concat()).assert_code(0);
    });
}
