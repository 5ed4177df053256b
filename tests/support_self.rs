//! Proves that the support of the other tests works: that what should fail does, and says so.
//! Nothing of `mp` is tested here but that its macros and scenarios go together.

mod support;

use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use std::{env, fs, io, process, thread};

use support::{
    Footprint, Scenario, WATCHDOG_EXIT, cpu_time_of, example, kill, names_in, open_descriptors,
    process_exists, repeat, scenario, scenario_main, state_of, thread_count, wait_until, watchdog,
    with_busy_cores, zombies_of,
};

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(10);

/// The message of the panic that `body` must end with.
fn panic_of(body: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(body)).expect_err("a panic");
    payload.downcast_ref::<String>().expect("a formatted message").clone()
}

/// A program that runs on until it is killed.
fn sleep() -> Command {
    let mut command = Command::new("sleep");
    command.arg("1000").stdin(Stdio::null());
    command
}

/// Starts what the command says and never waits for it.
fn leave(command: &mut Command) -> i32 {
    command.spawn().expect("the program is there").id().cast_signed()
}

fn hang() -> ! {
    loop {
        thread::park();
    }
}

fn own_pid() -> i32 {
    process::id().cast_signed()
}

#[test]
fn scenario_is_another_process_in_its_own_group() {
    let finished = scenario!(|| {
        println!("pid {}", process::id());
        println!("members {:?}", support::members_of(own_pid()));
        println!("variable {:?}", env::var_os("MP_TEST_SCENARIO"));
        println!("stdin {}", open_descriptors(own_pid())[&0]);
        println!("threads {}", thread_count());
        io::stderr().write_all(b"to stderr\n").expect("stderr is open");
    })
    .run();
    finished.assert_success();
    assert_ne!(finished.pid, own_pid());
    assert_eq!(finished.value("pid "), finished.pid.to_string());
    assert_eq!(finished.value("members "), format!("[{}]", finished.pid));
    assert_eq!(finished.value("variable "), "None");
    assert_eq!(finished.value("stdin "), "/dev/null");
    assert_eq!(finished.value("threads "), "2", "libtest's main thread waits for the test's");
    assert_eq!(finished.stdout.lines().count(), 5, "only its own lines: {}", finished.stdout);
    assert_eq!(finished.stderr, "to stderr\n");
}

mod nested {
    //! The path of a test is found from wherever its scenario stands.
    use super::scenario;

    #[test]
    fn scenario_in_a_closure_in_a_module() {
        let make = || scenario!(|| println!("here"));
        let finished = make().run();
        finished.assert_success();
        assert_eq!(finished.stdout, "here\n");
    }
}

#[test]
fn scenario_exit_code_passes_through() {
    let code = scenario!(|| process::exit(7));
    let returned = scenario!(|| -> process::ExitCode { process::ExitCode::from(9) });
    let failed = scenario!(|| -> Result<(), String> { Err("broken".to_owned()) });
    code.run().assert_code(7);
    returned.run().assert_code(9);
    let failed = failed.run();
    failed.assert_code(1);
    assert_eq!(failed.stderr, "Error: \"broken\"\n");
}

#[test]
fn scenario_panic_is_printed_and_exits_101() {
    let finished = scenario!(|| panic!("as planned")).run();
    finished.assert_code(101);
    assert!(finished.stderr.contains("as planned"), "{}", finished.stderr);
    assert_eq!(finished.stdout, "");
}

#[test]
fn example_that_is_not_built_is_told() {
    let message = panic_of(|| drop(example("no_such_example").run()));
    assert!(message.contains("no_such_example is not built"), "{message}");
}

#[test]
fn scenario_signal_is_told() {
    let finished = scenario!(|| process::abort()).run();
    assert_eq!((finished.code, finished.signal), (None, Some(libc::SIGABRT)));
    assert!(panic_of(|| finished.assert_success()).contains("signal Some(6)"));
}

#[test]
fn scenario_gets_variables() {
    let program = scenario!(|| println!("got {}", env::var("VALUE").expect("it is set")));
    for value in ["one", "two"] {
        let finished = program.clone().env("VALUE", value).run();
        assert_eq!(finished.value("got "), value);
    }
    assert!(env::var_os("VALUE").is_none());
}

#[test]
fn scenario_output_larger_than_a_pipe_is_drained() {
    let finished = scenario!(|| {
        for _ in 0..20_000 {
            println!("0123456789");
            eprintln!("0123456789");
        }
    })
    .run();
    finished.assert_success();
    assert_eq!(finished.stdout.len(), 220_000);
    assert_eq!(finished.stderr.len(), 220_000);
}

#[test]
fn scenario_that_hangs_is_killed_and_reported() {
    let hangs = scenario!(|| {
        println!("child {}", leave(&mut sleep()));
        print!("half a line");
        io::stdout().flush().expect("stdout is open");
        hang();
    });
    let started = Instant::now();
    let message = panic_of(|| drop(hangs.limit(SHORT).run()));
    assert!(started.elapsed() >= SHORT);
    assert!(message.contains("has not ended within 300ms"), "{message}");
    assert!(message.contains("half a line"), "{message}");
    assert!(message.contains("(sleep) state S"), "{message}");
    let child = message.lines().find_map(|line| line.strip_prefix("child ")).expect("its pid");
    assert!(!process_exists(child.parse().expect("a pid")));
}

#[test]
fn scenario_that_leaves_a_process_fails() {
    let leaves = scenario!(|| {
        leave(&mut sleep());
    });
    let finished = leaves.settle(SHORT).may_leave().run();
    finished.assert_success();
    assert_eq!(finished.left.len(), 1, "{:?}", finished.left);
    assert!(panic_of(|| finished.assert_nothing_left()).contains("sleep 1000"));
    let pid: i32 =
        finished.left[0].split(' ').next().and_then(|pid| pid.parse().ok()).expect("a pid");
    wait_until(LONG, "the process that was left is killed", || !process_exists(pid));
}

#[test]
fn scenario_that_leaves_a_process_of_another_group_fails() {
    let leaves = scenario!(|| {
        use std::os::unix::process::CommandExt;
        println!("child {}", leave(sleep().process_group(0)));
    });
    let message = panic_of(|| drop(leaves.settle(SHORT).run()));
    assert!(message.contains("holds the output open from outside the group"), "{message}");
    assert!(message.contains("sleep 1000"), "{message}");
    let child = message.lines().find_map(|line| line.strip_prefix("child ")).expect("its pid");
    let child = child.parse().expect("a pid");
    wait_until(LONG, "the process that was left is killed", || !process_exists(child));
}

#[test]
fn scenario_that_leaves_a_temporary_file_fails() {
    let leaves = scenario!(|| {
        fs::write(env::temp_dir().join("left_behind"), "").expect("a writable directory");
    });
    let message = panic_of(|| drop(leaves.run()));
    assert!(message.contains("$TMPDIR/left_behind"), "{message}");
}

#[test]
fn scenario_waits_for_processes_that_end_soon() {
    let finished = scenario!(|| {
        leave(Command::new("sleep").arg("0.2"));
    })
    .run();
    finished.assert_success();
    assert!(finished.gone_after >= Duration::from_millis(100), "{:?}", finished.gone_after);
}

#[test]
fn scenario_inside_another_scenarios_process_is_refused() {
    let message = panic_of(|| {
        scenario!(|| {}).run().assert_success();
        // The second one's process comes to the first one's `run`.
        scenario!(|| {}).run().assert_success();
    });
    assert!(message.contains("make all scenarios at its top"), "{message}");
    assert!(message.contains("did not reach it"), "{message}");
}

#[test]
fn running_lines_come_once_each_in_any_order() {
    let running = scenario!(|| {
        println!("worker 1\nready\nworker 2\nworker 3");
        hang();
    })
    .start();
    assert_eq!(running.wait_line("ready"), "");
    let workers: Vec<String> = (0..3).map(|_| running.wait_line("worker ")).collect();
    assert_eq!(workers, ["1", "2", "3"]);
    assert_eq!(running.members(), [running.pid]);
    running.kill(libc::SIGKILL);
    let message = panic_of(|| drop(running.wait_line("worker ")));
    assert!(message.contains(r#"ended without a line "worker ""#), "{message}");
}

#[test]
fn running_is_killed_in_the_middle() {
    let running = scenario!(|| {
        println!("begun");
        hang();
    })
    .start();
    running.wait_line("begun");
    running.kill(libc::SIGTERM);
    let finished = running.finish();
    assert_eq!(finished.signal, Some(libc::SIGTERM));
}

#[test]
fn running_dropped_kills_the_group() {
    let running = scenario!(|| {
        println!("child {}", leave(&mut sleep()));
        hang();
    })
    .start();
    let child: i32 = running.wait_line("child ").parse().expect("a pid");
    let pid = running.pid;
    assert!(process_exists(child));
    drop(running);
    assert!(!process_exists(child));
    assert_eq!(state_of(pid), None);
}

#[test]
fn running_dies_with_the_test_process() {
    static INNER: OnceLock<Scenario> = OnceLock::new();
    INNER.get_or_init(|| scenario!(|| hang()));
    let outer = scenario!(|| {
        let inner = INNER.get().expect("made before").start();
        println!("inner {}", inner.pid);
        hang();
    });
    // Killed, it cannot remove the inner one's temporary directory.
    let running = outer.may_leave().start();
    let inner: i32 = running.wait_line("inner ").parse().expect("a pid");
    running.kill(libc::SIGKILL);
    running.finish();
    wait_until(LONG, "the inner scenario is gone", || !process_exists(inner));
}

#[test]
fn watchdog_gives_the_value_and_leaves_no_thread() {
    let finished = scenario!(|| {
        let before = Footprint::now();
        assert_eq!(watchdog(LONG, || 5), 5);
        let failed = catch_unwind(|| watchdog(LONG, || panic!("through the watchdog")));
        assert!(failed.is_err());
        before.assert_restored(LONG);
    })
    .run();
    finished.assert_success();
}

#[test]
fn watchdog_kills_children_grandchildren_and_scenarios() {
    static INNER: OnceLock<Scenario> = OnceLock::new();
    INNER.get_or_init(|| scenario!(|| println!("orphan {}", leave(&mut sleep()))));
    let outer = scenario!(|| {
        leave(Command::new("sh").args(["-c", "sleep 1000 & echo grandchild $!; wait"]));
        let inner = INNER.get().expect("made before").start();
        println!("orphan {}", inner.wait_line("orphan "));
        watchdog(Duration::from_secs(1), || hang());
    });
    let finished = outer.may_leave().run();
    finished.assert_code(WATCHDOG_EXIT);
    assert!(finished.stderr.contains("has not ended within 1s"), "{}", finished.stderr);
    assert!(finished.stderr.contains("support_self.rs:"), "{}", finished.stderr);
    assert!(finished.elapsed >= Duration::from_secs(1));
    // Nothing that lives: the inner scenario's temporary directory has nobody to remove it.
    assert!(finished.left.iter().all(|left| left.starts_with("$TMPDIR/")), "{:?}", finished.left);
    for name in ["grandchild ", "orphan "] {
        let pid = finished.value(name).parse().expect("a pid");
        wait_until(LONG, "what the test had started is gone", || !process_exists(pid));
    }
}

#[test]
fn repeat_names_the_round_that_fails() {
    let program = scenario!(|| repeat(5, |round| assert!(round != 3, "no threes")));
    let failed = program.run();
    failed.assert_code(101);
    assert!(failed.stderr.contains("round 3 of 5 failed"), "{}", failed.stderr);
    let program = program.env("MP_TEST_REPEAT", "2");
    program.run().assert_success();
    let failed = program.env("MP_TEST_REPEAT", "often").run();
    assert!(failed.stderr.contains("is not a number"), "{}", failed.stderr);
}

#[test]
fn busy_cores_are_busy_meanwhile_only() {
    let finished = scenario!(|| {
        let before = Footprint::now();
        let used = cpu_time_of(own_pid());
        with_busy_cores(|| {
            wait_until(LONG, "CPU time is used", || cpu_time_of(own_pid()) > used + SHORT);
        });
        assert!(catch_unwind(|| with_busy_cores(|| panic!("through it"))).is_err());
        before.assert_restored(LONG);
    })
    .run();
    finished.assert_success();
}

#[test]
fn footprint_sees_each_kind_of_leftover() {
    let program = scenario!(|| {
        let before = Footprint::now();
        let file = fs::File::open("/dev/null").expect("/dev/null is there");
        let mut child = sleep().spawn().expect("sleep is there");
        let temporary = tempfile::NamedTempFile::new().expect("a file");
        let now = Footprint::now();
        assert_eq!(now.descriptors.len(), before.descriptors.len() + 2);
        assert_eq!(now.children, [child.id().cast_signed()]);
        assert_eq!(now.temporary_names.len(), 1);
        let failed = catch_unwind(|| before.assert_restored(Duration::from_millis(20)));
        assert!(failed.is_err());
        kill(child.id().cast_signed(), libc::SIGKILL).expect("it is there");
        wait_until(LONG, "a zombie", || zombies_of(own_pid()).len() == 1);
        assert_eq!(state_of(child.id().cast_signed()), Some('Z'));
        child.wait().expect("it has ended");
        drop((file, temporary));
        before.assert_restored(LONG);
    });
    program.run().assert_success();
}

#[test]
fn nothing_is_seen_where_nothing_is() {
    let mut child = Command::new("true").spawn().expect("true is there");
    let pid = child.id().cast_signed();
    child.wait().expect("it ends");
    assert!(!process_exists(pid));
    assert_eq!(state_of(pid), None);
    assert_eq!(open_descriptors(pid), BTreeMap::new());
    assert!(names_in("/nowhere/at/all".as_ref()).is_empty());
    assert!(panic_of(|| _ = cpu_time_of(pid)).contains("CPU time of process"));
    assert!(panic_of(|| wait_until(SHORT, "never", || false)).contains("not within 300ms: never"));
}

#[mp::test]
fn scenario_of_an_mp_test_has_a_real_main() {
    let returns: Scenario = scenario_main!(|| println!("in main"));
    let panics = scenario_main!(|| panic!("out of main"));
    let fails = scenario_main!(|| -> Result<(), String> { Err("from main".to_owned()) });
    let exits = scenario_main!(|| process::exit(3));
    let finished = returns.run();
    finished.assert_success();
    assert_eq!(finished.stdout, "in main\n");
    panics.run().assert_code(101);
    fails.run().assert_code(1);
    exits.run().assert_code(3);
}
