//! Mistakes that the compiler must refuse: each file in `tests/ui` is one, with marks where it must say what.
//! How the errors come about is for the macros' own tests and the runtime's types.
//!
//! A mark stands at the end of the line that the error points at: `//~ what it says`. The error, its
//! notes and its labels must hold that text, and every part of it where ` .. ` divides it. As many
//! marks, as many errors: one mistake that causes two messages fails. (rustfmt would move the marks;
//! it is not run on those files.)

#[path = "outside_package/mod.rs"]
mod outside_package;
mod support;

use outside_package::{LIMIT, Outcome, cargo, dependencies, kept, once, repository, write};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use support::watchdog;

const MARK: &str = "//~ ";

/// One `#[test]` for each file, by its name.
macro_rules! ui {
    ($($name:ident)*) => {
        const FILES: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*
    };
}

ui! {
    task_04_generic
    task_04_generic_const
    task_04_where
    task_04_lifetime
    task_04_lifetime_undeclared
    task_04_async
    task_04_unsafe
    task_04_extern
    task_04_method
    task_04_self_type
    task_04_no_body
    task_04_impl_parameter
    task_04_impl_result
    task_04_mutable_reference
    task_04_reference
    task_04_static_parameter
    task_04_reference_result
    task_04_never
    task_04_inferred_type
    task_04_thirteen_parameters
    task_04_conditional_parameter
    task_04_own_name
    task_04_called_like_the_library
    task_04_variadic
    task_04_on_struct
    task_04_on_impl
    task_04_on_const
    task_04_options
    task_04_several_mistakes
    task_04_plain_function
    task_04_plain_function_spawned
    task_04_plain_closure
    task_04_function_pointer
    task_04_function_as_argument
    task_04_too_many_arguments
    task_04_too_few_arguments
    task_04_wrong_argument
    task_04_wrong_callback
    task_04_callback_borrows
    task_04_wrong_result
    task_04_argument_not_serialize
    task_04_argument_among_others_not_serialize
    task_04_result_not_deserialize
    task_04_error_not_serialize
    task_04_error_of_an_alias
    pool_54_pool_as_argument
    sync_02_guard_to_another_thread
    sync_15_wait_without_the_lock
    sync_21_condition_with_an_rlock
    pool_54_pool_in_an_argument
    proc_30_process_as_argument
    proc_30_process_cloned
    val_04_raw_value_locked
    val_09_array_of_references
    val_09_value_of_text
    proc_30_process_in_a_struct
    task_04_handle_as_argument
    task_04_private_argument
    task_04_variable_of_its_name
    task_04_mistake_in_body
    task_04_wrong_crate
    task_04_arguments_not_in_a_tuple
    task_04_borrowed_argument
    task_04_borrowing_struct
    task_04_callback_borrows_by_name
    task_04_callback_not_send
    task_04_callback_of_other_form
    task_04_called_in_place
    task_04_captures
    task_04_closure_spawned
    task_04_error_boxed
    task_04_for_an_iterator
    task_04_forgotten_use
    task_04_generic_struct_not_serialize
    task_04_handle_of_std
    task_04_hidden_lifetime
    task_04_in_impl
    task_04_on_closure
    task_04_option_meant
    task_04_part_not_serialize
    task_04_result_not_send
    task_04_same_type_twice
    task_04_shared_pointer
    task_04_trait_object
    task_04_tuple_for_one
    task_04_twice
    task_04_two_of_one_name
    task_04_unknown_type
    task_04_unused
    task_07_main_elsewhere
    task_07_main_async
    task_07_main_parameters
    task_07_main_generic
    task_07_main_unsafe
    task_07_main_options
    task_07_main_on_struct
    task_07_main_missing
    task_07_main_result
    task_07_main_twice
    task_07_two_mains
    task_08_test_misused
    bey_43_option_forgotten
    bey_43_wrong_argument
    bey_43_wrong_result
    mgr_16_manager_started_twice
    mgr_22_argument_not_serialize
    mgr_22_async_method
    mgr_22_generic_impl
    mgr_22_generic_method
    mgr_22_method_not_served
    mgr_22_new_error_not_serialize
    mgr_22_new_of_another_type
    mgr_22_no_new
    mgr_22_no_self
    mgr_22_not_managed
    mgr_22_not_send
    mgr_22_on_struct
    mgr_22_options
    mgr_22_result_not_serialize
    mgr_22_self_by_value
    mgr_22_trait_impl
    mgr_22_wrong_argument
}

/// An error as the compiler shows it.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    line: usize,
    /// All of it, but for the marks in the source that it quotes.
    text: String,
}

fn folder() -> PathBuf {
    repository().join("tests/ui")
}

#[track_caller]
fn check(name: &str) {
    let source = fs::read_to_string(folder().join(name).with_extension("rs")).expect("a file");
    let errors = watchdog(LIMIT, errors);
    let shown = errors.get(name).unwrap_or_else(|| panic!("{name} compiles"));
    if let Some(problem) = compare(&source, shown) {
        let texts: Vec<&str> = shown.iter().map(|error| &*error.text).collect();
        panic!("{problem}\n\n{}", texts.join("\n"));
    }
}

/// What does not fit between a source's marks and the errors that it causes.
fn compare(source: &str, shown: &[Shown]) -> Option<String> {
    let mut marks = Vec::new();
    for (index, line) in source.lines().enumerate() {
        marks.extend(line.split(MARK).skip(1).map(|text| (index + 1, text.trim())));
    }
    if marks.is_empty() {
        return Some("no mark says what is wrong".to_owned());
    }
    if shown.len() != marks.len() {
        return Some(format!("{} errors instead of {}", shown.len(), marks.len()));
    }
    let mut unmatched: Vec<&Shown> = shown.iter().collect();
    for (line, text) in marks {
        let says = |error: &Shown| text.split(" .. ").all(|part| error.text.contains(part));
        let found = unmatched.iter().position(|error| error.line == line && says(error));
        match found {
            Some(at) => drop(unmatched.remove(at)),
            None => return Some(format!("line {line}: no error says {text:?}")),
        }
    }
    None
}

/// The errors of every file, by its name.
fn errors() -> BTreeMap<String, Vec<Shown>> {
    parse(&once("ui", &["tests/ui"], || compile(&kept().join("ui"))))
}

/// Compiles all files at once, each a program of one package; gives what the compiler said.
fn compile(package: &Path) -> String {
    let mut manifest = format!(
        "[package]\nname = \"ui\"\nedition = \"2024\"\nautobins = false\n\n{}\n[workspace]\n",
        dependencies("mp")
    );
    for name in FILES {
        let path = folder().join(name).with_extension("rs");
        let path = path.display();
        manifest.push_str(&format!("\n[[bin]]\nname = \"{name}\"\npath = \"{path}\"\n"));
    }
    write(&package.join("Cargo.toml"), &manifest);
    fs::copy(repository().join("Cargo.lock"), package.join("Cargo.lock")).expect("it is there");
    let mut command = cargo(package);
    let outcome = Outcome::of(command.args(["check", "--bins", "--keep-going"]));
    let refused = outcome.stderr.contains("could not compile `ui`");
    assert!(refused && outcome.code == Some(101), "cargo check: {outcome:#?}");
    outcome.stderr
}

/// Takes the compiler's output apart: an error begins with its message and ends with an empty line.
fn parse(text: &str) -> BTreeMap<String, Vec<Shown>> {
    let mut errors: BTreeMap<String, Vec<Shown>> = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        // Cargo's summary of a program may have another's error on its heels.
        let summary = line.starts_with("error: could not compile");
        if summary || !line.starts_with("error: ") && !line.starts_with("error[") {
            continue;
        }
        let rest = lines.by_ref().take_while(|line| !line.is_empty());
        let block: Vec<&str> = [line].into_iter().chain(rest).collect();
        if let Some((name, line)) = block.iter().find_map(|line| place(line)) {
            let quoted = |line: &&str| line.split(MARK).next().unwrap_or_default().to_owned();
            let text: Vec<String> = block.iter().map(quoted).collect();
            errors.entry(name).or_default().push(Shown { line, text: text.join("\n") });
        }
    }
    errors
}

/// File and line of ` --> /path/to/file.rs:3:14`.
fn place(line: &str) -> Option<(String, usize)> {
    let mut parts = line.trim_start().strip_prefix("--> ")?.rsplitn(3, ':');
    let _column = parts.next()?;
    let line = parts.next()?.parse().ok()?;
    let name = Path::new(parts.next()?).file_stem()?.to_str()?;
    Some((name.to_owned(), line))
}

#[test]
fn every_file_has_a_test() {
    let entries = fs::read_dir(folder()).expect("tests/ui is there");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("readable").path())
        .map(|path| path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned())
        .collect();
    let mut tests = FILES.to_vec();
    names.sort();
    tests.sort_unstable();
    assert_eq!(names, tests, "left: tests/ui; right: `ui!`");
}

#[test]
fn errors_are_told_apart() {
    let text = "   Compiling ui\n\
        error[E0277]: `u8` is not a task\n --> /r/tests/ui/a.rs:3:5\n  |\n3 |   x //~ mark\n\n\
        warning: unused\n --> /r/tests/ui/a.rs:4:1\n\n\
        error: two\n  --> /r/tests/ui/b.rs:12:1\n  |\n  = note: because\n\n\
        error: could not compile `ui` (bin \"a\") due to 1 previous error\n";
    let errors = parse(text);
    let text = "error[E0277]: `u8` is not a task\n --> /r/tests/ui/a.rs:3:5\n  |\n3 |   x ";
    assert_eq!(errors["a"], [Shown { line: 3, text: text.to_owned() }]);
    assert_eq!(errors["b"][0].line, 12);
    assert_eq!(errors.len(), 2);
}

#[test]
fn what_does_not_fit_is_told() {
    let error = |line, text: &str| Shown { line, text: text.to_owned() };
    let source = "fn f() {}\nbad(); //~ is not a task .. put it there\n";
    let fits = error(2, "`x` is not a task\nnote: put it there");
    assert_eq!(compare(source, &[fits]), None);
    for (shown, problem) in [
        (vec![], "0 errors instead of 1"),
        (vec![error(1, "is not a task, put it there")], "line 2: no error says"),
        (vec![error(2, "is not a task")], "line 2: no error says"),
        (vec![error(2, "is not a task, put it there"), error(2, "more")], "2 errors instead of 1"),
    ] {
        let told = compare(source, &shown).expect("a problem");
        assert!(told.contains(problem), "{told}");
    }
    assert!(compare("fn f() {}", &[error(1, "x")]).is_some_and(|told| told.contains("no mark")));
}
