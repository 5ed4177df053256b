//! Checks the repository itself: layers, unsafe code, lengths, words, lists. Each message says the mend.
//! What the compiler and clippy can check is left to them.

mod behaviours;
mod files;
mod layers;
mod lists;
mod python;
mod source;
mod unsafe_code;
mod words;

/// Fails with one line for each problem.
#[track_caller]
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "{} to mend:\n{}", problems.len(), problems.join("\n"));
}

/// Fails unless the check found exactly one problem in a bad sample, and this one.
#[track_caller]
fn assert_one(problems: &[String], expected: &str) {
    assert_eq!(problems.len(), 1, "problems: {problems:#?}");
    assert!(problems[0].contains(expected), "{}", problems[0]);
}
