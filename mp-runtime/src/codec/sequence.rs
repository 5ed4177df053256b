//! Values one behind the other: what one message carries for many calls. A byte first says how they lie there, as numbers of
//! one kind or each with its length before it. One that cannot be encoded or decoded spoils no other.

use super::decode::Source;
use super::encode::Target;
use super::number::{Aside, Kind, NumberDecoder, NumberEncoder};
use super::reader::Reader;
use super::{Fault, MAX_DEPTH, MAX_EMPTY};
use crate::custody::Attachments;
use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::any::type_name;
use std::mem::needs_drop;

/// Writes values at the end of a buffer. The first decides their kind.
pub(crate) struct Sequence<'o> {
    target: Target<'o>,
    /// Where the kind's byte is.
    start: usize,
    kind: Option<Kind>,
}

/// Where a value went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Whoever was asked to has taken its bytes.
    Taken,
    /// It is the sequence's last.
    Within,
    /// It is not of the kind of those before it: it lies behind them as a value with its length.
    Apart,
}

impl<'o> Sequence<'o> {
    #[inline]
    pub(crate) fn new(out: &'o mut Vec<u8>, attachments: &'o mut Attachments) -> Self {
        let start = out.len();
        let mut target = Target::new(out, Some(attachments));
        target.writer.byte(Kind::Measured as u8);
        Self { target, start, kind: None }
    }

    /// One that takes no notice of numbers.
    #[inline]
    pub(crate) fn measured(out: &'o mut Vec<u8>, attachments: &'o mut Attachments) -> Self {
        let mut this = Self::new(out, attachments);
        this.measure();
        this
    }

    /// Adds one value. After an error, what was written before is all there is; a panic leaves
    /// nothing of it either.
    #[inline]
    pub(crate) fn push<T: Serialize>(&mut self, value: &T) -> Result<Fit, Error> {
        self.push_or(value, |_| false)
    }

    /// As [`push`](Self::push), unless it is a number of the sequence's kind whose bytes `take` takes.
    #[inline]
    pub(crate) fn push_or<T: Serialize>(
        &mut self,
        value: &T,
        take: impl FnOnce(&[u8]) -> bool,
    ) -> Result<Fit, Error> {
        if const { !may_be_number::<T>() } {
            self.measure();
        }
        if self.kind == Some(Kind::Measured) {
            return self.push_measured(value).map(|()| Fit::Within);
        }
        let start = self.target.writer.len();
        let attached = self.target.attached();
        self.target.empties = MAX_EMPTY;
        let mut number = None;
        let encoder = NumberEncoder { target: &mut self.target, number: &mut number };
        if let Err(fault) = value.serialize(encoder) {
            self.target.cut(start, attached);
            return Err(fault.in_encoding(type_name::<T>()));
        }
        let Some(number) = number else {
            self.target.writer.measure(start);
            return Ok(self.decide(Kind::Measured));
        };
        if self.kind.is_some_and(|kind| kind != number.kind) {
            self.target.cut(start, attached);
            return self.push_measured(&number).map(|()| Fit::Apart);
        }
        if self.kind.is_none() {
            self.decide(number.kind);
        }
        Ok(number.with_bytes(|bytes| {
            if take(bytes) {
                return Fit::Taken;
            }
            self.target.writer.slice(bytes);
            Fit::Within
        }))
    }

    /// For the first value that was found to be of some kind, or another of another one.
    fn decide(&mut self, kind: Kind) -> Fit {
        if self.kind.is_some() {
            return Fit::Apart;
        }
        self.kind = Some(kind);
        self.target.writer.put(self.start, kind as u8);
        Fit::Within
    }

    #[inline]
    fn push_measured<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
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

    /// The kind of its values; none before the first.
    #[inline]
    pub(crate) fn kind(&self) -> Option<Kind> {
        self.kind
    }

    /// Has the values that follow lie behind their lengths, as the last one does already if it was found
    /// to be [apart](Fit::Apart).
    #[inline]
    pub(crate) fn measure(&mut self) {
        self.kind = Some(Kind::Measured);
    }

    /// The bytes of its values.
    #[inline]
    pub(crate) fn content(&self) -> &[u8] {
        self.target.writer.since(self.start + 1)
    }

    /// Takes its values out; they stay of the same kind.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.cut(self.start + 1);
    }

    /// How many bytes the buffer has.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.target.writer.len()
    }

    #[inline]
    fn cut(&mut self, start: usize) {
        let attached = self.target.attached();
        self.target.cut(start, attached);
    }

    /// Cuts off a value with its length that begins at `start`, and gives it as a sequence of its own.
    pub(crate) fn take_last(&mut self, start: usize) -> Vec<u8> {
        let bytes = [&[Kind::Measured as u8], self.target.writer.since(start)].concat();
        self.cut(start);
        bytes
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
    /// Not known if a peer has sent what is no kind.
    kind: Option<Kind>,
    reader: Reader<'de>,
    attachments: Attachments,
}

impl<'de> Items<'de> {
    /// Of a whole sequence.
    #[inline]
    pub(crate) fn new(bytes: &'de [u8], attachments: Attachments) -> Self {
        let (kind, bytes) = bytes.split_first().unwrap_or((&0, &[]));
        Self::rest_of(Kind::of(*kind), bytes, attachments)
    }

    /// Of what is left of a sequence of some kind.
    #[inline]
    pub(crate) fn rest_of(kind: Option<Kind>, bytes: &'de [u8], attachments: Attachments) -> Self {
        Self { kind, reader: Reader::new(bytes), attachments }
    }

    /// What they are.
    pub(crate) fn kind(&self) -> Option<Kind> {
        self.kind
    }

    /// The next value; `None` at the end. After bytes that are no sequence there is one error, and
    /// then the end.
    #[inline]
    pub(crate) fn next<'x, T: Deserialize<'x>>(
        &mut self,
        aside: &'x mut Aside,
    ) -> Option<Result<T, Error>>
    where
        'de: 'x,
    {
        if self.reader.remaining() == 0 {
            return None;
        }
        Some(match self.kind {
            Some(Kind::Measured) => match self.reader.slice() {
                Ok(bytes) => self.decode(bytes),
                Err(fault) => Err(self.give_up(fault, type_name::<T>())),
            },
            Some(kind) => self.number(kind, aside),
            None => Err(self.give_up(unknown_kind(), type_name::<T>())),
        })
    }

    /// Appends the next value as it is by itself, whatever its type; false at the end.
    pub(crate) fn next_alone(&mut self, to: &mut Vec<u8>) -> Result<bool, Error> {
        macro_rules! alone {
            ($($kind:ident: $number:ty),*) => {
                match self.kind {
                    $(Some(Kind::$kind) => {
                        let next = self.next::<$number>(&mut Aside::default());
                        return next.map_or(Ok(false), |next| super::encode(&next?, to).map(|()| true));
                    })*
                    Some(Kind::Measured) | None => {}
                }
            };
        }
        alone!(Bool: bool, Char: char, I8: i8, I16: i16, I32: i32, I64: i64, I128: i128,
            U8: u8, U16: u16, U32: u32, U64: u64, U128: u128, F32: f32, F64: f64);
        if self.reader.remaining() == 0 {
            return Ok(false);
        }
        if self.kind.is_none() {
            return Err(self.give_up(unknown_kind(), "a value"));
        }
        match self.reader.slice() {
            Ok(bytes) => to.extend_from_slice(bytes),
            Err(fault) => return Err(self.give_up(fault, "a value")),
        }
        Ok(true)
    }

    /// Leaves out the next values; false if there are not so many.
    pub(crate) fn skip(&mut self, count: u64) -> bool {
        match self.kind {
            Some(Kind::Measured) => {
                (0..count).all(|_| self.reader.remaining() != 0 && self.reader.slice().is_ok())
            }
            Some(kind) => usize::try_from(count)
                .ok()
                .and_then(|count| count.checked_mul(kind.width()))
                .is_some_and(|bytes| self.reader.skip(bytes)),
            None => false,
        }
    }

    /// How many bytes follow those taken so far.
    #[inline]
    pub(crate) fn rest(&self) -> usize {
        self.reader.remaining()
    }

    /// What follows, as a sequence.
    pub(crate) fn remainder(&self) -> Vec<u8> {
        let kind = self.kind.unwrap_or(Kind::Measured);
        [&[kind as u8], self.reader.rest()].concat()
    }

    /// The descriptors that were not taken.
    #[inline]
    pub(crate) fn into_attachments(self) -> Attachments {
        self.attachments
    }

    #[inline]
    fn decode<'x, T: Deserialize<'x>>(&mut self, bytes: &'x [u8]) -> Result<T, Error> {
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

    #[inline]
    fn number<'x, T: Deserialize<'x>>(
        &mut self,
        kind: Kind,
        aside: &'x mut Aside,
    ) -> Result<T, Error> {
        let left = self.reader.remaining();
        let value = T::deserialize(NumberDecoder { kind, reader: &mut self.reader, aside });
        match value {
            Ok(value) if left - self.reader.remaining() == kind.width() => Ok(value),
            value => Err(self.bad_number(kind, left, value.err(), type_name::<T>())),
        }
    }

    /// Goes on behind a number that was not read, or not as one.
    #[cold]
    #[inline(never)]
    fn bad_number(&mut self, kind: Kind, left: usize, fault: Option<Fault>, name: &str) -> Error {
        let read = left - self.reader.remaining();
        let fault = fault.unwrap_or_else(|| Fault::left_over(kind.width().saturating_sub(read)));
        if left < kind.width() {
            return self.give_up(fault, name);
        }
        self.reader.skip(kind.width().saturating_sub(read));
        fault.in_decoding(name, read, kind.width())
    }

    #[cold]
    #[inline(never)]
    fn give_up(&mut self, fault: Fault, name: &str) -> Error {
        let at = self.reader.position();
        self.reader = Reader::new(&[]);
        fault.in_decoding(name, at, at)
    }
}

/// Whether a look at its value is worth it: one that is larger than any number, or that has something to drop,
/// is never looked at, and costs no code for it.
const fn may_be_number<T>() -> bool {
    size_of::<T>() <= size_of::<u128>() && !needs_drop::<T>()
}

#[cold]
#[inline(never)]
fn unknown_kind() -> Fault {
    Fault::new("it is in a sequence of a kind that there is not")
}
