//! What a child finds: its parent's environment and what `with_env` puts over it (TASK-11), the working directory
//! (TASK-10), statics as they were built (TASK-12).
//! What the parent changes after its start needs a program without threads, in `outside.rs`.

use super::LIMIT;
use super::support::{scenario, watchdog};
use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

#[mp::task]
fn variable(name: OsString) -> Option<OsString> {
    env::var_os(name)
}

fn in_process(name: &str, overrides: &[(&str, &str)]) -> Option<OsString> {
    let mut process = mp::Process::new(variable, name.into());
    for (name, value) in overrides {
        process = process.with_env(name, value);
    }
    process.start().expect("a start");
    process.result().expect("a value")
}

#[mp::test]
fn task_11_child_sees_its_parents_environment() {
    let program = scenario!(|| {
        for name in ["GIVEN", "EMPTY", "ODD", "ABSENT"] {
            let here = env::var_os(name);
            println!("{name} {here:?}");
            assert_eq!(in_process(name, &[]), here);
            let pool = mp::Pool::new(1).expect("a pool");
            assert_eq!(pool.apply(variable, name.into()).expect("a value"), here);
        }
    });
    let odd = OsStr::from_bytes(b"a=b\xff\n");
    let finished = program.env("GIVEN", "given").env("EMPTY", "").env("ODD", odd).run();
    finished.assert_success();
    assert_eq!(finished.value("GIVEN "), "Some(\"given\")");
    assert_eq!(finished.value("EMPTY "), "Some(\"\")");
    assert_eq!(finished.value("ODD "), "Some(\"a=b\\xFF\\n\")");
    assert_eq!(finished.value("ABSENT "), "None");
}

#[mp::test]
fn task_11_override_is_seen_by_that_child_only() {
    let program = scenario!(|| {
        let parents = Some(OsString::from("the parent's"));
        assert_eq!(env::var_os("KEY"), parents);
        assert_eq!(in_process("KEY", &[("KEY", "one's")]), Some("one's".into()));
        assert_eq!(in_process("KEY", &[("KEY", "two's"), ("OTHER", "x")]), Some("two's".into()));
        // Neither siblings nor the parent nor a pool's workers.
        assert_eq!(in_process("KEY", &[("OTHER", "x")]), parents);
        assert_eq!(in_process("OTHER", &[("KEY", "x")]), None);
        let pool = mp::Pool::new(1).expect("a pool");
        assert_eq!(pool.apply(variable, "KEY".into()).expect("a value"), parents);
        assert_eq!(env::var_os("KEY"), parents);
        assert_eq!(env::var_os("OTHER"), None);
    });
    program.env("KEY", "the parent's").run().assert_success();
}

#[mp::test]
fn task_11_override_reaches_the_childs_children() {
    #[mp::task]
    fn in_child(name: OsString) -> Option<OsString> {
        mp::spawn(variable, name).expect("a process").result().expect("a value")
    }
    let value = watchdog(LIMIT, || {
        let name = OsString::from("MP_TEST_HANDED_DOWN");
        let mut process = mp::Process::new(in_child, name.clone()).with_env(name, "down");
        process.start()?;
        process.result()
    });
    assert_eq!(value.expect("a value"), Some("down".into()));
}

#[mp::test]
fn task_11_last_override_counts() {
    let value =
        watchdog(LIMIT, || in_process("TWICE", &[("TWICE", "1"), ("X", ""), ("TWICE", "2")]));
    assert_eq!(value, Some("2".into()));
}

#[mp::test]
fn task_11_override_may_hold_anything_but_nul() {
    watchdog(LIMIT, || {
        let value = OsString::from_vec(b"\xfe = x\n".to_vec());
        let mut process = mp::Process::new(variable, "ODD".into()).with_env("ODD", value.clone());
        process.start().expect("a start");
        assert_eq!(process.result().expect("a value"), Some(value));
    });
}

#[mp::test]
fn task_11_what_cannot_be_a_variable_is_refused_with_what_was_given() {
    watchdog(LIMIT, || {
        for (name, value) in [("", "x"), ("A=B", "x"), ("A\0", "x"), ("A", "x\0y")] {
            let mut process = mp::Process::new(variable, "A".into()).with_env(name, value);
            let error = process.start().unwrap_err();
            assert_eq!(error.kind(), mp::ErrorKind::InvalidArgument);
            assert!(error.to_string().starts_with(&format!("{name:?}={value:?}")), "{error}");
            assert_eq!(process.pid(), None);
        }
        let ours = in_process("A", &[("A", "given"), ("MP_RS_CHILD", "7")]);
        assert_eq!(ours.expect("it is there"), "given", "our own variable cannot be set");
    });
}

#[mp::task]
fn directory() -> PathBuf {
    env::current_dir().expect("there is one")
}

#[mp::test]
fn task_10_the_working_directory_is_the_parents_at_the_start() {
    let program = scenario!(|| {
        let here = env::current_dir().expect("there is one");
        let mut later = mp::Process::new(directory, ());
        assert_eq!(mp::spawn(directory, ()).expect("a start").result().expect("a value"), here);
        let other = env::temp_dir().canonicalize().expect("it is there");
        assert_ne!(here, other);
        env::set_current_dir(&other).expect("it is there");
        later.start().expect("a start");
        assert_eq!(later.result().expect("a value"), other);
        let pool = mp::Pool::new(1).expect("a pool");
        assert_eq!(pool.apply(directory, ()).expect("a value"), other);
    });
    program.run().assert_success();
}

static COUNT: AtomicU32 = AtomicU32::new(5);

#[mp::task]
fn count() -> u32 {
    COUNT.fetch_add(1, Ordering::Relaxed)
}

#[mp::test]
fn task_12_statics_are_each_processs_own() {
    let program = scenario!(|| {
        COUNT.store(100, Ordering::Relaxed);
        for _ in 0..2 {
            let counted = mp::spawn(count, ()).expect("a start").result().expect("a value");
            assert_eq!(counted, 5, "as it was built, not as the parent left it");
        }
        let pool = mp::Pool::new(1).expect("a pool");
        for counted in [5, 6] {
            assert_eq!(pool.apply(count, ()).expect("a value"), counted, "the worker's own");
        }
        assert_eq!(COUNT.load(Ordering::Relaxed), 100);
    });
    program.run().assert_success();
}
