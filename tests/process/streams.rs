//! What a child writes: once, however it is buffered, and to whatever stands there. What it reads is in `standard_input`.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::Command;

use crate::LONG;
use crate::kernel;
use crate::support::{scenario, watchdog};

#[mp::task]
fn leaves_text(text: &str) {
    print!("{text}");
}

#[mp::test]
fn proc_19_buffered_text_is_written_once() {
    let program = scenario!(|| {
        print!("of the parent, ");
        let process = mp::spawn(leaves_text, "of the child, ").expect("it starts");
        process.join().expect("it was started");
        assert_eq!(process.exit_code(), Some(0));
        println!("of the end");
    });
    let finished = program.run();
    finished.assert_success();
    let mut parts: Vec<&str> = finished.stdout.trim_end().split(", ").collect();
    parts.sort_unstable();
    assert_eq!(parts, ["of the child", "of the end", "of the parent"], "{}", finished.stdout);
}

/// Leaves text for the end to write, and tries the other one at once.
#[mp::task]
fn writes() -> i32 {
    print!("buffered");
    // An error is what is expected.
    let _ = writeln!(io::stderr(), "at once");
    5
}

fn assert_writes() {
    let process = mp::spawn(writes, ()).expect("it starts");
    assert_eq!(process.result().expect("it returns"), 5);
    assert_eq!(process.exit_code(), Some(0));
}

#[mp::test]
fn proc_20_a_broken_stdout_and_stderr_do_no_harm() {
    let program = scenario!(|| {
        let (reader, writer) = io::pipe().expect("a pipe");
        for standard in [1, 2] {
            kernel::replace(standard, writer.as_fd());
        }
        drop(reader);
        assert_writes();
    });
    program.run().assert_success();
}

#[mp::test]
fn proc_20_a_closed_stdout_and_stderr_do_no_harm() {
    let program = scenario!(|| {
        kernel::close_standard(&[1, 2]);
        assert_writes();
    });
    program.run().assert_success();
}

#[mp::task]
fn runs_a_command() -> (bool, usize) {
    let output = Command::new("cat").output().expect("it is installed");
    let inherits = Command::new("cat").status().expect("it is installed");
    (inherits.success(), output.stdout.len())
}

#[mp::test]
fn proc_22_a_child_runs_a_command_that_inherits_its_stdin() {
    watchdog(LONG, || {
        let process = mp::spawn(runs_a_command, ()).expect("it starts");
        assert_eq!(process.result().expect("it returns"), (true, 0));
    });
}
