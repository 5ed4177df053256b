//! What the handle of a process says and does: in its wrong moments, closed, shown, waited for by descriptor.

use std::io::Read;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use crate::gate::{Gate, wait_at};
use crate::support::{Footprint, catch, scenario, state_of, wait_until, watchdog};
use crate::{LONG, PROMPT, kernel, nothing, signed, stays};
use mp::ErrorKind::{AlreadyStarted, Closed, InvalidArgument, NotStarted, StillRunning};

/// A wait that is to run out.
const SHORT: Duration = Duration::from_millis(100);

#[mp::task]
fn name_at(gate: &str) -> String {
    wait_at(gate);
    mp::current_process().name().to_owned()
}

#[mp::task]
fn stays_at(gate: &str) {
    wait_at(gate);
    stays();
}

#[mp::test]
fn proc_03_a_custom_name_is_the_childs_and_stays_so() {
    watchdog(LONG, || {
        let gate = Gate::new();
        let mut process = mp::Process::new(name_at, gate.name()).with_name("greeter");
        process.start().expect("it starts");
        let waiting = gate.arrival();
        let process = process.with_name("renamed");
        assert_eq!(process.name(), "renamed");
        let active = mp::active_children();
        let info = active.iter().find(|child| Some(child.pid()) == process.pid());
        assert_eq!(info.expect("it runs").name(), "greeter");
        drop(waiting);
        assert_eq!(process.result().expect("it returns"), "greeter");
    });
}

/// The kind of every fallible method's error, but for `start`, `run` and `close`.
fn refusals<T: mp::Task>(process: &mp::Process<T>) -> Vec<mp::ErrorKind> {
    let kind = |error: mp::Error| error.kind();
    vec![
        process.join().map_err(kind).expect_err("refused"),
        process.join_timeout(LONG).map_err(kind).expect_err("refused"),
        process.result().err().map(kind).expect("refused"),
        process.terminate().map_err(kind).expect_err("refused"),
        process.kill().map_err(kind).expect_err("refused"),
        process.interrupt().map_err(kind).expect_err("refused"),
        process.sentinel().map(drop).map_err(kind).expect_err("refused"),
    ]
}

#[mp::test]
fn proc_10_nothing_can_be_waited_for_or_ended_before_the_start() {
    let process = mp::Process::new(nothing, ());
    assert_eq!(refusals(&process), [NotStarted; 7]);
    let error = process.join().expect_err("it was not started").to_string();
    assert!(error.contains(process.name()) && error.contains("start()"), "{error}");
}

#[mp::test]
fn proc_11_it_is_started_once() {
    watchdog(LONG, || {
        let gate = Gate::new();
        let mut process = mp::Process::new(name_at, gate.name());
        process.start().expect("it starts");
        let pid = process.pid();
        let waiting = gate.arrival();
        assert_eq!(process.start().expect_err("it runs").kind(), AlreadyStarted);
        drop(waiting);
        process.join().expect("it was started");
        assert_eq!(process.start().expect_err("it has ended").kind(), AlreadyStarted);
        assert_eq!(process.pid(), pid);
        assert_eq!(process.result().expect("it returned"), process.name());
    });
}

#[mp::test]
fn proc_14_interrupt_is_minus_2() {
    watchdog(LONG, || {
        let gate = Gate::new();
        let process = mp::spawn(stays_at, gate.name()).expect("it starts");
        drop(gate.arrival());
        process.interrupt().expect("it was started");
        process.join().expect("it was started");
        assert_eq!(process.exit_code(), Some(-2));
        process.interrupt().expect("nothing is sent to one that has ended");
    });
}

/// Cleans up after SIGINT, by a handler of its own.
#[mp::task]
fn cleans_up(gate: &str) -> String {
    let mut signals = catch(libc::SIGINT).expect("a handler");
    wait_at(gate);
    signals.read_exact(&mut [0]).expect("a signal comes");
    "cleaned up".to_owned()
}

#[mp::test]
fn proc_14_a_handler_in_the_child_runs() {
    watchdog(LONG, || {
        let gate = Gate::new();
        let process = mp::spawn(cleans_up, gate.name()).expect("it starts");
        drop(gate.arrival());
        process.interrupt().expect("it was started");
        assert_eq!(process.result().expect("it returns"), "cleaned up");
        assert_eq!(process.exit_code(), Some(0));
    });
}

#[mp::task]
fn ignores_sigterm(gate: &str) {
    kernel::ignore(libc::SIGTERM);
    wait_at(gate);
    stays();
}

#[mp::test]
fn proc_15_a_child_that_ignores_sigterm_is_killed() {
    watchdog(LONG, || {
        let gate = Gate::new();
        let process = mp::spawn(ignores_sigterm, gate.name()).expect("it starts");
        drop(gate.arrival());
        process.terminate().expect("it was started");
        assert!(!process.join_timeout(SHORT * 5).expect("it was started"));
        assert!(process.is_alive());
        process.kill().expect("it was started");
        process.join().expect("it was started");
        assert_eq!(process.exit_code(), Some(-9));
    });
}

#[mp::test]
fn proc_23_close_is_refused_while_the_child_lives() {
    watchdog(LONG, || {
        let gate = Gate::new();
        let mut process = mp::spawn(name_at, gate.name()).expect("it starts");
        let waiting = gate.arrival();
        assert_eq!(process.close().expect_err("it runs").kind(), StillRunning);
        assert!(process.is_alive(), "and nothing came of it");
        drop(waiting);
        // Not joined: close sees by itself that it has ended.
        wait_until(LONG, "it ends", || state_of(signed(process.pid())) == Some('Z'));
        process.close().expect("it has ended");
    });
}

#[mp::test]
fn proc_23_a_closed_process_keeps_what_it_says_and_refuses_the_rest() {
    let program = scenario!(|| {
        let before = Footprint::now();
        let mut process = mp::Process::new(nothing, ()).with_name("closed").with_daemon(true);
        process.start().expect("it starts");
        process.join().expect("it was started");
        let (pid, key) = (process.pid(), process.authkey());
        for _ in 0..2 {
            process.close().expect("it has ended");
            assert_eq!(refusals(&process), [Closed; 7]);
            assert_eq!(process.start().expect_err("closed").kind(), Closed);
            assert_eq!(process.run().expect_err("closed").kind(), Closed);
            assert_eq!((process.pid(), process.exit_code()), (pid, Some(0)));
            assert_eq!((process.name(), process.daemon()), ("closed", true));
            assert_eq!((process.is_alive(), process.authkey()), (false, key.clone()));
        }
        before.assert_restored(LONG);
        drop(process);
    });
    program.run().assert_success();
}

#[mp::test]
fn proc_23_one_that_was_never_started_can_be_closed() {
    let mut process = mp::Process::new(nothing, ());
    for _ in 0..2 {
        process.close().expect("it does not run");
        assert_eq!(process.start().expect_err("closed").kind(), Closed);
        assert_eq!(refusals(&process), [Closed; 7]);
        assert_eq!((process.pid(), process.exit_code()), (None, None));
    }
}

#[mp::test]
fn proc_24_the_sentinel_is_readable_at_the_end() {
    watchdog(LONG, || {
        let gate = Gate::new();
        let process = mp::spawn(name_at, gate.name()).expect("it starts");
        let waiting = gate.arrival();
        let sentinel = process.sentinel().expect("it was started");
        assert!(sentinel.as_raw_fd() > 2);
        assert!(!kernel::is_readable(sentinel.as_fd(), SHORT));
        drop(waiting);
        assert!(kernel::is_readable(sentinel, PROMPT));
        // Also when it was waited for.
        process.join().expect("it was started");
        assert!(kernel::is_readable(sentinel, Duration::ZERO));
    });
}

#[mp::test]
fn proc_24_the_sentinel_is_readable_where_the_system_has_reaped_the_child() {
    let program = scenario!(|| {
        kernel::ignore_ends_of_children();
        for _ in 0..50 {
            let process = mp::spawn(nothing, ()).expect("it starts");
            let sentinel = process.sentinel().expect("it was started");
            assert!(kernel::is_readable(sentinel, LONG));
            process.join().expect("it was started");
        }
    });
    program.run().assert_success();
}

#[mp::test]
fn proc_40_debug_shows_what_one_asks() {
    watchdog(LONG, || {
        let mut process = mp::Process::new(stays, ()).with_name("shown").with_daemon(true);
        let own = format!("parent: {}", std::process::id());
        let shown = |process: &mp::Process<stays>, wanted: &[&str], unwanted: &[&str]| {
            let text = format!("{process:?}");
            for wanted in [&["Process {", "name: \"shown\"", &own, "daemon"], wanted].concat() {
                assert!(text.contains(wanted), "{wanted}: {text}");
            }
            for unwanted in unwanted {
                assert!(!text.contains(unwanted), "{unwanted}: {text}");
            }
        };
        shown(&process, &["state: initial"], &["pid", "exit_code"]);
        process.start().expect("it starts");
        let pid = format!("pid: {}", process.pid().expect("it was started"));
        shown(&process, &["state: started", &pid], &["exit_code"]);
        process.kill().expect("it was started");
        process.join().expect("it was started");
        shown(&process, &["state: stopped", &pid, "exit_code: -SIGKILL"], &[]);
        process.close().expect("it has ended");
        shown(&process, &["state: closed", &pid, "exit_code: -SIGKILL"], &[]);
        let plain = format!("{:?}", mp::Process::new(nothing, ()));
        assert!(!plain.contains("daemon"), "{plain}");
    });
}

#[mp::task]
fn keys() -> [Vec<u8>; 2] {
    let parent = mp::parent_process().expect("a child has one");
    let given = [own_key(), parent.authkey().as_bytes().to_vec()];
    assert_eq!(parent.set_authkey("x").expect_err("not its own").kind(), InvalidArgument);
    mp::current_process().set_authkey("the child's own").expect("it is its own");
    // Its own children get what it has now.
    let below = mp::spawn(own_key, ()).expect("it starts").result().expect("it returns");
    assert_eq!(below, b"the child's own");
    given
}

#[mp::task]
fn own_key() -> Vec<u8> {
    mp::current_process().authkey().as_bytes().to_vec()
}

#[mp::test]
fn proc_04_the_key_passes_down_and_is_not_shown() {
    let program = scenario!(|| {
        let key = own_key();
        assert_eq!(key.len(), 32);
        assert_eq!(own_key(), key, "it is made once");
        println!("key {key:?}");
        let made_before = mp::Process::new(keys, ());
        mp::current_process().set_authkey(b"another").expect("it is its own");
        assert_eq!(own_key(), b"another");
        let mut made_after = mp::Process::new(keys, ());
        let mut made_before = made_before;
        for (process, key) in [(&mut made_before, &*key), (&mut made_after, b"another")] {
            assert_eq!(process.authkey().as_bytes(), key);
            process.start().expect("it starts");
            let pid = process.pid().expect("it was started");
            if let Some(child) = mp::active_children().iter().find(|child| child.pid() == pid) {
                assert_eq!(child.authkey().as_bytes(), key);
                assert_eq!(
                    child.set_authkey("x").expect_err("not its own").kind(),
                    InvalidArgument
                );
            }
            assert_eq!(process.result().expect("it returns"), [key, key]);
        }
        let pool = mp::Pool::new(1).expect("it starts");
        assert_eq!(pool.apply(own_key, ()).expect("it returns"), b"another");
        let shown =
            format!("{made_after:?} {:?} {:?}", mp::active_children(), mp::current_process());
        assert!(!shown.contains("another") && !shown.contains(&format!("{:?}", b"another")));
        let long = mp::current_process().set_authkey(vec![0; 70_000]);
        assert_eq!(long.expect_err("too long").kind(), InvalidArgument);
    });
    let made = [program.run(), program.run()].map(|finished| {
        finished.assert_success();
        finished.value("key ").to_owned()
    });
    assert_ne!(made[0], made[1], "each program makes its own");
}
