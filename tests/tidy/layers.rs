//! Who may import whom in the runtime: only a lower row of the list.
//! The list is the one of ARCHITECTURE.md; a new module gets its place here first.

use super::source::{self, Source};
use super::{assert_none, assert_one};

/// The modules of `mp-runtime`, the lowest first. Those of one row do not import each other.
const ROWS: &[&[&str]] = &[
    &["sys"],
    &["error", "identity"],
    &["helper"],
    &["transport"],
    &["commons"],
    &["custody"],
    &["codec"],
    &["sync", "protocol"],
    &["task", "shared"],
    &["channel"],
    &["log"],
    &["child"],
    &["process"],
    &["socket", "pool", "wait"],
    &["manager"],
    &["private", "fuzz", "lib"],
];

fn row_of(module: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&module))
}

/// The top module that a file below `mp-runtime/src` belongs to, and how deep the file lies in it.
fn place_of(path: &str) -> (&str, usize) {
    let path = path.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    (path.split('/').next().expect("a path has a part"), path.split('/').count())
}

/// The modules at the crate's root that the code names, with the byte at which it does.
fn imports(source: &Source, depth: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for at in source.words("crate") {
        if let Some(path) = source.code[at + "crate".len()..].strip_prefix("::") {
            found.extend(heads(path).into_iter().map(|name| (at, name)));
        }
    }
    // As many `super` as the file is deep lead to the root as well, from outside inline modules.
    let climb = "super::".repeat(depth);
    for (at, _) in source.code.match_indices(&climb) {
        let higher = source.code[..at].ends_with("super::");
        let names = heads(&source.code[at + climb.len()..]);
        let modules = names.into_iter().filter(|name| row_of(name).is_some());
        found.extend(modules.filter(|_| !higher).map(|name| (at, name)));
    }
    found
}

/// The first names of a path, which may be a group: `a::b`, or `{a::b, c::{d, e}}`.
fn heads(path: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(group) = path.strip_prefix('{') else { return vec![name(path)] };
    let mut depth = 0;
    let mut names = vec![name(group)];
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(name(&group[at + 1..])),
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn check(source: &Source) -> Vec<String> {
    let Some(path) = source.in_runtime() else { return Vec::new() };
    let (module, depth) = place_of(path);
    let Some(row) = row_of(module) else {
        return vec![format!(
            "{}: the module `{module}` has no row in tests/tidy/layers.rs: give it one there and \
             in ARCHITECTURE.md",
            source.path
        )];
    };
    let mut problems = Vec::new();
    // The crate's own name, by which its tests see what users see, is no way around the rows.
    let face = source.words("mp").filter(|at| source.code[at + "mp".len()..].starts_with("::"));
    for at in face.filter(|_| !source.is_test()) {
        let line = source.line_at(at);
        problems.push(format!("{}:{line}: `mp::` inside the runtime: use `crate::`", source.path));
    }
    for (at, import) in imports(source, depth) {
        let line = source.line_at(at);
        let lower = row_of(&import).map(|other| other < row);
        match lower {
            _ if import == module => {}
            Some(true) => {}
            Some(false) => problems.push(format!(
                "{}:{line}: `{module}` imports `{import}`, which is not in a lower row: move what \
                 is needed down, or hand it in from above",
                source.path
            )),
            None => problems.push(format!(
                "{}:{line}: `crate::{import}` names no module: name the module it lives in",
                source.path
            )),
        }
    }
    problems
}

#[test]
fn modules_import_only_from_lower_rows() {
    let problems: Vec<String> = source::all().iter().flat_map(check).collect();
    assert_none(&problems);
}

#[test]
fn imports_from_above_or_beside_are_found() {
    let check = |path: &str, text: &str| check(&Source::new(path, text));
    let pool = "mp-runtime/src/pool/submit.rs";
    assert_none(&check(
        pool,
        "use crate::{process, sys::{poll, futex}};\nuse crate::pool::ledger;",
    ));
    assert_none(&check(pool, "//! See crate::manager.\nlet text = \"crate::manager\";"));
    assert_none(&check(pool, "use super::handle;\nmod inner { use super::super::handle; }"));
    assert_none(&check("src/lib.rs", "use crate::anything;"));
    assert_none(&check("mp-runtime/src/pool/tests.rs", "use mp::Pool;"));
    assert_one(&check(pool, "fn f(x: mp::Pool) {}"), "`mp::` inside the runtime");
    assert_one(&check(pool, "\nfn f(x: crate::manager::Server) {}"), "submit.rs:2: `pool` imports");
    assert_one(&check(pool, "use crate::{sys, socket::{a, b}};"), "imports `socket`");
    assert_one(&check(pool, "use super::super::manager::Server;"), "imports `manager`");
    assert_one(&check(pool, "use crate::Error;"), "`crate::Error` names no module");
    assert_one(&check("mp-runtime/src/error.rs", "use crate::identity::name;"), "identity");
    assert_one(&check("mp-runtime/src/sys/mod.rs", "use super::error::Error;"), "error");
    assert_one(&check("mp-runtime/src/attic.rs", ""), "the module `attic` has no row");
}
