//! The ring: what was written is what is read, and nothing a peer writes does harm.
#![expect(clippy::cast_possible_truncation, reason = "test bodies are patterns of bytes")]

use super::{
    CAPACITY, DATA, HEADER, LARGEST, Malformed, PARTS, PROGRESS, Reader, TAIL, Writer, create,
};
use super::{Record, progress};
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
fn room_is_made_only_where_what_lay_there_was_read() {
    const BODY: usize = (16 << 10) - HEADER;
    for _ in 0..50 {
        let (mut writer, mut reader) = pair();
        writer.push([0, 0], &[0; BODY / 2]).unwrap();
        reader.pop_all(drop).unwrap();
        // All of the ring but for the open record's beginning, which is not where it turns.
        (1..16).for_each(|at| writer.push([at, 0], &[at as u8; BODY]).unwrap());
        writer.push([16, 0], &[16; BODY - 64]).unwrap();
        writer.open([17, 0], b"head");
        let thread = thread::spawn(move || {
            let mut room = writer.room(8, 64).unwrap();
            while room.add(&[17; 8]) {}
            writer.close(b"HEAD");
        });
        // The writer, who waits now, would have written by the time of the read.
        (0..10).for_each(|_| thread::yield_now());
        let mut got = Vec::new();
        while got.len() < 17 {
            reader.pop_all(|record| got.push(record)).unwrap();
        }
        thread.join().unwrap();
        for (at, record) in (1..).zip(&got[..16]) {
            assert_eq!(record.tag, [at, 0]);
            assert!(record.body.iter().all(|byte| *byte == at as u8), "body {at} is torn");
        }
        assert_eq!((got[16].parts, got[16].body.len()), (64, 4 + 64 * 8));
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

    #[test]
    fn parts_are_there_whether_the_writer_has_closed_the_record_or_died(
        rounds in proptest::collection::vec(
            (proptest::collection::vec(0..3000usize, 0..40), any::<bool>()),
            1..40,
        ),
    ) {
        let (mut writer, mut reader) = pair();
        let (mut expected, mut got) = (Vec::new(), Vec::new());
        for (at, (parts, whole)) in (0..).zip(&rounds) {
            if *whole {
                writer.push_whole([at, 1], b"whole").unwrap();
                expected.push(Record { tag: [at, 1], parts: 0, body: b"whole".to_vec().into() });
            }
            let (record, added) = put_together(&mut writer, [at, 2], parts);
            if added > 0 {
                writer.close(b"HEAD");
                expected.push(record);
            }
            reader.pop_all(|record| got.push(record)).unwrap();
            // What is closed is no longer unfinished.
            if added > 0 {
                prop_assert_eq!(reader.pop_unfinished(), None);
            }
        }
        let (unfinished, added) = put_together(&mut writer, [9, 9], &[7, 0, 8]);
        prop_assert_eq!(added, 3);
        reader.pop_all(|record| got.push(record)).unwrap();
        prop_assert_eq!(got, expected);
        let Some(record) = reader.pop_unfinished() else { panic!("it was put together") };
        prop_assert_eq!((record.tag, record.parts), (unfinished.tag, unfinished.parts));
        prop_assert_eq!(&record.body[..4], b"head");
        prop_assert_eq!(&record.body[4..], &unfinished.body[4..]);
    }

    #[test]
    fn parts_put_where_room_was_made_are_those_added_one_by_one(
        steps in proptest::collection::vec((1..17usize, 1..200u32, any::<bool>()), 1..400),
    ) {
        let (mut writer, mut reader) = pair();
        let (mut expected, mut got) = (Vec::new(), Vec::new());
        let (mut parts, mut body) = (0, b"head".to_vec());
        writer.open([1, 2], b"head");
        for (width, most, close) in steps {
            let part = vec![parts as u8; width];
            let mut added = 0;
            if let Some(mut room) = writer.room(width, most) {
                prop_assert!(!room.add(&vec![0; width + 1]));
                while !room.is_full() {
                    prop_assert!(room.add(&part));
                    added += 1;
                }
                prop_assert!(!room.add(&part) && (1..=most).contains(&added));
            } else {
                // At the ring's turn, or at the record's end.
                added = u32::from(writer.add(&part));
                prop_assert!(added == 1 || body.len() + width > PARTS);
            }
            parts += added;
            body.extend(part.repeat(added as usize));
            if close || body.len() + 17 > PARTS {
                writer.close(b"HEAD");
                body[..4].copy_from_slice(b"HEAD");
                let body = std::mem::replace(&mut body, b"head".to_vec());
                expected.push(Record { tag: [1, 2], parts: std::mem::take(&mut parts), body: body.into() });
                reader.pop_all(|record| got.push(record)).unwrap();
                prop_assert_eq!(reader.pop_unfinished(), None);
                prop_assert!(writer.room(width, most).is_none(), "no record is open");
                writer.open([1, 2], b"head");
            }
        }
        prop_assert_eq!(got, expected);
        let unfinished = reader.pop_unfinished().map(|record| (record.parts, record.body));
        prop_assert_eq!(unfinished, (parts > 0).then(|| (parts, body.into())));
    }

    #[test]
    fn a_scribbled_progress_is_a_record_of_few_bytes_at_most(word in any::<u64>(), parts in 0..9u32) {
        let (mut writer, mut reader) = pair();
        writer.push([1, 1], b"whole").unwrap();
        let here = progress(writer.tail, parts, word as usize % (2 * PARTS));
        for word in [word, here] {
            writer.mapping.u64(PROGRESS).store(word, Relaxed);
            // Before what was published is read, there is nothing unfinished behind it.
            if word == here {
                prop_assert_eq!(reader.pop_unfinished(), None);
            }
        }
        reader.pop_all(drop).unwrap();
        if let Some(record) = reader.pop_unfinished() {
            prop_assert!(parts > 0 && record.parts == parts && record.body.len() <= PARTS);
        }
    }
}

/// Puts parts of these sizes into a record as far as they fit: what is to be read when it is closed
/// with `HEAD`, and how many parts.
fn put_together(writer: &mut Writer, tag: [u32; 2], parts: &[usize]) -> (Record, u32) {
    let mut body = b"HEAD".to_vec();
    let mut added = 0;
    writer.open(tag, b"head");
    for part in parts {
        let part = vec![added as u8; *part];
        let fits = body.len() + part.len() <= PARTS;
        assert_eq!(writer.add(&part), fits);
        if !fits {
            break;
        }
        body.extend(part);
        added += 1;
    }
    (Record { tag, parts: added, body: body.into() }, added)
}

#[test]
fn a_writer_that_died_between_two_stores_leaves_each_record_once() {
    let (mut writer, mut reader) = pair();
    let (record, _) = put_together(&mut writer, [3, 4], &[5, 6]);
    let word = writer.mapping.u64(PROGRESS).load(Relaxed);
    writer.close(b"HEAD");
    // Killed before it took back the progress of what it had published.
    writer.mapping.u64(PROGRESS).store(word, Relaxed);
    let mut got = Vec::new();
    reader.pop_all(|record| got.push(record)).unwrap();
    assert_eq!(got, [record]);
    assert_eq!(reader.pop_unfinished(), None);
    // Killed before the first part of the next one.
    writer.open([5, 6], b"head");
    assert_eq!(reader.pop_unfinished(), None);
}

#[test]
fn an_old_progress_is_no_record_when_its_place_comes_again() {
    let (mut writer, mut reader) = pair();
    put_together(&mut writer, [3, 4], &[5, 6]);
    writer.close(b"HEAD");
    // As many bytes as the place's 20 bits can tell apart.
    while writer.tail < 8 << 20 {
        let left = (8 << 20) - writer.tail;
        let size = if left < 64 << 10 { left } else { 32 << 10 };
        writer.push([0, 0], &vec![0; size as usize - HEADER]).unwrap();
        reader.pop_all(drop).unwrap();
    }
    assert_eq!(writer.tail, 8 << 20);
    assert_eq!(reader.pop_unfinished(), None);
    // And not when the next one has been begun without a part.
    writer.open([5, 6], b"head");
    assert_eq!(reader.pop_unfinished(), None);
}
