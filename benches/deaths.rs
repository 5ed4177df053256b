//! How soon deaths are seen: a worker's, by its handle and by the pool; the main program's, by its busy workers.

mod rounds;

use rounds::{Row, median, table};
use std::env;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::Instant;

#[mp::task]
fn nothing() {}

#[mp::task]
fn abort() {
    std::process::abort();
}

#[mp::task]
fn spin() {
    println!("spinning");
    loop {
        std::hint::spin_loop();
    }
}

/// Set in a program that is to be killed.
const VICTIM: &str = "MP_BENCH_VICTIM";

fn millis(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

/// From the submission of a task that aborts to its error, and to the next task's value.
fn worker_death(next: bool) -> f64 {
    let pool = mp::Pool::new(1).expect("it starts");
    let mut times = Vec::new();
    for _ in 0..20 {
        pool.apply(nothing, ()).expect("it runs");
        let start = Instant::now();
        let error = pool.apply(abort, ()).expect_err("it aborts");
        assert_eq!(error.worker().map(mp::WorkerExit::exit_code), Some(-6));
        if next {
            pool.apply(nothing, ()).expect("it runs");
        }
        times.push(millis(start));
    }
    median(&mut times)
}

/// From the kill of a main program to the end of the last of its two spinning workers, which hold its
/// standard output.
fn main_death() -> f64 {
    let program = env::current_exe().expect("a program has a path");
    let mut times = Vec::new();
    for _ in 0..10 {
        let victim = Command::new(&program).env(VICTIM, "1").stdout(Stdio::piped()).spawn();
        let mut victim = victim.expect("it starts");
        let mut output = BufReader::new(victim.stdout.take().expect("it is piped"));
        for _ in 0..2 {
            output.read_line(&mut String::new()).expect("a worker spins");
        }
        let start = Instant::now();
        victim.kill().expect("it can be killed");
        output.read_to_end(&mut Vec::new()).expect("its output ends");
        times.push(millis(start));
        victim.wait().expect("it has ended");
    }
    median(&mut times)
}

fn main() {
    let _guard = mp::init();
    if env::var_os(VICTIM).is_some() {
        let pool = mp::Pool::new(2).expect("it starts");
        let handles = [pool.submit(spin, ()), pool.submit(spin, ())];
        handles.iter().for_each(mp::AsyncResult::wait);
    }
    table(
        "deaths, until they are seen, p50",
        "ms",
        &mut [
            Row::new("a task aborts: its handle has the error", || worker_death(false)),
            Row::new("a task aborts: the next task has its value", || worker_death(true)),
            Row::new("main killed: the last of two spinning workers is gone", main_death),
        ],
    );
}
