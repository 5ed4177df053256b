//! The library's own records: what it tells of processes and pools.

use crate::support::scenario_main;
use crate::{LONG, keep_and_forward, log_lines, seen};

/// Those of the library, with who has made them.
fn told() -> Vec<String> {
    let own = |seen: &&crate::Seen| seen.target.starts_with("mp::");
    let with_name = |seen: &crate::Seen| {
        format!("{} {}: {}", seen.level, seen.process().unwrap_or("here"), seen.text())
    };
    seen().iter().filter(own).map(with_name).collect()
}

#[track_caller]
fn assert_told(text: &str) {
    assert!(told().iter().any(|told| told == text), "{text:?} is not among {:#?}", told());
}

#[mp::task]
fn returns_err() -> mp::Result<()> {
    mp::set_worker_state(1);
    Err("by will".parse::<mp::LogLevel>().expect_err("it is none"))
}

#[mp::task]
fn stays() {
    loop {
        std::thread::park();
    }
}

#[mp::test]
fn log_03_start_and_end_of_a_process_are_told() {
    let program = scenario_main!(|| -> mp::Result<()> {
        keep_and_forward(mp::LogLevel::Info);
        mp::spawn(log_lines, 0)?.join()?;
        let expected = [
            "INFO Process-1: process started, calling task logging::log_lines",
            "INFO Process-1: process exiting with exitcode 0",
        ];
        assert_eq!(told(), expected);
        mp::spawn(returns_err, ())?.join()?;
        assert_told("INFO Process-2: process exiting with exitcode 1");
        let killed = mp::spawn(stays, ())?;
        killed.kill()?;
        killed.join()?;
        killed.join()?;
        let pid = killed.pid().expect("it was started");
        let text = format!("INFO here: process Process-3 (pid {pid}) was killed by SIGKILL");
        assert_told(&text);
        assert_eq!(told().iter().filter(|told| **told == text).count(), 1, "it is told once");
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}

#[mp::test]
fn log_03_a_pools_steps_are_told() {
    let program = scenario_main!(|| -> mp::Result<()> {
        keep_and_forward(mp::LogLevel::Debug);
        let builder = mp::Pool::builder().processes(1).max_tasks_per_child(2);
        let pool = builder.worker_name("w").build()?;
        assert_told("DEBUG here: a pool was started, of 1 workers");
        (0..2).try_for_each(|_| pool.apply(log_lines, 0))?;
        let limit = std::time::Duration::from_millis(50);
        let call = pool.call(stays, ()).timeout(limit).submit();
        assert_eq!(call.get().expect_err("it takes too long").kind(), mp::ErrorKind::Timeout);
        pool.resize(2)?;
        pool.close();
        pool.join()?;
        assert_told("INFO w-1: process started, as a worker of a pool");
        assert_told("DEBUG w-1: worker exiting after 2 tasks");
        assert_told("INFO w-1: process exiting with exitcode 0");
        assert_told("DEBUG here: task logging::steps::stays has timed out, after 50ms");
        assert_told("DEBUG here: the pool is to have 2 workers");
        assert_told("DEBUG here: the pool is closed: it takes no more tasks");
        let any = |begin: &str, end: &str| {
            told().iter().any(|told| told.starts_with(begin) && told.ends_with(end))
        };
        assert!(any("DEBUG here: worker w-2 (pid ", ") was started"), "{:#?}", told());
        assert!(any("DEBUG here: a worker has ended: process w-2 ", "was killed by SIGTERM"));
        let pool = mp::Pool::new(1)?;
        pool.terminate();
        assert_told("DEBUG here: the pool is ended: its workers are stopped");
        let pool = mp::Pool::builder().processes(1).initializer(panics, ()).build()?;
        pool.apply(log_lines, 0).expect_err("no worker can begin");
        let broken = told().iter().any(|told| told.starts_with("ERROR here: the pool is broken"));
        assert!(broken, "{:#?}", told());
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}

#[mp::task]
fn panics() {
    panic!("on purpose");
}

#[mp::test]
fn log_03_nothing_is_told_of_single_tasks() {
    let program = scenario_main!(|| -> mp::Result<()> {
        keep_and_forward(mp::LogLevel::Trace);
        let pool = mp::Pool::new(2)?;
        pool.map(log_lines, std::iter::repeat_n(0, 1000))?;
        (0..100).try_for_each(|_| pool.apply(log_lines, 0))?;
        pool.close();
        pool.join()?;
        assert!(told().len() < 20, "{:#?}", told());
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}
