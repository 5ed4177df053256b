//! A queue whose words and blocks somebody scribbles over while it is used, in builds for fuzzers only. What it finds is not
//! looked at; it must not panic, hang or read where nothing is.

use crate::channel::lane::{FIRST, LEN};
use crate::channel::queue::Queue;
use crate::commons::{self, Block, BlockAt, Hold};
use std::hint::black_box;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

type Item = (u64, Vec<u8>, Option<Queue<u64>>);

/// The words of the locks of both sides.
const LOCKS: [usize; 2] = [0, 384];

/// Each eleven bytes say which word is written, what with, and what is done after that.
pub(crate) fn fuzz(bytes: &[u8]) {
    let (limit, steps) = bytes.split_at(bytes.len().min(1));
    let Ok(queue) = (match limit {
        [0..100] => Queue::bounded(8),
        _ => Queue::new(),
    }) else {
        return;
    };
    put(&queue, 200, true);
    put(&queue, 4500, false);
    put(&queue, 10, true);
    for step in steps.chunks_exact(11).take(40) {
        let place = usize::from(step[0]) | usize::from(step[1]) << 8;
        let value = u64::from_le_bytes(std::array::from_fn(|byte| step[3 + byte]));
        scribble(queue.handle().hold(), place, step[2], value);
        act(&queue, step[2] >> 4);
    }
}

fn act(queue: &Queue<Item>, what: u8) {
    match what {
        0 => put(queue, 30, true),
        1 => put(queue, 9000, false),
        2 | 3 | 4 => _ = black_box(queue.try_get().is_ok()),
        5 => _ = black_box((queue.len(), queue.is_full(), queue.capacity())),
        6 => _ = black_box(queue.task_done().is_ok()),
        7 => drop(queue.clone()),
        _ => {}
    }
}

fn put(queue: &Queue<Item>, len: usize, with_handle: bool) {
    let inner = with_handle.then(Queue::new).and_then(Result::ok);
    let _ = black_box(queue.try_put((7, vec![1; len], inner)).is_ok());
}

/// Writes a word of the lane, or of its first block.
fn scribble(hold: &Hold, place: usize, how: u8, value: u64) {
    let words = LEN / 8;
    if place < 4 * words {
        let at = 8 * (place % words);
        let value = if LOCKS.contains(&at) { of_the_dead(value) } else { value };
        return write(
            hold.u64(at),
            how,
            value,
            LOCKS.contains(&at),
            hold.u64(8 * (place / 3 % words)),
        );
    }
    let generation = u32::try_from(hold.u64(FIRST + 8).load(Relaxed)).unwrap_or(0);
    let first = BlockAt { offset: hold.u64(FIRST).load(Relaxed), generation };
    if let Some(block) = Block::open(first)
        && block.len() >= 8
    {
        let word = |number: usize| block.u64(8 * (number % (block.len() / 8)));
        write(word(place), how, value, false, word(place / 3));
    }
}

fn write(word: &AtomicU64, how: u8, value: u64, whole: bool, other: &AtomicU64) {
    let old = word.load(Relaxed);
    let new = match how & 3 {
        1 if !whole => old ^ value & 0xFFFF,
        2 if !whole => old.wrapping_add(value & 0xFF).wrapping_sub(128),
        3 if !whole => other.load(Relaxed),
        _ => value,
    };
    word.store(new, Relaxed);
}

/// A lock of somebody alive would be waited for.
fn of_the_dead(value: u64) -> u64 {
    let own = commons::own().map_or(0, |own| u64::from(own.get()));
    if value & 0x7FFF_FFFF == own { 0 } else { value }
}
