//! `log_to_stderr`: which records are printed, by which processes, and how their lines look.

use crate::support::scenario_main;
use crate::{Keeps, LONG, log_lines, say};
use mp::StartMethod;
use std::collections::BTreeMap;

/// Starts a process of that name, and waits for it.
fn run(name: &str, method: StartMethod) -> mp::Result<()> {
    let process = mp::Process::new(say, name).with_name(name);
    let mut process = process.with_start_method(method);
    process.start()?;
    process.result()
}

const BOTH: [(&str, StartMethod); 2] =
    [("exec", StartMethod::Reexec), ("fork", StartMethod::ForkServer)];

/// Starts the same in a child of its own, by both methods.
#[mp::task]
fn grandchildren() -> mp::Result<()> {
    BOTH.into_iter().try_for_each(|(name, method)| run(&format!("grand-{name}"), method))
}

#[mp::task]
fn abort_now() {
    std::process::abort();
}

#[mp::test]
fn log_01_nothing_is_printed_by_default() {
    let program = scenario_main!(|| -> mp::Result<()> {
        tracing::error!("here");
        log::error!("here");
        BOTH.into_iter().try_for_each(|(name, method)| run(name, method))?;
        let pool = mp::Pool::new(1)?;
        pool.apply(say, "worker")?;
        pool.close();
        pool.join()
    });
    let finished = program.limit(LONG).run();
    finished.assert_success();
    assert_eq!((finished.stderr.as_str(), finished.stdout.as_str()), ("", ""));
}

#[mp::test]
fn log_01_lines_have_level_and_process_name() {
    let program = scenario_main!(|| -> mp::Result<()> {
        mp::log_to_stderr(mp::LogLevel::Info)?;
        tracing::info!(number = 1, text = "quoted", "here");
        log::warn!("here, too");
        tracing::debug!("not wanted");
        run("child", mp::start_method())
    });
    let finished = program.limit(LONG).run();
    finished.assert_success();
    let expected = [
        "[INFO/MainProcess] here number=1 text=\"quoted\"",
        "[WARN/MainProcess] here, too",
        "[INFO/child] process started, calling task logging::say",
        "[INFO/child] child, told",
        "[INFO/child] child, logged",
        "[ERROR/child] child, failed",
        "[INFO/child] process exiting with exitcode 0",
    ];
    assert_eq!(finished.stderr.lines().collect::<Vec<_>>(), expected);
}

#[mp::test]
fn log_01_the_level_can_be_changed() {
    let program = scenario_main!(|| -> mp::Result<()> {
        for level in [mp::LogLevel::Error, mp::LogLevel::Trace, mp::LogLevel::Warn] {
            mp::log_to_stderr(level)?;
            say("text");
            run("child", mp::start_method())?;
        }
        Ok(())
    });
    let finished = program.limit(LONG).run();
    finished.assert_success();
    let count = |text: &str| finished.stderr.lines().filter(|line| *line == text).count();
    assert_eq!(count("[ERROR/MainProcess] text, failed"), 3);
    assert_eq!(count("[ERROR/child] child, failed"), 3);
    for text in ["traced", "debugged", "told", "logged", "logged in detail"] {
        let of = |process: &str, own: &str| {
            let of = |l: &&str| l.contains(process) && l.ends_with(&format!("{own}, {text}"));
            finished.stderr.lines().filter(of).count()
        };
        assert_eq!((of("MainProcess", "text"), of("child", "child")), (1, 1), "{text}");
    }
}

#[mp::test]
fn log_01_a_pool_goes_on_while_standard_error_is_locked() {
    let program = scenario_main!(|| -> mp::Result<()> {
        mp::log_to_stderr(mp::LogLevel::Debug)?;
        let locked = std::io::stderr().lock();
        // The pool's thread tells of each worker.
        let pool = mp::Pool::builder().processes(1).max_tasks_per_child(1).build()?;
        (0..3).try_for_each(|_| pool.apply(log_lines, 1))?;
        pool.close();
        pool.join()?;
        drop(locked);
        Ok(())
    });
    let finished = program.limit(LONG).run();
    finished.assert_success();
    let starts = finished.stderr.lines().filter(|line| line.ends_with("was started"));
    assert!(starts.count() >= 2, "{}", finished.stderr);
}

/// A program's own logger.
struct Nothing;

impl log::Log for Nothing {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        false
    }

    fn log(&self, _: &log::Record<'_>) {}

    fn flush(&self) {}
}

#[mp::test]
fn log_01_a_programs_own_subscriber_stays() {
    let program = scenario_main!(|| -> mp::Result<()> {
        let keeps = Keeps::up_to(tracing::Level::INFO);
        tracing::subscriber::set_global_default(keeps).expect("there is none");
        let error = mp::log_to_stderr(mp::LogLevel::Trace).expect_err("there is one");
        assert_eq!(error.kind(), mp::ErrorKind::AlreadyExists);
        tracing::info!("kept");
        assert_eq!(crate::seen().len(), 1);
        // A logger has not been set instead.
        log::set_logger(&Nothing).expect("there is none");
        run("child", mp::start_method())
    });
    let finished = program.limit(LONG).run();
    finished.assert_success();
    assert_eq!(finished.stderr, "");
}

#[mp::test]
fn log_02_a_process_started_later_has_level_and_sink() {
    let program = scenario_main!(|| -> mp::Result<()> {
        mp::log_to_stderr(mp::LogLevel::Debug)?;
        BOTH.into_iter().try_for_each(|(name, method)| run(name, method))?;
        for (name, method) in BOTH {
            let name = format!("parent-by-{name}");
            let process = mp::Process::new(grandchildren, ()).with_name(name);
            let mut process = process.with_start_method(method);
            process.start()?;
            process.result()??;
        }
        for (name, method) in BOTH {
            let pool = mp::Pool::builder().processes(1).worker_name(name).start_method(method);
            let pool = pool.build()?;
            pool.apply(say, "first")?;
            pool.apply(abort_now, ()).expect_err("the worker has died");
            pool.apply(say, "second")?;
            pool.close();
            pool.join()?;
        }
        Ok(())
    });
    let finished = program.limit(LONG).run();
    finished.assert_success();
    let has = |process: &str, text: &str| {
        let lines = finished.stderr.lines();
        let begin = format!("[DEBUG/{process}");
        lines.filter(|l| l.starts_with(&begin) && l.ends_with(text)).count()
    };
    assert_eq!((has("exec]", "debugged"), has("fork]", "debugged")), (1, 1));
    assert_eq!((has("grand-exec]", "debugged"), has("grand-fork]", "debugged")), (2, 2));
    for pool in ["exec-", "fork-"] {
        // The second time in a worker that was started in place of one that has died.
        assert_eq!((has(pool, "first, debugged"), has(pool, "second, debugged")), (1, 1));
        assert_eq!(has(pool, "first, logged in detail"), 1);
    }
    assert!(!finished.stderr.contains("traced"));
}

/// Prints lines of all lengths, also such that are longer than a pipe takes at once.
#[mp::task]
fn print_many(letter: char) {
    for line in 0..60_usize {
        let text: String = std::iter::repeat_n(letter, 1 + line * line * 3).collect();
        tracing::info!("{line} {text}");
        log::info!("{line} {text}");
    }
}

#[mp::test]
fn log_04_lines_of_several_processes_are_never_mixed() {
    let program = scenario_main!(|| -> mp::Result<()> {
        mp::log_to_stderr(mp::LogLevel::Info)?;
        let start = |letter: char| {
            let mut process = mp::Process::new(print_many, letter).with_name(letter);
            process.start().map(|()| process)
        };
        let processes: Vec<_> = ('a'..='f').map(start).collect::<mp::Result<_>>()?;
        processes.iter().try_for_each(mp::Process::join)
    });
    let finished = program.limit(LONG).run();
    finished.assert_success();
    let mut lengths: BTreeMap<char, usize> = BTreeMap::new();
    for line in finished.stderr.lines() {
        let rest = line.strip_prefix("[INFO/").unwrap_or_else(|| panic!("mixed: {line}"));
        let (letter, text) = rest.split_once("] ").expect("a name ends");
        let letter: char = letter.parse().expect("one letter");
        assert!(line.len() < 4096);
        if text.starts_with("process ") {
            continue;
        }
        let text = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        assert!(text.chars().all(|c| c == letter), "mixed: {line}");
        *lengths.entry(letter).or_default() += text.len();
    }
    let all: usize = (0..60).map(|line| 2 * (1 + line * line * 3)).sum();
    let expected: BTreeMap<char, usize> = ('a'..='f').map(|letter| (letter, all)).collect();
    assert_eq!(lengths, expected);
}

#[mp::test]
fn log_04_threads_of_a_child_print_too() {
    #[mp::task]
    fn in_threads() {
        let threads = (0..4).map(|_| std::thread::spawn(|| log_lines(10)));
        threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().expect("it ends"));
    }
    let program = scenario_main!(|| -> mp::Result<()> {
        mp::log_to_stderr(mp::LogLevel::Info)?;
        mp::spawn(in_threads, ())?.join()
    });
    let finished = program.limit(LONG).run();
    finished.assert_success();
    let of = |line: &&str| line.starts_with("[INFO/Process-1] line ");
    assert_eq!(finished.stderr.lines().filter(of).count(), 40);
}
