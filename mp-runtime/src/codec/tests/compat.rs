//! The wire format is postcard's: what either encodes, the other decodes, and the bytes are equal.

use super::{Blob, Everything, Pair, Shape, Unit, Wrapped, decode, encode, encoded, serialized_by};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt::Debug;
use std::time::Duration;

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Nothing),
        any::<i16>().prop_map(Shape::One),
        any::<(u8, String)>().prop_map(|(a, b)| Shape::Two(a, b)),
        (any::<Option<i64>>(), vec(any::<bool>(), 0..9)).prop_map(|(a, b)| Shape::Named { a, b }),
    ];
    leaf.prop_recursive(20, 20, 1, |inner| inner.prop_map(|it| Shape::Nested(Box::new(it))))
}

prop_compose! {
    fn everything()(
        unsigned in any::<(u8, u16, u32, u64, u128, usize)>(),
        signed in any::<(i8, i16, i32, i64, i128, isize)>(),
        floats in any::<(f32, f64)>(),
        truth in any::<bool>(),
        letter in any::<char>(),
        text in any::<String>(),
        raw in vec(any::<u8>(), 0..300),
        numbers in any::<(i64, u32, [i16; 3], u32)>(),
        name in any::<String>(),
        maybe in any::<Option<Option<u16>>>(),
        lists in vec(vec(any::<Option<String>>(), 0..4), 0..4),
        map in btree_map(any::<String>(), (any::<u32>(), vec(any::<f64>(), 0..5)), 0..5),
        shapes in vec(shape(), 0..5),
    ) -> Everything {
        let (wrapped, pair, array, address) = numbers;
        Everything {
            unsigned, signed, floats, truth, letter, text, maybe, array, lists, map, shapes,
            raw: Blob(raw.clone()),
            bytes: raw,
            nothing: (),
            unit: Unit,
            wrapped: Wrapped(wrapped),
            pair: Pair(pair, name),
            address: address.into(),
        }
    }
}

/// Both ways, and behind what is in the buffer already.
fn same<T: Serialize + for<'de> Deserialize<'de> + PartialEq + Debug>(value: &T) {
    let theirs = postcard::to_stdvec(value).unwrap();
    let mut ours = vec![0xaa; 3];
    encode(value, &mut ours).unwrap();
    assert_eq!(ours[..3], [0xaa; 3]);
    assert_eq!(ours[3..], theirs, "{value:?}");
    assert_eq!(decode::<T>(&theirs).unwrap(), *value);
    assert_eq!(postcard::from_bytes::<T>(&ours[3..]).unwrap(), *value);
}

proptest! {
    #[test]
    fn everything_is_the_same(value in everything()) {
        same(&value);
    }

    #[test]
    #[expect(clippy::cast_possible_truncation, reason = "each width gets the low bits")]
    fn integers_of_any_width_are_the_same(value in any::<u128>(), width in 0..128_u32) {
        let value = value >> width;
        let signed = value.cast_signed();
        same(&(value, value as u64, value as u32, value as u16, value as u8));
        same(&(signed, signed as i64, signed as i32, signed as i16, signed as i8));
        same(&vec![value as u64; 9]);
        same(&vec![signed as i32; 9]);
    }

    #[test]
    fn a_value_behind_another_begins_where_that_one_ends(a in everything(), b in everything()) {
        let mut out = encoded(&a);
        let middle = out.len();
        encode(&b, &mut out).unwrap();
        prop_assert_eq!(decode::<Everything>(&out[..middle]).unwrap(), a.clone());
        prop_assert_eq!(decode::<Everything>(&out[middle..]).unwrap(), b.clone());
        prop_assert_eq!(decode::<(Everything, Everything)>(&out).unwrap(), (a, b));
    }
}

#[test]
#[expect(clippy::cast_possible_truncation, reason = "each width gets the low bits")]
fn integers_at_the_edges_of_each_width_are_the_same() {
    for bits in 0..128 {
        for near in [-1, 0, 1] {
            let value = (1_u128 << bits).wrapping_add_signed(near);
            same(&(value, value.cast_signed(), value as u64, value as i64));
            same(&(
                value as u32,
                value as i32,
                value as u16,
                value as i16,
                value as u8,
                value as i8,
            ));
        }
    }
    same(&(u128::MAX, i128::MIN, i128::MAX, u64::MAX, i64::MIN, i64::MAX));
}

#[test]
fn floats_keep_their_bits() {
    let nan = f64::from_bits(0x7ff8_0000_dead_beef);
    let back: f64 = decode(&encoded(&nan)).unwrap();
    assert_eq!(back.to_bits(), nan.to_bits());
    let back: Vec<f32> = decode(&encoded(&vec![-0.0_f32, f32::NAN, f32::INFINITY])).unwrap();
    assert_eq!(back[0].to_bits(), (-0.0_f32).to_bits());
    assert!(back[1].is_nan() && back[2].is_infinite());
}

#[test]
fn what_the_standard_library_has_is_the_same() {
    same(&VecDeque::from([1_u8, 2, 3]));
    same(&BTreeSet::from([1_u8, 2, 200]));
    same(&HashMap::from([(1_u8, 'é')]));
    same(&Duration::new(5, 7));
    same(&(1..5, Some(Ok::<u8, String>(3)), "".to_owned(), 'a'));
    same(&[[0_u8; 32]; 32]);
    same(&vec![[1_u64; 3]; 4]);
    same(&vec![(1.5_f32, true); 3]);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Renamed {
    #[serde(rename = "x", alias = "z", alias = "w")]
    y: u8,
    #[serde(skip)]
    left_out: u64,
    #[serde(default)]
    given: u16,
}

#[test]
fn attributes_that_leave_the_order_of_the_fields_alone_work() {
    same(&vec![Renamed { y: 1, left_out: 0, given: 2 }, Renamed { y: 3, left_out: 0, given: 4 }]);
}

/// `fmt::Arguments` is serialized through `collect_str`, which postcard formats twice.
#[test]
fn texts_that_are_formatted_on_the_way_are_the_same() {
    for len in [0, 1, 126, 127, 128, 129, 16_383, 16_384, 40_000] {
        let text = "é".repeat(len / 2) + &"x".repeat(len % 2);
        let value = (7_u8, format_args!("{}{text}", ""), 9_u8);
        let bytes = postcard::to_stdvec(&value).unwrap();
        assert_eq!(encoded(&value), bytes);
        assert_eq!(decode::<(u8, &str, u8)>(&bytes).unwrap(), (7, &*text, 9));
    }
}

#[test]
fn a_value_that_says_no_to_people_is_asked_for_its_short_form() {
    let value = serialized_by!(|s| {
        assert!(!s.is_human_readable());
        s.serialize_unit()
    });
    assert!(encoded(&value).is_empty());
    // Four bytes instead of a text.
    assert_eq!(encoded(&std::net::Ipv4Addr::LOCALHOST), [127, 0, 0, 1]);
}
