//! procspawn. It has no map and no callbacks: chunks by hand, and handles joined in a window, since each waiting task
//! holds descriptors.

use peers::{Asked, ITEMS, LARGE, all_ascii, gibibytes, median, millions, tell};
use procspawn::Pool;
use std::collections::VecDeque;
use std::time::Duration;

fn add_100(i: u64) -> u64 {
    i + 100
}

fn add_100_to_all(values: Vec<u64>) -> Vec<u64> {
    values.into_iter().map(|i| i + 100).collect()
}

fn nothing((): ()) {}

fn read(bytes: Vec<u8>) -> bool {
    all_ascii(&bytes)
}

fn make(len: usize) -> Vec<u8> {
    vec![1; len]
}

fn leave((): ()) {
    std::process::exit(3)
}

fn main() {
    procspawn::init();
    let asked = Asked::read();
    let pool = |workers| Pool::new(workers).expect("it starts");
    tell(Some(match asked.metric.as_str() {
        "throughput" => {
            let (pool, count) = (pool(2), asked.count(30_000));
            pool.spawn(1, add_100).join().expect("it runs");
            millions(count, || {
                let mut window = VecDeque::new();
                for i in 0..count {
                    window.push_back(pool.spawn(i, add_100));
                    if window.len() == 64 {
                        window.pop_front().map(|handle| handle.join().expect("it runs"));
                    }
                }
                window.into_iter().for_each(|handle| _ = handle.join().expect("it runs"));
            })
        }
        "map" => {
            let pool = pool(2);
            pool.spawn(1, add_100).join().expect("it runs");
            millions(ITEMS, || {
                let items: Vec<u64> = (0..ITEMS).collect();
                let handles: Vec<_> =
                    items.chunks(62_500).map(|chunk| pool.spawn(chunk.to_vec(), add_100_to_all)).collect();
                let mut values = Vec::with_capacity(items.len());
                handles.into_iter().for_each(|handle| values.extend(handle.join().expect("it runs")));
                assert_eq!(values[values.len() - 1], ITEMS + 99);
            })
        }
        "apply" | "idle" => {
            let pool = pool(1);
            let idle = asked.metric == "idle";
            let pause = Duration::from_millis(if idle { 10 } else { 0 });
            let count = asked.count(if idle { 100 } else { 5000 });
            median(count, pause, || assert_eq!(pool.spawn(1, add_100).join().expect("it runs"), 101))
        }
        "start" => {
            median(asked.count(200), Duration::ZERO, || {
                procspawn::spawn((), nothing).join().expect("it runs");
            }) / 1e3
        }
        "pool" => {
            let mut pools = Vec::new();
            let time = median(asked.count(40), Duration::ZERO, || {
                let pool = pool(2);
                pool.spawn(1, add_100).join().expect("it runs");
                pools.push(pool);
            }) / 1e3;
            pools.iter().for_each(Pool::kill);
            time
        }
        "argument" => {
            let (pool, bytes) = (pool(1), vec![1; LARGE]);
            gibibytes(asked.count(3), || assert!(pool.spawn(bytes.clone(), read).join().expect("it runs")))
        }
        "result" => {
            let pool = pool(1);
            gibibytes(asked.count(3), || {
                assert_eq!(pool.spawn(LARGE, make).join().expect("it runs").len(), LARGE);
            })
        }
        "death" => {
            let pool = pool(1);
            median(asked.count(20), Duration::from_millis(5), || {
                assert!(pool.spawn((), leave).join().is_err());
            }) / 1e3
        }
        _ => return tell(None),
    }));
    std::process::exit(0);
}
