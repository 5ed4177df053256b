//! A subscriber or logger that a child sets by itself.

use crate::support::scenario_main;
use crate::{Keeps, LONG, keep_and_forward, say, texts_of};
use mp::StartMethod;

/// Sets the subscriber of these tests in this process.
#[mp::task]
fn set_own() {
    tracing::info!("in the initializer");
    let keeps = Keeps::up_to(tracing::Level::TRACE);
    tracing::subscriber::set_global_default(keeps).expect("there is none");
}

#[mp::task]
fn say_and_look(text: &str) -> Vec<String> {
    say(text);
    crate::seen().iter().map(|seen| seen.text().to_owned()).collect()
}

#[mp::task]
fn before() {
    tracing::info!("only before");
}

#[mp::test]
fn bey_52_a_subscriber_set_by_an_initializer_is_the_workers() {
    let program = scenario_main!(|| -> mp::Result<()> {
        keep_and_forward(mp::LogLevel::Trace);
        for method in [StartMethod::Reexec, StartMethod::ForkServer] {
            let builder = mp::Pool::builder().processes(1).start_method(method);
            let pool = builder.worker_name("own").initializer(set_own, ()).build()?;
            let kept = pool.apply(say_and_look, "text")?;
            assert!(kept.contains(&"text, traced".to_owned()), "{kept:?}");
            assert!(kept.contains(&"text, failed".to_owned()), "{kept:?}");
            pool.close();
            pool.join()?;
        }
        // What was logged before comes; and so does what the other crate logs, of which the worker has no logger.
        for name in ["own-1", "own-2"] {
            assert_eq!(
                texts_of(name),
                ["in the initializer", "text, logged", "text, logged in detail"]
            );
        }
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}

#[mp::test]
fn bey_52_what_an_initializer_logs_comes_before_the_rest() {
    let program = scenario_main!(|| -> mp::Result<()> {
        keep_and_forward(mp::LogLevel::Info);
        let builder = mp::Pool::builder().processes(1).worker_name("plain");
        let pool = builder.initializer(before, ()).build()?;
        pool.apply(say, "text")?;
        pool.close();
        pool.join()?;
        let expected = ["only before", "text, told", "text, logged", "text, failed"];
        assert_eq!(texts_of("plain-1"), expected);
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}

#[mp::task]
fn try_to_set_one() -> bool {
    let set = tracing::subscriber::set_global_default(Keeps::up_to(tracing::Level::TRACE));
    tracing::info!("after");
    tracing::subscriber::with_default(Keeps::up_to(tracing::Level::TRACE), || {
        tracing::info!("kept here");
    });
    set.is_err()
}

#[mp::test]
fn bey_52_a_task_finds_a_subscriber_where_records_are_forwarded() {
    let program = scenario_main!(|| -> mp::Result<()> {
        assert!(!mp::spawn(try_to_set_one, ())?.result()?);
        keep_and_forward(mp::LogLevel::Info);
        assert!(mp::spawn(try_to_set_one, ())?.result()?);
        assert_eq!(texts_of("Process-2"), ["after"]);
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}

#[mp::task]
fn print_for_itself() -> mp::Result<()> {
    mp::log_to_stderr(mp::LogLevel::Warn)?;
    say("text");
    let mut process = mp::Process::new(say, "grandchild").with_name("grandchild");
    process.start()?;
    process.result()
}

#[mp::test]
fn log_02_a_child_can_print_for_itself_and_its_own() {
    let program = scenario_main!(|| -> mp::Result<()> {
        mp::spawn(print_for_itself, ())?.result()??;
        say("here");
        mp::spawn(say, "other")?.join()
    });
    let finished = program.limit(LONG).run();
    finished.assert_success();
    let expected = ["[ERROR/Process-1] text, failed", "[ERROR/grandchild] grandchild, failed"];
    assert_eq!(finished.stderr.lines().collect::<Vec<_>>(), expected);
}

#[mp::task]
fn forward_for_itself() -> mp::Result<Vec<String>> {
    keep_and_forward(mp::LogLevel::Info);
    let mut process = mp::Process::new(say, "grandchild").with_name("grandchild");
    process.start()?;
    process.join()?;
    Ok(texts_of("grandchild"))
}

#[mp::test]
fn bey_52_a_child_can_have_those_of_its_children() {
    let program = scenario_main!(|| -> mp::Result<()> {
        let texts = mp::spawn(forward_for_itself, ())?.result()??;
        let expected = ["grandchild, told", "grandchild, logged", "grandchild, failed"];
        assert_eq!(texts, expected);
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}

#[mp::test]
fn bey_52_printed_and_forwarded_are_printed_once() {
    let program = scenario_main!(|| -> mp::Result<()> {
        mp::log_to_stderr(mp::LogLevel::Error)?;
        mp::forward_logs(mp::LogLevel::Error)?;
        mp::spawn(say, "child")?.join()
    });
    let finished = program.limit(LONG).run();
    finished.assert_success();
    assert_eq!(finished.stderr, "[ERROR/Process-1] child, failed\n");
}
