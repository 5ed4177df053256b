//! What a crash is called: who, in which task, of what, and from where; on standard error, and in the parent's error.

use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;

use crate::support::{
    Finished, Running, kill, process_exists, scenario, scenario_main, wait_until, watchdog,
};
use crate::{BOUNDED, LONG, crashes, greeter, kernel, own_pid, print, stays};

/// The pids, exit codes and texts of the errors that a scenario has printed.
fn ended(finished: &Finished) -> Vec<(u32, i32, &str)> {
    let number = "a line of `print`";
    let parse = |line| {
        let [pid, code, text] =
            <[&str; 3]>::try_from(str::splitn(line, 3, ' ').collect::<Vec<_>>()).expect(number);
        (pid.parse().expect(number), code.parse().expect(number), text)
    };
    finished.values("ended ").into_iter().map(parse).collect()
}

/// The lines that reports begin with.
fn lines(stderr: &str) -> Vec<&str> {
    stderr.lines().filter(|line| line.starts_with("Process ")).collect()
}

#[track_caller]
fn assert_report(finished: &Finished, code: i32, reason: &str) {
    finished.assert_success();
    let [(pid, ended, text)] = ended(finished)[..] else { panic!("{finished:?}") };
    assert_eq!(ended, code, "{text}");
    let signal = reason.split(' ').find(|word| word.starts_with("SIG")).expect("a signal");
    let expected = format!(
        "process greeter (pid {pid}) was killed by {signal} before task crash::crashes had an outcome"
    );
    assert_eq!(text, expected);
    let [line] = lines(&finished.stderr)[..] else { panic!("{finished:?}") };
    let begin = format!("Process greeter (pid {pid}) crashed in task crash::crashes");
    let rest = line.strip_prefix(&begin).unwrap_or_else(|| panic!("{line}"));
    assert!(rest.starts_with(reason), "{rest:?} begins with {reason:?}");
    assert!(finished.stderr.starts_with(line), "it comes first: {}", finished.stderr);
}

#[mp::test]
fn exit_14_bey_10_an_access_to_no_memory() {
    let program = scenario_main!(|| print(&greeter(crashes, "write")));
    let finished = program.run();
    assert_report(&finished, -11, ": SIGSEGV at address 0x8");
    let (_, backtrace) = finished.stderr.split_once("stack backtrace:\n").expect("a backtrace");
    // The frame of the mistake is there, with its place, before that of the task; ours are not.
    let at = |text: &str| backtrace.find(text).unwrap_or_else(|| panic!("{text}: {backtrace}"));
    assert!(at("crash::kernel::write_to\n") < at("tests/crash/kernel.rs:"), "{backtrace}");
    assert!(at("crash::kernel::write_to\n") < at("crash::crash\n"), "{backtrace}");
    assert!(at("crash::crash\n") < at("crash::crashes\n"), "{backtrace}");
    for ours in ["on_crash", "run::call", "become_child"] {
        assert!(!backtrace.contains(ours), "{backtrace}");
    }
}

#[mp::test]
fn exit_14_an_address_that_the_kernel_does_not_tell() {
    let program = scenario_main!(|| print(&greeter(crashes, "write nowhere")));
    let finished = program.run();
    assert_report(&finished, -11, ": SIGSEGV");
    // x86-64 does not say where such an access went.
    let at_zero = lines(&finished.stderr)[0].contains("address 0x0");
    assert!(!at_zero, "{}", finished.stderr);
}

#[mp::test]
fn exit_14_a_stack_overflow_is_called_one() {
    let program = scenario_main!(|| print(&greeter(crashes, "overflow")));
    let finished = program.run();
    assert_report(&finished, -11, ": stack overflow, SIGSEGV at address 0x");
    let frames = finished.stderr.matches(": crash::overflow\n").count();
    assert!((10..60).contains(&frames), "{frames}");
    assert!(finished.stderr.contains(" frames more\n"), "{}", finished.stderr);
}

#[mp::test]
fn exit_14_proc_16_abort() {
    let program = scenario_main!(|| print(&greeter(crashes, "abort")));
    let finished = program.run();
    assert_report(&finished, -6, ": SIGABRT");
    assert!(finished.stderr.contains(": crash::crash\n"), "{}", finished.stderr);
}

#[mp::test]
fn proc_16_bey_10_a_bus_error() {
    let program = scenario_main!(|| print(&greeter(crashes, "bus")));
    assert_report(&program.run(), -7, ": SIGBUS at address 0x");
}

#[mp::test]
fn proc_16_bey_10_an_illegal_instruction() {
    let program = scenario_main!(|| print(&greeter(crashes, "illegal")));
    assert_report(&program.run(), -4, ": SIGILL at address 0x");
}

#[mp::test]
fn proc_16_bey_10_signals_that_the_task_raises() {
    let program = scenario_main!(|| {
        for signal in ["8", "31", "5"] {
            print(&greeter(crashes, signal));
        }
    });
    let finished = program.env("RUST_BACKTRACE", "0").run();
    finished.assert_success();
    let codes: Vec<i32> = ended(&finished).iter().map(|(_, code, _)| *code).collect();
    assert_eq!(codes, [-libc::SIGFPE, -libc::SIGSYS, -libc::SIGTRAP]);
    let ends = ["SIGFPE", "SIGSYS", "SIGTRAP"];
    let lines: Vec<&str> = finished.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "no backtrace is wanted: {lines:?}");
    assert!(lines.iter().zip(ends).all(|(line, end)| line.ends_with(&format!(": {end}"))));
}

#[mp::test]
fn exit_14_bey_10_a_crash_in_a_thread_of_the_task() {
    let program = scenario_main!(|| print(&greeter(crashes, "write in a thread")));
    let finished = program.run();
    assert_report(&finished, -11, " (thread beside): SIGSEGV at address 0x8");
    assert!(finished.stderr.contains(": crash::kernel::write_to\n"), "{}", finished.stderr);
}

/// Here std has not prepared the thread for it, so it may be silent; it ends the process all the same.
#[mp::test]
fn exit_14_a_stack_overflow_in_a_thread_of_the_task() {
    let program = scenario_main!(|| print(&greeter(crashes, "overflow in a thread")));
    let finished = program.run();
    finished.assert_success();
    assert_eq!(ended(&finished)[0].1, -11);
}

#[mp::test]
fn bey_09_bey_10_each_crash_of_a_worker_has_its_own_error() {
    let program = scenario_main!(|| {
        let pool = mp::Pool::new(2).expect("it starts");
        let handles = ["write", "abort", "overflow"].map(|how| pool.submit(crashes, how));
        for handle in handles {
            print(&handle.get().expect_err("it crashes"));
        }
        pool.apply(own_pid, ()).expect("others are not touched");
    });
    let finished = program.run();
    finished.assert_success();
    let ended = ended(&finished);
    let codes: Vec<i32> = ended.iter().map(|(_, code, _)| *code).collect();
    assert_eq!(codes, [-11, -6, -11]);
    for (pid, code, text) in ended {
        let signal = if code == -6 { "SIGABRT" } else { "SIGSEGV" };
        let end =
            format!("(pid {pid}) was killed by {signal} before task crash::crashes had an outcome");
        assert!(text.starts_with("process PoolWorker-") && text.ends_with(&end), "{text}");
        let line = format!("(pid {pid}) crashed in task crash::crashes: ");
        let lines = lines(&finished.stderr);
        assert_eq!(lines.iter().filter(|l| l.contains(&line)).count(), 1, "{lines:?}");
    }
}

/// A worker between two calls is in no task, the last one neither.
#[mp::test]
fn bey_10_a_signal_from_outside_names_its_sender() {
    let program = scenario_main!(|| {
        let mut process = mp::Process::new(stays, ()).with_name("greeter");
        process.start().expect("it starts");
        let pool = mp::Pool::new(1).expect("it starts");
        println!("worker {}", pool.apply(own_pid, ()).expect("it runs"));
        print(&process.result().expect_err("it is killed"));
        stays();
    });
    let running: Running = program.env("RUST_BACKTRACE", "0").start();
    let worker: i32 = running.wait_line("worker ").parse().expect("a pid");
    let process: i32 = running.wait_line("stays ").parse().expect("a pid");
    kill(process, libc::SIGSEGV).expect("it is there");
    assert!(running.wait_line("ended ").starts_with(&format!("{process} -11 ")));
    kill(worker, libc::SIGSEGV).expect("it is there");
    wait_until(BOUNDED, "the worker is buried", || !process_exists(worker));
    running.kill(libc::SIGKILL);
    let finished = running.finish();
    let own = std::process::id();
    let process = format!("Process greeter (pid {process}) crashed in task crash::stays: ");
    let worker = format!("(pid {worker}) crashed outside any task: ");
    let [first, second] = lines(&finished.stderr)[..] else { panic!("{finished:?}") };
    assert_eq!(first, format!("{process}SIGSEGV sent by process {own}"));
    assert!(second.ends_with(&format!("{worker}SIGSEGV sent by process {own}")), "{second}");
}

/// A datagram is what one write was.
#[mp::test]
fn bey_10_the_line_is_written_in_one_piece() {
    let program = scenario!(|| {
        let (ours, theirs) = UnixDatagram::pair().expect("a pair");
        ours.set_read_timeout(Some(BOUNDED)).expect("a timeout");
        kernel::replace_stderr(theirs.as_fd());
        print(&greeter(crashes, "write"));
        let mut datagram = [0; 100_000];
        for _ in 0..2 {
            let len = ours.recv(&mut datagram).expect("a datagram");
            println!("written {:?}", String::from_utf8_lossy(&datagram[..len]));
        }
    });
    let finished = program.run();
    finished.assert_success();
    let [line, backtrace] = finished.values("written ")[..] else { panic!("{finished:?}") };
    assert!(line.starts_with("\"Process greeter (pid "), "{line}");
    assert!(
        line.ends_with(" crashed in task crash::crashes: SIGSEGV at address 0x8\\n\""),
        "{line}"
    );
    assert_eq!(line.matches("\\n").count(), 1, "{line}");
    assert!(backtrace.starts_with("\"stack backtrace:\\n"), "{backtrace}");
}

#[mp::test]
fn bey_10_long_names_are_cut() {
    let program = scenario!(|| {
        let mut process = mp::Process::new(crashes, "abort").with_name("ä".repeat(5000));
        process.start().expect("it starts");
        process.join().expect("it was started");
        println!("code {:?}", process.exit_code());
    });
    let finished = program.env("RUST_BACKTRACE", "0").run();
    finished.assert_success();
    assert_eq!(finished.value("code "), "Some(-6)");
    let line = finished.stderr.strip_prefix(&format!("Process {}", "ä".repeat(100)));
    let line = line.expect("it begins with the name");
    assert!(line.len() < 1000 && line.ends_with(" in task crash::crashes: SIGABRT\n"), "{line}");
}

#[mp::test]
fn bey_10_nothing_is_said_when_nothing_crashes() {
    let program = scenario_main!(|| {
        let pool = mp::Pool::new(2).expect("it starts");
        pool.apply(own_pid, ()).expect("it runs");
        mp::spawn(own_pid, ()).expect("it starts").result().expect("it runs");
        pool.close();
        pool.join().expect("it is closed");
        let terminated = mp::Pool::new(2).expect("it starts");
        terminated.apply(own_pid, ()).expect("it runs");
        terminated.terminate();
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.stderr, "");
}

#[mp::test]
fn bey_10_under_a_test_it_is_the_same() {
    watchdog(LONG, || {
        let error = greeter(crashes, "write");
        assert_eq!(error.worker().expect("it has ended").exit_code(), -11);
    });
}
