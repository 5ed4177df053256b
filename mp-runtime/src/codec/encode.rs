//! The encoder: what each value of serde's becomes as bytes. What has parts goes on in `compound`,
//! runs of bytes and floats in `raw`.

use super::compound::{Entries, Fields, Items, wrong_count};
use super::writer::Writer;
use super::{Fault, MAX_EMPTY, raw, varint};
use crate::custody::{self, Attachments};
use serde::ser::{Serialize, SerializeSeq, Serializer};
use std::fmt::{Display, Write};

/// What is written to, and what may still be asked of it.
pub(super) struct Target<'o> {
    pub(super) writer: Writer<'o>,
    /// By how many more elements may outnumber their bytes.
    pub(super) empties: usize,
    /// Where the descriptors of handles go, if they can travel.
    pub(super) attachments: Option<&'o mut Attachments>,
}

/// Writes one value at the end of the buffer.
pub(super) struct Encoder<'e, 'o> {
    pub(super) target: &'e mut Target<'o>,
    /// How many compounds may be opened in it.
    pub(super) levels: u32,
    /// Whether to give a byte or float back unwritten.
    keep: bool,
}

/// What became of a value.
pub(super) enum Form {
    Written,
    /// Written, as a byte or float of so many bytes.
    Raw(usize),
    /// Not written, since that was asked for: a byte or float, the lowest `len` bytes of `bits`.
    Kept {
        bits: u64,
        len: usize,
    },
}

impl<'o> Target<'o> {
    #[inline]
    pub(super) fn new(out: &'o mut Vec<u8>, attachments: Option<&'o mut Attachments>) -> Self {
        Self { writer: Writer::ready(out), empties: MAX_EMPTY, attachments }
    }

    #[inline]
    pub(super) fn encoder(&mut self, levels: u32) -> Encoder<'_, 'o> {
        Encoder { target: self, levels, keep: false }
    }

    /// One that gives bytes and floats back unwritten.
    #[inline]
    pub(super) fn keeping(&mut self, levels: u32) -> Encoder<'_, 'o> {
        Encoder { target: self, levels, keep: true }
    }

    /// Takes note of `count` elements of a sequence or map written since `start`.
    #[inline]
    pub(super) fn written(&mut self, count: usize, start: usize) -> Result<(), Fault> {
        let surplus = count.saturating_sub(self.writer.len() - start);
        self.empties = self.empties.checked_sub(surplus).ok_or_else(Fault::too_empty)?;
        Ok(())
    }
}

impl<'e, 'o> Encoder<'e, 'o> {
    /// For what is one level deeper.
    #[inline]
    fn deeper(self) -> Result<Self, Fault> {
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(Self { levels, ..self }),
            None => Err(Fault::too_deep()),
        }
    }

    /// Writes a part of it.
    #[inline]
    pub(super) fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        value.serialize(self.target.encoder(self.levels)).map(drop)
    }

    #[inline]
    fn raw<const N: usize>(self, raw: [u8; N]) -> Result<Form, Fault> {
        if self.keep {
            let mut bytes = [0; 8];
            bytes[..N].copy_from_slice(&raw);
            return Ok(Form::Kept { bits: u64::from_le_bytes(bytes), len: N });
        }
        self.target.writer.array(raw);
        Ok(Form::Raw(N))
    }

    #[inline]
    fn slice(self, bytes: &[u8]) -> Result<Form, Fault> {
        self.target.writer.varint(bytes.len() as u64);
        self.target.writer.slice(bytes);
        Ok(Form::Written)
    }

    /// Opens what has a number of elements that the type does not tell; gives that and where they
    /// begin.
    #[inline]
    fn counted(self, len: Option<usize>) -> Result<(Self, usize, usize), Fault> {
        let count = len.ok_or_else(unknown_length)?;
        let encoder = self.deeper()?;
        encoder.target.writer.varint(count as u64);
        let start = encoder.target.writer.len();
        Ok((encoder, count, start))
    }

    #[inline(always)]
    fn fields(
        self,
        name: &'static str,
        variant: Option<(u32, &'static str)>,
        len: usize,
    ) -> Result<Fields<'e, 'o>, Fault> {
        let encoder = self.deeper()?;
        if let Some((index, _)) = variant {
            encoder.target.writer.varint(index.into());
        }
        Ok(Fields { encoder, name, variant: variant.map(|(_, name)| name), left: len })
    }
}

/// The methods for integers that are sent with a variable length.
macro_rules! integers {
    ($($method:ident($int:ty) => $put:ident($value:ident, $as:expr);)*) => {$(
        #[inline]
        fn $method(self, $value: $int) -> Result<Form, Fault> {
            self.target.writer.$put($as);
            Ok(Form::Written)
        }
    )*};
}

impl<'e, 'o> Serializer for Encoder<'e, 'o> {
    type Ok = Form;
    type Error = Fault;
    type SerializeSeq = Items<'e, 'o>;
    type SerializeTuple = Fields<'e, 'o>;
    type SerializeTupleStruct = Fields<'e, 'o>;
    type SerializeTupleVariant = Fields<'e, 'o>;
    type SerializeMap = Entries<'e, 'o>;
    type SerializeStruct = Fields<'e, 'o>;
    type SerializeStructVariant = Fields<'e, 'o>;

    integers! {
        serialize_u16(u16) => varint(value, value.into());
        serialize_u32(u32) => varint(value, value.into());
        serialize_u64(u64) => varint(value, value);
        serialize_u128(u128) => wide_varint(value, value);
        serialize_i16(i16) => varint(value, varint::fold_16(value).into());
        serialize_i32(i32) => varint(value, varint::fold_32(value).into());
        serialize_i64(i64) => varint(value, varint::fold_64(value));
        serialize_i128(i128) => wide_varint(value, varint::fold_128(value));
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<Form, Fault> {
        self.serialize_u8(value.into())
    }

    #[inline]
    fn serialize_i8(self, value: i8) -> Result<Form, Fault> {
        self.serialize_u8(value.cast_unsigned())
    }

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<Form, Fault> {
        self.raw([value])
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<Form, Fault> {
        self.raw(value.to_le_bytes())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<Form, Fault> {
        self.raw(value.to_le_bytes())
    }

    #[inline]
    fn serialize_char(self, value: char) -> Result<Form, Fault> {
        self.slice(value.encode_utf8(&mut [0; 4]).as_bytes())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<Form, Fault> {
        self.slice(value.as_bytes())
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<Form, Fault> {
        self.slice(value)
    }

    #[inline]
    fn serialize_none(self) -> Result<Form, Fault> {
        self.target.writer.byte(0);
        Ok(Form::Written)
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Form, Fault> {
        let mut encoder = self.deeper()?;
        encoder.target.writer.byte(1);
        encoder.part(value).map(|()| Form::Written)
    }

    #[inline]
    fn serialize_unit(self) -> Result<Form, Fault> {
        Ok(Form::Written)
    }

    #[inline]
    fn serialize_unit_struct(self, _name: &'static str) -> Result<Form, Fault> {
        Ok(Form::Written)
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
    ) -> Result<Form, Fault> {
        self.target.writer.varint(index.into());
        Ok(Form::Written)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Form, Fault> {
        if name == custody::MARK && self.target.attach()? {
            return Ok(Form::Written);
        }
        if name == custody::SHARED
            && let Some(sent) = self.target.hold()?
        {
            return sent.serialize(self);
        }
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        value: &T,
    ) -> Result<Form, Fault> {
        let mut encoder = self.deeper()?;
        encoder.target.writer.varint(index.into());
        encoder.part(value).map(|()| Form::Written)
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Items<'e, 'o>, Fault> {
        let (encoder, count, start) = self.counted(len)?;
        Ok(Items { encoder, start, count, left: count })
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Entries<'e, 'o>, Fault> {
        let (encoder, count, start) = self.counted(len)?;
        Ok(Entries { encoder, start, count, left: count, key_waits: false })
    }

    #[inline]
    fn serialize_tuple(self, len: usize) -> Result<Fields<'e, 'o>, Fault> {
        self.fields("", None, len)
    }

    #[inline]
    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Fields<'e, 'o>, Fault> {
        self.fields(name, None, len)
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Fields<'e, 'o>, Fault> {
        self.fields(name, Some((index, variant)), len)
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Fields<'e, 'o>, Fault> {
        self.fields(name, None, len)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Fields<'e, 'o>, Fault> {
        self.fields(name, Some((index, variant)), len)
    }

    /// All of `Vec`, slices and sets comes here. An element that is a byte or float is likely to
    /// have more of its kind behind it.
    fn collect_seq<I>(self, items: I) -> Result<Form, Fault>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        let mut items = items.into_iter().fuse();
        let (at_least, at_most) = items.size_hint();
        let (encoder, count, start) = self.counted(at_most.filter(|most| *most == at_least))?;
        let Self { target, levels, .. } = encoder;
        let mut left = count;
        while let Some(item) = items.next() {
            left = left.checked_sub(1).ok_or_else(|| wrong_count("a sequence"))?;
            left -= match item.serialize(target.encoder(levels))? {
                Form::Raw(1) => raw::run::<1, _>(target, levels, &mut items, left)?,
                Form::Raw(4) => raw::run::<4, _>(target, levels, &mut items, left)?,
                Form::Raw(8) => raw::run::<8, _>(target, levels, &mut items, left)?,
                _ => 0,
            };
        }
        Items { encoder: target.encoder(levels), start, count, left }.end()
    }

    /// Writes the text where it belongs, and then makes room for its length.
    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<Form, Fault> {
        let writer = &mut self.target.writer;
        let start = writer.len();
        writer.byte(0);
        write!(writer, "{value}").map_err(|_| Fault::new("the Display of a value in it failed"))?;
        writer.measure(start);
        Ok(Form::Written)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }
}

#[cold]
#[inline(never)]
fn unknown_length() -> Fault {
    Fault::new(
        "a sequence or map in it does not tell its length beforehand, as with #[serde(flatten)] \
         or an iterator passed to collect_seq; name the flattened fields, or collect into a Vec",
    )
}
