//! `forward_logs`: from whom records arrive, in which order, and when they are there.

use crate::support::{repeat, scenario_main};
use crate::{LONG, keep_and_forward, lines, log_lines, say, seen, texts_of};
use mp::StartMethod;

#[mp::test]
fn bey_52_records_of_each_process_come_in_order() {
    let program = scenario_main!(|| -> mp::Result<()> {
        keep_and_forward(mp::LogLevel::Info);
        let start = |number: u32| {
            let name = format!("child {number}");
            let mut process = mp::Process::new(log_lines, 2000).with_name(name);
            process.start().map(|()| process)
        };
        let processes: Vec<_> = (0..6).map(start).collect::<mp::Result<_>>()?;
        for (number, process) in processes.iter().enumerate() {
            process.join()?;
            // All of this one, whatever the others have still to say.
            assert_eq!(texts_of(&format!("child {number}")), lines(2000));
        }
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}

#[mp::test]
fn bey_52_records_are_there_when_result_and_a_pools_join_return() {
    let program = scenario_main!(|| {
        keep_and_forward(mp::LogLevel::Info);
        repeat(20, |round| {
            let name = format!("result {round}");
            let mut process = mp::Process::new(log_lines, 50).with_name(&name);
            process.start().expect("it starts");
            process.result().expect("it returns");
            assert_eq!(texts_of(&name), lines(50));
            let name = format!("pool {round}");
            let pool = mp::Pool::builder().processes(1).worker_name(&name).build();
            let pool = pool.expect("it starts");
            pool.submit(log_lines, 50);
            pool.close();
            pool.join().expect("it ends");
            let prefix = format!("{name}-");
            let come = seen();
            let of = |process: &str| process.strip_prefix(&prefix).is_some();
            let own = come.iter().filter(|seen| seen.process().is_some_and(of));
            assert_eq!(own.filter(|seen| seen.text().starts_with("line ")).count(), 50);
        });
    });
    program.limit(LONG).run().assert_success();
}

/// Starts children of its own, and ends without a word to anybody.
#[mp::task]
fn parent_that_dies(method_forks: bool) -> mp::Result<()> {
    let method = if method_forks { StartMethod::ForkServer } else { StartMethod::Reexec };
    let process = mp::Process::new(log_lines, 100).with_name(format!("grandchild {method_forks}"));
    let mut process = process.with_start_method(method);
    process.start()?;
    process.join()?;
    tracing::info!("done");
    std::process::abort();
}

#[mp::test]
fn bey_52_records_of_grandchildren_come_though_their_parent_dies() {
    let program = scenario_main!(|| -> mp::Result<()> {
        keep_and_forward(mp::LogLevel::Info);
        for forks in [false, true] {
            let mut process =
                mp::Process::new(parent_that_dies, forks).with_name(format!("parent {forks}"));
            process.start()?;
            process.join()?;
            assert_eq!(process.exit_code(), Some(-6));
            assert_eq!(texts_of(&format!("grandchild {forks}")), lines(100));
            assert_eq!(texts_of(&format!("parent {forks}")), ["done"]);
        }
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}

#[mp::test]
fn bey_52_the_end_of_the_program_waits_for_records() {
    let program = scenario_main!(|| -> mp::Result<()> {
        keep_and_forward(mp::LogLevel::Info);
        // Below zero: when children have been waited for.
        mp::at_exit(-1, || {
            println!("children {}", texts_of("Process-1") == lines(3000));
            println!("workers {}", seen().iter().filter(|s| s.text() == "worker, told").count());
        });
        mp::spawn(log_lines, 3000)?;
        let pool = mp::Pool::new(2)?;
        (0..10).for_each(|_| drop(pool.submit(say, "worker")));
        Ok(())
    });
    let finished = program.limit(LONG).run();
    finished.assert_success();
    assert_eq!((finished.value("children "), finished.value("workers ")), ("true", "10"));
}

#[mp::test]
fn log_02_workers_of_later_send_too() {
    let program = scenario_main!(|| -> mp::Result<()> {
        keep_and_forward(mp::LogLevel::Warn);
        let early = mp::Pool::builder().processes(1).worker_name("early").build()?;
        mp::forward_logs(mp::LogLevel::Debug)?;
        let builder = mp::Pool::builder().processes(1).worker_name("late");
        let late = builder.max_tasks_per_child(1).build()?;
        early.apply(say, "early")?;
        // Each in a worker of its own.
        (0..3).try_for_each(|_| late.apply(say, "late"))?;
        for pool in [early, late] {
            pool.close();
            pool.join()?;
        }
        let count = |text: &str| seen().iter().filter(|seen| seen.text() == text).count();
        assert_eq!((count("early, failed"), count("early, debugged")), (1, 0));
        assert_eq!((count("late, failed"), count("late, debugged")), (3, 3));
        assert_eq!((count("late, logged in detail"), count("late, traced")), (3, 0));
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}

#[mp::test]
fn bey_52_what_a_preload_logs_comes() {
    let program = scenario_main!(|| -> mp::Result<()> {
        keep_and_forward(mp::LogLevel::Info);
        mp::fork_server::preload(log_lines, 3)?;
        for (name, text) in [("first", "1"), ("second", "2")] {
            let process = mp::Process::new(say, text).with_name(name);
            let mut process = process.with_start_method(StartMethod::ForkServer);
            process.start()?;
            process.join()?;
            let expected = ["told", "logged", "failed"].map(|how| format!("{text}, {how}"));
            assert_eq!(texts_of(name), expected);
        }
        assert_eq!(texts_of("mp-fork-server"), lines(3));
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}

/// A type of users' own, whose methods log.
struct Speaker;

#[mp::manager]
impl Speaker {
    fn new() -> Self {
        Self
    }

    pub fn speak(&self, text: &str) {
        tracing::info!("{text}, spoken");
        log::info!("{text}, too");
    }
}

#[mp::test]
fn bey_52_methods_of_managed_objects_log() {
    let program = scenario_main!(|| -> mp::Result<()> {
        keep_and_forward(mp::LogLevel::Info);
        let manager = mp::Manager::new()?;
        let speaker = manager.create::<Speaker>(())?;
        speaker.speak("text")?;
        drop(speaker);
        manager.shutdown()?;
        let here = |text: &str| seen().iter().any(|s| s.text() == text && s.process().is_some());
        assert!(here("text, spoken") && here("text, too"), "{:#?}", seen());
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}
