//! What a value is found to be while it is serialised, once: a number is handed over unwritten, and anything else is
//! written as always, by the encoder in `encode`.

use super::{Kind, Number};
use crate::codec::compound::{Entries, Fields, Items};
use crate::codec::encode::{Encoder, Form, Target};
use crate::codec::{Fault, MAX_DEPTH};
use crate::custody;
use serde::ser::{Serialize, Serializer};
use std::fmt::Display;

/// Takes a number, or writes one value at the end of the buffer, behind a byte that is left for its length.
pub(in crate::codec) struct NumberEncoder<'e, 'o> {
    pub(in crate::codec) target: &'e mut Target<'o>,
    /// Where a number is put.
    pub(in crate::codec) number: &'e mut Option<Number>,
}

impl<'e, 'o> NumberEncoder<'e, 'o> {
    #[inline]
    fn take(self, kind: Kind, bits: impl Into<u128>) -> Result<Form, Fault> {
        *self.number = Some(Number::new(kind, bits));
        Ok(Form::Written)
    }

    /// For what is no number: at most one value of a sequence.
    #[cold]
    fn other(self) -> Encoder<'e, 'o> {
        self.target.writer.byte(0);
        self.target.encoder(MAX_DEPTH)
    }
}

/// The methods for numbers.
macro_rules! numbers {
    ($($method:ident($type:ty) => $kind:ident, $value:ident, $bits:expr;)*) => {$(
        #[inline]
        fn $method(self, $value: $type) -> Result<Form, Fault> {
            self.take(Kind::$kind, $bits)
        }
    )*};
}

/// The methods for everything else.
macro_rules! others {
    ($($method:ident $(<$T:ident>)? ($($argument:ident: $type:ty),*) -> $result:ty;)*) => {$(
        #[inline]
        fn $method $(<$T: Serialize + ?Sized>)? (self, $($argument: $type),*) -> Result<$result, Fault> {
            self.other().$method($($argument),*)
        }
    )*};
}

impl<'e, 'o> Serializer for NumberEncoder<'e, 'o> {
    type Ok = Form;
    type Error = Fault;
    type SerializeSeq = Items<'e, 'o>;
    type SerializeTuple = Fields<'e, 'o>;
    type SerializeTupleStruct = Fields<'e, 'o>;
    type SerializeTupleVariant = Fields<'e, 'o>;
    type SerializeMap = Entries<'e, 'o>;
    type SerializeStruct = Fields<'e, 'o>;
    type SerializeStructVariant = Fields<'e, 'o>;

    numbers! {
        serialize_bool(bool) => Bool, value, value;
        serialize_char(char) => Char, value, value;
        serialize_i8(i8) => I8, value, value.cast_unsigned();
        serialize_i16(i16) => I16, value, value.cast_unsigned();
        serialize_i32(i32) => I32, value, value.cast_unsigned();
        serialize_i64(i64) => I64, value, value.cast_unsigned();
        serialize_i128(i128) => I128, value, value.cast_unsigned();
        serialize_u8(u8) => U8, value, value;
        serialize_u16(u16) => U16, value, value;
        serialize_u32(u32) => U32, value, value;
        serialize_u64(u64) => U64, value, value;
        serialize_u128(u128) => U128, value, value;
        serialize_f32(f32) => F32, value, value.to_bits();
        serialize_f64(f64) => F64, value, value.to_bits();
    }

    others! {
        serialize_str(value: &str) -> Form;
        serialize_bytes(value: &[u8]) -> Form;
        serialize_none() -> Form;
        serialize_some<T>(value: &T) -> Form;
        serialize_unit() -> Form;
        serialize_unit_struct(name: &'static str) -> Form;
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str) -> Form;
        serialize_newtype_variant<T>(
            name: &'static str, index: u32, variant: &'static str, value: &T
        ) -> Form;
        serialize_seq(len: Option<usize>) -> Items<'e, 'o>;
        serialize_map(len: Option<usize>) -> Entries<'e, 'o>;
        serialize_tuple(len: usize) -> Fields<'e, 'o>;
        serialize_tuple_struct(name: &'static str, len: usize) -> Fields<'e, 'o>;
        serialize_tuple_variant(
            name: &'static str, index: u32, variant: &'static str, len: usize
        ) -> Fields<'e, 'o>;
        serialize_struct(name: &'static str, len: usize) -> Fields<'e, 'o>;
        serialize_struct_variant(
            name: &'static str, index: u32, variant: &'static str, len: usize
        ) -> Fields<'e, 'o>;
    }

    /// A struct of one number is a number; a handle is not.
    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Form, Fault> {
        if name == custody::MARK || name == custody::SHARED {
            return self.other().serialize_newtype_struct(name, value);
        }
        value.serialize(self)
    }

    #[inline]
    fn collect_seq<C>(self, items: C) -> Result<Form, Fault>
    where
        C: IntoIterator,
        C::Item: Serialize,
    {
        self.other().collect_seq(items)
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<Form, Fault> {
        self.other().collect_str(value)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }
}
