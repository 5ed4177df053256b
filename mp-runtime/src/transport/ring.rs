//! A ring of records with one writer and one reader in different processes, and behind it, in the same file, room for
//! one record too large for it. The reader believes nothing that it has not checked: a malformed ring is an error.
//!
//! The writer publishes a record by its last store, to `tail`: killed at any instruction before, it has written nothing.

use crate::sys::futex;
use crate::sys::memory::{Memory, Shared};
use crate::transport::bytes::Bytes;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::fence;

/// The ring's size in bytes, a power of two.
const CAPACITY: u64 = SIZE as u64;
const SIZE: usize = 256 << 10;
/// A body larger than this lies behind the ring.
const LARGEST: usize = 64 << 10;
/// How much of the room behind the ring keeps its pages while the writer has nothing to do.
const WARM: u64 = 16 << 20;

const TAIL: usize = 0;
const HEAD: usize = 64;
const WAITING: usize = 128;
const BELL: usize = 132;
const HELLO: usize = 192;
const DATA: usize = 4096;
const MAPPED: usize = DATA + SIZE;
const BEHIND: u64 = MAPPED as u64;

/// Length, kind, and the two words of the record's tag.
const HEADER: usize = 16;
const IN_RING: u32 = 0;
const IN_ROOM: u32 = 1;

/// Makes the memory of a ring.
pub(crate) fn create() -> io::Result<Memory> {
    Memory::with_len("mp-ring", MAPPED as u64)
}

/// One record: what the writer said it answers, and the bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) tag: [u32; 2],
    pub(crate) body: Bytes,
}

/// What a reader finds when the writer has scribbled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The side that writes.
#[derive(Debug)]
pub(crate) struct Writer {
    memory: Memory,
    mapping: Shared,
    tail: u64,
    /// Where the last record ended whose body lies behind the ring, and the most that lay there.
    room_until: u64,
    room_used: u64,
}

impl Writer {
    pub(crate) fn map(memory: Memory) -> io::Result<Self> {
        let mapping = Shared::map(&memory, 0, MAPPED)?;
        Ok(Self { memory, mapping, tail: 0, room_until: 0, room_used: 0 })
    }

    /// Says that the writer is up.
    pub(crate) fn greet(&self) {
        self.mapping.u32(HELLO).store(1, Release);
    }

    /// Writes a record, waiting for room if need be; the reader never waits for anything to make
    /// some. Announce it after.
    ///
    /// # Errors
    ///
    /// If a large body does not fit into memory; then nothing was written.
    pub(crate) fn push(&mut self, tag: [u32; 2], body: &[u8]) -> io::Result<()> {
        if body.len() <= LARGEST {
            self.record(tag, IN_RING, body);
            return Ok(());
        }
        self.wait_until_read(self.room_until);
        self.memory.write(BEHIND, body)?;
        self.room_used = self.room_used.max(body.len() as u64);
        self.record(tag, IN_ROOM, &(body.len() as u64).to_le_bytes());
        self.room_until = self.tail;
        Ok(())
    }

    /// Gives back pages behind the ring that a very large record needed. For idle times.
    pub(crate) fn trim(&mut self) {
        if self.room_used > WARM && self.mapping.u64(HEAD).load(Acquire) >= self.room_until {
            // Where the system cannot, the pages stay until the next large record.
            let _ = self.memory.discard(BEHIND + WARM, self.room_used - WARM);
            self.room_used = WARM;
        }
    }

    fn record(&mut self, tag: [u32; 2], kind: u32, bytes: &[u8]) {
        let size = (HEADER + bytes.len()).next_multiple_of(8) as u64;
        self.wait_until_read((self.tail + size).saturating_sub(CAPACITY));
        let mut header = [0; HEADER];
        let length = u32::try_from(bytes.len()).expect("a body in the ring is at most LARGEST");
        for (at, word) in [length, kind, tag[0], tag[1]].into_iter().enumerate() {
            header[at * 4..at * 4 + 4].copy_from_slice(&word.to_le_bytes());
        }
        self.copy(self.tail, &header);
        self.copy(self.tail + HEADER as u64, bytes);
        self.tail += size;
        self.mapping.u64(TAIL).store(self.tail, Release);
    }

    fn copy(&self, position: u64, bytes: &[u8]) {
        let at = offset(position);
        let (first, second) = bytes.split_at(bytes.len().min(SIZE - at));
        self.mapping.write(DATA + at, first);
        self.mapping.write(DATA, second);
    }

    fn wait_until_read(&self, position: u64) {
        let read = || self.mapping.u64(HEAD).load(Acquire) >= position;
        while !read() {
            let seen = self.mapping.u32(BELL).load(Acquire);
            self.mapping.u32(WAITING).store(1, Relaxed);
            fence(SeqCst);
            if !read() {
                futex::wait(self.mapping.u32(BELL), seen, None);
            }
        }
    }
}

/// The side that reads.
#[derive(Debug)]
pub(crate) struct Reader {
    memory: Memory,
    mapping: Shared,
    head: u64,
}

impl AsFd for Reader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.memory.as_fd()
    }
}

impl Reader {
    pub(crate) fn map(memory: Memory) -> io::Result<Self> {
        let mapping = Shared::map(&memory, 0, MAPPED)?;
        Ok(Self { memory, mapping, head: 0 })
    }

    /// Whether the writer has ever come up.
    pub(crate) fn greeted(&self) -> bool {
        self.mapping.u32(HELLO).load(Acquire) != 0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.mapping.u64(TAIL).load(Acquire) == self.head
    }

    /// Takes all records that are there now.
    pub(crate) fn pop_all(&mut self, mut take: impl FnMut(Record)) -> Result<(), Malformed> {
        let tail = self.mapping.u64(TAIL).load(Acquire);
        if tail == self.head {
            return Ok(());
        }
        if !(1..=CAPACITY).contains(&tail.wrapping_sub(self.head)) {
            return Err(Malformed);
        }
        while self.head < tail {
            let record = self.pop(tail - self.head)?;
            take(record);
        }
        Ok(())
    }

    fn pop(&mut self, available: u64) -> Result<Record, Malformed> {
        let mut header = [0; HEADER];
        if available < HEADER as u64 {
            return Err(Malformed);
        }
        self.copy(self.head, &mut header);
        let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| header[at * 4 + i]));
        let (length, kind, tag) = (word(0) as usize, word(1), [word(2), word(3)]);
        let size = (HEADER + length).next_multiple_of(8) as u64;
        if length > LARGEST || size > available {
            return Err(Malformed);
        }
        let at = self.head + HEADER as u64;
        let mut body = Bytes::filled(length, |body| self.copy(at, body));
        if kind == IN_ROOM {
            let length = u64::from_le_bytes((*body).try_into().map_err(|_| Malformed)?);
            body = self.memory.read_vec(BEHIND, length).map_err(|_| Malformed)?.into();
        } else if kind != IN_RING {
            return Err(Malformed);
        }
        self.head += size;
        self.mapping.u64(HEAD).store(self.head, Release);
        fence(SeqCst);
        if self.mapping.u32(WAITING).load(Relaxed) != 0 {
            self.mapping.u32(WAITING).store(0, Relaxed);
            self.mapping.u32(BELL).fetch_add(1, Release);
            let _ = futex::wake(self.mapping.u32(BELL), 1);
        }
        Ok(Record { tag, body })
    }

    fn copy(&self, position: u64, bytes: &mut [u8]) {
        let at = offset(position);
        let middle = bytes.len().min(SIZE - at);
        let (first, second) = bytes.split_at_mut(middle);
        self.mapping.read(DATA + at, first);
        self.mapping.read(DATA, second);
    }
}

fn offset(position: u64) -> usize {
    usize::try_from(position % CAPACITY).expect("less than the ring's size")
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "test bodies are patterns of bytes")]
mod tests {
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
        for (length, kind) in
            [(9, 0), (LARGEST as u32 + 1, 0), (u32::MAX, 0), (8, 1), (0, 1), (0, 2)]
        {
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
}
