//! mp: pools and processes. With `forkserver` as third argument, children are forked.

use peers::{Asked, ITEMS, LARGE, all_ascii, gibibytes, median, millions, tell};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

#[mp::task]
fn add_100(i: u64) -> u64 {
    i + 100
}

#[mp::task]
fn nothing() {}

#[mp::task]
fn read(bytes: &[u8]) -> bool {
    all_ascii(bytes)
}

#[mp::task]
fn make(len: usize) -> Vec<u8> {
    vec![1; len]
}

#[mp::task]
fn leave() {
    std::process::exit(3)
}

fn main() -> mp::Result<()> {
    let _guard = mp::init();
    let asked = Asked::read();
    if std::env::args().nth(3).as_deref() == Some("forkserver") {
        mp::set_start_method(mp::StartMethod::ForkServer);
        mp::spawn(nothing, ())?.join()?;
    }
    let pool = |workers| mp::Pool::new(workers);
    tell(Some(match asked.metric.as_str() {
        "throughput" => {
            static SUM: AtomicU64 = AtomicU64::new(0);
            let (pool, count) = (pool(2)?, asked.count(1_000_000));
            pool.apply(add_100, 1)?;
            let rate = millions(count, || {
                for i in 0..count {
                    pool.apply_async(add_100, i, |value| _ = SUM.fetch_add(value, Relaxed));
                }
                pool.close();
                pool.join().expect("it is closed");
            });
            assert_eq!(SUM.load(Relaxed), (0..count).map(|i| i + 100).sum());
            rate
        }
        "map" => {
            let pool = pool(2)?;
            pool.map(add_100, 0..ITEMS / 10)?;
            millions(ITEMS, || {
                let values = pool.map(add_100, 0..ITEMS).expect("nothing fails");
                assert_eq!(values[values.len() - 1], ITEMS + 99);
            })
        }
        "apply" | "idle" => {
            let pool = pool(1)?;
            let idle = asked.metric == "idle";
            let pause = Duration::from_millis(if idle { 10 } else { 0 });
            let count = asked.count(if idle { 100 } else { 20_000 });
            median(count, pause, || assert_eq!(pool.apply(add_100, 1).expect("it runs"), 101))
        }
        "start" => {
            median(asked.count(200), Duration::ZERO, || {
                mp::spawn(nothing, ()).and_then(|process| process.join()).expect("it runs");
            }) / 1e3
        }
        "pool" => {
            median(asked.count(40), Duration::ZERO, || {
                let pool = pool(2).expect("it starts");
                pool.apply(add_100, 1).expect("it runs");
                std::mem::forget(pool);
            }) / 1e3
        }
        "argument" => {
            let (pool, bytes) = (pool(1)?, vec![1; LARGE]);
            gibibytes(asked.count(8), || assert!(pool.apply(read, &bytes).expect("it runs")))
        }
        "result" => {
            let pool = pool(1)?;
            gibibytes(asked.count(8), || {
                assert_eq!(pool.apply(make, LARGE).expect("it runs").len(), LARGE);
            })
        }
        "death" => {
            let pool = pool(1)?;
            median(asked.count(20), Duration::from_millis(5), || {
                assert!(pool.apply(leave, ()).is_err());
            }) / 1e3
        }
        _ => return Ok(tell(None)),
    }));
    if asked.metric == "pool" {
        mp::active_children().iter().for_each(|child| drop(child.kill()));
        std::process::exit(0);
    }
    Ok(())
}
