//! Starting and joining one process that does nothing, and a pool up to its first result, beside a bare re-run of this
//! program; then the same from a parent of some GiB. The bound for start and join of an empty task is 5 ms (BEY-45).

mod rounds;

use rounds::{Row, median, table};
use std::env;
use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

#[mp::task]
fn nothing() {}

/// Set in a program that is to end at once.
const BARE: &str = "MP_BENCH_BARE";

fn p50(times: usize, mut once: impl FnMut()) -> f64 {
    let once = |_| {
        let start = Instant::now();
        once();
        start.elapsed().as_secs_f64() * 1e3
    };
    median(&mut (0..times).map(once).collect::<Vec<_>>())
}

fn bare() {
    let program = env::current_exe().expect("a program has a path");
    let status = Command::new(program).env(BARE, "1").status().expect("it starts");
    assert!(status.success());
}

fn spawn_and_join() {
    let process = mp::spawn(nothing, ()).expect("it starts");
    process.join().expect("it was started");
    assert_eq!(process.exit_code(), Some(0));
}

fn fork_and_join() {
    let process = mp::Process::new(nothing, ());
    let mut process = process.with_start_method(mp::StartMethod::ForkServer);
    process.start().expect("it starts");
    process.join().expect("it was started");
    assert_eq!(process.exit_code(), Some(0));
}

fn first_result(method: mp::StartMethod) -> f64 {
    let mut times = Vec::new();
    for _ in 0..30 {
        let start = Instant::now();
        let pool = mp::Pool::builder().processes(2).start_method(method).build();
        let pool = pool.expect("it starts");
        pool.apply(nothing, ()).expect("it runs");
        times.push(start.elapsed().as_secs_f64() * 1e3);
        pool.close();
        pool.join().expect("it was closed");
    }
    median(&mut times)
}

/// How large the large parent is, in MiB; a machine of 4 GiB wants less.
const LARGE: &str = "MP_BENCH_LARGE_MIB";

/// Measures with that much more memory resident: every page is written to, and given back afterwards.
fn large(mebibytes: usize, measure: impl FnOnce() -> f64) -> f64 {
    let memory = black_box(vec![1_u8; mebibytes << 20]);
    let value = measure();
    drop(black_box(memory));
    value
}

fn from_a_large_parent() {
    let mebibytes = env::var(LARGE).ok().and_then(|n| n.parse().ok()).unwrap_or(4096);
    table(
        &format!("start and end of one process from a parent of {mebibytes} MiB, p50"),
        "ms",
        &mut [
            Row::new("mp::spawn and join, small parent", || p50(100, spawn_and_join)),
            Row::new("mp::spawn and join, large parent", || {
                large(mebibytes, || p50(100, spawn_and_join))
            }),
            Row::new("std::process::Command, large parent", || large(mebibytes, || p50(100, bare))),
        ],
    );
}

fn main() {
    if env::var_os(BARE).is_some() {
        return;
    }
    let _guard = mp::init();
    table(
        "start and end of one process, p50",
        "ms",
        &mut [
            Row::new("std::process::Command, this program again, ended at once", || p50(100, bare)),
            Row::new("mp::spawn and join", || p50(100, spawn_and_join)),
            Row::new("the same by a fork server", || p50(200, fork_and_join)),
            Row::new("Pool(2) to its first result", || first_result(mp::StartMethod::Reexec)),
            Row::new("the same by a fork server", || first_result(mp::StartMethod::ForkServer)),
            Row::new("close and join of that pool", || {
                let mut times = Vec::new();
                for _ in 0..30 {
                    let pool = mp::Pool::new(2).expect("it starts");
                    (0..4).for_each(|_| pool.apply(nothing, ()).expect("it runs"));
                    let start = Instant::now();
                    pool.close();
                    pool.join().expect("it was closed");
                    times.push(start.elapsed().as_secs_f64() * 1e3);
                }
                median(&mut times)
            }),
        ],
    );
    from_a_large_parent();
}
