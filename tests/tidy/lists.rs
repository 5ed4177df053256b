//! Lists that a person would forget to keep: examples in README.md, files and dependencies in ARCHITECTURE.md.
//! The list of unsafe files is in `unsafe_code`.

use std::collections::BTreeSet;

use super::source::{self, Source};
use super::{assert_none, assert_one};

/// An example is shorter than this.
const EXAMPLE_LINES: usize = 60;

const MANIFESTS: [&str; 3] = ["Cargo.toml", "mp-macros/Cargo.toml", "mp-runtime/Cargo.toml"];

/// Whether the document names the word by itself, not as a part of a longer one.
fn names(document: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    document.match_indices(word).any(|(at, _)| {
        let after = &document[at + word.len()..];
        !document[..at].ends_with(part_of_word) && !after.starts_with(part_of_word)
    })
}

fn check_example(source: &Source, readme: &str) -> Vec<String> {
    let Some(file) = source.path.strip_prefix("examples/") else { return Vec::new() };
    let name = file.trim_end_matches(".rs").trim_end_matches("/main");
    let mut problems = Vec::new();
    if !names(readme, name) {
        problems.push(format!("README.md: the example `{name}` is not listed: say what it shows"));
    }
    let lines = source.text.lines().count();
    if lines >= EXAMPLE_LINES {
        let path = &source.path;
        problems.push(format!("{path}: {lines} lines, not under {EXAMPLE_LINES}: tell one story"));
    }
    problems
}

/// The crates that a manifest depends on in any way, our own aside.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut inside = false;
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            inside = section.ends_with("dependencies");
            // `[dependencies.name]`, the other way to write one.
            if let Some((_, name)) = section.split_once("dependencies.") {
                found.insert(name.to_owned());
            }
        } else if inside {
            let name = line.split(['=', '.', ' ']).next().unwrap_or_default().trim_matches('"');
            found.insert(name.to_owned());
        }
    }
    found.retain(|name| !name.is_empty() && !name.starts_with('#') && !name.starts_with("mp-"));
    found
}

fn check_dependencies(manifests: &[String], architecture: &str) -> Vec<String> {
    let all: BTreeSet<String> = manifests.iter().flat_map(|text| dependencies(text)).collect();
    let unnamed = all.iter().filter(|name| !names(architecture, name));
    unnamed
        .map(|name| format!("ARCHITECTURE.md: no sentence says what the crate `{name}` is for"))
        .collect()
}

/// The rows of the code map, each with the modules that it is about and all of its text.
fn rows_of_the_map(architecture: &str) -> Vec<(Vec<&str>, String)> {
    let map = architecture.split_once("## Code map").and_then(|(_, rest)| rest.split("```").nth(1));
    let mut rows: Vec<(Vec<&str>, String)> = Vec::new();
    for line in map.unwrap_or_default().lines().skip(1) {
        let (head, text) = line.split_once("  ").unwrap_or((line, ""));
        match rows.last_mut() {
            Some((_, row)) if head.is_empty() => *row += text,
            _ => rows.push((head.split(", ").collect(), text.to_owned())),
        }
    }
    rows
}

/// Whether the row of a runtime's file has its name, and where the file is a whole module, its head.
fn check_map(source: &Source, rows: &[(Vec<&str>, String)]) -> Option<String> {
    let place = source.in_runtime().filter(|_| !source.is_test())?.trim_end_matches(".rs");
    let place = place.strip_suffix("/mod").unwrap_or(place);
    let mut parts = place.split('/');
    let (module, file) = (parts.next()?, parts.next_back());
    let row = rows.iter().find(|(heads, _)| heads.contains(&module));
    if row.is_some_and(|(_, text)| file.is_none_or(|file| names(text, file))) {
        return None;
    }
    let path = &source.path;
    Some(format!("ARCHITECTURE.md: the code map's row of `{module}` lacks {path}: name it there"))
}

/// Longer, it is no map any more: how a part works is for docs/mechanisms.md.
#[test]
fn the_map_is_short() {
    let lines = source::read("ARCHITECTURE.md").unwrap_or_default().lines().count();
    assert!(
        (1..=300).contains(&lines),
        "ARCHITECTURE.md has {lines} lines; at most 300 are wanted"
    );
}

#[test]
fn files_stand_in_the_code_map() {
    let architecture = source::read("ARCHITECTURE.md").unwrap_or_default();
    let rows = rows_of_the_map(&architecture);
    let problems: Vec<String> =
        source::all().iter().filter_map(|source| check_map(source, &rows)).collect();
    assert_none(&problems);
}

#[test]
fn files_that_the_map_lacks_are_found() {
    let map = "## Code map of it\n```text\nlib, door  names\npool       desk (ledger),\n           tenure\n```\nattic\n";
    let rows = rows_of_the_map(map);
    let check = |path: &str| check_map(&Source::new(path, ""), &rows);
    let named = ["lib.rs", "door.rs", "pool/mod.rs", "pool/ledger.rs", "pool/tenure.rs"];
    for path in named.into_iter().chain(["pool/ledger/mod.rs", "pool/tests.rs", "pool/tests/a.rs"])
    {
        assert_eq!(check(&format!("mp-runtime/src/{path}")), None);
    }
    for path in ["attic.rs", "pool/led.rs", "pool/desk/names.rs", "door/desk.rs", "pool/pool.rs"] {
        let problem = check(&format!("mp-runtime/src/{path}")).unwrap_or_default();
        assert!(problem.contains(path), "{path}: {problem}");
    }
    assert_eq!(check("mp-macros/src/attic.rs"), None);
}

#[test]
fn examples_are_listed_and_short() {
    let readme = source::read("README.md").unwrap_or_default();
    let sources = source::all();
    let problems: Vec<String> =
        sources.iter().flat_map(|source| check_example(source, &readme)).collect();
    assert_none(&problems);
}

#[test]
fn dependencies_are_explained() {
    let manifests: Result<Vec<String>, String> = MANIFESTS.into_iter().map(source::read).collect();
    let architecture = source::read("ARCHITECTURE.md").unwrap_or_default();
    assert_none(&check_dependencies(&manifests.expect("the manifests are there"), &architecture));
}

#[test]
fn unlisted_and_long_examples_are_found() {
    let check =
        |text: &str, readme: &str| check_example(&Source::new("examples/pool.rs", text), readme);
    assert_none(&check("//! x\n", "| `pool` | x |"));
    assert_one(&check("//! x\n", "see pool_callback and a-pool"), "`pool` is not listed");
    assert_one(&check(&"x\n".repeat(60), "pool"), "60 lines, not under 60");
}

#[test]
fn unexplained_dependency_is_found() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\nmp-macros = \"1\"\nserde.workspace = true\n\
                    # No crate.\nlibc = { version = \"0.2\" }\n[dev-dependencies.quote]\nversion = \"1\"\n\
                    [target.'cfg(unix)'.dependencies]\n\"nix\" = \"1\"\n[features]\nfast = []\n";
    let manifests = [manifest.to_owned()];
    assert_none(&check_dependencies(&manifests, "serde, libc, `quote`; nix"));
    assert_one(&check_dependencies(&manifests, "serde, libc, `nix`, quoted"), "`quote`");
}
