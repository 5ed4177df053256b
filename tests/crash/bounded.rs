//! A report that comes to no end, or to a second crash: the process ends by its first signal, and soon.

use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Instant;
use std::{hint, thread};

use crate::support::{repeat, scenario, watchdog};
use crate::{BOUNDED, LONG, crash, crashes, greeter, kernel, print};

/// Standard error takes nothing any more, and nobody reads it.
#[mp::test]
fn exit_14_a_full_standard_error_does_not_hold_it() {
    let program = scenario!(|| {
        let (_ours, mut theirs) = UnixStream::pair().expect("a pair");
        theirs.set_nonblocking(true).expect("a socket");
        while theirs.write(&[b'x'; 4096]).is_ok() {}
        theirs.set_nonblocking(false).expect("a socket");
        kernel::replace_stderr(theirs.as_fd());
        let start = Instant::now();
        print(&greeter(crashes, "abort"));
        assert!(start.elapsed() < BOUNDED, "{:?}", start.elapsed());
    });
    let finished = program.run();
    finished.assert_success();
    assert!(finished.value("ended ").contains(" -6 "), "{}", finished.stdout);
}

#[mp::test]
fn exit_14_a_closed_standard_error_does_no_harm() {
    let program = scenario!(|| {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        kernel::replace_stderr(theirs.as_fd());
        drop(ours);
        print(&greeter(crashes, "overflow"));
    });
    let finished = program.run();
    finished.assert_success();
    assert!(finished.value("ended ").contains(" -11 "), "{}", finished.stdout);
}

/// Crashes while other threads allocate and free all the time.
#[mp::task]
fn crashes_among_allocations() {
    for _ in 0..3 {
        thread::spawn(|| {
            loop {
                hint::black_box((1..60).map(|n| vec![0_u8; n * n * n]).collect::<Vec<_>>());
            }
        });
    }
    let boxes: Vec<_> = (1..300_000_u32).map(Box::new).collect();
    hint::black_box(boxes);
    crash("write");
}

#[mp::test]
fn exit_14_other_threads_that_allocate_do_not_hold_it() {
    watchdog(LONG, || {
        repeat(5, |_| {
            let start = Instant::now();
            let error = greeter(crashes_among_allocations, ());
            assert_eq!(error.worker().expect("it has ended").exit_code(), -11);
            assert!(start.elapsed() < BOUNDED, "{:?}", start.elapsed());
        });
    });
}

/// All threads crash at once, in different ways: one is told, and the signal is one of them.
#[mp::task]
fn crashes_in_many_threads() {
    let barrier = std::sync::Barrier::new(5);
    thread::scope(|scope| {
        for how in ["write", "illegal", "bus", "write", "illegal"] {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                crash(how);
            });
        }
    });
}

#[mp::test]
fn exit_14_threads_that_crash_at_once_make_one_report() {
    let program = scenario!(|| {
        for _ in 0..10 {
            print(&greeter(crashes_in_many_threads, ()));
        }
    });
    let finished = program.run();
    finished.assert_success();
    let lines: Vec<&str> =
        finished.stderr.lines().filter(|line| line.starts_with("Process ")).collect();
    let ended = finished.values("ended ");
    assert_eq!((ended.len(), lines.len()), (10, 10), "{}", finished.stderr);
    for (ended, line) in ended.iter().zip(lines) {
        let code = ended.split(' ').nth(1).expect("a code");
        let signals = [("-11", "SIGSEGV"), ("-4", "SIGILL"), ("-7", "SIGBUS")];
        let named = signals.iter().find(|(_, signal)| line.contains(signal)).expect("a signal");
        assert_eq!(named.0, code, "{line}");
    }
}

#[mp::task]
fn blocks_signals_and_crashes(how: &str) {
    kernel::block_all_signals();
    crash(how);
}

/// A fault cannot be blocked: the kernel ends the process then, and there is no report.
#[mp::test]
fn exit_14_blocked_signals_do_not_hold_it() {
    watchdog(LONG, || {
        for (how, code) in [("write", -11), ("overflow", -11), ("abort", -6)] {
            let error = greeter(blocks_signals_and_crashes, how);
            assert_eq!(error.worker().expect("it has ended").exit_code(), code);
        }
    });
}
