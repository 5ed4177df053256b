//! What a parent is like when it starts a child must not matter to the child: its threads, its locks, its size.
//! How long a start takes is for `benches/start.rs`.

use std::fs;
use std::hint::black_box;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::VERY_LONG;
use crate::support::scenario;

const CHILDREN: usize = 200;

/// Needs both locks that the parent's threads hold: malloc's and stdout's.
#[mp::task]
fn allocates_and_prints(number: usize) -> Vec<String> {
    let texts: Vec<String> = (0..100).map(|i| format!("{i} of {number}")).collect();
    println!("child {number}");
    texts
}

/// Takes and gives back memory of many sizes, so that malloc's locks are held most of the time.
fn allocate(stop: &AtomicBool) {
    let mut kept: Vec<Vec<u8>> = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        for size in [16, 1000, 70_000, 300_000] {
            kept.push(black_box(vec![1; size]));
        }
        if kept.len() > 100 {
            kept.clear();
        }
    }
}

/// Takes stderr's lock in turn with others.
fn lock_in_turn(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let held = io::stderr().lock();
        black_box(&held);
        drop(held);
    }
}

/// Has stdout's lock all the time, so that a start that wants it never comes back.
fn hold_stdout(stop: &AtomicBool) {
    let mut stdout = io::stdout().lock();
    stdout.write_all(b"begun in the parent, ").expect("stdout is open");
    while !stop.load(Ordering::Relaxed) {
        std::hint::spin_loop();
    }
    stdout.write_all(b"ended there\n").expect("stdout is open");
}

#[mp::test]
fn bey_44_locks_held_by_threads_hang_no_child() {
    let program = scenario!(|| {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            (0..4).for_each(|_| drop(scope.spawn(|| allocate(&stop))));
            (0..3).for_each(|_| drop(scope.spawn(|| lock_in_turn(&stop))));
            scope.spawn(|| hold_stdout(&stop));
            // Some at once, as a program would that waits for none before it has started all.
            for first in (0..CHILDREN).step_by(20) {
                let numbers = first..first + 20;
                let start = |i| mp::spawn(allocates_and_prints, i).expect("it starts");
                let processes: Vec<_> = numbers.clone().map(start).collect();
                for (process, number) in processes.into_iter().zip(numbers) {
                    let texts = process.result().expect("it returns");
                    assert_eq!(texts[99], format!("99 of {number}"));
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
    });
    let finished = program.limit(VERY_LONG).run();
    finished.assert_success();
    assert_eq!(finished.stdout.matches("child ").count(), CHILDREN);
    // Nor has a child printed what the parent had in its buffer.
    assert_eq!(finished.stdout.matches("begun in the parent, ").count(), 1);
}

/// The pages of memory that this process has resident, in bytes.
fn resident() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").expect("/proc is mounted");
    let pages: u64 =
        text.split(' ').nth(1).expect("the second field").parse().expect("a number of pages");
    pages * 4096
}

#[mp::task]
fn resident_in_child(number: u32) -> (u32, u64) {
    (number, resident())
}

#[mp::test]
fn bey_45_a_large_parent_starts_small_children() {
    let program = scenario!(|| {
        let large = vec![1_u8; 1 << 30];
        assert!(resident() > 1 << 30, "every page has been written to");
        for i in 0..5 {
            let process = mp::spawn(resident_in_child, i).expect("it starts");
            let (number, bytes) = process.result().expect("it returns");
            assert_eq!(number, i);
            assert!(bytes < 1 << 26, "{bytes} bytes are the child's");
        }
        let pool = mp::Pool::new(2).expect("it starts");
        let (_, bytes) = pool.apply(resident_in_child, 5).expect("it returns");
        assert!(bytes < 1 << 26, "{bytes} bytes are the worker's");
        black_box(large);
    });
    program.run().assert_success();
}
