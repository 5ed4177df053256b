//! Bytes that travel as one piece, where serde would take a vector apart: written and read in the same format.

use crate::codec::{self, reader::Reader};
use crate::custody::Attachments;
use crate::error::Error;
use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::any::{Any, TypeId};
use std::fmt;

/// Bytes to be written.
#[derive(Debug)]
pub struct Bytes<'a>(pub &'a [u8]);

impl Serialize for Bytes<'_> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// Bytes that were read.
#[derive(Debug)]
pub struct Owned(pub Vec<u8>);

impl<'de> Deserialize<'de> for Owned {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(Copied)
    }
}

struct Copied;

impl Visitor<'_> for Copied {
    type Value = Owned;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    #[inline]
    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Owned, E> {
        Ok(Owned(bytes.to_vec()))
    }
}

/// Where a task's arguments are written.
#[derive(Debug)]
pub struct To<'a> {
    out: &'a mut Vec<u8>,
    attachments: &'a mut Attachments,
}

impl<'a> To<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>, attachments: &'a mut Attachments) -> Self {
        Self { out, attachments }
    }

    /// Writes them.
    ///
    /// # Errors
    ///
    /// If they cannot be encoded.
    #[inline]
    pub fn encode<T: Serialize>(self, value: &T) -> Result<(), Error> {
        codec::encode_with(value, self.out, self.attachments)
    }
}

/// Where a task's arguments are read from.
#[derive(Debug)]
pub struct From<'de, 'a> {
    bytes: &'de [u8],
    attachments: &'a mut Attachments,
}

impl<'de, 'a> From<'de, 'a> {
    pub(crate) fn new(bytes: &'de [u8], attachments: &'a mut Attachments) -> Self {
        Self { bytes, attachments }
    }

    /// Reads them.
    ///
    /// # Errors
    ///
    /// If the bytes are none.
    #[inline]
    pub fn decode<T: Deserialize<'de>>(self) -> Result<T, Error> {
        codec::decode_with(self.bytes, std::mem::take(self.attachments))
    }
}

/// As [`codec::encode_with`], in one piece if the value is a vector of bytes.
pub(crate) fn encode_value<T: Serialize + 'static>(
    value: &T,
    out: &mut Vec<u8>,
    attachments: &mut Attachments,
) -> Result<(), Error> {
    match (value as &dyn Any).downcast_ref::<Vec<u8>>() {
        Some(bytes) => codec::encode_with(&Bytes(bytes), out, attachments),
        None => codec::encode_with(value, out, attachments),
    }
}

/// As [`codec::decode_with`], in one piece if the value is a vector of bytes.
pub(crate) fn decode_value<T: DeserializeOwned + 'static>(
    bytes: &[u8],
    attachments: Attachments,
) -> Result<T, Error> {
    if TypeId::of::<T>() == TypeId::of::<Vec<u8>>() {
        let mut owned = Some(codec::decode_with::<Owned>(bytes, attachments)?.0);
        let value = (&mut owned as &mut dyn Any).downcast_mut::<Option<T>>();
        if let Some(value) = value.and_then(Option::take) {
            return Ok(value);
        }
        return codec::decode_with(bytes, Attachments::default());
    }
    codec::decode_with(bytes, attachments)
}

/// What [`Bytes`] was written as, and what lies behind it.
pub(crate) fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    let mut reader = Reader::new(bytes);
    let first = reader.slice();
    let first = first.map_err(|fault| fault.in_decoding("bytes", 0, bytes.len()))?;
    Ok((first, reader.rest()))
}

#[cfg(test)]
mod tests {
    use super::{Bytes, Owned, decode_value, encode_value};
    use crate::codec::{decode, encode};
    use crate::custody::Attachments;

    #[test]
    fn pieces_are_what_serde_would_give() {
        for len in [0, 1, 127, 128, 100_000] {
            let bytes: Vec<u8> = (0..=255).cycle().take(len).collect();
            let (mut one, mut piece, mut value) = (Vec::new(), Vec::new(), Vec::new());
            encode(&(&bytes, 7), &mut one).unwrap();
            encode(&(Bytes(&bytes), 7), &mut piece).unwrap();
            assert_eq!(one, piece);
            let (owned, seven): (Owned, i32) = decode(&one).unwrap();
            assert_eq!((owned.0, seven), (bytes.clone(), 7));
            let mut attachments = Attachments::default();
            encode_value(&bytes, &mut value, &mut attachments).unwrap();
            assert_eq!(decode::<Vec<u8>>(&value).unwrap(), bytes);
            assert_eq!(decode_value::<Vec<u8>>(&value, attachments).unwrap(), bytes);
        }
        assert!(decode_value::<Vec<u8>>(&[3, 1], Attachments::default()).is_err());
        assert_eq!(decode_value::<u8>(&[3], Attachments::default()).unwrap(), 3);
    }
}
