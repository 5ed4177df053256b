//! Much at once and long in a row: many workers, many tasks, who waits for whom, and what a pool holds of the parent's.

use crate::gate::Gate;
use crate::support::{open_descriptors, scenario_main};
use crate::tasks::{echo, pattern, plus_100, stop};
use crate::{BOUNDED, own_pid, watched};
use mp::Pool;
use std::collections::VecDeque;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

#[mp::task]
fn square(x: u64) -> u64 {
    x * x
}

#[mp::test]
fn pool_52_200_workers_share_a_map_and_end() {
    watched(|| {
        let pool = Pool::new(200).unwrap();
        assert_eq!(pool.workers().len(), 200);
        assert_eq!(pool.map(square, 0..1000).unwrap().iter().sum::<u64>(), 332_833_500);
        pool.close();
        pool.join().unwrap();
    });
}

/// What this process holds of the machine's memory, in KiB: its own, and what lies in its memory files, mapped or not.
fn held() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("RssAnon");
    let own: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    let files = open_descriptors(own_pid());
    let files = files.iter().filter(|(_, what)| what.starts_with("/memfd:"));
    let blocks = files.map(|(number, _)| {
        let file = std::fs::metadata(format!("/proc/self/fd/{number}")).expect("it is open");
        file.blocks()
    });
    own + blocks.sum::<u64>() / 2
}

#[mp::test]
fn pool_43_arguments_and_results_are_freed_when_they_are_done() {
    const LEN: usize = 100 << 10;
    let program = scenario_main!(|| {
        let pool = Pool::new(2).unwrap();
        let run = |count| {
            let mut handles = VecDeque::new();
            for _ in 0..count {
                handles.push_back(pool.submit(echo, pattern(LEN, 7)));
                if handles.len() == 20 {
                    assert_eq!(handles.pop_front().unwrap().get().unwrap().len(), LEN);
                }
            }
            handles.into_iter().for_each(|handle| assert_eq!(handle.get().unwrap().len(), LEN));
        };
        run(1000);
        let before = held();
        run(9000);
        println!("grown {}", held().saturating_sub(before));
    });
    let finished = program.limit(Duration::from_secs(120)).run();
    finished.assert_success();
    let grown: u64 = finished.value("grown ").parse().unwrap();
    assert!(grown < 8 << 10, "by {grown} KiB");
}

#[mp::test]
fn bey_51_a_worker_costs_the_parent_at_most_four_descriptors() {
    let program = scenario_main!(|| {
        let count = || open_descriptors(own_pid()).len();
        let few = Pool::new(1).unwrap();
        few.apply(plus_100, 1).unwrap();
        let before = count();
        let many = Pool::new(11).unwrap();
        many.apply(plus_100, 1).unwrap();
        let many_have = count() - before;
        many.close();
        many.join().unwrap();
        drop(many);
        let with_one = Pool::new(1).unwrap();
        with_one.apply(plus_100, 1).unwrap();
        let one_has = count() - before;
        println!("ten {}", many_have - one_has);
        println!("one {one_has}");
    });
    let finished = program.run();
    finished.assert_success();
    let ten: usize = finished.value("ten ").parse().unwrap();
    assert!(ten <= 40, "{ten} for ten workers more");
    let one: usize = finished.value("one ").parse().unwrap();
    assert!(one <= 4 + 4, "{one} for a pool of one");
}

#[mp::test]
fn bey_53_any_thread_makes_uses_and_ends_a_pool() {
    watched(|| {
        let make = || {
            let pool = Pool::new(2).unwrap();
            assert_eq!(pool.apply(plus_100, 1).unwrap(), 101);
            pool
        };
        // The thread that made it is gone before it is used again.
        let pools: Vec<_> = (0..3).map(|_| thread::spawn(make).join().unwrap()).collect();
        for pool in pools {
            let user = thread::spawn(move || {
                assert_eq!(pool.map(plus_100, 0..50).unwrap(), (100..150).collect::<Vec<_>>());
                pool.close();
                pool.join().unwrap();
            });
            user.join().unwrap();
        }
    });
}

#[mp::test]
fn a_long_task_holds_up_none_of_the_short_ones_after_it() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let gate = Gate::new();
        let long = pool.submit(stop, gate.name());
        let guest = gate.next();
        let short: Vec<_> = (0..100).map(|i| pool.submit(plus_100, i)).collect();
        for (i, handle) in (0..).zip(&short) {
            assert_eq!(handle.get_timeout(BOUNDED).unwrap(), i + 100);
        }
        assert!(!long.ready());
        guest.release();
        long.get().unwrap();
    });
}

/// The calls of the one with the fewest and of the one with the most, of ten threads that make so many together.
fn shares(pool: &Pool, total: u64) -> (u64, u64) {
    let all = AtomicU64::new(0);
    let counts: Vec<u64> = thread::scope(|scope| {
        let user = || {
            let mut own = 0;
            while all.fetch_add(1, Ordering::Relaxed) < total {
                pool.apply(plus_100, 1).unwrap();
                own += 1;
            }
            own
        };
        let users: Vec<_> = (0..10).map(|_| scope.spawn(user)).collect();
        users.into_iter().map(|user| user.join().unwrap()).collect()
    });
    println!("{counts:?}");
    (*counts.iter().min().unwrap(), *counts.iter().max().unwrap())
}

/// Other programs take the cores away from some of the threads for a while, so that one round can say nothing; a pool that
/// prefers some is uneven in all.
#[mp::test]
fn ten_threads_that_apply_share_a_pool_evenly() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let is_even = |(least, most): (u64, u64)| 2 * least >= most;
        assert!((0..10).any(|_| is_even(shares(&pool, 20_000))), "uneven ten times in a row");
    });
}
