//! What is special about children that a fork server has forked, and the server itself. That they are like others is
//! shown by the other suites, run with `MP_TEST_START_METHOD=forkserver`.

mod kernel;
mod preloaded;
mod same;
mod server;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use mp::StartMethod::{ForkServer, Reexec};
use support::{start_method, watchdog};

/// What no test comes near.
const LONG: Duration = Duration::from_secs(30);
/// The upper bound of what happens promptly.
const PROMPT: Duration = Duration::from_secs(1);

fn own_pid() -> i32 {
    std::process::id().cast_signed()
}

/// The pid of this process's fork server, as it looks from outside; it must be up.
fn server() -> i32 {
    support::server_of(own_pid()).expect("there is one")
}

/// Has `task` run in a process started by `method`.
fn run<T: mp::Task>(method: mp::StartMethod, task: T, arguments: T::Args<'_>) -> T::Output {
    let mut process = mp::Process::new(task, arguments).with_start_method(method);
    process.start().expect("it starts");
    process.result().expect("it returns")
}

#[mp::task]
fn its_pid() -> i32 {
    own_pid()
}

#[mp::task]
fn default_forks() -> bool {
    mp::start_method() == ForkServer
}

#[mp::test]
fn log_05_the_start_method_is_asked_and_set() {
    let program = support::scenario_main!(|| -> mp::Result<()> {
        mp::set_start_method(Reexec);
        assert_eq!(mp::start_method(), Reexec);
        assert_eq!(mp::StartMethod::default(), Reexec);
        assert!(!mp::spawn(default_forks, ())?.result()?);
        mp::set_start_method(ForkServer);
        assert_eq!(mp::start_method(), ForkServer);
        // Children have it from their parent, however they were started.
        assert!(mp::spawn(default_forks, ())?.result()?);
        assert!(run(Reexec, default_forks, ()));
        Ok(())
    });
    program.run().assert_success();
}

#[mp::test]
fn log_05_both_methods_work_in_one_program() {
    watchdog(LONG, || {
        let pools = [Reexec, ForkServer]
            .map(|method| mp::Pool::builder().processes(2).start_method(method).build());
        for pool in pools.iter().map(|pool| pool.as_ref().expect("it starts")) {
            for _ in 0..20 {
                assert_ne!(pool.apply(its_pid, ()).expect("it returns"), own_pid());
            }
        }
        for _ in 0..10 {
            assert_ne!(run(ForkServer, its_pid, ()), run(Reexec, its_pid, ()));
        }
    });
}

#[mp::test]
fn log_05_a_pools_workers_are_forked() {
    let program = support::scenario!(|| {
        mp::fork_server::stop();
        let pool = mp::Pool::builder().processes(3).start_method(ForkServer).build();
        let pool = pool.expect("it starts");
        let worker = pool.apply(kernel::program_start, ()).expect("it returns");
        // What is forked has the random bytes that the kernel gave the server when it was exec'd.
        assert_eq!(worker, run(ForkServer, kernel::program_start, ()));
        assert_ne!(worker, run(Reexec, kernel::program_start, ()));
        assert_ne!(worker, kernel::program_start());
    });
    program.run().assert_success();
}

#[mp::test]
fn log_05_the_run_is_of_the_method_that_it_says() {
    watchdog(LONG, || assert_eq!(mp::start_method() == ForkServer, start_method::forks()));
}
