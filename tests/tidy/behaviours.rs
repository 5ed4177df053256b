//! The list of behaviours in docs/behaviours.md beside the names of the tests: each has a proof, or a reason.
//! Whether a test shows what its id says is for its reader.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{self, Source};
use super::{assert_none, assert_one};

const LIST: &str = "docs/behaviours.md";

/// The heading above the ids that have no test, and why.
const WITHOUT: &str = "## Without a test";

/// The areas, how many behaviours each has, and whether all of them stand in the list.
const AREAS: &[(&str, usize, bool)] = &[
    ("TASK", 20, true),
    ("PROC", 42, true),
    ("EXIT", 14, true),
    ("POOL", 56, false),
    ("FUT", 28, false),
    ("QUEUE", 24, false),
    ("CONN", 24, false),
    ("AUTH", 21, true),
    ("SYNC", 36, false),
    ("VAL", 13, false),
    ("SHM", 20, false),
    ("MGR", 29, false),
    ("RES", 13, true),
    ("LOG", 5, false),
    ("BEY", 54, false),
];

/// The ids that a name begins with: `TASK-04` of `task_04_generic`, two of `task_07_bey_46_x`. Their
/// numbers may be none of the area's: that is for `check` to say.
fn ids_of(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = name;
    while let Some((area, after)) = rest.split_once('_') {
        let (number, after) = after.split_once('_').unwrap_or((after, ""));
        let is_number = number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit());
        let area = area.to_uppercase();
        if !is_number || !AREAS.iter().any(|(name, ..)| *name == area) {
            break;
        }
        found.push(format!("{area}-{number}"));
        rest = after;
    }
    found
}

/// The names of the tests in a file: its functions under a test attribute, or, where each file is a
/// test by itself, the file's.
fn tests_in(source: &Source) -> Vec<&str> {
    if let Some(file) = source.path.strip_prefix("tests/ui/") {
        return vec![file.trim_end_matches(".rs")];
    }
    let mut names = Vec::new();
    let mut attributed = false;
    for line in source.code.lines().map(str::trim) {
        if line.starts_with("#[mp::test") || line.starts_with("#[test]") {
            attributed = true;
        } else if let Some((before, after)) = line.split_once("fn ") {
            let is_item = before.split(' ').all(|word| matches!(word, "" | "pub" | "async"));
            if is_item && attributed {
                names.extend(after.split(['(', '<', ' ']).next());
                attributed = false;
            }
        }
    }
    names
}

/// What the document lists, id by id: what is promised, and the reasons of those without a test.
struct List {
    promised: BTreeSet<String>,
    reasons: BTreeMap<String, String>,
    problems: Vec<String>,
}

impl List {
    fn new(document: &str) -> Self {
        let mut list =
            Self { promised: BTreeSet::new(), reasons: BTreeMap::new(), problems: Vec::new() };
        let mut without = false;
        for line in document.lines() {
            if line.starts_with("## ") {
                without = line == WITHOUT;
            }
            let mut cells = line.split('|').map(str::trim).skip(1);
            let (Some(id), Some(text)) = (cells.next(), cells.next()) else { continue };
            if !id.starts_with(|c: char| c.is_ascii_uppercase()) {
                continue;
            }
            if text.is_empty() {
                list.problems.push(format!("{LIST}: {id}: say what, or why"));
            }
            let twice = if without {
                list.reasons.insert(id.to_owned(), text.to_owned()).is_some()
            } else {
                !list.promised.insert(id.to_owned())
            };
            if twice {
                list.problems.push(format!("{LIST}: {id} stands there twice: keep one line"));
            }
        }
        list
    }

    /// Whether the ids are those of `AREAS`: none beyond an area's last, and every one of a whole area.
    fn check_areas(&mut self) {
        let ids = |area: &str, count: usize| -> Vec<String> {
            (1..=count).map(|number| format!("{area}-{number:02}")).collect()
        };
        let mut possible = BTreeSet::new();
        for (area, count, whole) in AREAS {
            let ids = ids(area, *count);
            let missing = ids.iter().filter(|id| *whole && !self.promised.contains(*id));
            let problems = missing.map(|id| format!("{LIST}: no line for {id}: say what it is"));
            self.problems.extend(problems);
            possible.extend(ids);
        }
        let strange = self.promised.iter().filter(|id| !possible.contains(*id));
        let problems = strange.map(|id| format!("{LIST}: there is no {id}: mend the id"));
        self.problems.extend(problems);
    }
}

fn check(sources: &[Source], document: &str) -> Vec<String> {
    let mut list = List::new(document);
    list.check_areas();
    let List { promised, reasons, mut problems } = list;
    let mut shown = BTreeSet::new();
    for source in sources {
        for name in tests_in(source) {
            for id in ids_of(name) {
                if !promised.contains(&id) {
                    problems.push(format!(
                        "{}: `{name}`: {id} is not in {LIST}: give it a line, or mend the name",
                        source.path
                    ));
                }
                shown.insert(id);
            }
        }
    }
    for id in &promised {
        match (shown.contains(id), reasons.get(id)) {
            (false, None) => problems.push(format!(
                "{LIST}: {id} has no test: write one whose name begins with it, or give the reason \
                 under \"{WITHOUT}\""
            )),
            (true, Some(_)) => {
                problems.push(format!("{LIST}: {id} has a test by now: remove the reason"));
            }
            _ => {}
        }
    }
    let strange = reasons.keys().filter(|id| !promised.contains(*id));
    problems.extend(strange.map(|id| format!("{LIST}: a reason for {id}, which is not promised")));
    problems
}

#[test]
fn behaviours_have_a_test_or_a_reason() {
    let problems = match source::read(LIST) {
        Ok(document) => check(&source::all(), &document),
        Err(missing) => vec![missing],
    };
    assert_none(&problems);
}

/// A list in which the whole areas are there, with reasons, and the lines given besides.
fn document(promised: &str, reasons: &str) -> String {
    let mut all = String::from("| id | what |\n| --- | --- |\n");
    let mut excused = format!("{WITHOUT}\n| id | why |\n");
    for (area, count, _) in AREAS.iter().filter(|(_, _, whole)| *whole) {
        for number in 1..=*count {
            all += &format!("| {area}-{number:02} | x |\n");
            excused += &format!("| {area}-{number:02} | x |\n");
        }
    }
    format!("{all}{promised}{excused}{reasons}")
}

#[test]
fn behaviours_that_nothing_shows_are_found() {
    let test = |text: &str| [Source::new("tests/a.rs", text)];
    let pool = "| POOL-29 | y |\n";
    let shown = test("#[mp::test]\nfn pool_29_dies() {}");
    assert_none(&check(&shown, &document(pool, "")));
    assert_none(&check(&[], &document(pool, pool)));
    let ui = [Source::new("tests/ui/pool_29_sent.rs", "fn main() {}")];
    assert_none(&check(&ui, &document(pool, "")));
    assert_one(&check(&[], &document(pool, "")), "POOL-29 has no test");
    assert_one(&check(&test("fn pool_29_helper() {}"), &document(pool, "")), "has no test");
    assert_one(&check(&test("// #[test]\nfn pool_29_x() {}"), &document(pool, "")), "has no test");
    assert_one(&check(&shown, &document(pool, pool)), "POOL-29 has a test by now");
    assert_one(&check(&shown, &document("", "")), "`pool_29_dies`: POOL-29 is not in");
    assert_one(&check(&test("#[test]\nfn task_21_x() {}"), &document("", "")), "TASK-21 is not in");
}

#[test]
fn behaviours_listed_wrongly_are_found() {
    let pool = "| POOL-29 | y |\n";
    assert_one(&check(&[], &document("", pool)), "a reason for POOL-29");
    assert_one(&check(&[], &document("| POOL-29 |  |\n", pool)), "say what, or why");
    assert_one(&check(&[], &document(&format!("{pool}{pool}"), pool)), "stands there twice");
    assert_one(&check(&[], &document("| POOL-57 | y |\n", "| POOL-57 | y |\n")), "no POOL-57");
    let lacking = document("", "").replace("| TASK-03 | x |\n", "");
    assert_one(&check(&[], &lacking), "no line for TASK-03");
}

#[test]
fn names_of_tests_are_found() {
    let text = "#[mp::test]\n#[should_panic]\npub fn res_01_a() { fn res_02_inner() {} }\nfn res_03_b() {}\n\
                #[test]\nfn res_04_c() {}\nlet text = \"\n#[test]\n\";\nfn res_05_d() {}\n";
    assert_eq!(tests_in(&Source::new("tests/a.rs", text)), ["res_01_a", "res_04_c"]);
    assert_eq!(ids_of("task_04_generic"), ["TASK-04"]);
    assert_eq!(ids_of("task_07_bey_46_main"), ["TASK-07", "BEY-46"]);
    assert_eq!(ids_of("pool_10_5000_tasks"), ["POOL-10"]);
    for none in ["task_fails", "pool_1_x", "tree_01_x"] {
        assert!(ids_of(none).is_empty());
    }
}
