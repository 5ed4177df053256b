//! What is loaded in the server before it forks, and what can go wrong with that.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process, thread};

use mp::ErrorKind;
use mp::StartMethod::{ForkServer, Reexec};
use mp::fork_server::preload;

use crate::support::{process_exists, scenario, scenario_main, wait_until};
use crate::{LONG, kernel, own_pid, run};

static WORDS: OnceLock<Vec<String>> = OnceLock::new();
static COUNT: AtomicU32 = AtomicU32::new(0);

#[mp::task]
fn load(text: &str) {
    WORDS.get_or_init(|| text.split(' ').map(String::from).collect());
    COUNT.fetch_add(1, Ordering::Relaxed);
}

#[mp::task]
fn look() -> (Option<usize>, u32) {
    (WORDS.get().map(Vec::len), COUNT.fetch_add(1, Ordering::Relaxed))
}

#[mp::test]
fn task_12_a_child_has_what_preload_left() {
    let program = scenario_main!(|| {
        // A program that has changed a static itself, to no effect there.
        COUNT.store(50, Ordering::Relaxed);
        run(ForkServer, look, ());
        preload(load, "one two three").expect("it can be encoded");
        preload(load, "four").expect("it can be encoded");
        for _ in 0..3 {
            // Each counts on for itself.
            assert_eq!(run(ForkServer, look, ()), (Some(3), 2));
        }
        let pool = mp::Pool::builder().processes(1).start_method(ForkServer).build();
        let pool = pool.expect("it starts");
        assert_eq!(pool.apply(look, ()).expect("it returns"), (Some(3), 2));
        assert_eq!(pool.apply(look, ()).expect("it returns"), (Some(3), 3));
        assert_eq!(run(Reexec, look, ()), (None, 0));
        assert_eq!((WORDS.get(), COUNT.load(Ordering::Relaxed)), (None, 50));
    });
    program.run().assert_success();
}

#[mp::test]
fn task_12_a_new_server_has_it_too() {
    let program = scenario!(|| {
        preload(load, "one two three").expect("it can be encoded");
        assert_eq!(run(ForkServer, look, ()), (Some(3), 1));
        mp::fork_server::stop();
        assert_eq!(run(ForkServer, look, ()), (Some(3), 1));
    });
    program.run().assert_success();
}

#[mp::task]
fn prints_without_an_end() {
    print!("preloaded here,");
    kernel::put_into_c_stdout(c"and here,");
}

#[mp::task]
fn prints(text: &str) {
    println!("{text}");
}

#[mp::test]
fn proc_19_text_of_a_preload_is_written_once() {
    let program = scenario!(|| {
        preload(prints_without_an_end, ()).expect("it can be encoded");
        for text in ["first", "second", "third"] {
            run(ForkServer, prints, text);
        }
    });
    let finished = program.run();
    finished.assert_success();
    let text = &finished.stdout;
    assert_eq!(text.matches("preloaded here,").count(), 1, "{text}");
    assert_eq!(text.matches("and here,").count(), 1, "{text}");
}

#[mp::task]
fn panics() {
    panic!("no data");
}

#[mp::task]
fn leaves_a_thread() {
    thread::spawn(|| {
        loop {
            thread::park();
        }
    });
}

#[mp::task]
fn joins_a_thread() {
    thread::spawn(|| COUNT.fetch_add(1, Ordering::Relaxed)).join().expect("it returns");
}

#[mp::task]
fn exits() {
    process::exit(7);
}

#[mp::task]
fn aborts() {
    process::abort();
}

/// What the first start says, and the second, which tries again.
fn errors() -> [mp::Error; 2] {
    let mut process = mp::Process::new(look, ()).with_start_method(ForkServer);
    let first = process.start().expect_err("it cannot be loaded");
    let pool = mp::Pool::builder().processes(2).start_method(ForkServer).build();
    assert!(mp::active_children().is_empty());
    [first, pool.map(drop).expect_err("it cannot be loaded")]
}

#[mp::test]
fn task_12_a_preload_that_panics_is_an_error_of_the_start() {
    let program = scenario!(|| {
        preload(panics, ()).expect("it can be encoded");
        for error in errors() {
            assert_eq!(error.kind(), ErrorKind::Panicked);
            assert_eq!(error.panic().expect("it is one").message(), "no data");
            assert!(error.to_string().contains("preloaded::panics"), "{error}");
        }
        assert_eq!(mp::fork_server::start().expect_err("as before").kind(), ErrorKind::Panicked);
        // Others do not need it.
        assert_eq!(run(Reexec, look, ()), (None, 0));
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.stderr, "", "the error has it all");
}

#[mp::test]
fn task_12_a_preload_that_leaves_a_thread_is_named() {
    let program = scenario!(|| {
        preload(joins_a_thread, ()).expect("it can be encoded");
        assert_eq!(run(ForkServer, look, ()), (None, 1));
        preload(leaves_a_thread, ()).expect("it can be encoded");
        for error in errors() {
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            let text = error.to_string();
            assert!(text.contains("leaves_a_thread") && text.contains("thread running"), "{text}");
        }
    });
    program.run().assert_success();
}

#[mp::test]
fn task_12_a_preload_that_ends_the_server_is_an_error_of_the_start() {
    let program = scenario!(|| {
        let ends = env::var("ENDS").expect("it is set");
        let code = if ends == "exits" {
            preload(exits, ()).expect("it can be encoded");
            7
        } else {
            preload(aborts, ()).expect("it can be encoded");
            -6
        };
        for error in errors() {
            assert_eq!(error.kind(), ErrorKind::WorkerDied);
            let exit = error.worker().expect("it was one");
            assert_eq!((exit.exit_code(), exit.name()), (code, "mp-fork-server"));
            assert!(!process_exists(exit.pid().cast_signed()));
            assert!(error.to_string().contains(&ends), "{error}");
        }
    });
    program.clone().env("ENDS", "exits").run().assert_success();
    program.env("ENDS", "aborts").run().assert_success();
}

#[mp::task]
fn has_a_child() {
    static CHILD: OnceLock<mp::Process<stays>> = OnceLock::new();
    CHILD.get_or_init(|| mp::spawn(stays, ()).expect("it starts"));
}

#[mp::task]
fn stays() {
    loop {
        thread::park();
    }
}

/// Those that it sees, and how many it has after a start.
#[mp::task]
fn starts_one_more() -> (usize, usize) {
    let seen = mp::active_children().len();
    let child = mp::spawn(stays, ()).expect("it starts");
    let seen = (seen, mp::active_children().len());
    child.kill().expect("it was started");
    seen
}

#[mp::test]
fn proc_28_what_a_preload_has_started_is_no_child_of_forked_ones() {
    let program = scenario!(|| {
        preload(has_a_child, ()).expect("it can be encoded");
        // At its end it waits for its own child, and for no other.
        assert_eq!(run(ForkServer, starts_one_more, ()), (0, 1));
    });
    program.run().assert_success();
}

#[mp::task]
fn opens(path: &str) {
    static FILE: OnceLock<fs::File> = OnceLock::new();
    FILE.get_or_init(|| OpenOptions::new().append(true).open(path).expect("it is there"));
    WORDS.get_or_init(Vec::new);
    let mut file = FILE.get().expect("it is set");
    file.write_all(b"x").expect("there is room");
}

#[mp::test]
fn task_12_a_file_that_a_preload_has_opened_is_open_in_children() {
    let program = scenario!(|| {
        let path = env::temp_dir().join("opened");
        let text = path.to_str().expect("it is text");
        fs::write(&path, "").expect("it can be made");
        preload(opens, text).expect("it can be encoded");
        mp::fork_server::start().expect("it starts");
        // Not by its name any more.
        run(ForkServer, opens, "/nowhere");
        assert_eq!(fs::read(&path).expect("it is there"), b"xx");
        fs::remove_file(path).expect("it is there");
    });
    program.run().assert_success();
}

/// Shares of memory, not copies: what a child has besides is less than what was loaded.
#[mp::task]
fn private_kilobytes() -> u64 {
    assert_eq!(WORDS.get().map(Vec::len), Some(1));
    let text = fs::read_to_string("/proc/self/smaps_rollup").expect("it is there");
    let lines = text.lines().filter(|line| line.starts_with("Private_Dirty:"));
    lines.filter_map(|line| line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok()).sum()
}

#[mp::test]
fn task_12_what_preload_left_is_shared_not_copied() {
    let program = scenario!(|| {
        let large = "x".repeat(32 << 20);
        preload(load, &large).expect("it can be encoded");
        assert!(run(ForkServer, private_kilobytes, ()) < 8 << 10);
        wait_until(LONG, "nothing is left", || mp::active_children().is_empty());
        assert!(process_exists(own_pid()));
    });
    program.run().assert_success();
}
