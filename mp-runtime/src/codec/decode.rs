//! The decoder: takes values of serde's out of bytes that may be anything. What has parts goes on
//! in `access`.

use super::access::{Entries, Fields, Items, Variant};
use super::reader::{Reader, too_many};
use super::{Fault, MAX_DEPTH, MAX_EMPTY, varint};
use crate::custody::{self, Attachments};
use serde::de::{Deserializer, Visitor};
use std::mem;

/// What is read from, and what may still be asked of it.
pub(super) struct Source<'de> {
    pub(super) reader: Reader<'de>,
    /// By how many more elements may outnumber their bytes.
    empties: usize,
    /// How many compounds may be opened in an element of the innermost sequence or map.
    inside: u32,
    /// How many elements of the last sequence or map were left unread.
    unread: usize,
    /// The descriptors that came beside the bytes.
    pub(super) attachments: Attachments,
}

/// Takes one value off the front of the bytes.
pub(super) struct Decoder<'a, 'de> {
    pub(super) source: &'a mut Source<'de>,
    /// How many compounds may be opened in it.
    pub(super) levels: u32,
}

impl<'de> Source<'de> {
    #[inline]
    pub(super) fn new(bytes: &'de [u8], attachments: Attachments) -> Self {
        let reader = Reader::new(bytes);
        Self { reader, empties: MAX_EMPTY, inside: 0, unread: 0, attachments }
    }

    /// Gives the descriptor whose index comes next to the handle that asks.
    #[cold]
    fn detach(&mut self) -> Result<(), Fault> {
        let index = self.reader.varint()?;
        let descriptor = self.attachments.take(index).ok_or_else(|| Fault::not_attached(index))?;
        custody::hand(descriptor);
        Ok(())
    }

    #[inline]
    pub(super) fn decoder(&mut self) -> Decoder<'_, 'de> {
        Decoder { source: self, levels: MAX_DEPTH }
    }
}

impl<'a, 'de> Decoder<'a, 'de> {
    /// For what is one level deeper.
    #[inline]
    pub(super) fn deeper(self) -> Result<Self, Fault> {
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(Self { levels, ..self }),
            None => Err(Fault::too_deep()),
        }
    }

    /// For the next part on this level.
    #[inline]
    pub(super) fn again(&mut self) -> Decoder<'_, 'de> {
        Decoder { source: self.source, levels: self.levels }
    }

    /// Reads as many elements as the bytes tell.
    #[inline]
    fn counted<V>(
        self,
        visit: impl FnOnce(Counted<'_, 'de>) -> Result<V, Fault>,
    ) -> Result<V, Fault> {
        let Decoder { source, levels } = self.deeper()?;
        let count = source.reader.length()?;
        if count > source.reader.remaining().saturating_add(source.empties) {
            return Err(too_many(count, "elements"));
        }
        let start = source.reader.position();
        let outside = mem::replace(&mut source.inside, levels);
        source.unread = count;
        let value = visit(Counted { source, left: count });
        source.inside = outside;
        let value = value?;
        if source.unread != 0 {
            return Err(unread(source.unread));
        }
        let surplus = count.saturating_sub(source.reader.position() - start);
        match source.empties.checked_sub(surplus) {
            Some(empties) => source.empties = empties,
            None => return Err(Fault::too_empty()),
        }
        Ok(value)
    }
}

/// An open sequence or map. Two words, and the count a value of its own: the compiler then passes
/// and keeps it in registers, which a loop over bytes is glad of.
pub(super) struct Counted<'a, 'de> {
    source: &'a mut Source<'de>,
    /// How many elements are still to come.
    left: usize,
}

impl<'de> Counted<'_, 'de> {
    /// For the next element; `None` when all were read.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Decoder<'_, 'de>> {
        self.left = self.left.checked_sub(1)?;
        Some(self.decoder())
    }

    /// For another part of the same element.
    #[inline]
    pub(super) fn decoder(&mut self) -> Decoder<'_, 'de> {
        Decoder { levels: self.source.inside, source: self.source }
    }

    /// How many elements are still to come at most.
    #[inline]
    pub(super) fn at_most(&self) -> usize {
        self.left.min(self.source.reader.remaining())
    }
}

impl Drop for Counted<'_, '_> {
    #[inline]
    fn drop(&mut self) {
        self.source.unread = self.left;
    }
}

#[cold]
#[inline(never)]
fn unread(left: usize) -> Fault {
    Fault::new(format!("its type left {left} elements of a sequence or map unread"))
}

#[cold]
#[inline(never)]
fn not_told() -> Fault {
    Fault::new(
        "it asks the bytes for their type, which these do not tell, as with #[serde(untagged)], \
         #[serde(tag = ..)], #[serde(flatten)] or serde_json::Value; use a plain enum or struct, \
         or send it as a String",
    )
}

/// The methods for plain values.
macro_rules! values {
    ($($method:ident => $visit:ident($it:ident, $value:expr);)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let $it = &mut self.source.reader;
            visitor.$visit($value)
        }
    )*};
}

/// The methods for what the bytes do not tell.
macro_rules! not_told {
    ($($method:ident)*) => {$(
        #[cold]
        fn $method<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Fault> {
            Err(not_told())
        }
    )*};
}

impl<'de> Deserializer<'de> for Decoder<'_, 'de> {
    type Error = Fault;

    not_told! { deserialize_any deserialize_ignored_any deserialize_identifier }

    values! {
        deserialize_bool => visit_bool(it, it.flag("a bool")?);
        deserialize_i8 => visit_i8(it, it.byte()?.cast_signed());
        deserialize_i16 => visit_i16(it, varint::unfold_16(it.varint()?));
        deserialize_i32 => visit_i32(it, varint::unfold_32(it.varint()?));
        deserialize_i64 => visit_i64(it, varint::unfold_64(it.varint()?));
        deserialize_i128 => visit_i128(it, varint::unfold_128(it.wide_varint()?));
        deserialize_u8 => visit_u8(it, it.byte()?);
        deserialize_u16 => visit_u16(it, it.varint()?);
        deserialize_u32 => visit_u32(it, it.varint()?);
        deserialize_u64 => visit_u64(it, it.varint()?);
        deserialize_u128 => visit_u128(it, it.wide_varint()?);
        deserialize_f32 => visit_f32(it, f32::from_le_bytes(it.array()?));
        deserialize_f64 => visit_f64(it, f64::from_le_bytes(it.array()?));
        deserialize_char => visit_char(it, it.character()?);
        deserialize_str => visit_borrowed_str(it, it.text()?);
        deserialize_string => visit_borrowed_str(it, it.text()?);
        deserialize_bytes => visit_borrowed_bytes(it, it.slice()?);
        deserialize_byte_buf => visit_borrowed_bytes(it, it.slice()?);
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.source.reader.flag("an Option")? {
            visitor.visit_some(self.deeper()?)
        } else {
            visitor.visit_none()
        }
    }

    #[inline]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if name == custody::MARK {
            self.source.detach()?;
        }
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.counted(|elements| visitor.visit_seq(Items(elements)))
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.counted(|entries| visitor.visit_map(Entries(entries)))
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(Fields { decoder: self.deeper()?, left: len })
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_tuple(len, visitor)
    }

    /// The number of names is no less than that of the fields: serde lists aliases too.
    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_tuple(fields.len(), visitor)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(Variant(self))
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }
}
