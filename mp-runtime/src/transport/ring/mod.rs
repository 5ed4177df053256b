//! A ring of records with one writer and one reader in different processes, and behind it, in the same file, room for
//! one record too large for it. The reader believes nothing that it has not checked: a malformed ring is an error.
//!
//! The writer publishes a record by its last store, to `tail`: killed at any instruction before, it has written nothing.

mod intent;
mod room;
pub(super) mod turns;

pub(crate) use room::Room;

use crate::sys::memory::{Memory, Shared};
use crate::transport::bytes::Bytes;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering::{Acquire, Release};
use turns::Turns;

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
/// How far the record has come that is being written: its place, how many parts, how many bytes.
const PROGRESS: usize = 256;
const DATA: usize = 4096;
const MAPPED: usize = DATA + SIZE;
const BEHIND: u64 = MAPPED as u64;

/// Length, kind, and the two words of the record's tag.
const HEADER: usize = 16;
const IN_RING: u32 = 0;
const IN_ROOM: u32 = 1;
/// The kind's bits; above them, of how many parts the record is.
const KIND_BITS: u32 = 8;

/// Makes the memory of a ring.
pub(crate) fn create() -> io::Result<Memory> {
    Memory::with_len("mp-ring", MAPPED as u64)
}

/// The most that can be put into a record part by part.
pub(crate) const PARTS: usize = 32 << 10;
/// How many parts at most: as many bits has their number.
const MOST_PARTS: u32 = (1 << 24) - 1;

/// One record: what the writer said it answers, and the bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) tag: [u32; 2],
    /// Of how many parts it was put together; 1 if it was written at once, 0 if it is all there is
    /// under its tag.
    pub(crate) parts: u32,
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
    /// The record that is being put together.
    open: Option<Open>,
    /// How far the reader is known to have come.
    read_until: u64,
}

/// A record that is not there yet for the reader, unless this process dies.
#[derive(Clone, Copy, Debug)]
struct Open {
    parts: u32,
    len: usize,
}

impl Writer {
    pub(crate) fn map(memory: Memory) -> io::Result<Self> {
        let mapping = Shared::map(&memory, 0, MAPPED)?;
        Ok(Self {
            memory,
            mapping,
            tail: 0,
            room_until: 0,
            room_used: 0,
            open: None,
            read_until: 0,
        })
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
        self.put(tag, 1 << KIND_BITS, body, None)
    }

    /// As [`push`](Self::push), a record that is no part of others under its tag.
    pub(crate) fn push_whole(&mut self, tag: [u32; 2], body: &[u8]) -> io::Result<()> {
        self.put(tag, 0, body, None)
    }

    fn put(
        &mut self,
        tag: [u32; 2],
        parts: u32,
        body: &[u8],
        before: Option<&mut dyn FnMut()>,
    ) -> io::Result<()> {
        if body.len() <= LARGEST {
            self.record(tag, IN_RING | parts, body, before);
            return Ok(());
        }
        self.wait_until_read(self.room_until);
        self.memory.write(BEHIND, body)?;
        self.room_used = self.room_used.max(body.len() as u64);
        self.record(tag, IN_ROOM | parts, &(body.len() as u64).to_le_bytes(), before);
        self.room_until = self.tail;
        Ok(())
    }

    /// Begins a record that is put together part by part, behind `head`. What was added is safe from
    /// this process's death at once; [`close`](Self::close) makes it a record like others.
    pub(crate) fn open(&mut self, tag: [u32; 2], head: &[u8]) {
        self.wait_until_read((self.tail + size(head.len())).saturating_sub(CAPACITY));
        self.note(Open { parts: 0, len: head.len() });
        self.copy(self.tail, &header([0, IN_RING, tag[0], tag[1]]));
        self.copy(self.tail + HEADER as u64, head);
    }

    /// Adds a part; `false` if the record cannot take it.
    #[inline]
    pub(crate) fn add(&mut self, part: &[u8]) -> bool {
        let Some(Open { parts, len }) = self.open else { return false };
        let end = len + part.len();
        if end > PARTS || parts == MOST_PARTS {
            return false;
        }
        self.wait_until_read((self.tail + size(end)).saturating_sub(CAPACITY));
        self.copy(self.tail + (HEADER + len) as u64, part);
        self.note(Open { parts: parts + 1, len: end });
        true
    }

    #[inline]
    fn note(&mut self, open: Open) {
        self.open = Some(open);
        let word = progress(self.tail, open.parts, open.len);
        self.mapping.note(word);
    }

    /// Publishes the record; `head` is put in place of that of [`open`](Self::open).
    pub(crate) fn close(&mut self, head: &[u8]) {
        let Some(Open { parts, len }) = self.open.take() else { return };
        let kind = IN_RING | parts << KIND_BITS;
        let length = u32::try_from(len).expect("a record of parts is at most PARTS");
        let first = header([length, kind, 0, 0]);
        // The tag stays as it is.
        self.copy(self.tail, &first[..8]);
        self.copy(self.tail + HEADER as u64, head);
        self.tail += size(len);
        self.mapping.publish(self.tail);
        self.mapping.note(0);
    }

    /// Gives back pages behind the ring that a very large record needed. For idle times.
    pub(crate) fn trim(&mut self) {
        if self.room_used > WARM && self.mapping.read_until() >= self.room_until {
            // Where the system cannot, the pages stay until the next large record.
            let _ = self.memory.discard(BEHIND + WARM, self.room_used - WARM);
            self.room_used = WARM;
        }
    }

    #[inline]
    fn record(&mut self, tag: [u32; 2], kind: u32, bytes: &[u8], before: Option<&mut dyn FnMut()>) {
        let size = size(bytes.len());
        self.wait_until_read((self.tail + size).saturating_sub(CAPACITY));
        let length = u32::try_from(bytes.len()).expect("a body in the ring is at most LARGEST");
        self.copy(self.tail, &header([length, kind, tag[0], tag[1]]));
        self.copy(self.tail + HEADER as u64, bytes);
        let intended = before.map(|before| self.intend(before)).is_some();
        self.tail += size;
        self.mapping.publish(self.tail);
        if intended {
            self.mapping.note(0);
        }
    }

    #[inline]
    fn copy(&self, position: u64, bytes: &[u8]) {
        let at = offset(position);
        if bytes.len() <= SIZE - at {
            self.mapping.write(DATA + at, bytes);
            return;
        }
        let (first, second) = bytes.split_at(SIZE - at);
        self.mapping.write(DATA + at, first);
        self.mapping.write(DATA, second);
    }

    #[inline]
    fn wait_until_read(&mut self, position: u64) {
        if self.read_until < position {
            self.read_until = self.look_until_read(position);
        }
    }

    #[inline(never)]
    fn look_until_read(&self, position: u64) -> u64 {
        self.mapping.wait_for_head(position)
    }
}

/// How much a record with a body of this length takes.
fn size(len: usize) -> u64 {
    (HEADER + len).next_multiple_of(8) as u64
}

fn header(words: [u32; 4]) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    for (at, word) in words.into_iter().enumerate() {
        header[at * 4..at * 4 + 4].copy_from_slice(&word.to_le_bytes());
    }
    header
}

fn words(header: [u8; HEADER]) -> [u32; 4] {
    std::array::from_fn(|at| u32::from_le_bytes(std::array::from_fn(|i| header[at * 4 + i])))
}

/// What PROGRESS holds: 20 bits of the place, 24 of the number of parts, 20 of the bytes.
fn progress(tail: u64, parts: u32, len: usize) -> u64 {
    ((tail / 8) << 44) | (u64::from(parts) << 20) | len as u64
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
        self.mapping.published() == self.head
    }

    /// Takes all records that are there now.
    pub(crate) fn pop_all(&mut self, mut take: impl FnMut(Record)) -> Result<(), Malformed> {
        let tail = self.mapping.published();
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

    /// The record that the writer was putting together when it died. For a ring that was read to its
    /// end, whose writer is gone.
    pub(crate) fn pop_unfinished(&mut self) -> Option<Record> {
        let word = self.mapping.noted();
        let low = |bits: u32| u32::try_from(word >> bits & 0xff_ffff).unwrap_or(0);
        let (parts, len) = (low(20), usize::try_from(word & 0xf_ffff).unwrap_or(0));
        if word != progress(self.head, parts, len) || parts == 0 || len > PARTS {
            return None;
        }
        let mut header = [0; HEADER];
        self.copy(self.head, &mut header);
        let [_, _, slot, generation] = words(header);
        let at = self.head + HEADER as u64;
        let body = Bytes::filled(len, |body| self.copy(at, body));
        Some(Record { tag: [slot, generation], parts, body })
    }

    fn pop(&mut self, available: u64) -> Result<Record, Malformed> {
        let mut header = [0; HEADER];
        if available < HEADER as u64 {
            return Err(Malformed);
        }
        self.copy(self.head, &mut header);
        let [length, kind, slot, generation] = words(header);
        let (length, tag) = (length as usize, [slot, generation]);
        let (kind, parts) = (kind & ((1 << KIND_BITS) - 1), kind >> KIND_BITS);
        let size = size(length);
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
        self.mapping.pass(self.head);
        Ok(Record { tag, parts, body })
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
mod tests;
