//! The names of Python's multiprocessing beside docs/python.md: each is said to be ours, or not.
//! The names were listed by python_names.py; whether what is said of one is true is for its reader.

use std::collections::BTreeSet;

use super::source;
use super::{assert_none, assert_one};

const DOCUMENT: &str = "docs/python.md";

const NAMES: &str = include_str!("python_names.txt");

/// Ends the last module's part.
const OTHER_PARTS: &str = "# ";

/// A module and a name in it.
type Named<'a> = (&'a str, &'a str);

fn listed(names: &str) -> BTreeSet<Named<'_>> {
    names.lines().filter_map(|line| line.split_once(' ')).collect()
}

/// The names in backticks in the first column of each module's tables, and what is wrong with a row.
fn explained(document: &str) -> (BTreeSet<Named<'_>>, Vec<String>) {
    let mut found = BTreeSet::new();
    let mut problems = Vec::new();
    let mut module = None;
    for line in document.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            module = Some(heading);
        } else if line.starts_with(OTHER_PARTS) {
            module = None;
        }
        let (Some(module), Some(row)) = (module, line.strip_prefix("| `")) else { continue };
        let mut cells = row.split(" | ");
        let names = cells.next().unwrap_or_default();
        if cells.next().is_none_or(str::is_empty) {
            problems.push(format!("{DOCUMENT}: `{row}`: say what it is here, in one row"));
        }
        for name in names.split('`').filter(|name| !name.trim().is_empty()) {
            if !found.insert((module, name)) {
                problems.push(format!("{DOCUMENT}: {module}: `{name}` stands there twice"));
            }
        }
    }
    (found, problems)
}

fn check(names: &str, document: &str) -> Vec<String> {
    let listed = listed(names);
    let (explained, mut problems) = explained(document);
    let missing = listed.difference(&explained);
    problems.extend(missing.map(|(module, name)| {
        format!("{DOCUMENT}: {module}: `{name}` has no row: say ours, or why not")
    }));
    let strange = explained.difference(&listed);
    problems.extend(strange.map(|(module, name)| {
        format!("{DOCUMENT}: {module}: there is no `{name}` in python_names.txt: mend the name")
    }));
    problems
}

#[test]
fn names_of_python_are_explained() {
    let problems = match source::read(DOCUMENT) {
        Ok(document) => check(NAMES, &document),
        Err(missing) => vec![missing],
    };
    assert!(listed(NAMES).len() > 400, "the list is not whole");
    assert_none(&problems);
}

#[test]
fn unexplained_names_are_found() {
    let names = "m Pool\nm Pool.map\nm.pool Pool\n";
    let rows = "## m\n| Python | here | why |\n| --- | --- | --- |\n| `Pool` `Pool.map` | x | |\n";
    let pool = "## m.pool\n### a\n| `Pool` | x | y |\n";
    let newer = "# Newer\n| `Pool.new` | x | |\n";
    assert_none(&check(names, &format!("{rows}{pool}{newer}")));
    assert_one(&check(names, rows), "m.pool: `Pool` has no row");
    assert_one(&check(names, &format!("{rows}{pool}| `Pool` | x | |\n")), "stands there twice");
    assert_one(&check(names, &format!("{rows}{pool}| `Poll` | x | |\n")), "there is no `Poll`");
    let bare = pool.replace("| x | y |", "|  | y |");
    assert_one(&check(names, &format!("{rows}{bare}")), "say what it is here");
}
