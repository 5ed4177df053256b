//! Scenarios: a part of a test that runs as a whole program, in a process group of its own.
//! This file has both ends of the start; `running` has what the test then does with the program.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::process::{CommandExt, parent_id};
use std::panic;
use std::path::PathBuf;
use std::process::{self, Command, ExitCode, Stdio, Termination};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::os;
use super::output::BEGIN;
use super::running::{Finished, Plan, Running};
use super::start_method;

/// Tells the re-executed test binary which scenario to become, and for which process.
const VARIABLE: &str = "MP_TEST_SCENARIO";

/// The limit of a scenario that names none: far above what any needs, on a loaded machine too.
const LIMIT: Duration = Duration::from_secs(30);

/// How long what a program started may outlive it, where it does not say.
const SETTLE: Duration = Duration::from_secs(5);

/// Exit code of a scenario whose starter was gone before it began.
const NO_STARTER: i32 = 96;

/// Whether this process was started for a scenario, which its test has not reached yet.
static EXPECTED: AtomicBool = AtomicBool::new(false);

/// Makes a [`Scenario`] of a closure without captures: library code that runs as a program.
///
/// The program ends by `std::process::exit(0)` when the closure returns, with 101 after a panic,
/// and as its `Termination` says where it gives a value. In the re-executed test binary this
/// expression *is* the program and never returns; so it stands at the top of a test, before
/// anything that should happen once, and a test with several makes all of them before it runs one.
///
/// The closure runs on libtest's thread for the test, while the main thread waits for it: a program
/// of two threads. Where that matters, make the program an [`example`].
macro_rules! scenario {
    (|| $body:expr) => {{
        fn program() {
            $body
        }
        $crate::support::offer(
            concat!(file!(), ":", line!(), ":", column!()),
            std::any::type_name_of_val(&program),
            program,
        )
    }};
    (|| -> $output:ty $body:block) => {{
        fn program() -> $output $body
        $crate::support::offer(
            concat!(file!(), ":", line!(), ":", column!()),
            std::any::type_name_of_val(&program),
            program,
        )
    }};
}
pub(crate) use scenario;

/// Like [`scenario!`], but the closure becomes the body of a `#[mp::main] fn main()`, so that the
/// rules for the end of a program apply as in a real one: by return, panic or `process::exit`.
macro_rules! scenario_main {
    (|| $body:expr) => {{
        #[::mp::main]
        fn main() {
            $body
        }
        $crate::support::offer(
            concat!(file!(), ":", line!(), ":", column!()),
            std::any::type_name_of_val(&main),
            main,
        )
    }};
    (|| -> $output:ty $body:block) => {{
        #[::mp::main]
        fn main() -> $output $body
        $crate::support::offer(
            concat!(file!(), ":", line!(), ":", column!()),
            std::any::type_name_of_val(&main),
            main,
        )
    }};
}
pub(crate) use scenario_main;

/// Either becomes the program, in the process started for it, or describes it to the test.
///
/// `place` names the scenario; `path` is the path of a function nested in the test's.
pub fn offer<R: Termination>(
    place: &'static str,
    path: &'static str,
    program: fn() -> R,
) -> Scenario {
    if let Ok(wanted) = env::var(VARIABLE) {
        let (wanted, starter) = wanted.rsplit_once(' ').expect("place and pid");
        if wanted == place {
            become_program(starter.parse().expect("a pid"), program);
        }
        EXPECTED.store(true, Ordering::Relaxed);
    }
    Scenario::new(place, Program::Nested { path })
}

fn become_program<R: Termination>(starter: u32, program: fn() -> R) -> ! {
    os::die_with_starter().expect("prctl");
    if parent_id() != starter {
        os::quit(NO_STARTER);
    }
    // The body may start scenarios of its own.
    EXPECTED.store(false, Ordering::Relaxed);
    os::forget_variable(VARIABLE);
    // A shell has what it starts in the background disregard Ctrl-C, which is not this program's.
    os::heed_interrupts();
    start_method::set();
    let mut stdout = io::stdout();
    stdout.write_all(BEGIN.as_bytes()).and_then(|()| stdout.flush()).expect("stdout is open");
    // What the runtime does around a real main.
    match panic::catch_unwind(program) {
        Ok(value) => process::exit(number_of(value.report())),
        Err(_) => process::exit(101),
    }
}

/// std tells the number only to the kernel.
fn number_of(code: ExitCode) -> i32 {
    (0..=u8::MAX).find(|number| ExitCode::from(*number) == code).map_or(1, i32::from)
}

/// An example of this package as a scenario: a program that is nothing but itself, with a main
/// thread for its main. `cargo test` builds the examples before it runs any test.
pub fn example(name: &'static str) -> Scenario {
    Scenario::new(name, Program::Example)
}

#[derive(Clone, Copy, Debug)]
enum Program {
    /// A part of a test; the path is that of a function nested in the test's.
    Nested {
        path: &'static str,
    },
    Example,
}

/// A program to be started, once or more often: by [`scenario!`], [`scenario_main!`], [`example`].
#[derive(Clone, Debug)]
#[must_use = "a scenario does nothing until it is run or started"]
pub struct Scenario {
    name: &'static str,
    program: Program,
    limit: Duration,
    settle: Duration,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    may_leave: bool,
}

impl Scenario {
    fn new(name: &'static str, program: Program) -> Self {
        let (arguments, variables) = (Vec::new(), Vec::new());
        let (limit, settle) = (LIMIT, SETTLE);
        Self { name, program, limit, settle, arguments, variables, may_leave: false }
    }

    /// How long the program may take, 30 s unless told otherwise; then its whole group is killed.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// How long what the program started may outlive it before it counts as left: 5 s unless told
    /// otherwise.
    pub fn settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }

    /// Sets a variable of the program's environment: the way to hand values in.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Adds an argument to an example's command line; that of a test binary is libtest's.
    #[track_caller]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        assert!(matches!(self.program, Program::Example), "only examples take arguments");
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Lets the test itself judge `Finished::left`. What is left is killed and removed all the same.
    pub fn may_leave(mut self) -> Self {
        self.may_leave = true;
        self
    }

    /// Runs the program to its end. Panics, with its output, if it took too long or left processes.
    #[track_caller]
    pub fn run(&self) -> Finished {
        self.start().finish()
    }

    /// Starts the program, with an empty `TMPDIR`, and returns when its body begins. It is killed
    /// when the `Running` is dropped; a part of a test also when the thread that started it ends.
    #[track_caller]
    pub fn start(&self) -> Running {
        let mut command = match self.program {
            Program::Nested { path } => self.test_binary(path),
            Program::Example => Command::new(example_binary(self.name)),
        };
        command
            .args(&self.arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let marked = matches!(self.program, Program::Nested { .. });
        Running::start(
            &mut command,
            Plan {
                name: self.name,
                limit: self.limit,
                settle: self.settle,
                may_leave: self.may_leave,
                marked,
            },
        )
    }

    #[track_caller]
    fn test_binary(&self, path: &str) -> Command {
        assert!(
            !EXPECTED.load(Ordering::Relaxed),
            "this process is there for another scenario of this test: \
             make all scenarios at its top, then run them"
        );
        let mut command = Command::new(env::current_exe().expect("the test binary's path"));
        command
            .args(ancestors(path))
            .args(["--exact", "--nocapture", "--test-threads=1", "--include-ignored"])
            .env(VARIABLE, format!("{} {}", self.name, process::id()));
        command
    }
}

/// The path of the test is one of these; which one depends on how deep the macros nest. libtest
/// runs the one that is a test.
fn ancestors(path: &str) -> Vec<String> {
    let segments: Vec<&str> = path.split("::").skip(1).collect();
    (1..segments.len()).map(|count| segments[..count].join("::")).collect()
}

/// Test binaries are in `target/PROFILE/deps`, examples in `target/PROFILE/examples`.
#[track_caller]
fn example_binary(name: &str) -> PathBuf {
    let own = env::current_exe().expect("the test binary's path");
    let profile = own.ancestors().nth(2).expect("target/PROFILE/deps/BINARY");
    let binary = profile.join("examples").join(name);
    assert!(binary.exists(), "{} is not built: cargo build --examples", binary.display());
    binary
}
