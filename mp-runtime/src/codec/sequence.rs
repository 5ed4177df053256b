//! Values one behind the other, each with its length before it: what one message carries for many calls. One that cannot
//! be encoded or decoded spoils no other.

use super::decode::Source;
use super::encode::Target;
use super::reader::Reader;
use super::{Fault, MAX_DEPTH, MAX_EMPTY};
use crate::custody::Attachments;
use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::any::type_name;

/// Writes values at the end of a buffer.
pub(crate) struct Sequence<'o> {
    target: Target<'o>,
}

impl<'o> Sequence<'o> {
    #[inline]
    pub(crate) fn new(out: &'o mut Vec<u8>, attachments: &'o mut Attachments) -> Self {
        Self { target: Target::new(out, Some(attachments)) }
    }

    /// Adds one value. After an error, what was written before is all there is; a panic leaves
    /// nothing of it either.
    #[inline]
    pub(crate) fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let start = self.target.writer.len();
        let attached = self.target.attached();
        self.target.empties = MAX_EMPTY;
        self.target.writer.byte(0);
        match value.serialize(self.target.encoder(MAX_DEPTH)) {
            Ok(_) => {
                self.target.writer.measure(start);
                Ok(())
            }
            Err(fault) => {
                self.target.cut(start, attached);
                Err(fault.in_encoding(type_name::<T>()))
            }
        }
    }

    /// How many bytes the buffer has.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.target.writer.len()
    }

    /// The bytes from `start` on.
    #[inline]
    pub(crate) fn since(&self, start: usize) -> &[u8] {
        self.target.writer.since(start)
    }

    /// Cuts off everything from `start` on.
    #[inline]
    pub(crate) fn cut(&mut self, start: usize) {
        let attached = self.target.attached();
        self.target.cut(start, attached);
    }

    /// Leaves the objects of what was written to whoever reads it.
    #[inline]
    pub(crate) fn let_go(&mut self) {
        self.target.let_go();
    }

    /// Takes what was attached since this was last done.
    #[inline]
    pub(crate) fn take_attachments(&mut self) -> Option<Attachments> {
        self.target.take_attachments()
    }
}

impl Drop for Sequence<'_> {
    fn drop(&mut self) {
        self.target.writer.finish();
    }
}

/// Takes values off the front of bytes.
pub(crate) struct Items<'de> {
    reader: Reader<'de>,
    attachments: Attachments,
}

impl<'de> Items<'de> {
    #[inline]
    pub(crate) fn new(bytes: &'de [u8], attachments: Attachments) -> Self {
        Self { reader: Reader::new(bytes), attachments }
    }

    /// The next value; `None` at the end. After bytes that are no sequence there is one error, and
    /// then the end.
    #[inline]
    pub(crate) fn next<T: Deserialize<'de>>(&mut self) -> Option<Result<T, Error>> {
        if self.reader.remaining() == 0 {
            return None;
        }
        Some(match self.reader.slice() {
            Ok(bytes) => self.decode(bytes),
            Err(fault) => {
                let at = self.reader.position();
                self.reader = Reader::new(&[]);
                Err(fault.in_decoding(type_name::<T>(), at, at))
            }
        })
    }

    /// Leaves out the next value; false if there is none.
    pub(crate) fn skip(&mut self) -> bool {
        self.reader.remaining() != 0 && self.reader.slice().is_ok()
    }

    /// How many bytes follow those taken so far.
    #[inline]
    pub(crate) fn rest(&self) -> usize {
        self.reader.remaining()
    }

    /// The descriptors that were not taken.
    #[inline]
    pub(crate) fn into_attachments(self) -> Attachments {
        self.attachments
    }

    #[inline]
    fn decode<T: Deserialize<'de>>(&mut self, bytes: &'de [u8]) -> Result<T, Error> {
        let mut source = Source::new(bytes, std::mem::take(&mut self.attachments));
        let value = T::deserialize(source.decoder());
        let (left, reached) = (source.reader.remaining(), source.reader.position());
        self.attachments = source.attachments;
        let fault = match value {
            Ok(value) if left == 0 => return Ok(value),
            Ok(_) => Fault::left_over(left),
            Err(fault) => fault,
        };
        Err(fault.in_decoding(type_name::<T>(), reached, bytes.len()))
    }
}
