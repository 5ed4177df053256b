//! `forward_logs`: what of a record arrives, and where.

use crate::support::scenario_main;
use crate::{Keeps, LONG, Seen, keep_and_forward, say, seen};
use std::sync::Mutex;

/// The event of that text that came from another process.
fn arrived(text: &str) -> Seen {
    let all = seen();
    let found = all.iter().find(|seen| seen.text() == text && seen.process().is_some());
    found.unwrap_or_else(|| panic!("{text:?} is not among {all:?}")).clone()
}

#[mp::test]
fn log_04_records_carry_the_process() {
    let program = scenario_main!(|| -> mp::Result<()> {
        keep_and_forward(mp::LogLevel::Info);
        let mut process = mp::Process::new(say, "child").with_name("named");
        process.start()?;
        let pid = format!("u64 {}", process.pid().expect("it was started"));
        process.join()?;
        for text in ["child, told", "child, logged", "child, failed"] {
            let seen = arrived(text);
            assert_eq!(seen.process(), Some("named"));
            assert_eq!(seen.fields["process.pid"], pid);
            assert_eq!(seen.target, "logging");
            let file = seen.place.0.expect("it is known");
            assert!(file.ends_with("tests/logging/main.rs") && seen.place.1.is_some(), "{file}");
        }
        assert_eq!(arrived("child, failed").level, tracing::Level::ERROR);
        assert_eq!(arrived("child, logged").level, tracing::Level::INFO);
        assert!(seen().iter().all(|seen| !seen.text().contains("debugged")));
        assert!(seen().iter().all(|seen| !seen.text().contains("detail")));
        Ok(())
    });
    let finished = program.limit(LONG).run();
    finished.assert_success();
    assert_eq!(finished.stderr, "");
}

#[derive(Debug)]
#[expect(dead_code, reason = "it is shown")]
struct Point(u8, u8);

#[mp::task]
fn say_fields() {
    tracing::warn!(
        target: "elsewhere::deep",
        signed = -1, unsigned = 2_u64, float = 0.5, yes = true, text = "a \"text\"",
        shown = %"plain", point = ?Point(1, 2), nothing = tracing::field::Empty,
        "many"
    );
    tracing::info!(number = 7);
    // Spans are no records, and do no harm.
    let _span = tracing::info_span!("a span", number = 1).entered();
    tracing::info!(target: "elsewhere", "inside");
    log::warn!(target: "made::up", "logged elsewhere");
}

#[mp::test]
fn bey_52_fields_arrive_as_what_they_are() {
    let program = scenario_main!(|| -> mp::Result<()> {
        keep_and_forward(mp::LogLevel::Info);
        mp::spawn(say_fields, ())?.join()?;
        let many = arrived("many");
        assert_eq!((many.level, many.target.as_str()), (tracing::Level::WARN, "elsewhere::deep"));
        let expected = [
            ("signed", "i64 -1"),
            ("unsigned", "u64 2"),
            ("float", "f64 0.5"),
            ("yes", "bool true"),
            ("text", "a \"text\""),
            ("shown", "plain"),
            ("point", "Point(1, 2)"),
            ("message", "many"),
            ("process.name", "Process-1"),
        ];
        for (name, value) in expected {
            assert_eq!(many.fields[name], value, "{name}");
        }
        assert!(!many.fields.contains_key("nothing"));
        let number = |seen: &Seen| seen.fields.get("number").is_some_and(|n| n == "i64 7");
        assert!(seen().iter().any(number));
        assert_eq!(arrived("inside").target, "elsewhere");
        assert_eq!(arrived("logged elsewhere").target, "made::up");
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}

#[mp::task]
fn say_as_many(targets: u32) {
    for number in 0..targets {
        log::info!(target: &format!("target-{number}"), "number {number}");
    }
}

#[mp::test]
fn bey_52_targets_without_end_are_fields() {
    let program = scenario_main!(|| -> mp::Result<()> {
        keep_and_forward(mp::LogLevel::Info);
        mp::spawn(say_as_many, 5000)?.join()?;
        assert_eq!(arrived("number 0").target, "target-0");
        let last = arrived("number 4999");
        assert_eq!(
            (last.target.as_str(), last.fields["target"].as_str()),
            ("mp::records", "target-4999")
        );
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}

#[mp::test]
fn bey_52_the_callers_subscriber_gets_them() {
    let program = scenario_main!(|| -> mp::Result<()> {
        let keeps = Keeps::up_to(tracing::Level::INFO);
        let _guard = tracing::subscriber::set_default(keeps);
        mp::forward_logs(mp::LogLevel::Trace)?;
        mp::spawn(say, "child")?.join()?;
        arrived("child, told");
        assert!(seen().iter().all(|seen| !seen.text().contains("debugged")));
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}

/// A logger of `log` that keeps what it gets.
struct Logger;

static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl log::Log for Logger {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        !metadata.target().starts_with("mp")
    }

    fn log(&self, record: &log::Record<'_>) {
        let text = format!("{} {} {}", record.level(), record.target(), record.args());
        LOGGED.lock().expect("nobody panics").push(text);
    }

    fn flush(&self) {}
}

#[mp::test]
fn log_04_without_a_subscriber_the_logger_gets_them() {
    let program = scenario_main!(|| -> mp::Result<()> {
        log::set_logger(&Logger).expect("there is none");
        log::set_max_level(log::LevelFilter::Info);
        mp::forward_logs(mp::LogLevel::Debug)?;
        let process = mp::spawn(say, "child")?;
        process.join()?;
        let pid = process.pid().expect("it was started");
        let logged = LOGGED.lock().expect("nobody panics");
        let expected = |text: &str, level: &str| {
            format!("{level} logging child, {text} process.name=\"Process-1\" process.pid={pid}")
        };
        let expected =
            [expected("told", "INFO"), expected("logged", "INFO"), expected("failed", "ERROR")];
        let logged: Vec<&String> = logged.iter().filter(|t| t.contains("process.pid")).collect();
        assert_eq!(logged, expected.iter().collect::<Vec<_>>());
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}
