//! What every file keeps to: its length, its first line, its name.
//! The length of functions is clippy's to check.

use super::source::{self, Source};
use super::{assert_none, assert_one};

/// Above this a file needs a reason in `LONG`.
const MANY: usize = 400;

/// No file is longer, tests included.
const MOST: usize = 600;

/// The files of more than 400 lines, and why each is better whole.
const LONG: &[(&str, &str)] = &[];

/// Names that say nothing, or that shadow a crate.
const NAMES: &[&str] =
    &["core", "std", "serde", "panic", "test", "utils", "common", "misc", "types"];

fn check_length(source: &Source, long: &[(&str, &str)]) -> Option<String> {
    let path = &source.path;
    let lines = source.text.lines().count();
    let excused = long.iter().any(|(excused, _)| excused == path);
    match lines {
        _ if lines > MOST => Some(format!("{path}: {lines} lines, more than {MOST}: divide it")),
        _ if lines > MANY && !excused => {
            Some(format!("{path}: {lines} lines: divide it, or give the reason in `LONG`"))
        }
        _ if lines <= MANY && excused => {
            Some(format!("{path}: only {lines} lines: remove it from `LONG`"))
        }
        _ => None,
    }
}

fn check_first_line(source: &Source) -> Option<String> {
    let first = source.text.lines().next().unwrap_or_default();
    let documented = first.starts_with("//!") || first.starts_with("#![doc = include_str!(");
    (!documented)
        .then(|| format!("{}:1: say in a `//!` what lives here, and what does not", source.path))
}

fn check_names(source: &Source) -> Vec<String> {
    let mut problems = Vec::new();
    let path = source.path.trim_end_matches(".rs");
    if let Some(name) = path.split('/').find(|part| NAMES.contains(part)) {
        problems.push(format!("{}: `{name}` says nothing: name what it holds", source.path));
    }
    for at in source.words("mod") {
        let after = source.code[at + "mod".len()..].trim_start();
        let name = after.split(|c: char| !c.is_alphanumeric() && c != '_').next();
        if let Some(name) = name.filter(|name| NAMES.contains(name)) {
            let line = source.line_at(at);
            problems.push(format!("{}:{line}: `mod {name}`: name what it holds", source.path));
        }
    }
    problems
}

#[test]
fn files_are_short() {
    let sources = source::all();
    let mut problems: Vec<String> =
        sources.iter().filter_map(|source| check_length(source, LONG)).collect();
    let gone = LONG.iter().filter(|(path, _)| sources.iter().all(|source| source.path != *path));
    problems.extend(gone.map(|(path, _)| format!("{path} is gone: remove it from `LONG`")));
    assert_none(&problems);
}

#[test]
fn files_say_what_they_hold() {
    let problems: Vec<String> = source::all().iter().filter_map(check_first_line).collect();
    assert_none(&problems);
}

#[test]
fn modules_have_telling_names() {
    let problems: Vec<String> = source::all().iter().flat_map(check_names).collect();
    assert_none(&problems);
}

#[test]
fn long_files_are_found() {
    let check = |lines, long| check_length(&Source::new("a.rs", &"x\n".repeat(lines)), long);
    let excused: &[(&str, &str)] = &[("a.rs", "one table")];
    assert_eq!(check(400, &[]), None);
    assert_eq!(check(600, excused), None);
    assert!(check(401, &[]).is_some_and(|problem| problem.contains("give the reason")));
    assert!(check(601, excused).is_some_and(|problem| problem.contains("more than 600")));
    assert!(check(400, excused).is_some_and(|problem| problem.contains("remove it")));
}

#[test]
fn undocumented_files_are_found() {
    let check = |text: &str| check_first_line(&Source::new("src/a.rs", text));
    assert_eq!(check("//! Holds x.\n"), None);
    assert_eq!(check("#![doc = include_str!(\"../README.md\")]\n"), None);
    assert!(check("use std::io;\n//! Holds x.\n").is_some());
    assert!(check("// Holds x.\n").is_some());
    assert!(check("").is_some());
}

#[test]
fn empty_names_are_found() {
    let check = |path: &str, text: &str| check_names(&Source::new(path, text));
    assert_none(&check("mp-runtime/src/pool/tests.rs", "mod panics;\nmod testing {}"));
    assert_one(&check("mp-runtime/src/utils.rs", ""), "`utils` says nothing");
    assert_one(&check("mp-runtime/src/core/mod.rs", ""), "`core`");
    assert_one(&check("src/lib.rs", "\npub(crate) mod types {\n}"), "lib.rs:2: `mod types`");
}
