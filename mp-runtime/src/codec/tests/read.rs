//! What is refused when it is read: bytes that are not of the type, each with its place, and types
//! that ask the bytes what they are.

use super::{Everything, Shape, assert_says, decode, encoded, not_decoded};
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::mem::ManuallyDrop;

#[test]
fn texts_and_bytes_are_borrowed() {
    let bytes = encoded(&("text", vec![1_u8, 2], Some("more")));
    let (text, raw, more): (&str, &[u8], Option<&str>) = decode(&bytes).unwrap();
    assert_eq!((text, raw, more), ("text", &[1, 2][..], Some("more")));
    assert_eq!(text.as_ptr(), bytes[1..].as_ptr());
    assert_eq!(raw.as_ptr(), bytes[6..].as_ptr());
}

#[test]
fn bytes_left_over_are_an_error() {
    let message = not_decoded::<u8>(&[1, 2, 3]);
    assert_says(&message, &["u8: 2 bytes are left over", "(at byte 1 of 3)", "same type"]);
    assert_says(&not_decoded::<()>(&[0]), &["1 bytes are left over"]);
    assert_says(&not_decoded::<Vec<u8>>(&[1, 9, 9]), &["left over"]);
}

#[test]
fn bytes_that_end_early_are_an_error_wherever_they_end() {
    let value = (
        (1_u8, 300_u16, 70_000_u32, u64::MAX, u128::MAX, -5_i64),
        (1.5_f32, 2.5_f64, 'é', "text", vec![1_u8, 2], vec![300_u32, 5]),
        (Some(3_u8), true, BTreeMap::from([(1_u8, "a")])),
        Shape::Named { a: Some(1), b: vec![true] },
    );
    type Value<'a> = (
        (u8, u16, u32, u64, u128, i64),
        (f32, f64, char, &'a str, Vec<u8>, Vec<u32>),
        (Option<u8>, bool, BTreeMap<u8, &'a str>),
        Shape,
    );
    let bytes = encoded(&value);
    assert_eq!(decode::<Value<'_>>(&bytes).unwrap(), value);
    for end in 0..bytes.len() {
        let message = not_decoded::<Value<'_>>(&bytes[..end]);
        assert!(message.contains("end within it") || message.contains("more than there are"));
        assert_says(&message, &[&format!("of {end})")]);
    }
}

#[test]
fn numbers_too_large_for_their_type_are_errors() {
    const LARGE: &str = "too large for its type";
    assert_says(&not_decoded::<(u8, u16)>(&[0, 0xff, 0xff, 0x04]), &[LARGE, "at byte 1 of 4"]);
    assert_says(&not_decoded::<u32>(&[0xff, 0xff, 0xff, 0xff, 0x10]), &[LARGE]);
    assert_says(&not_decoded::<i32>(&[0xff, 0xff, 0xff, 0xff, 0x10]), &[LARGE]);
    let mut bytes = [0xff; 10];
    bytes[9] = 2;
    assert_says(&not_decoded::<u64>(&bytes), &[LARGE]);
    assert_says(&not_decoded::<i64>(&bytes), &[LARGE]);
    let mut bytes = [0xff; 19];
    bytes[18] = 4;
    assert_says(&not_decoded::<u128>(&bytes), &[LARGE]);
    // More bytes than any number of the type has, though they add nothing.
    assert_says(&not_decoded::<u16>(&[0x80, 0x80, 0x80, 0]), &[LARGE]);
    assert_says(&not_decoded::<u32>(&[0x80, 0x80, 0x80, 0x80, 0x80, 0]), &[LARGE]);
    let mut bytes = [0x80; 20];
    assert_says(&not_decoded::<u64>(&bytes), &[LARGE]);
    assert_says(&not_decoded::<u128>(&bytes), &[LARGE]);
    assert_says(&not_decoded::<Vec<u32>>(&bytes), &[LARGE]);
    assert_says(&not_decoded::<&str>(&bytes), &[LARGE]);
    // As many are as good as postcard's rule says.
    bytes[9] = 0;
    assert_eq!(decode::<u64>(&bytes[..10]).unwrap(), 0);
    assert_eq!(decode::<u32>(&[0x81, 0x80, 0]).unwrap(), 1);
}

#[test]
fn lengths_beyond_the_bytes_are_errors() {
    for bytes in [&[5, b'a'][..], &[0xff, 0xff, 0xff, 0xff, 0x0f, 1], &{
        let mut most = [0xff; 10];
        most[9] = 1;
        most
    }] {
        assert_says(&not_decoded::<&str>(bytes), &["it claims ", " bytes, more than there are"]);
        assert_says(&not_decoded::<&[u8]>(bytes), &["more than there are"]);
    }
    let bytes = [0xff, 0xff, 0xff, 0xff, 0x0f, 1];
    assert_says(&not_decoded::<Vec<u8>>(&bytes), &["it claims 4294967295 elements"]);
    assert_says(&not_decoded::<BTreeMap<u8, u8>>(&bytes), &["it claims 4294967295 elements"]);
    assert_says(&not_decoded::<Vec<u8>>(&[3, 1, 2]), &["end within it", "at byte 3 of 3"]);
}

#[test]
fn flags_texts_and_characters_are_looked_at() {
    let message = not_decoded::<(u8, bool)>(&[9, 2]);
    assert_says(&message, &["first byte of a bool", "is 2 instead of 0 or 1", "at byte 1 of 2"]);
    assert_says(&not_decoded::<Option<u8>>(&[7, 1]), &["first byte of an Option", "is 7"]);
    assert_says(&not_decoded::<&str>(&[3, b'a', 0xff, b'b']), &["not UTF-8", "at byte 2 of 4"]);
    assert_says(&not_decoded::<String>(&[1, 0xc3]), &["not UTF-8"]);
    for bytes in [&[0][..], &[2, b'a', b'b'], &[5, b'a', b'b', b'c', b'd', b'e']] {
        assert_says(&not_decoded::<char>(bytes), &["not one character"]);
    }
    assert_says(&not_decoded::<char>(&[1, 0xff]), &["not UTF-8"]);
}

#[test]
fn what_a_type_says_itself_is_passed_on_with_a_place() {
    let message = not_decoded::<Shape>(&[9]);
    assert_says(&message, &["Shape: ", "variant index 0 <= i < 5", "(at byte 1 of 1)"]);
    assert_says(&not_decoded::<(u8, std::num::NonZero<u8>)>(&[1, 0]), &["nonzero", "at byte 2"]);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    A(u32),
    B(String),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t")]
enum Internal {
    A { x: u32 },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    A(u32),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    x: u32,
    #[serde(flatten)]
    rest: BTreeMap<String, u32>,
}

#[test]
fn types_that_ask_the_bytes_are_told_so() {
    let causes =
        ["untagged", "#[serde(tag = ..)]", "flatten", "serde_json::Value", "use a plain enum"];
    assert_says(&not_decoded::<Untagged>(&encoded(&Untagged::A(1))), &causes);
    assert_says(&not_decoded::<(u8, Untagged)>(&[1, 1]), &["(at byte 1 of 2)"]);
    assert_says(&not_decoded::<Internal>(&encoded(&Internal::A { x: 1 })), &causes);
    assert_says(&not_decoded::<Adjacent>(&encoded(&Adjacent::A(1))), &causes);
    assert_says(&not_decoded::<Flat>(&[1, 1, 1]), &causes);
    assert_says(&not_decoded::<IgnoredAny>(&[1]), &causes);
}

/// Takes one element of a sequence, and may leave others.
#[derive(Debug, PartialEq)]
struct First<const FORGET: bool>(u8);

impl<'de, const FORGET: bool> Deserialize<'de> for First<FORGET> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Take<const FORGET: bool>;
        impl<'de, const FORGET: bool> Visitor<'de> for Take<FORGET> {
            type Value = u8;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<u8, A::Error> {
                let mut seq = ManuallyDrop::new(seq);
                let first = seq.next_element()?.unwrap_or_default();
                if !FORGET {
                    drop(ManuallyDrop::into_inner(seq));
                }
                Ok(first)
            }
        }
        assert!(!deserializer.is_human_readable());
        deserializer.deserialize_seq(Take::<FORGET>).map(Self)
    }
}

#[test]
fn a_type_that_leaves_elements_is_refused() {
    assert_eq!(decode::<First<false>>(&[1, 9]).unwrap(), First(9));
    assert_says(&not_decoded::<First<false>>(&[3, 9, 9, 9]), &["left 2 elements", "unread"]);
    // Whoever keeps the access for ever does not get by either.
    assert_says(&not_decoded::<First<true>>(&[1, 9]), &["unread"]);
    assert_says(&not_decoded::<First<true>>(&[3, 9, 9, 9]), &["unread"]);
}

#[test]
fn the_number_of_elements_told_beforehand_is_no_more_than_the_bytes() {
    struct Hint;
    impl<'de> Visitor<'de> for Hint {
        type Value = (Option<usize>, Option<usize>);
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a sequence")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let before = seq.size_hint();
            while seq.next_element::<()>()?.is_some() {}
            Ok((before, seq.size_hint()))
        }
    }
    #[derive(Debug)]
    struct Hinted(Option<usize>, Option<usize>);
    impl<'de> Deserialize<'de> for Hinted {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let (before, after) = deserializer.deserialize_seq(Hint)?;
            Ok(Self(before, after))
        }
    }
    // A million elements are claimed, and three bytes are there.
    let bytes = [0xc0, 0x84, 0x3d, 1, 2, 3];
    let (Hinted(before, after), ..): (Hinted, u8, u8, u8) = decode(&bytes).unwrap();
    assert_eq!((before, after), (Some(3), Some(0)));
}

#[test]
fn an_error_that_a_type_swallows_leaves_the_count_of_the_sequence_around_it() {
    #[derive(Debug, PartialEq)]
    struct Lenient(Option<Vec<bool>>);
    impl<'de> Deserialize<'de> for Lenient {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Ok(Self(Vec::deserialize(deserializer).ok()))
        }
    }
    // The first one breaks at its second element and has a third.
    let bytes = [2, 3, 1, 7, 2, 1, 0];
    let values: Vec<Lenient> = decode(&bytes).unwrap();
    assert_eq!(values, [Lenient(None), Lenient(Some(vec![true, false]))]);
}

#[test]
fn the_type_is_named_once_and_whole() {
    let message = not_decoded::<Vec<Everything>>(&[1]);
    assert_says(&message, &["cannot decode alloc::vec::Vec<", "Everything>: "]);
}
