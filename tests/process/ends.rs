//! How a process ends: its exit code, and what a panic leaves on standard error.

use std::process;

use crate::support::{kill, scenario, watchdog};
use crate::{LONG, own_pid};

#[mp::task]
pub fn exits(code: i32) {
    process::exit(code);
}

#[mp::task]
fn aborts() {
    process::abort();
}

/// Sends itself a signal until it dies of it.
#[mp::task]
fn dies_of(signal: i32) {
    loop {
        kill(own_pid(), signal).expect("that is this process");
    }
}

#[mp::task]
fn panics() {
    panic!("as planned");
}

#[mp::test]
fn proc_16_exit_codes() {
    watchdog(LONG, || {
        let code_of = |process: mp::Result<mp::Process<exits>>| {
            let process = process.expect("it starts");
            process.join().expect("join is Ok however it ended");
            process.exit_code().expect("it has ended")
        };
        assert_eq!(code_of(mp::spawn(exits, 0)), 0);
        assert_eq!(code_of(mp::spawn(exits, 7)), 7);
        assert_eq!(code_of(mp::spawn(exits, 300)), 44);
        assert_eq!(code_of(mp::spawn(exits, -1)), 255);
        let returns = mp::spawn(crate::nothing, ()).expect("it starts");
        returns.join().expect("join is Ok however it ended");
        assert_eq!(returns.exit_code(), Some(0));
    });
}

#[mp::test]
fn proc_16_exit_code_of_a_signal_is_its_negative() {
    watchdog(LONG, || {
        let signals = [libc::SIGSEGV, libc::SIGKILL, libc::SIGUSR1, libc::SIGINT, libc::SIGRTMAX()];
        for signal in signals {
            let process = mp::spawn(dies_of, signal).expect("it starts");
            process.join().expect("join is Ok however it ended");
            assert_eq!(process.exit_code(), Some(-signal));
        }
        let aborted = mp::spawn(aborts, ()).expect("it starts");
        aborted.join().expect("join is Ok however it ended");
        assert_eq!(aborted.exit_code(), Some(-6));
    });
}

/// The line of the `panic!` below.
const PANIC_LINE: u32 = line!() + 6;
const END: &str = "the end of it";

#[mp::task]
fn panics_at_length(length: usize) {
    let text = "x".repeat(length);
    panic!("{text} {END}");
}

#[mp::test]
fn proc_17_a_panic_is_printed_with_the_process_and_exits_101() {
    let program = scenario!(|| {
        mp::spawn(crate::nothing, ()).expect("it starts").join().expect("it was started");
        let process = mp::spawn(panics_at_length, 3).expect("it starts");
        process.join().expect("join is Ok however it ended");
        assert_eq!(process.exit_code(), Some(101));
    });
    let finished = program.env("RUST_BACKTRACE", "0").run();
    finished.assert_success();
    let lines: Vec<&str> = finished.stderr.lines().filter(|line| !line.is_empty()).collect();
    let [name, place, message, ..] = lines[..] else { panic!("{}", finished.stderr) };
    assert_eq!(name, "Process Process-2:");
    let expected = format!(" panicked at {}:{PANIC_LINE}:", file!());
    assert!(place.contains(&expected), "{place:?} says {expected:?}");
    assert_eq!(message, format!("xxx {END}"));
}

/// Longer than a pipe holds, and read while the child writes: nothing of it is lost at the end.
#[mp::test]
fn proc_17_a_panic_message_is_completely_written() {
    let program = scenario!(|| {
        let mut process = mp::Process::new(panics_at_length, 300_000).with_name("longwinded");
        process.start().expect("it starts");
        process.join().expect("join is Ok however it ended");
        assert_eq!(process.exit_code(), Some(101));
    });
    let finished = program.run();
    finished.assert_success();
    assert!(finished.stderr.contains("Process longwinded:\n"));
    let whole = format!("{} {END}\n", "x".repeat(300_000));
    assert!(finished.stderr.contains(&whole), "{} bytes", finished.stderr.len());
}

/// What the task leaves to its caller is told there, and not on standard error as well.
#[mp::test]
fn proc_17_a_panic_in_a_pool_prints_nothing() {
    let program = scenario!(|| {
        let pool = mp::Pool::new(1).expect("it starts");
        let error = pool.apply(panics, ()).expect_err("it panics");
        assert_eq!(error.panic().expect("a panic").message(), "as planned");
        pool.close();
        pool.join().expect("it is closed");
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.stderr, "");
}

#[derive(Debug, serde::Serialize, serde::Deserialize, PartialEq)]
struct Refusal {
    reason: String,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Mute(i32);

/// The macro sees no `Result` here.
type Answer<T> = Result<T, Refusal>;

#[mp::task]
fn answers(ok: bool) -> Answer<i32> {
    if ok { Ok(5) } else { Err(Refusal { reason: "as planned".to_owned() }) }
}

#[mp::task]
fn fails_without_a_word() -> Result<(), Mute> {
    Err(Mute(7))
}

#[mp::test]
fn proc_18_a_returned_error_exits_1_and_is_printed() {
    let program = scenario!(|| {
        let refused = mp::spawn(answers, false).expect("it starts");
        let error = refused.result().expect("the value comes back").expect_err("it is an Err");
        assert_eq!(error, Refusal { reason: "as planned".to_owned() });
        assert_eq!(refused.exit_code(), Some(1));
        let mute = mp::spawn(fails_without_a_word, ()).expect("it starts");
        assert_eq!(mute.result().expect("the value comes back").expect_err("an Err").0, 7);
        assert_eq!(mute.exit_code(), Some(1));
        let fine = mp::spawn(answers, true).expect("it starts");
        assert_eq!(fine.result().expect("the value comes back"), Ok(5));
        assert_eq!(fine.exit_code(), Some(0));
    });
    let finished = program.run();
    finished.assert_success();
    let lines: Vec<&str> = finished.stderr.lines().collect();
    let [refused, mute] = lines[..] else { panic!("{}", finished.stderr) };
    assert!(refused.starts_with("Process Process-1: "), "{refused}");
    assert!(refused.ends_with("::answers returned Err: Refusal { reason: \"as planned\" }"));
    assert!(mute.starts_with("Process Process-2: ") && mute.contains("no Debug"), "{mute}");
}

#[mp::test]
fn proc_18_a_returned_error_is_a_value_in_a_pool() {
    let program = scenario!(|| {
        let pool = mp::Pool::new(1).expect("it starts");
        assert!(pool.apply(answers, false).expect("it returns").is_err());
        let worker = mp::active_children().pop().expect("a worker");
        pool.close();
        pool.join().expect("it is closed");
        assert_eq!(worker.exit_code(), Some(0));
        assert!(mp::Process::new(answers, false).run().expect("it runs").is_err());
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.stderr, "");
}
