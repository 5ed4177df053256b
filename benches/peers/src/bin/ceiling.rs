//! What no process can go beyond: threads, by rayon or by channels, and for start and payload the bare operation.

use peers::{Asked, ITEMS, LARGE, all_ascii, gibibytes, median, millions, tell};
use rayon::prelude::*;
use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

fn rayon_pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start")
}

fn rayon(asked: &Asked) -> Option<f64> {
    Some(match asked.metric.as_str() {
        "throughput" => {
            let (pool, count) = (rayon_pool(2), asked.count(1_000_000));
            let left = Arc::new(AtomicU64::new(count));
            let (tell, told) = crossbeam_channel::bounded(1);
            millions(count, || {
                for i in 0..count {
                    let (left, tell) = (Arc::clone(&left), tell.clone());
                    pool.spawn(move || {
                        black_box(i + 100);
                        if left.fetch_sub(1, Ordering::AcqRel) == 1 {
                            tell.send(()).expect("it is waited for");
                        }
                    });
                }
                told.recv().expect("the last one tells");
            })
        }
        "map" => {
            let pool = rayon_pool(2);
            let items: Vec<u64> = (0..ITEMS).collect();
            let map = || items.par_iter().map(|i| black_box(i + 100)).collect::<Vec<_>>();
            pool.install(map);
            millions(ITEMS, || assert_eq!(pool.install(map).len(), items.len()))
        }
        "apply" => {
            let pool = rayon_pool(1);
            median(asked.count(20_000), Duration::ZERO, || _ = pool.install(|| black_box(101)))
        }
        _ => return None,
    })
}

/// A worker thread behind two channels.
fn crossbeam(asked: &Asked) -> Option<f64> {
    let (ask, asks) = crossbeam_channel::unbounded::<u64>();
    let (answer, answers) = crossbeam_channel::unbounded::<u64>();
    let workers = if asked.metric == "throughput" { 2 } else { 1 };
    for _ in 0..workers {
        let (asks, answer) = (asks.clone(), answer.clone());
        thread::spawn(move || asks.iter().try_for_each(|i| answer.send(i + 100)));
    }
    let turn = || {
        ask.send(1).expect("the thread lives");
        assert_eq!(answers.recv().expect("the thread lives"), 101);
    };
    Some(match asked.metric.as_str() {
        "throughput" => {
            let count = asked.count(1_000_000);
            millions(count, || {
                (0..count).for_each(|i| ask.send(i).expect("the threads live"));
                (0..count).for_each(|_| _ = answers.recv().expect("the threads live"));
            })
        }
        "apply" => median(asked.count(20_000), Duration::ZERO, turn),
        "idle" => median(asked.count(100), Duration::from_millis(10), turn),
        _ => return None,
    })
}

/// The same program again, a copy that is read, a copy.
fn bare(asked: &Asked) -> Option<f64> {
    let bytes = vec![1; LARGE];
    let mut copy = vec![0; LARGE];
    Some(match asked.metric.as_str() {
        "start" => {
            median(asked.count(200), Duration::ZERO, || {
                let again = std::env::current_exe().expect("it has a path");
                assert!(
                    Command::new(again).args(["nothing", "100", "bare"]).output().expect("it runs").status.success()
                );
            }) / 1e3
        }
        "argument" => gibibytes(asked.count(8), || {
            copy.copy_from_slice(black_box(&bytes));
            assert!(all_ascii(&copy));
        }),
        "result" => gibibytes(asked.count(8), || drop(black_box(black_box(&bytes).clone()))),
        _ => return None,
    })
}

fn main() {
    let asked = Asked::read();
    let which = std::env::args().nth(3).unwrap_or_default();
    if asked.metric == "nothing" {
        return;
    }
    tell(match which.as_str() {
        "rayon" => rayon(&asked),
        "crossbeam" => crossbeam(&asked),
        _ => bare(&asked),
    });
}
