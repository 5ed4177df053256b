//! The ring: what was written is what is read, and nothing a peer writes does harm.
#![expect(clippy::cast_possible_truncation, reason = "test bodies are patterns of bytes")]

use super::{CAPACITY, DATA, LARGEST, Malformed, Reader, TAIL, Writer, create};
use crate::sys::memory::Memory;
use proptest::prelude::*;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

fn pair() -> (Writer, Reader) {
    let memory = create().unwrap();
    let other = Memory::from_fd(memory.as_fd().try_clone_to_owned().unwrap());
    (Writer::map(memory).unwrap(), Reader::map(other).unwrap())
}

#[test]
fn records_come_out_as_they_went_in_over_many_turns() {
    let (mut writer, mut reader) = pair();
    let body = |n: usize| -> Vec<u8> { (0..n).map(|at| (at * 7 + n) as u8).collect() };
    let sizes: Vec<_> = (0..400).map(|n| n * 37 % 9000).chain([LARGEST, LARGEST + 1]).collect();
    let (expected, count) = (sizes.clone(), sizes.len());
    let thread = thread::spawn(move || {
        for (at, size) in (0..).zip(sizes) {
            writer.push([at, 5], &body(size)).unwrap();
        }
        writer.push([9, 9], &body(1 << 20)).unwrap();
        writer
    });
    let mut got = Vec::new();
    while got.len() <= count {
        reader.pop_all(|record| got.push(record)).unwrap();
    }
    assert!(thread.join().unwrap().tail > 3 * CAPACITY, "the ring has been round");
    for ((at, size), record) in (0..).zip(expected).zip(&got) {
        assert_eq!((record.tag, &*record.body), ([at, 5], &*body(size)));
    }
    assert_eq!(*got[count].body, *body(1 << 20));
}

#[test]
fn a_record_is_there_only_with_the_last_store() {
    let (mut writer, mut reader) = pair();
    writer.push([1, 1], b"whole").unwrap();
    let published = writer.mapping.u64(TAIL).load(Relaxed);
    writer.push([2, 2], b"torn").unwrap();
    writer.mapping.u64(TAIL).store(published, Relaxed);
    let mut got = Vec::new();
    reader.pop_all(|record| got.push(record.tag)).unwrap();
    assert_eq!(got, [[1, 1]]);
    assert!(reader.is_empty());
}

#[test]
fn a_large_body_is_overwritten_only_when_it_was_read() {
    for _ in 0..50 {
        let (mut writer, mut reader) = pair();
        let thread = thread::spawn(move || {
            for at in 0..3 {
                writer.push([at, 0], &vec![at as u8; LARGEST + 1]).unwrap();
            }
        });
        let mut got = Vec::new();
        while got.len() < 3 {
            // The writer, who waits now, would have gone on to the next body by the time of the read.
            (0..10).for_each(|_| thread::yield_now());
            reader.pop_all(|record| got.push(record)).unwrap();
        }
        thread.join().unwrap();
        for (at, record) in (0..).zip(got) {
            assert_eq!(record.tag, [at, 0]);
            assert!(record.body.iter().all(|byte| *byte == at as u8), "body {at} is torn");
        }
    }
}

#[test]
fn positions_and_lengths_beyond_the_ring_are_malformed() {
    for tail in [CAPACITY + 8, u64::MAX, 8] {
        let (writer, mut reader) = pair();
        writer.mapping.u64(TAIL).store(tail, Relaxed);
        assert_eq!(reader.pop_all(|_| ()), Err(Malformed), "tail {tail}");
    }
    for (length, kind) in [(9, 0), (LARGEST as u32 + 1, 0), (u32::MAX, 0), (8, 1), (0, 1), (0, 2)] {
        let (writer, mut reader) = pair();
        writer.mapping.write(DATA, &length.to_le_bytes());
        writer.mapping.write(DATA + 4, &u32::to_le_bytes(kind));
        writer.mapping.write(DATA + 16, &u64::MAX.to_le_bytes());
        writer.mapping.u64(TAIL).store(24, Relaxed);
        assert_eq!(reader.pop_all(|_| ()), Err(Malformed), "length {length} kind {kind}");
    }
}

proptest! {
    #[test]
    fn a_scribbled_ring_is_an_error_at_most(
        tail in prop_oneof![0..2 * CAPACITY, any::<u64>()],
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let (writer, mut reader) = pair();
        writer.mapping.write(DATA, &bytes);
        writer.mapping.u64(TAIL).store(tail, Relaxed);
        let mut records = 0;
        let read = reader.pop_all(|_| records += 1);
        prop_assert!(records <= CAPACITY / 16);
        prop_assert!(read == Err(Malformed) || reader.head == tail);
    }
}
