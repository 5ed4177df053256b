//! Values to bytes and back: the two functions, their limits and how they fail. Knows no message,
//! task or carrier.
//!
//! The bytes are postcard's (<https://postcard.jamesmunns.com/wire-format>), the code is our own:
//! the checks below need a wrapper around every compound of serde anyway, it writes where the
//! carrier wants it, and runs of bytes and floats are moved at once. Only where many values lie one behind
//! the other that are one number each, `number` has a format of its own.
//!
//! # What is refused
//!
//! The bytes do not say what they hold, so the two sides agree by type alone. What would shift the
//! reader is refused when it is written: a field left out by `skip_serializing_if`, a sequence or
//! map of unknown length (`#[serde(flatten)]` asks for one), another number of elements than
//! announced. What asks the bytes for their type (`#[serde(untagged)]`, `#[serde(tag = "..")]`,
//! `serde_json::Value`) can be written and not read, and the reader says so. Unseen remains a field
//! with one of `skip_serializing` and `skip_deserializing` alone: no call of serde's tells.
//!
//! # Limits
//!
//! Decoding runs in the parent on a child's bytes: no bytes make it panic, overflow the stack, or
//! run for longer than their number explains. Encoding keeps the same limits, so that what can be
//! sent can be received.
//!
//! - [`MAX_DEPTH`] compounds may be open at once, for which small types take up to 256 KiB of stack
//!   in a build without optimisation. In a list of boxes every node is inside the one before, and
//!   is two compounds if it is a struct in an `Option`: such a list is refused from its 65th node
//!   on. Send it as a `Vec`.
//! - [`MAX_EMPTY`] is by how many elements sequences and maps may outnumber the bytes of these:
//!   five bytes can claim four thousand million `()`.
//! - What is allocated before it is filled is bounded by the bytes that are there, and by serde to
//!   1 MiB for each compound that is open.

mod access;
mod attach;
mod compound;
mod decode;
mod encode;
mod number;
mod pieces;
mod raw;
mod reader;
mod sequence;
mod varint;
mod writer;

#[cfg(test)]
mod tests;

use crate::custody::{self, Attachments};
use crate::error::{Error, ErrorKind};
pub(crate) use number::{Aside, Kind};
pub use pieces::{Bytes, From, Owned, To};
pub(crate) use pieces::{decode_value, encode_value, split};
pub(crate) use sequence::{Fit, Items, Sequence};

use decode::Source;
use encode::Target;
use serde::{Deserialize, Serialize, de, ser};
use std::any::type_name;
use std::fmt;

/// How many compounds may be open at once: sequences, maps, tuples, structs, enum variants with
/// content and `Some`. Newtype structs and boxes do not count: bytes alone cannot nest them.
const MAX_DEPTH: u32 = 128;

/// By how many elements the sequences and maps of one value may outnumber the bytes that their
/// elements take, all together.
const MAX_EMPTY: usize = 1 << 20;

/// Appends `value` to `out`; after an error or a panic of its `Serialize`, `out` is what it was.
///
/// A buffer with room for 64 bytes more than the value takes is not moved. A handle in the value is
/// an error.
#[inline]
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    encode_to(value, out, None)
}

/// As [`encode`]; the descriptors of handles in the value are added to `attachments`, and after an
/// error are of no use.
#[inline]
pub(crate) fn encode_with<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
    attachments: &mut Attachments,
) -> Result<(), Error> {
    encode_to(value, out, Some(attachments))
}

#[inline]
fn encode_to<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
    attachments: Option<&mut Attachments>,
) -> Result<(), Error> {
    let mut end = End { at: out.len(), out };
    let mut target = Target::new(end.out, attachments);
    match value.serialize(target.encoder(MAX_DEPTH)) {
        Ok(_) => {
            end.at = target.writer.len();
            Ok(())
        }
        Err(fault) => Err(fault.in_encoding(type_name::<T>())),
    }
}

/// Where the buffer is to end, however its filling ends.
struct End<'o> {
    at: usize,
    out: &'o mut Vec<u8>,
}

impl Drop for End<'_> {
    #[inline]
    fn drop(&mut self) {
        self.out.truncate(self.at);
    }
}

/// Takes a value out of all of `bytes`, which may be anything; `&str` and `&[u8]` in it borrow.
#[inline]
pub(crate) fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Error> {
    decode_with(bytes, Attachments::default())
}

/// As [`decode`], with the descriptors that came beside the bytes; those of which the value holds no
/// handle are closed.
#[inline]
pub(crate) fn decode_with<'de, T: Deserialize<'de>>(
    bytes: &'de [u8],
    attachments: Attachments,
) -> Result<T, Error> {
    let mut source = Source::new(bytes, attachments);
    let fault = match T::deserialize(source.decoder()) {
        Ok(value) if source.reader.remaining() == 0 => return Ok(value),
        Ok(_) => Fault::left_over(source.reader.remaining()),
        Err(fault) => fault,
    };
    Err(fault.in_decoding(type_name::<T>(), source.reader.position(), bytes.len()))
}

/// Why a value or bytes were refused, before it is known in which type. One pointer, so that
/// results stay small.
#[derive(Debug)]
struct Fault(Box<Reason>);

#[derive(Debug)]
struct Reason {
    text: String,
    /// Where the bytes are wrong, if that is not as far as the reader has come.
    at: Option<usize>,
}

impl Fault {
    #[cold]
    #[inline(never)]
    fn new(text: impl Into<String>) -> Self {
        Self(Box::new(Reason { text: text.into(), at: None }))
    }

    #[cold]
    #[inline(never)]
    fn at(at: usize, text: impl Into<String>) -> Self {
        Self(Box::new(Reason { text: text.into(), at: Some(at) }))
    }

    #[cold]
    #[inline(never)]
    fn in_encoding(self, name: &str) -> Error {
        Error::new(ErrorKind::Encode, format!("cannot encode {name}: {}", self.0.text))
    }

    #[cold]
    #[inline(never)]
    fn in_decoding(self, name: &str, reached: usize, total: usize) -> Error {
        let Reason { text, at } = *self.0;
        let at = at.unwrap_or(reached);
        let message = format!("cannot decode {name}: {text} (at byte {at} of {total})");
        let kind = match text.starts_with(custody::MISSING) {
            true => ErrorKind::NotFound,
            false => ErrorKind::Decode,
        };
        Error::new(kind, message)
    }

    #[cold]
    #[inline(never)]
    fn too_deep() -> Self {
        Self::new(format!(
            "it is nested deeper than {MAX_DEPTH} levels; send a list of boxes as a Vec, and other \
             deep values as a table of nodes"
        ))
    }

    #[cold]
    #[inline(never)]
    fn too_empty() -> Self {
        Self::new(format!(
            "its sequences have over {MAX_EMPTY} elements that take no byte, such as (); send \
             their number instead"
        ))
    }

    #[cold]
    #[inline(never)]
    fn no_attachments() -> Self {
        Self::new("a handle in it cannot travel here, where only bytes do")
    }

    #[cold]
    #[inline(never)]
    fn too_many_attachments() -> Self {
        Self::new(format!(
            "it holds more than {} handles; send them in several values",
            custody::MOST
        ))
    }

    #[cold]
    #[inline(never)]
    fn not_attached(index: u64) -> Self {
        Self::new(format!("the descriptor of handle {index} in it did not come with it"))
    }

    #[cold]
    #[inline(never)]
    fn left_over(count: usize) -> Self {
        Self::new(format!(
            "{count} bytes are left over after it; write and read it with the same type, and skip \
             its fields in both directions or not at all"
        ))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl std::error::Error for Fault {}

impl ser::Error for Fault {
    #[cold]
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(text.to_string())
    }
}

impl de::Error for Fault {
    #[cold]
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(text.to_string())
    }
}
