//! Reading a number of a sequence as whatever its type asks for: as itself, or, where the type reads something else than it
//! wrote, as what it would have been by itself.

use super::{Kind, Number};
use crate::codec::decode::{Decoder, Source};
use crate::codec::reader::Reader;
use crate::codec::{Fault, encode};
use crate::custody::{self, Attachments};
use serde::de::{Deserializer, Visitor};

/// Room for a number that is read as something else.
#[derive(Debug, Default)]
pub(crate) struct Aside(Vec<u8>);

/// Takes one number off the front of the bytes.
pub(in crate::codec) struct NumberDecoder<'a, 'x, 'de> {
    pub(in crate::codec) kind: Kind,
    pub(in crate::codec) reader: &'a mut Reader<'de>,
    pub(in crate::codec) aside: &'x mut Aside,
}

impl<'x> NumberDecoder<'_, 'x, '_> {
    /// Reads it in the format of values that stand alone.
    #[cold]
    fn other<V>(self, read: impl FnOnce(Decoder<'_, 'x>) -> Result<V, Fault>) -> Result<V, Fault> {
        let number = Number::read(self.kind, self.reader)?;
        self.aside.0.clear();
        encode(&number, &mut self.aside.0).map_err(|error| Fault::new(error.to_string()))?;
        let mut source = Source::new(&self.aside.0, Attachments::default());
        let value = read(source.decoder())?;
        match source.reader.remaining() {
            0 => Ok(value),
            left => Err(Fault::left_over(left)),
        }
    }
}

/// The methods for numbers.
macro_rules! numbers {
    ($($method:ident => $visit:ident, $kind:ident, $reader:ident, $value:expr;)*) => {$(
        #[inline]
        fn $method<V: Visitor<'x>>(self, visitor: V) -> Result<V::Value, Fault> {
            if self.kind == Kind::$kind {
                let $reader = self.reader;
                return visitor.$visit($value);
            }
            self.other(|decoder| decoder.$method(visitor))
        }
    )*};
}

/// The methods for everything else.
macro_rules! others {
    ($($method:ident($($argument:ident: $type:ty),*);)*) => {$(
        fn $method<V: Visitor<'x>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, Fault> {
            self.other(|decoder| decoder.$method($($argument,)* visitor))
        }
    )*};
}

impl<'x> Deserializer<'x> for NumberDecoder<'_, 'x, '_> {
    type Error = Fault;

    numbers! {
        deserialize_bool => visit_bool, Bool, it, it.flag("a bool")?;
        deserialize_char => visit_char, Char, it, it.wide_character()?;
        deserialize_i8 => visit_i8, I8, it, i8::from_le_bytes(it.array()?);
        deserialize_i16 => visit_i16, I16, it, i16::from_le_bytes(it.array()?);
        deserialize_i32 => visit_i32, I32, it, i32::from_le_bytes(it.array()?);
        deserialize_i64 => visit_i64, I64, it, i64::from_le_bytes(it.array()?);
        deserialize_i128 => visit_i128, I128, it, i128::from_le_bytes(it.array()?);
        deserialize_u8 => visit_u8, U8, it, it.byte()?;
        deserialize_u16 => visit_u16, U16, it, u16::from_le_bytes(it.array()?);
        deserialize_u32 => visit_u32, U32, it, u32::from_le_bytes(it.array()?);
        deserialize_u64 => visit_u64, U64, it, u64::from_le_bytes(it.array()?);
        deserialize_u128 => visit_u128, U128, it, u128::from_le_bytes(it.array()?);
        deserialize_f32 => visit_f32, F32, it, f32::from_le_bytes(it.array()?);
        deserialize_f64 => visit_f64, F64, it, f64::from_le_bytes(it.array()?);
    }

    others! {
        deserialize_any();
        deserialize_ignored_any();
        deserialize_identifier();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_seq();
        deserialize_map();
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'x>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if name == custody::MARK || name == custody::SHARED {
            return self.other(|decoder| decoder.deserialize_newtype_struct(name, visitor));
        }
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }
}
