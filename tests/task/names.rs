//! Which function a name stands for: by place, not by name alone (TASK-05), and whatever it is called.
//! Names that are refused at the start need a program of their own, in `outside.rs`.

use super::support::watchdog;
use super::{LIMIT, everywhere};
use mp::Task;
use std::process;

fn name_of<T: Task>(_: T) -> &'static str {
    T::NAME
}

#[mp::task]
fn same() -> String {
    "the file's".into()
}

mod inner {
    //! Has a task of the same name.

    #[mp::task]
    pub fn same() -> String {
        "the inner module's".into()
    }

    pub mod deeper {
        //! And once more.

        #[mp::task]
        pub(crate) fn same() -> String {
            "the deeper module's".into()
        }
    }
}

#[mp::test]
fn task_05_equal_names_in_different_modules() {
    assert_eq!(everywhere(same, || ()), ["the file's"; 2]);
    assert_eq!(everywhere(inner::same, || ()), ["the inner module's"; 2]);
    assert_eq!(everywhere(inner::deeper::same, || ()), ["the deeper module's"; 2]);
    assert_eq!(name_of(same), "task::names::same");
    assert_eq!(name_of(inner::deeper::same), "task::names::inner::deeper::same");
}

#[mp::test]
fn task_05_equal_names_nested_in_two_tests_one() {
    #[mp::task]
    fn same() -> String {
        "the first test's".into()
    }
    assert_eq!(everywhere(same, || ()), ["the first test's"; 2]);
    // As the task outside: the name is for people.
    assert_eq!(name_of(same), "task::names::same");
}

#[mp::test]
fn task_05_equal_names_nested_in_two_tests_two() {
    #[mp::task]
    fn same() -> String {
        "the second test's".into()
    }
    assert_eq!(everywhere(same, || ()), ["the second test's"; 2]);
}

/// Two tasks, of one type name, in two blocks of one function.
fn in_blocks() -> ([String; 2], [String; 2]) {
    let one = {
        #[mp::task]
        fn same() -> String {
            "the first block's".into()
        }
        everywhere(same, || ())
    };
    let two = {
        #[mp::task]
        fn same() -> String {
            "the second block's".into()
        }
        everywhere(same, || ())
    };
    (one, two)
}

#[mp::test]
fn task_05_equal_names_in_two_blocks() {
    let (one, two) = in_blocks();
    assert_eq!(one, ["the first block's"; 2]);
    assert_eq!(two, ["the second block's"; 2]);
}

macro_rules! same {
    ($text:literal) => {{
        #[mp::task]
        fn same() -> String {
            $text.into()
        }
        everywhere(same, || ())
    }};
}

#[mp::test]
fn task_05_equal_names_on_one_line() {
    // Only the column differs.
    assert_eq!((same!("a"), same!("b")), (["a"; 2].map(String::from), ["b"; 2].map(String::from)));
}

#[mp::test]
fn task_05_given_name_is_the_name() {
    #[mp::task(name = "resize images")]
    fn resize(n: u32) -> u32 {
        assert!(n != 0, "nothing to do");
        n / 2
    }
    assert_eq!(everywhere(resize, || 8), [4, 4]);
    assert_eq!(name_of(resize), "resize images");
    assert_eq!(format!("{resize:?}"), "resize images");
    let error = watchdog(LIMIT, || mp::spawn(resize, 0).expect("a process").result());
    let error = error.expect_err("it panics").to_string();
    assert!(error.contains("resize images"), "{error}");
}

#[mp::test]
fn task_05_given_name_may_be_anothers_path() {
    #[mp::task(name = "task::names::same")]
    fn pretender() -> String {
        "the pretender's".into()
    }
    assert_eq!(everywhere(pretender, || ()), ["the pretender's"; 2]);
    assert_eq!(everywhere(same, || ()), ["the file's"; 2]);
}

#[mp::task(as = Length)]
fn length(text: &str) -> usize {
    text.len()
}

#[mp::test]
fn task_05_task_apart_from_its_function() {
    // The function is one, so a variable can have its name.
    let pointer: fn(&str) -> usize = length;
    let length = pointer("four");
    assert_eq!(length, 4);
    assert_eq!(["a", "bc"].map(*Length), [1, 2]);
    assert_eq!(everywhere(Length, || "seven"), [5, 5]);
    assert_eq!(name_of(Length), "task::names::length");
}

#[mp::test]
fn task_05_imported_and_renamed() {
    use inner::deeper::same as deeper;
    use inner::same;
    assert_eq!(everywhere(same, || ()), ["the inner module's"; 2]);
    assert_eq!(everywhere(deeper, || ()), ["the deeper module's"; 2]);
}

#[mp::test]
fn task_05_keyword_as_name() {
    #[mp::task]
    fn r#match(r#in: u8) -> u8 {
        r#in + 1
    }
    assert_eq!(everywhere(r#match, || 1), [2, 2]);
    assert_eq!(name_of(r#match), "task::names::match");
}

#[mp::test]
fn task_05_absent_task_is_absent() {
    #[cfg(not(unix))]
    #[mp::task]
    fn chosen() -> NoSuchType {}

    #[mp::task]
    #[cfg(unix)]
    fn chosen() -> u8 {
        1
    }
    assert_eq!(everywhere(chosen, || ()), [1, 1]);
}

/// Calls itself, in whatever process it is.
#[mp::task]
fn factorial(n: u64) -> u64 {
    if n == 0 { 1 } else { n * factorial(n - 1) }
}

/// Starts itself, down to 0; gives the processes on the way.
#[mp::task]
fn generations(more: u32) -> Result<Vec<u32>, String> {
    let mut pids = match more {
        0 => Vec::new(),
        more => {
            let child = mp::spawn(generations, more - 1).and_then(|child| child.result());
            child.map_err(|error| format!("{error:?}"))??
        }
    };
    pids.push(process::id());
    Ok(pids)
}

#[mp::test]
fn task_05_task_that_calls_itself() {
    assert_eq!(everywhere(factorial, || 10), [3_628_800; 2]);
}

#[mp::test]
fn task_05_task_that_starts_itself() {
    for pids in everywhere(generations, || 3) {
        let mut pids = pids.expect("each started the next");
        pids.push(process::id());
        assert_eq!(pids.len(), 5);
        pids.sort_unstable();
        pids.dedup();
        assert_eq!(pids.len(), 5, "each in a process of its own");
    }
}
