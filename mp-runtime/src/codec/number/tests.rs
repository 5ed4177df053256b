//! Sequences of numbers: what goes in comes out to the last bit, what is no number of the kind lies apart, and any bytes
//! are an error at most.

use super::Kind;
use crate::codec::{Aside, Fit, Items, Sequence, decode, encode};
use crate::custody::Attachments;
use crate::error::ErrorKind;
use proptest::collection::vec;
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};
use std::cell::Cell;
use std::fmt::Debug;

/// The bytes of a sequence, and whether each value fitted in.
fn sequence<T: Serialize>(values: &[T]) -> (Vec<u8>, Vec<Fit>) {
    let (mut bytes, mut attachments) = (Vec::new(), Attachments::default());
    let mut sequence = Sequence::new(&mut bytes, &mut attachments);
    let fits = values.iter().map(|value| sequence.push(value).unwrap()).collect();
    drop(sequence);
    (bytes, fits)
}

/// What is read from a sequence, up to its end.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Vec<Result<T, ErrorKind>> {
    let mut items = Items::new(bytes, Attachments::default());
    let mut aside = Aside::default();
    std::iter::from_fn(|| items.next(&mut aside)).map(|item| item.map_err(|e| e.kind())).collect()
}

fn alone<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(value, &mut bytes).unwrap();
    bytes
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped<T>(T);

/// The values come back from a sequence of `kind` as they would if each had been sent alone.
fn lie_side_by_side<T>(kind: Kind, values: &[T])
where
    T: Serialize + DeserializeOwned + Copy + Debug,
{
    let (bytes, fits) = sequence(values);
    assert!(fits.iter().all(|fit| *fit == Fit::Within));
    assert_eq!(bytes.len(), 1 + values.len() * kind.width());
    assert_eq!(bytes[0], kind as u8);
    let back: Vec<T> = read(&bytes).into_iter().map(Result::unwrap).collect();
    assert_eq!(alone(&back), alone(&values.to_vec()), "{values:?}");
    let wrapped: Vec<_> = values.iter().map(|value| Wrapped(*value)).collect();
    assert_eq!(sequence(&wrapped).0, bytes);
    let wrapped: Vec<Wrapped<T>> = read(&bytes).into_iter().map(Result::unwrap).collect();
    assert_eq!(alone(&wrapped), alone(&values.to_vec()));
    for taken in 0..=values.len() {
        let mut items = Items::new(&bytes, Attachments::default());
        assert!(items.skip(taken as u64));
        assert_eq!(read::<T>(&items.remainder()).len(), values.len() - taken);
        assert!(!items.skip((values.len() - taken) as u64 + 1));
    }
}

macro_rules! kinds {
    ($($name:ident: $type:ty, $kind:ident, [$($extreme:expr),*];)*) => {
        proptest! {$(
            #[test]
            fn $name(mut values in vec(any::<$type>(), 1..20)) {
                values.extend::<[$type; _]>([$($extreme),*]);
                lie_side_by_side(Kind::$kind, &values);
            }
        )*}
    };
}

kinds! {
    bools_lie_side_by_side: bool, Bool, [];
    chars_lie_side_by_side: char, Char, ['\0', char::MAX];
    bytes_lie_side_by_side: u8, U8, [0, u8::MAX];
    u16s_lie_side_by_side: u16, U16, [0, u16::MAX];
    u32s_lie_side_by_side: u32, U32, [0, u32::MAX];
    u64s_lie_side_by_side: u64, U64, [0, u64::MAX];
    u128s_lie_side_by_side: u128, U128, [0, u128::MAX];
    usizes_lie_side_by_side: usize, U64, [0, usize::MAX];
    i8s_lie_side_by_side: i8, I8, [i8::MIN, -1, i8::MAX];
    i16s_lie_side_by_side: i16, I16, [i16::MIN, -1, i16::MAX];
    i32s_lie_side_by_side: i32, I32, [i32::MIN, -1, i32::MAX];
    i64s_lie_side_by_side: i64, I64, [i64::MIN, -1, i64::MAX];
    i128s_lie_side_by_side: i128, I128, [i128::MIN, -1, i128::MAX];
    f32s_lie_side_by_side: f32, F32, [-0.0, f32::INFINITY, f32::from_bits(0xffc0_1234)];
    f64s_lie_side_by_side: f64, F64, [-0.0, f64::MIN_POSITIVE, f64::from_bits(0x7ff8_0000_dead_beef)];
}

#[test]
fn what_is_read_as_another_type_is_what_it_would_be_alone() {
    fn same<T: Serialize, R: DeserializeOwned + PartialEq + Debug>(value: T) {
        let expected = decode::<R>(&alone(&value)).map_err(|error| error.kind());
        let (bytes, _) = sequence(&[&value, &value]);
        assert_ne!(bytes[0], Kind::Measured as u8);
        let read = read::<R>(&bytes);
        assert_eq!(read.len(), 2);
        read.into_iter().for_each(|read| assert_eq!(read, expected));
    }
    same::<_, u64>(70_000_u32);
    same::<_, u16>(70_000_u32);
    same::<_, i32>(70_000_u32);
    same::<_, u8>(true);
    same::<_, bool>(1_u8);
    same::<_, bool>(2_u8);
    same::<_, i8>(200_u8);
    same::<_, u32>(1.5_f32);
    same::<_, String>('ß');
    same::<_, ()>(7_u8);
    same::<_, Option<()>>(1_u8);
    same::<_, Option<u8>>(1_u8);
    same::<_, Vec<u8>>(0_u64);
    same::<_, (u32,)>(5_u32);
    same::<_, (u8, u8)>(5_u64);
    same::<_, Result<(), ()>>(0_u32);
    let (bytes, _) = sequence(&['x', 'y']);
    let mut items = Items::new(&bytes, Attachments::default());
    let mut aside = Aside::default();
    assert_eq!(items.next::<&str>(&mut aside).unwrap().unwrap(), "x");
    assert_eq!(items.next::<&str>(&mut aside).unwrap().unwrap(), "y");
}

/// What its Serialize makes of it differs from value to value.
enum Odd {
    Int(u32),
    Wide(u64),
    Text,
}

impl Serialize for Odd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Int(value) => serializer.serialize_u32(*value),
            Self::Wide(value) => serializer.serialize_u64(*value),
            Self::Text => serializer.serialize_str("drei"),
        }
    }
}

#[test]
fn a_value_of_another_kind_lies_apart_as_a_sequence_of_its_own() {
    let others = || [Odd::Wide(300), Odd::Text];
    for (other, expected) in others().into_iter().zip([alone(&300_u64), alone(&"drei")]) {
        let (mut bytes, mut attachments) = (Vec::new(), Attachments::default());
        let mut sequence = Sequence::new(&mut bytes, &mut attachments);
        assert_eq!(sequence.push(&Odd::Int(1)).unwrap(), Fit::Within);
        let start = sequence.len();
        assert_eq!(sequence.push(&other).unwrap(), Fit::Apart);
        let apart = sequence.take_last(start);
        assert_eq!((apart[0], usize::from(apart[1])), (Kind::Measured as u8, expected.len()));
        assert_eq!(apart[2..], expected);
        assert_eq!(sequence.push(&Odd::Int(2)).unwrap(), Fit::Within);
        drop(sequence);
        assert_eq!(read::<u32>(&bytes), [Ok(1), Ok(2)]);
    }
    let [wide, text] = others();
    let (bytes, fits) = sequence(&[text, wide, Odd::Int(7)]);
    assert_eq!((bytes[0], fits), (Kind::Measured as u8, vec![Fit::Within; 3]));
}

#[test]
fn every_value_is_serialised_once() {
    struct Given(Cell<Option<u32>>);
    impl Serialize for Given {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.take().serialize(serializer)
        }
    }
    let (bytes, _) = sequence(&[1, 2].map(|value| Given(Cell::new(Some(value)))));
    assert_eq!(read::<Option<u32>>(&bytes), [Ok(Some(1)), Ok(Some(2))]);
}

#[test]
fn a_number_that_is_none_spoils_no_other() {
    assert_eq!(
        read::<bool>(&[Kind::Bool as u8, 1, 7, 0]),
        [Ok(true), Err(ErrorKind::Decode), Ok(false)]
    );
    let surrogate = 0xd800_u32.to_le_bytes();
    let bytes = [&[Kind::Char as u8], &surrogate[..], &[0x61, 0, 0, 0]].concat();
    assert_eq!(read::<char>(&bytes), [Err(ErrorKind::Decode), Ok('a')]);
    assert_eq!(read::<String>(&bytes), [Err(ErrorKind::Decode), Ok("a".to_owned())]);
    assert_eq!(read::<u16>(&[Kind::U16 as u8, 1, 0, 2]), [Ok(1), Err(ErrorKind::Decode)]);
    assert_eq!(read::<u64>(&[Kind::U16 as u8, 1, 0, 2]), [Ok(1), Err(ErrorKind::Decode)]);
    assert_eq!(read::<u8>(&[200, 1, 2, 3]), [Err(ErrorKind::Decode)]);
    assert_eq!(read::<u8>(&[]), []);
}

#[test]
fn a_type_that_reads_nothing_is_told_so() {
    #[derive(Debug, PartialEq)]
    struct Deaf;
    impl<'de> Deserialize<'de> for Deaf {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(Self)
        }
    }
    assert_eq!(read::<Deaf>(&sequence(&[1_u16, 2]).0), [const { Err(ErrorKind::Decode) }; 2]);
}

proptest! {
    #[test]
    fn any_bytes_are_an_error_at_most(kind in 0..20_u8, bytes in vec(any::<u8>(), 0..60)) {
        let bytes = [&[kind], &bytes[..]].concat();
        macro_rules! into {
            ($($type:ty),*) => {$(
                prop_assert!(read::<$type>(&bytes).len() < bytes.len().max(1));
            )*};
        }
        into!(bool, char, u8, u16, u32, u64, u128, i8, i16, i32, i64, i128, f32, f64);
        into!((), String, Vec<u32>, Option<char>, (bool, u16), Wrapped<u64>);
        let mut items = Items::new(&bytes, Attachments::default());
        let left = items.rest();
        if items.skip(3) {
            prop_assert!(items.rest() <= left);
            prop_assert_eq!(items.remainder().len(), items.rest() + 1);
        }
    }
}
