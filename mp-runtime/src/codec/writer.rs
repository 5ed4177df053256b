//! The buffer being filled: bytes, numbers and texts at its end. Knows nothing of serde.

use super::varint;
use std::fmt;

/// Writes at the end of a buffer.
///
/// The buffer is kept longer than what is written, so that a small write is a store and no call:
/// `Vec::push` would look for memory, and store the length, byte by byte. Whoever lent the buffer
/// cuts it off at [`len`](Self::len).
pub(super) struct Writer<'o> {
    /// What is written, and behind it bytes to write over.
    out: &'o mut Vec<u8>,
    /// How much is written.
    len: usize,
}

/// By how much a short buffer is lengthened.
const LITTLE: usize = 64;

/// By how much a long buffer is lengthened: no more than the nearest cache keeps until it is used.
const MUCH: usize = 4096;

impl<'o> Writer<'o> {
    #[inline]
    pub(super) fn new(out: &'o mut Vec<u8>) -> Self {
        let len = out.len();
        Self { out, len }
    }

    /// One that is about to be used: the first room is made here, without a call.
    #[inline]
    pub(super) fn ready(out: &'o mut Vec<u8>) -> Self {
        let len = out.len();
        out.extend_from_slice(&[0; LITTLE]);
        Self { out, len }
    }

    /// How long the buffer is up to the end of what is written.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn byte(&mut self, byte: u8) {
        self.array([byte]);
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self, bytes: [u8; N]) {
        match self.out.get_mut(self.len..).and_then(<[u8]>::first_chunk_mut) {
            Some(room) => *room = bytes,
            None => lengthen(self.out, self.len, &bytes),
        }
        self.len += N;
    }

    #[inline]
    pub(super) fn slice(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        match self.out.get_mut(self.len..end) {
            Some(room) => room.copy_from_slice(bytes),
            None => {
                self.out.truncate(self.len);
                self.out.extend_from_slice(bytes);
            }
        }
        self.len = end;
    }

    /// An integer of at most 64 bits.
    #[inline]
    pub(super) fn varint(&mut self, value: u64) {
        let [lowest, ..] = value.to_le_bytes();
        if value < 0x80 {
            self.byte(lowest);
        } else {
            self.len = long_varint(self.out, self.len, value);
        }
    }

    pub(super) fn wide_varint(&mut self, mut value: u128) {
        while value >= 0x80 {
            let [lowest, ..] = value.to_le_bytes();
            self.byte(lowest | 0x80);
            value >>= 7;
        }
        let [lowest, ..] = value.to_le_bytes();
        self.byte(lowest);
    }

    /// Takes memory for `size` more bytes, so that it is not taken bit by bit.
    #[inline]
    pub(super) fn reserve(&mut self, size: usize) {
        self.out.truncate(self.len);
        self.out.reserve(size);
    }

    /// Room for `size` more bytes; what is put there counts from [`advance`](Self::advance) on.
    #[inline]
    pub(super) fn ahead(&mut self, size: usize) -> &mut [u8] {
        let end = self.len + size;
        if self.out.len() < end {
            self.out.resize(end, 0);
        }
        &mut self.out[self.len..end]
    }

    #[inline]
    pub(super) fn advance(&mut self, size: usize) {
        self.len += size;
    }

    /// Puts the length of a text or value in front of it: it begins behind the byte at `start`.
    #[inline]
    pub(super) fn measure(&mut self, start: usize) {
        let size = self.len - start - 1;
        match u8::try_from(size) {
            Ok(size @ 0..0x80) => self.out[start] = size,
            _ => self.measure_long(start, size as u64),
        }
    }

    #[inline(never)]
    fn measure_long(&mut self, start: usize, size: u64) {
        let end = self.len;
        // Written behind it first, which makes the room, and then exchanged.
        self.varint(size);
        let prefix = self.len - end;
        let mut number = [0; varint::longest::<u64>()];
        number[..prefix].copy_from_slice(&self.out[end..self.len]);
        self.out.copy_within(start + 1..end, start + prefix);
        self.out[start..start + prefix].copy_from_slice(&number[..prefix]);
        self.len -= 1;
    }

    /// Replaces a byte that is written.
    pub(super) fn put(&mut self, at: usize, byte: u8) {
        if let Some(place) = self.out.get_mut(at) {
            *place = byte;
        }
    }

    /// What is written from `start` on.
    #[inline]
    pub(super) fn since(&self, start: usize) -> &[u8] {
        self.out.get(start..self.len).unwrap_or_default()
    }

    /// Takes back what is written from `start` on.
    #[inline]
    pub(super) fn cut(&mut self, start: usize) {
        self.len = self.len.min(start);
    }

    /// Cuts the buffer off at the end of what is written.
    #[inline]
    pub(super) fn finish(&mut self) {
        self.out.truncate(self.len);
    }
}

impl fmt::Write for Writer<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.slice(text.as_bytes());
        Ok(())
    }
}

/// Puts an integer of more than one byte at `len`; gives its end. By value, since a writer whose
/// address is taken stays out of registers.
#[inline]
fn long_varint(out: &mut Vec<u8>, len: usize, value: u64) -> usize {
    let mut writer = Writer { out, len };
    let size = varint::len(value);
    if let Some(unused) = 8_usize.checked_sub(size) {
        // Eight bytes in one go; those behind the last will be written over.
        let more = (varint::MORE >> 8) >> (8 * unused);
        writer.array((varint::spread(value) | more).to_le_bytes());
    } else {
        writer.array((varint::spread(value) | varint::MORE).to_le_bytes());
        // Its own highest bit says whether there is more.
        let [.., highest] = value.to_le_bytes();
        writer.array([highest, 1]);
    }
    len + size
}

/// Puts `bytes` at `len`, which the buffer was too short for, and makes it longer than that.
#[cold]
#[inline(never)]
fn lengthen(out: &mut Vec<u8>, len: usize, bytes: &[u8]) {
    out.truncate(len);
    out.extend_from_slice(bytes);
    let ahead = len.clamp(LITTLE, MUCH);
    let spare = out.capacity() - out.len();
    // No memory is taken for what may not be needed.
    let ahead = if spare < LITTLE { ahead } else { ahead.min(spare) };
    out.resize(out.len() + ahead, 0);
}
