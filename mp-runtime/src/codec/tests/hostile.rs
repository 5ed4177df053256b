//! Any bytes into any type: an error or a value that can be sent on, in bounded time and never a
//! panic.

use super::{Everything, Shape, decode, encode, encoded};
use proptest::collection::vec;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant, SystemTime};

#[derive(Debug, Serialize, Deserialize)]
struct Tree {
    name: Option<String>,
    children: Vec<Tree>,
    extra: BTreeMap<u16, Shape>,
}

/// What is read is written and read again; the bytes are then those of the value, not of the
/// sender.
fn total<'de, T: Serialize + Deserialize<'de>>(bytes: &'de [u8]) {
    if let Ok(value) = decode::<T>(bytes) {
        let mut out = Vec::new();
        encode(&value, &mut out).unwrap();
        assert!(out.len() <= bytes.len());
    }
}

fn all(bytes: &[u8]) {
    let start = Instant::now();
    macro_rules! into {
        ($($type:ty),* $(,)?) => { $(total::<$type>(bytes);)* };
    }
    into!(
        (), bool, u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, f32, f64, char,
        &str, String, &[u8], Box<str>, Option<Option<u8>>,
        Vec<()>, Vec<Vec<()>>, Vec<u8>, Vec<u32>, Vec<i64>, Vec<f64>, Vec<bool>, Vec<String>,
        Vec<&str>, Vec<Option<()>>, VecDeque<u16>, BTreeSet<char>, BTreeMap<u8, Vec<i16>>,
        HashMap<String, ()>, BTreeMap<(), ()>, [u8; 4], [(u16, char); 3], (u8, &str, Vec<u64>),
        Shape, Vec<Shape>, Tree, Everything, Result<u32, String>, Duration, SystemTime,
        Vec<[Shape; 2]>, std::net::IpAddr, std::num::NonZero<u32>, std::ops::Range<u8>,
    );
    assert!(start.elapsed() < Duration::from_secs(10), "{:?} for {bytes:?}", start.elapsed());
}

/// Bytes as they come in varints, flags and lengths, more often than chance has them.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![any::<u8>(), 0..4_u8, Just(0xff), Just(0x80), Just(0x7f)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes(bytes in vec(byte(), 0..120)) {
        all(&bytes);
    }

    #[test]
    fn good_bytes_with_a_fault(
        shapes in vec((any::<i16>(), any::<String>(), any::<Option<i64>>()), 1..4),
        fault in (any::<prop::sample::Index>(), byte(), 0..4_u8),
    ) {
        let value: Vec<(Shape, Shape)> = shapes
            .into_iter()
            .map(|(one, text, a)| {
                let nested = Shape::Nested(Box::new(Shape::One(one)));
                (Shape::Two(3, text), if one > 0 { nested } else { Shape::Named { a, b: vec![] } })
            })
            .collect();
        let mut bytes = encoded(&value);
        let (place, byte, kind) = fault;
        let place = place.index(bytes.len());
        match kind {
            0 => bytes[place] = byte,
            1 => bytes.insert(place, byte),
            2 => drop(bytes.remove(place)),
            _ => bytes.truncate(place),
        }
        total::<Vec<(Shape, Shape)>>(&bytes);
        all(&bytes);
    }
}
