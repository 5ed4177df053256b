//! Tests of the codec: what they share. The rules themselves are tested in the rooms below.

mod compat;
mod hostile;
mod limits;
mod read;
mod refused;
mod runs;

use super::{decode, encode};
use crate::error::ErrorKind;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

fn encoded<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    encode(value, &mut out).unwrap();
    out
}

/// The message with which a value is refused; what was in the buffer stays.
fn not_encoded<T: Serialize + ?Sized>(value: &T) -> String {
    let mut out = b"before".to_vec();
    let error = encode(value, &mut out).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Encode);
    assert_eq!(out, b"before");
    checked(error.to_string(), "cannot encode ")
}

/// The message with which bytes are refused.
fn not_decoded<'de, T: Deserialize<'de> + fmt::Debug>(bytes: &'de [u8]) -> String {
    let error = decode::<T>(bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    checked(error.to_string(), "cannot decode ")
}

/// One lower-case clause without a final stop.
fn checked(message: String, start: &str) -> String {
    assert!(message.starts_with(start) && !message.ends_with('.'), "{message}");
    message
}

#[track_caller]
fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is missing in: {message}");
    }
}

/// Every kind of value that serde has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    unsigned: (u8, u16, u32, u64, u128, usize),
    signed: (i8, i16, i32, i64, i128, isize),
    floats: (f32, f64),
    truth: bool,
    letter: char,
    text: String,
    raw: Blob,
    nothing: (),
    unit: Unit,
    wrapped: Wrapped,
    pair: Pair,
    maybe: Option<Option<u16>>,
    array: [i16; 3],
    bytes: Vec<u8>,
    lists: Vec<Vec<Option<String>>>,
    map: BTreeMap<String, (u32, Vec<f64>)>,
    shapes: Vec<Shape>,
    address: Ipv4Addr,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(i64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pair(u32, String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Nothing,
    One(i16),
    Two(u8, String),
    Named { a: Option<i64>, b: Vec<bool> },
    Nested(Box<Shape>),
}

/// Bytes that go through `serialize_bytes`.
#[derive(Clone, Debug, PartialEq)]
struct Blob(Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&[u8]>::deserialize(deserializer).map(|bytes| Self(bytes.to_vec()))
    }
}

/// Gives `$body` as the `Serialize` of a value, with `$serializer` in it.
macro_rules! serialized_by {
    (|$serializer:ident| $body:expr) => {{
        struct Value;
        impl serde::Serialize for Value {
            fn serialize<S: serde::Serializer>(&self, $serializer: S) -> Result<S::Ok, S::Error> {
                $body
            }
        }
        Value
    }};
}
use serialized_by;
