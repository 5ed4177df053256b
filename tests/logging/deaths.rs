//! What processes log before they end in some other way than by returning: it arrives, whole and in order.

use crate::support::{kill, repeat, scenario_main, wait_until};
use crate::{LONG, VERY_LONG, keep_and_forward, lines, seen, texts_of};

#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
enum End {
    Panic,
    Exit,
    Abort,
    Kill,
    StackOverflow,
}

#[expect(unconditional_recursion, reason = "it is to overflow the stack")]
fn recurse(number: &mut u64) {
    *number += 1;
    recurse(number);
    std::hint::black_box(number);
}

#[mp::task]
fn count_and_end(end: End) {
    crate::log_lines(300);
    match end {
        End::Panic => panic!("on purpose"),
        End::Exit => std::process::exit(7),
        End::Abort => std::process::abort(),
        End::Kill => kill(std::process::id().cast_signed(), 9).expect("it is alive"),
        End::StackOverflow => recurse(&mut 0),
    }
    unreachable!("it has ended");
}

#[mp::test]
fn bey_52_nothing_is_lost_however_a_process_ends() {
    let program = scenario_main!(|| -> mp::Result<()> {
        keep_and_forward(mp::LogLevel::Info);
        for end in [End::Panic, End::Exit, End::Abort, End::Kill, End::StackOverflow] {
            let name = format!("{end:?}");
            let mut process = mp::Process::new(count_and_end, end).with_name(&name);
            process.start()?;
            process.join()?;
            assert_eq!(texts_of(&name), lines(300), "{name}");
            let said = |text: &str| seen().iter().any(|seen| seen.text().contains(text));
            match end {
                End::Panic => {
                    let own = |seen: &crate::Seen| seen.process() == Some("Panic");
                    let last = seen().iter().rfind(|seen| own(seen)).cloned();
                    let last = last.expect("there are some");
                    assert_eq!(last.text(), "process exiting with exitcode 101");
                }
                End::Exit => assert!(said("process Exit (pid") && said("ended with exit code 7")),
                End::Abort => assert!(said("was killed by SIGABRT")),
                End::Kill => assert!(said("process Kill (pid") && said("was killed by SIGKILL")),
                End::StackOverflow => assert!(said("was killed by SIGSEGV")),
            }
        }
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}

#[mp::test]
fn bey_52_nothing_is_lost_when_a_worker_dies() {
    let program = scenario_main!(|| -> mp::Result<()> {
        keep_and_forward(mp::LogLevel::Info);
        for end in [End::Panic, End::Exit, End::Abort, End::Kill] {
            let name = format!("{end:?}");
            let pool = mp::Pool::builder().processes(1).worker_name(&name).build()?;
            pool.apply(count_and_end, end).expect_err("it does not return");
            pool.close();
            pool.join()?;
            let come = seen();
            let of_pool = |seen: &&crate::Seen| {
                let of = |process: &str| process.starts_with(&format!("{name}-"));
                seen.process().is_some_and(of) && seen.text().starts_with("line ")
            };
            let texts: Vec<&str> = come.iter().filter(of_pool).map(crate::Seen::text).collect();
            assert_eq!(texts, lines(300), "{name}");
        }
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}

/// Logs until it is killed; long texts among short ones, so that it is likely to be in the middle of one.
#[mp::task]
fn never_stops() {
    for line in 0_u64.. {
        let length = if line % 3 == 0 { 5000 } else { 10 };
        tracing::info!("{line} {}", "x".repeat(length));
    }
}

#[mp::test]
fn bey_52_a_kill_in_the_middle_of_a_record_cuts_none() {
    let program = scenario_main!(|| {
        keep_and_forward(mp::LogLevel::Info);
        repeat(200, |round| {
            let name = format!("killed {round}");
            let mut process = mp::Process::new(never_stops, ()).with_name(&name);
            process.start().expect("it starts");
            wait_until(LONG, "it logs", || seen().len() > 3);
            process.kill().expect("it was started");
            process.join().expect("it ends");
            let texts = texts_of(&name);
            for (number, text) in texts.iter().enumerate() {
                let length = if number % 3 == 0 { 5000 } else { 10 };
                assert_eq!(*text, format!("{number} {}", "x".repeat(length)));
            }
            // The lane goes on for others, and for this process.
            let mut next = mp::Process::new(crate::log_lines, 5).with_name("next");
            next.start().expect("it starts");
            next.join().expect("it ends");
            assert_eq!(texts_of("next"), lines(5));
            seen().clear();
        });
    });
    program.limit(VERY_LONG).run().assert_success();
}

#[mp::task]
fn log_in_a_panic() {
    /// Logs while it unwinds.
    struct Logs;
    impl Drop for Logs {
        fn drop(&mut self) {
            tracing::info!("unwinding");
        }
    }
    let _logs = Logs;
    tracing::info!("before");
    panic!("on purpose");
}

#[mp::test]
fn bey_52_what_is_logged_in_a_panic_comes() {
    let program = scenario_main!(|| -> mp::Result<()> {
        keep_and_forward(mp::LogLevel::Info);
        let process = mp::spawn(log_in_a_panic, ())?;
        let error = process.result().expect_err("it panics");
        assert_eq!(error.kind(), mp::ErrorKind::Panicked);
        assert_eq!(texts_of("Process-1"), ["before", "unwinding"]);
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}
