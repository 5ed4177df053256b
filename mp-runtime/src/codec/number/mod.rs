//! Numbers of one kind that lie side by side, each as wide as its type: what a sequence of plain values is. How a value is
//! found to be one is in `take`, how it is read back in `give`; what a sequence is, is in `sequence`.

mod give;
mod take;

#[cfg(test)]
mod tests;

pub(crate) use give::Aside;
pub(super) use give::NumberDecoder;
pub(super) use take::NumberEncoder;

use super::Fault;
use super::reader::Reader;
use serde::{Serialize, Serializer};

/// How the values of a sequence lie in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Any values, each behind its length.
    Measured = 0,
    Bool,
    Char,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
}

impl Kind {
    const ALL: [Self; 15] = [
        Self::Measured,
        Self::Bool,
        Self::Char,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::I128,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::U64,
        Self::U128,
        Self::F32,
        Self::F64,
    ];

    /// The kind that a byte names, if it names one.
    pub(super) fn of(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }

    /// How many bytes each value takes; 0 if they have lengths of their own.
    #[inline]
    pub(crate) fn width(self) -> usize {
        match self {
            Self::Measured => 0,
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::Char | Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
            Self::I128 | Self::U128 => 16,
        }
    }
}

/// A value that is one number, a bool or a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) kind: Kind,
    /// Its bytes are the lowest.
    bits: u128,
}

impl Number {
    #[inline]
    pub(super) fn new(kind: Kind, bits: impl Into<u128>) -> Self {
        Self { kind, bits: bits.into() }
    }

    /// Gives its bytes to `to`: as many as its kind is wide, which the compiler knows where it knows the
    /// value's type.
    #[inline]
    pub(super) fn with_bytes<R>(self, to: impl FnOnce(&[u8]) -> R) -> R {
        to(self.bits.to_le_bytes().get(..self.kind.width()).unwrap_or_default())
    }

    /// Takes one off the front of bytes that may be anything.
    #[cold]
    pub(super) fn read(kind: Kind, reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let bits = match kind {
            Kind::Bool => reader.flag("a bool")?.into(),
            Kind::Char => reader.wide_character()?.into(),
            _ => {
                let mut bits = [0; 16];
                for byte in bits.iter_mut().take(kind.width()) {
                    *byte = reader.byte()?;
                }
                u128::from_le_bytes(bits)
            }
        };
        Ok(Self { kind, bits })
    }
}

/// As the value that it was taken from.
impl Serialize for Number {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "its bits are those of the narrower type"
    )]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bits = self.bits;
        match self.kind {
            Kind::Measured => serializer.serialize_unit(),
            Kind::Bool => serializer.serialize_bool(bits != 0),
            Kind::Char => serializer.serialize_char(char::from_u32(bits as u32).unwrap_or('\0')),
            Kind::I8 => serializer.serialize_i8(bits as i8),
            Kind::I16 => serializer.serialize_i16(bits as i16),
            Kind::I32 => serializer.serialize_i32(bits as i32),
            Kind::I64 => serializer.serialize_i64(bits as i64),
            Kind::I128 => serializer.serialize_i128(bits as i128),
            Kind::U8 => serializer.serialize_u8(bits as u8),
            Kind::U16 => serializer.serialize_u16(bits as u16),
            Kind::U32 => serializer.serialize_u32(bits as u32),
            Kind::U64 => serializer.serialize_u64(bits as u64),
            Kind::U128 => serializer.serialize_u128(bits),
            Kind::F32 => serializer.serialize_f32(f32::from_bits(bits as u32)),
            Kind::F64 => serializer.serialize_f64(f64::from_bits(bits as u64)),
        }
    }
}
