//! Calling a task here (TASK-01) and having it run elsewhere (TASK-02), with parameters of every form.
//! What values survive the way is in `values`.

use super::support::{Footprint, scenario, watchdog};
use super::{LIMIT, everywhere};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{fs, process, thread};

static CALLS: AtomicU32 = AtomicU32::new(0);

/// Its process, and the calls that this process has seen.
#[mp::task]
fn count_here() -> (u32, u32) {
    (process::id(), CALLS.fetch_add(1, Ordering::Relaxed) + 1)
}

#[mp::task]
fn double(n: i64) -> i64 {
    2 * n
}

#[mp::task]
#[rustfmt::skip]
#[expect(clippy::too_many_arguments, reason = "as many as there may be")]
fn join_twelve(
    a: u8, b: i16, c: char, d: &str, e: bool, f: String, g: Option<u8>, h: (), i: &[u8],
    j: (u8, u8), k: Vec<u8>, l: f32,
) -> String {
    format!("{a} {b} {c} {d} {e} {f} {g:?} {h:?} {i:?} {j:?} {k:?} {l}")
}

const TWELVE: &str = "1 -2 c four true six Some(7) () [9, 9] (10, 10) [11] 12.5";

#[mp::test]
fn task_01_call_runs_here_and_starts_no_process() {
    let program = scenario!(|| {
        let before = Footprint::now();
        assert_eq!(count_here(), (process::id(), 1));
        assert_eq!(count_here(), (process::id(), 2));
        assert_eq!(CALLS.load(Ordering::Relaxed), 2);
        assert!(mp::active_children().is_empty());
        assert_eq!(before, Footprint::now());
    });
    program.run().assert_success();
}

#[mp::test]
fn task_01_call_takes_what_the_function_takes() {
    assert_eq!(double(21), 42);
    let (d, i) = (String::from("four"), vec![9, 9]);
    let text =
        join_twelve(1, -2, 'c', &d, true, "six".into(), Some(7), (), &i, (10, 10), vec![11], 12.5);
    assert_eq!(text, TWELVE);
}

#[mp::test]
fn task_01_stands_where_a_function_stands() {
    assert_eq!([1, 2].map(*double), [2, 4]);
    assert_eq!([1, 2].map(|n| double(n) + 1), [3, 5]);
    let pointer: fn(i64) -> i64 = *double;
    assert_eq!(pointer(3), 6);
    let tasks = [double; 2];
    assert_eq!(tasks[1](4), 8);
    let here = thread::spawn(count_here_of(count_here)).join().expect("no panic");
    assert_eq!(here, process::id());
}

fn count_here_of(task: count_here) -> impl FnOnce() -> u32 {
    move || task().0
}

#[mp::test]
fn task_02_runs_in_another_process() {
    watchdog(LIMIT, || {
        let running = mp::spawn(count_here, ()).expect("a process");
        let pid = running.pid().expect("it runs");
        assert_eq!(running.result().expect("a value"), (pid, 1));
        assert_ne!(pid, process::id());

        let pool = mp::Pool::new(1).expect("a pool");
        let (worker, first) = pool.apply(count_here, ()).expect("a value");
        assert!(worker != process::id() && worker != pid);
        assert_eq!((worker, first + 1), pool.apply(count_here, ()).expect("a value"));
    });
}

#[mp::test]
fn task_02_effects_are_seen_here() {
    #[mp::task]
    fn append(path: &str, line: &str) {
        let file = fs::File::options().append(true).create(true).open(path);
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("writable");
    }
    watchdog(LIMIT, || {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        let path = path.to_str().expect("a plain name");
        mp::spawn(append, (path, "one\n")).expect("a process").result().expect("a value");
        let pool = mp::Pool::new(1).expect("a pool");
        pool.apply(append, (path, "two\n")).expect("a value");
        assert_eq!(fs::read_to_string(path).expect("they have written it"), "one\ntwo\n");
    });
}

#[mp::test]
fn task_02_twelve_parameters_arrive_in_order() {
    let given = || {
        let f = String::from("six");
        let (d, i): (&'static str, &'static [u8]) = ("four", &[9, 9]);
        (1, -2, 'c', d, true, f, Some(7), (), i, (10, 10), vec![11], 12.5)
    };
    assert_eq!(everywhere(join_twelve, given), [TWELVE, TWELVE]);
}

#[derive(Serialize, Deserialize)]
struct Point {
    x: i32,
    y: i32,
}

#[mp::test]
fn task_02_parameters_can_be_patterns() {
    #[mp::task]
    fn sum((a, b): (i32, i32), Point { x, y: far }: Point, [c, .., d]: [i32; 3], _: u8) -> i32 {
        1000 * (a + b) + 100 * (x + far) + c + d
    }
    #[mp::task]
    fn count_down(mut n: u32) -> u32 {
        while n > 3 {
            n -= 1;
        }
        n
    }
    assert_eq!(sum((1, 2), Point { x: 3, y: 4 }, [5, 9, 6], 0), 3711);
    let given = || ((1, 2), Point { x: 3, y: 4 }, [5, 9, 6], 0);
    assert_eq!(everywhere(sum, given), [3711, 3711]);
    assert_eq!(everywhere(count_down, || 9), [3, 3]);
}

#[mp::test]
fn task_02_parameters_can_borrow() {
    #[mp::task]
    fn lengths(
        one: &str,
        bytes: &[u8],
        many: Vec<&str>,
        some: Option<(&str, &[u8])>,
    ) -> [usize; 5] {
        let (text, last) = some.unwrap_or_default();
        [one.len(), bytes.len(), many.concat().len(), text.len(), last.len()]
    }
    #[mp::task]
    fn borrowed(text: std::borrow::Cow<'_, str>) -> String {
        text.into_owned()
    }
    watchdog(LIMIT, || {
        let pool = mp::Pool::new(1).expect("a pool");
        // What the caller borrows from lives no longer than the call that submits.
        let handle = {
            let (text, bytes) = (String::from("four"), vec![0_u8; 3]);
            let some = Some((&text[1..], &bytes[..2]));
            pool.submit(lengths, (&text, &bytes, vec![&text, "x"], some))
        };
        assert_eq!(handle.get().expect("a value"), [4, 3, 5, 3, 2]);
        let none = mp::spawn(lengths, ("", &[], vec![], None)).expect("a process").result();
        assert_eq!(none.expect("a value"), [0; 5]);
        assert_eq!(pool.apply(borrowed, "cow".into()).expect("a value"), "cow");
    });
}

#[mp::test]
fn task_02_result_of_a_task_is_a_value() {
    #[mp::task]
    fn parse(text: &str) -> Result<i64, String> {
        text.parse().map_err(|error| format!("{text:?}: {error}"))
    }
    assert_eq!(everywhere(parse, || "12"), [Ok(12), Ok(12)]);
    let error = Err("\"x\": invalid digit found in string".to_owned());
    assert_eq!(everywhere(parse, || "x"), [error.clone(), error]);
}

#[mp::test]
fn task_02_an_error_of_ours_is_a_result_too() {
    #[mp::task]
    fn panics() {
        panic!("in the innermost");
    }
    #[mp::task]
    fn fails(how: u8) -> mp::Result<u8> {
        match how {
            0 => mp::SharedMemory::attach("mp-test-none").map(|_| how),
            1 => mp::spawn(panics, ())?.result().map(|()| how),
            2 => mp::SharedMemory::create(None, usize::MAX).map(|_| how),
            how => Ok(how),
        }
    }
    watchdog(LIMIT, || {
        let pool = mp::Pool::new(1).expect("a pool");
        let ask = |how| pool.apply(fails, how).expect("it returns");
        assert_eq!(ask(7).expect("nothing went wrong"), 7);
        assert_eq!(ask(0).unwrap_err().kind(), mp::ErrorKind::NotFound);
        let panicked = ask(1).unwrap_err();
        let panic = panicked.panic().expect("it says which");
        assert_eq!(panic.message(), "in the innermost");
        assert!(panic.location().contains("calls.rs"), "{panic:?}");
        // Whatever it was there, it reads the same here.
        let (here, there) = (fails(2).unwrap_err(), ask(2).unwrap_err());
        assert_eq!((here.kind(), format!("{here:?}")), (there.kind(), format!("{there:?}")));
        assert!(std::error::Error::source(&there).is_some());
    });
}

#[mp::test]
fn task_02_generic_code_takes_any_task() {
    fn twice<T>(pool: &mp::Pool, task: T, n: i64) -> mp::Result<i64>
    where
        T: for<'a> mp::Task<Args<'a> = i64, Output = i64>,
    {
        pool.apply(task, pool.apply(task, n)?)
    }
    watchdog(LIMIT, || {
        let pool = mp::Pool::new(1).expect("a pool");
        assert_eq!(twice(&pool, double, 3).expect("a value"), 12);
    });
}

#[mp::test]
fn task_02_many_tasks_at_once_each_get_their_own() {
    watchdog(LIMIT, || {
        let processes: Vec<_> =
            (0..10).map(|n| (n, mp::spawn(double, n).expect("a process"))).collect();
        for (n, process) in processes {
            assert!(process.join_timeout(Duration::from_secs(20)).expect("it was started"));
            assert_eq!(process.exit_code(), Some(0));
            assert_eq!(process.result().expect("a value"), 2 * n);
        }
    });
}
