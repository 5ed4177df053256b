//! Where unsafe code may be: a closed list of rooms, each file opted in and named in docs/unsafe.md.
//! Whether each block is argued for is clippy's to check.

use std::collections::BTreeSet;

use super::source::{self, Source};
use super::{assert_none, assert_one};

/// The rooms of `mp-runtime/src` that may hold unsafe code.
const ROOMS: &[&str] = &[
    "sys/",
    "transport/",
    "sync/",
    "shared/",
    "channel/loan/mod.rs",
    "child/entry.rs",
    "private.rs",
];

/// The files of `mp-macros` that write an unsafe attribute into generated code.
const GENERATORS: &[&str] = &["mp-macros/src/entry/expand.rs"];

const LIST: &str = "docs/unsafe.md";

/// Where the code has an unsafe block, function, trait or implementation, and where an unsafe attribute.
fn uses(source: &Source) -> (Vec<usize>, Vec<usize>) {
    let mut blocks = Vec::new();
    let mut attributes = Vec::new();
    for at in source.words("unsafe") {
        let after = source.code[at + "unsafe".len()..].trim_start();
        if after.starts_with('(') {
            attributes.push(source.line_at(at));
        } else if ["{", "fn", "impl", "trait", "extern"].iter().any(|next| after.starts_with(next))
        {
            blocks.push(source.line_at(at));
        }
    }
    (blocks, attributes)
}

/// The lint attributes of the file that let unsafe code pass: how each begins, and its text.
fn opt_ins(source: &Source) -> Vec<(&str, &str)> {
    let attribute = |at: usize| {
        let start = source.code[..at].rfind('#')?;
        let end = start + source.code[start..].find(']')?;
        (at < end).then_some(&source.code[start..end])
    };
    let found = source.words("unsafe_code").filter_map(attribute);
    found
        .map(|attribute| (attribute.split('(').next().unwrap_or_default(), attribute))
        .filter(|(head, _)| !head.ends_with("forbid") && !head.ends_with("deny"))
        .collect()
}

fn may_hold(source: &Source) -> bool {
    match source.in_runtime() {
        Some(path) => ROOMS.iter().any(|room| path.starts_with(room)),
        None => source.path.starts_with("tests/") || source.path.starts_with("benches/"),
    }
}

fn check(source: &Source) -> Vec<String> {
    let path = &source.path;
    let mut problems = Vec::new();
    let (blocks, attributes) = uses(source);
    let opt_ins = opt_ins(source);
    for (head, attribute) in &opt_ins {
        if !head.ends_with("expect") || !attribute.contains("reason") {
            problems.push(format!(
                "{path}: `{head}` of unsafe_code: write #![expect(unsafe_code, reason = \"..\")]"
            ));
        }
    }
    // A part of a test file may opt in by itself; a file of the library does so as a whole.
    let opted_in = opt_ins.iter().any(|(head, _)| source.is_test() || head.starts_with("#!"));
    if let Some(line) = blocks.first().filter(|_| !may_hold(source)) {
        problems.push(format!(
            "{path}:{line}: unsafe code outside its rooms ({}): move it to `sys`, behind a safe face",
            ROOMS.join(", ")
        ));
    } else if let Some(line) = blocks.first().filter(|_| !opted_in) {
        problems.push(format!(
            "{path}:{line}: unsafe code without #![expect(unsafe_code, reason = \"..\")] at the top"
        ));
    }
    if let Some(line) = attributes.first().filter(|_| !GENERATORS.contains(&path.as_str())) {
        problems.push(format!(
            "{path}:{line}: an unsafe attribute outside {}: generate it there",
            GENERATORS.join(", ")
        ));
    }
    problems
}

/// The first column of the table in docs/unsafe.md: paths in backticks, below `mp-runtime/src`.
fn listed(document: &str) -> BTreeSet<String> {
    let cells = document.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    cells.map(|path| path.strip_prefix("mp-runtime/src/").unwrap_or(path).to_owned()).collect()
}

fn check_list(sources: &[Source], document: &str) -> Vec<String> {
    let listed = listed(document);
    let opted_in = sources.iter().filter(|source| !opt_ins(source).is_empty());
    let actual: BTreeSet<String> =
        opted_in.filter_map(|source| Some(source.in_runtime()?.to_owned())).collect();
    let missing = actual.difference(&listed);
    let stale = listed.difference(&actual);
    missing
        .map(|path| format!("{LIST}: no row for `{path}`, which holds unsafe code: argue for it"))
        .chain(stale.map(|path| format!("{LIST}: `{path}` holds no unsafe code: remove its row")))
        .collect()
}

#[test]
fn unsafe_code_is_where_it_may_be() {
    let problems: Vec<String> = source::all().iter().flat_map(check).collect();
    assert_none(&problems);
}

#[test]
fn unsafe_code_is_listed() {
    let problems = match source::read(LIST) {
        Ok(document) => check_list(&source::all(), &document),
        Err(missing) => vec![format!("{missing}: write a table whose first column is the path")],
    };
    assert_none(&problems);
}

const OPT_IN: &str = "#![expect(unsafe_code, reason = \"x\")]\n";

#[test]
fn unsafe_code_elsewhere_is_found() {
    let check = |path: &str, text: &str| check(&Source::new(path, text));
    let block = "fn f() {\n    unsafe { g() }\n}\n";
    let futex = "mp-runtime/src/sys/futex.rs";
    assert_none(&check(futex, &format!("{OPT_IN}{block}")));
    assert_none(&check("mp-macros/src/task/parse.rs", "// unsafe {}\nlet x = Token![unsafe];"));
    assert_none(&check("tests/forbid_unsafe.rs", "#![forbid(unsafe_code)]"));
    assert_none(&check("tests/a.rs", "#[test]\nfn f() { g(unsafe_code) }"));
    assert_none(&check("tests/a.rs", &format!("#[expect(unsafe_code, reason = \"x\")]\n{block}")));
    assert_one(&check(futex, block), "futex.rs:2: unsafe code without");
    assert_one(&check(futex, "unsafe impl Send for X {}"), "without");
    assert_one(&check("tests/a.rs", block), "without");
    assert_one(&check("mp-runtime/src/pool/mod.rs", &format!("{OPT_IN}{block}")), "mod.rs:3:");
    assert_one(&check("examples/a.rs", &format!("{OPT_IN}{block}")), "outside its rooms");
    assert_one(&check("mp-macros/src/lib.rs", "#[unsafe(no_mangle)]"), "an unsafe attribute");
    let allowed = format!("#![allow(unsafe_code, reason = \"x\")]\n{block}");
    assert_one(&check(futex, &allowed), "write #![expect(");
    assert_one(&check(futex, &format!("#![expect(unsafe_code)]\n{block}")), "write #![expect(");
}

#[test]
fn unsafe_list_that_differs_is_found() {
    let sources = [Source::new("mp-runtime/src/sys/futex.rs", OPT_IN)];
    assert_none(&check_list(&sources, "| file | why |\n| --- | --- |\n| `sys/futex.rs` | x |\n"));
    assert_none(&check_list(&sources, "| `mp-runtime/src/sys/futex.rs` | x |\n"));
    assert_one(&check_list(&sources, "| file | why |\n"), "no row for `sys/futex.rs`");
    let stale = "| `sys/futex.rs` | x |\n| `sys/clock.rs` | x |\n";
    assert_one(&check_list(&sources, stale), "`sys/clock.rs` holds no unsafe code");
}
