//! The bytes being read: numbers and texts off their front, and what is wrong with them. Knows
//! nothing of serde.

use super::{Fault, varint};
use std::slice;

/// Takes values off the front of bytes.
pub(super) struct Reader<'de> {
    rest: slice::Iter<'de, u8>,
    total: usize,
}

impl<'de> Reader<'de> {
    #[inline]
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self { rest: bytes.iter(), total: bytes.len() }
    }

    #[inline]
    pub(super) fn position(&self) -> usize {
        self.total - self.remaining()
    }

    #[inline]
    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// What is still to be read.
    #[inline]
    pub(super) fn rest(&self) -> &'de [u8] {
        self.rest.as_slice()
    }

    /// Leaves out so many bytes; false if there are not so many.
    pub(super) fn skip(&mut self, count: usize) -> bool {
        let rest = self.rest.as_slice().get(count..);
        rest.is_some_and(|rest| {
            self.rest = rest.iter();
            true
        })
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        match self.rest.next() {
            Some(byte) => Ok(*byte),
            None => Err(ended()),
        }
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        match self.rest.as_slice().split_first_chunk() {
            Some((array, rest)) => {
                self.rest = rest.iter();
                Ok(*array)
            }
            None => Err(ended()),
        }
    }

    /// An unsigned integer of at most 64 bits.
    #[inline]
    pub(super) fn varint<U: From<u8> + TryFrom<u64>>(&mut self) -> Result<U, Fault> {
        let bytes = self.rest.as_slice();
        if let [byte @ 0..0x80, rest @ ..] = bytes {
            self.rest = rest.iter();
            return Ok(U::from(*byte));
        }
        // Up to five bytes are short enough to be repeated at every place; more would keep what is
        // around from being inlined.
        if size_of::<U>() > 4 {
            return self.long_varint();
        }
        let mut value = 0;
        for index in 0..varint::longest::<U>() {
            let Some(byte) = bytes.get(index) else { return Err(ended()) };
            value |= u64::from(byte & 0x7f) << (7 * index);
            if *byte < 0x80 {
                let Ok(value) = U::try_from(value) else { break };
                self.rest = bytes[index + 1..].iter();
                return Ok(value);
            }
        }
        Err(too_large())
    }

    /// A length or number of elements.
    #[inline]
    pub(super) fn length(&mut self) -> Result<usize, Fault> {
        let bytes = self.rest.as_slice();
        if let [byte @ 0..0x80, rest @ ..] = bytes {
            self.rest = rest.iter();
            return Ok(usize::from(*byte));
        }
        self.long_varint()
    }

    #[inline]
    fn long_varint<U: TryFrom<u64>>(&mut self) -> Result<U, Fault> {
        let bytes = self.rest.as_slice();
        let (value, len) = long_varint(bytes);
        match (U::try_from(value), bytes.get(len..)) {
            (Ok(value), Some(rest)) => {
                self.rest = rest.iter();
                Ok(value)
            }
            _ if len == ENDED => Err(ended()),
            _ => Err(too_large()),
        }
    }

    pub(super) fn wide_varint(&mut self) -> Result<u128, Fault> {
        let bytes = self.rest.as_slice();
        let mut value = 0;
        for index in 0..varint::longest::<u128>() {
            let Some(byte) = bytes.get(index) else { return Err(ended()) };
            let bits = u128::from(byte & 0x7f);
            let shift = 7 * index;
            if (bits << shift) >> shift != bits {
                break;
            }
            value |= bits << shift;
            if *byte < 0x80 {
                self.rest = bytes[index + 1..].iter();
                return Ok(value);
            }
        }
        Err(too_large())
    }

    /// A length, and that many bytes.
    #[inline]
    pub(super) fn slice(&mut self) -> Result<&'de [u8], Fault> {
        let len = self.length()?;
        match self.rest.as_slice().split_at_checked(len) {
            Some((slice, rest)) => {
                self.rest = rest.iter();
                Ok(slice)
            }
            None => Err(too_many(len, "bytes")),
        }
    }

    #[inline]
    pub(super) fn text(&mut self) -> Result<&'de str, Fault> {
        let bytes = self.slice()?;
        str::from_utf8(bytes)
            .map_err(|error| not_utf8(self.position() - bytes.len() + error.valid_up_to()))
    }

    pub(super) fn character(&mut self) -> Result<char, Fault> {
        let start = self.position();
        let mut chars = self.text()?.chars();
        match (chars.next(), chars.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(Fault::at(start, "a char in it is not one character")),
        }
    }

    /// A character as a number of four bytes.
    #[inline]
    pub(super) fn wide_character(&mut self) -> Result<char, Fault> {
        char::from_u32(u32::from_le_bytes(self.array()?)).ok_or_else(no_character)
    }

    /// A byte that is 0 or 1.
    #[inline]
    pub(super) fn flag(&mut self, of: &'static str) -> Result<bool, Fault> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(bad_flag(self.position() - 1, of, other)),
        }
    }
}

/// What [`long_varint`] gives for a length if there is no number.
const ENDED: usize = usize::MAX;
const TOO_LARGE: usize = usize::MAX - 1;

/// A number, and how many bytes it takes.
#[inline(never)]
fn long_varint(bytes: &[u8]) -> (u64, usize) {
    let mut value = 0;
    for index in 0..varint::longest::<u64>() {
        let Some(byte) = bytes.get(index) else { return (0, ENDED) };
        let shift = 7 * index;
        // The tenth byte has one bit to give.
        if shift == 63 && *byte > 1 {
            break;
        }
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return (value, index + 1);
        }
    }
    (0, TOO_LARGE)
}

// These take what they need by value: a reader whose address is taken stays out of registers.

#[cold]
#[inline(never)]
fn ended() -> Fault {
    Fault::new("the bytes end within it")
}

#[cold]
#[inline(never)]
fn too_large() -> Fault {
    Fault::new("a number in it is too large for its type")
}

#[cold]
#[inline(never)]
pub(super) fn too_many(count: usize, of: &str) -> Fault {
    Fault::new(format!("it claims {count} {of}, more than there are"))
}

#[cold]
#[inline(never)]
fn not_utf8(at: usize) -> Fault {
    Fault::at(at, "a text in it is not UTF-8")
}

#[cold]
#[inline(never)]
fn no_character() -> Fault {
    Fault::new("a char in it is not one character")
}

#[cold]
#[inline(never)]
fn bad_flag(at: usize, of: &str, byte: u8) -> Fault {
    Fault::at(at, format!("the first byte of {of} in it is {byte} instead of 0 or 1"))
}
