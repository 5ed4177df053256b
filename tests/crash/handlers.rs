//! Whose handler it is: one that a task sets wins, and programs that a child starts have none.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use crate::support::{scenario, scenario_main};
use crate::{crash, kernel};

#[mp::task]
fn handles_it_itself(how: &str, signal: i32) {
    kernel::end_with_42_on(signal);
    crash(how);
}

#[mp::test]
fn bey_10_a_handler_of_the_task_wins() {
    let program = scenario_main!(|| {
        for (how, signal) in [("write", libc::SIGSEGV), ("abort", libc::SIGABRT)] {
            let process = mp::spawn(handles_it_itself, (how, signal)).expect("it starts");
            process.join().expect("it was started");
            println!("code {:?}", process.exit_code());
        }
        let pool = mp::Pool::new(1).expect("it starts");
        let error = pool.apply(handles_it_itself, ("write", libc::SIGSEGV));
        println!("code {:?}", error.expect_err("it ends").worker().map(mp::WorkerExit::exit_code));
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.values("code "), ["Some(42)"; 3]);
    assert_eq!(finished.stderr, "");
}

#[mp::task]
fn runs_a_shell_that_crashes() -> Option<i32> {
    let status = Command::new("sh").args(["-c", "kill -SEGV $$; sleep 60"]).status();
    status.expect("there is a shell").signal()
}

#[mp::test]
fn bey_10_programs_that_a_child_starts_have_default_actions() {
    let program = scenario!(|| {
        let process = mp::spawn(runs_a_shell_that_crashes, ()).expect("it starts");
        println!("signal {:?}", process.result().expect("it returns"));
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.value("signal "), "Some(11)");
    assert_eq!(finished.stderr, "");
}
