//! Subscribers that are slow, block, panic, or use the library themselves.

use crate::support::{scenario_main, wait_until};
use crate::{Keeps, LONG, VERY_LONG, lines, log_lines, seen, texts_of};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// Has children's records come to a subscriber that first does that.
fn forward_to(first: fn(&str)) {
    let keeps = Keeps { most: tracing::Level::INFO, first };
    tracing::subscriber::set_global_default(keeps).expect("there is none");
    mp::forward_logs(mp::LogLevel::Info).expect("there is memory");
}

/// Logs more than there is room for.
#[mp::task]
fn much(lines: u32) {
    let text = "x".repeat(10_000);
    (0..lines).for_each(|line| tracing::info!(text, "line {line}"));
}

#[mp::test]
fn bey_52_a_slow_subscriber_gets_all() {
    let program = scenario_main!(|| -> mp::Result<()> {
        forward_to(|_| {
            thread::sleep(Duration::from_millis(2)); // work: a slow disk
        });
        let start = |number: u32| {
            let mut process = mp::Process::new(much, 300).with_name(format!("child {number}"));
            process.start().map(|()| process)
        };
        let processes: Vec<_> = (0..3).map(start).collect::<mp::Result<_>>()?;
        processes.iter().try_for_each(mp::Process::join)?;
        for number in 0..3 {
            assert_eq!(texts_of(&format!("child {number}")), lines(300));
        }
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}

#[mp::test]
fn bey_52_a_subscriber_that_panics_gets_the_next() {
    let program = scenario_main!(|| -> mp::Result<()> {
        forward_to(|text| assert!(text != "line 3", "on purpose"));
        mp::spawn(log_lines, 10)?.join()?;
        let mut expected = lines(10);
        expected.remove(3);
        assert_eq!(texts_of("Process-1"), expected);
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}

static POOL: OnceLock<mp::Pool> = OnceLock::new();

#[mp::task]
fn answer(text: &str) -> usize {
    tracing::info!("asked");
    text.len()
}

#[mp::test]
fn bey_52_a_subscriber_may_use_pools_and_processes() {
    let program = scenario_main!(|| -> mp::Result<()> {
        static ANSWERS: AtomicU32 = AtomicU32::new(0);
        forward_to(|text| {
            if text.starts_with("line ") {
                let pool = POOL.get().expect("it is there");
                assert_eq!(pool.apply(answer, text).expect("it returns"), text.len());
                // A process started and joined on the very thread that all records come by.
                let process = mp::spawn(answer, text).expect("it starts");
                assert_eq!(process.result().expect("it returns"), text.len());
                ANSWERS.fetch_add(1, Ordering::SeqCst);
            }
        });
        POOL.get_or_init(|| mp::Pool::new(2).expect("it starts"));
        let before = Instant::now();
        mp::spawn(log_lines, 5)?.join()?;
        // Nobody has waited for who waits for it.
        assert!(before.elapsed() < Duration::from_secs(4), "{:?}", before.elapsed());
        assert_eq!(ANSWERS.load(Ordering::SeqCst), 5);
        // Made on the way, so that nobody has waited for these.
        let asked = || seen().iter().filter(|seen| seen.text() == "asked").count();
        wait_until(LONG, "all have asked", || asked() == 10);
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}

/// Uses the library when it is dropped, as a subscriber with it does then.
struct Starts(&'static AtomicU32);

impl Drop for Starts {
    fn drop(&mut self) {
        let process = mp::spawn(answer, "text").expect("it starts");
        assert_eq!(process.result().expect("it returns"), 4);
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[mp::test]
fn bey_52_a_subscriber_that_is_replaced_may_use_processes() {
    let program = scenario_main!(|| -> mp::Result<()> {
        static DROPPED: AtomicU32 = AtomicU32::new(0);
        for _ in 0..3 {
            let starts = Starts(&DROPPED);
            let writer = move || {
                let _ = &starts;
                std::io::sink()
            };
            let subscriber = tracing_subscriber::fmt().with_writer(writer).finish();
            tracing::subscriber::with_default(subscriber, || mp::forward_logs(mp::LogLevel::Info))?;
        }
        wait_until(LONG, "two have been replaced", || DROPPED.load(Ordering::SeqCst) == 2);
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}

static BLOCKED: AtomicBool = AtomicBool::new(true);
static HELD: Mutex<()> = Mutex::new(());
static RELEASED: Condvar = Condvar::new();

fn block() {
    let mut held = HELD.lock().expect("nobody panics");
    while BLOCKED.load(Ordering::SeqCst) {
        held = RELEASED.wait(held).expect("nobody panics");
    }
}

fn release() {
    let held = HELD.lock().expect("nobody panics");
    BLOCKED.store(false, Ordering::SeqCst);
    RELEASED.notify_all();
    drop(held);
}

struct PanicsAtLast;

impl Drop for PanicsAtLast {
    fn drop(&mut self) {
        panic!("on purpose");
    }
}

#[mp::test]
fn bey_52_a_subscriber_that_panics_at_last_stops_nothing() {
    let program = scenario_main!(|| -> mp::Result<()> {
        static ENTERED: AtomicBool = AtomicBool::new(false);
        let panics = PanicsAtLast;
        let writer = move || {
            let _ = &panics;
            ENTERED.store(true, Ordering::SeqCst);
            block();
            std::io::sink()
        };
        let subscriber = tracing_subscriber::fmt().with_writer(writer).finish();
        tracing::subscriber::with_default(subscriber, || mp::forward_logs(mp::LogLevel::Info))?;
        let first = mp::spawn(log_lines, 1)?;
        wait_until(LONG, "it has a record", || ENTERED.load(Ordering::SeqCst));
        // Only who is in it has it then.
        forward_to(|_| {});
        release();
        first.join()?;
        mp::spawn(log_lines, 3)?.join()?;
        assert_eq!(texts_of("Process-2"), lines(3));
        Ok(())
    });
    program.limit(LONG).run().assert_success();
}

#[mp::test]
fn bey_52_a_subscriber_that_blocks_hangs_nobody() {
    let program = scenario_main!(|| -> mp::Result<()> {
        forward_to(|_| block());
        let before = Instant::now();
        // There is room for about a hundred of them.
        mp::spawn(much, 200)?.join()?;
        let taken = before.elapsed();
        assert!(taken > Duration::from_secs(10), "it waits for room: {taken:?}");
        release();
        mp::spawn(log_lines, 3)?.join()?;
        assert_eq!(texts_of("Process-2"), lines(3));
        let mut come = texts_of("Process-1");
        // A shorter record found room then, and says how many did not.
        let missing = come.pop().expect("some have come");
        assert!((80..150).contains(&come.len()), "{}", come.len());
        assert_eq!(come, lines(u32::try_from(come.len()).expect("they are few")));
        assert_eq!(missing, told_missing(200 - come.len()));
        Ok(())
    });
    program.limit(VERY_LONG).run().assert_success();
}

#[mp::test]
fn bey_52_many_wait_for_a_blocked_subscriber_only_once() {
    let program = scenario_main!(|| -> mp::Result<()> {
        forward_to(|_| block());
        let start = |_| mp::spawn(log_lines, 1);
        let processes: Vec<_> = (0..4).map(start).collect::<mp::Result<_>>()?;
        let before = Instant::now();
        processes.iter().try_for_each(mp::Process::join)?;
        let taken = before.elapsed();
        // Not five seconds for each of them.
        assert!(taken < Duration::from_secs(12), "{taken:?}");
        release();
        mp::spawn(log_lines, 3)?.join()?;
        assert_eq!(texts_of("Process-5"), lines(3));
        Ok(())
    });
    program.limit(VERY_LONG).run().assert_success();
}

fn told_missing(records: usize) -> String {
    format!("{records} records of this process are missing here")
}

/// Logs more than there is room for, is let go on, and logs some more.
#[mp::task]
fn much_and_more(lines: u32, gate: &str) {
    much(lines);
    crate::support::gate::stop_at(gate);
    log_lines(3);
}

#[mp::test]
fn bey_52_how_many_records_are_missing_is_told() {
    let program = scenario_main!(|| -> mp::Result<()> {
        forward_to(|_| block());
        let gate = crate::support::gate::Gate::new();
        let process = mp::spawn(much_and_more, (200, gate.name()))?;
        let guest = gate.next();
        release();
        // When this returns, all that found room has been taken.
        mp::spawn(log_lines, 1)?.join()?;
        let lost = 200 - texts_of("Process-1").len();
        guest.release();
        process.join()?;
        let texts: Vec<String> = seen().iter().map(|seen| seen.text().to_owned()).collect();
        let told = told_missing(lost);
        let at = texts.iter().position(|text| *text == told);
        let at = at.unwrap_or_else(|| panic!("{told:?} is not among {texts:?}"));
        assert_eq!(texts[at + 1..at + 4], lines(3));
        Ok(())
    });
    program.limit(VERY_LONG).run().assert_success();
}

/// Logs more than there is room for, and ends without a word when it is let go on.
#[mp::task]
fn much_and_no_more(warnings: u32, gate: &str) {
    let text = "x".repeat(10_000);
    (0..warnings).for_each(|line| tracing::warn!(text, "line {line}"));
    crate::support::gate::stop_at(gate);
}

#[mp::test]
fn bey_52_how_many_are_missing_at_the_end_is_told() {
    let program = scenario_main!(|| -> mp::Result<()> {
        forward_to(|_| block());
        mp::forward_logs(mp::LogLevel::Warn)?;
        let gate = crate::support::gate::Gate::new();
        let process = mp::spawn(much_and_no_more, (200, gate.name()))?;
        let guest = gate.next();
        release();
        // When this returns, all that found room has been taken.
        mp::spawn(log_lines, 1)?.join()?;
        let come = texts_of("Process-1").len();
        guest.release();
        process.join()?;
        let last = seen().last().map(|seen| seen.text().to_owned());
        assert_eq!(last, Some(told_missing(200 - come)));
        Ok(())
    });
    program.limit(VERY_LONG).run().assert_success();
}
