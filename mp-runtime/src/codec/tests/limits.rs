//! Depth and elements without bytes: bounded alike on both sides, for any shape of type.

use super::super::{MAX_DEPTH, MAX_EMPTY};
use super::{assert_says, decode, encode, encoded, not_decoded, not_encoded};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::thread;
use std::time::{Duration, Instant};

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct List {
    value: u8,
    next: Option<Box<List>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Newtype(Option<Box<Newtype>>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Variant {
    End,
    Newtype(Box<Variant>),
    Tuple(u8, Box<Variant>),
    Named { next: Box<Variant> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Seq(Vec<Seq>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Map(BTreeMap<u8, Map>);

/// Recursion through the fields of a tuple alone: the first says whether the second is there.
#[derive(Debug, PartialEq)]
struct Manual(Option<Box<Manual>>);

impl Serialize for Manual {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(next) => (true, next).serialize(serializer),
            None => (false,).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Manual {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Manual;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("fields")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Manual, A::Error> {
                let more = seq.next_element()?.unwrap_or(false);
                Ok(Manual(if more { seq.next_element()? } else { None }))
            }
        }
        deserializer.deserialize_tuple(2, Fields)
    }
}

fn nested<T>(depth: usize, end: T, around: impl Fn(T) -> T) -> T {
    (0..depth).fold(end, |inner, _| around(inner))
}

/// What is `fits` deep can be sent and received; one more can be neither.
fn fits<T>(fits: usize, end: impl Fn() -> T, around: impl Fn(T) -> T)
where
    T: Serialize + for<'de> Deserialize<'de> + PartialEq + Debug,
{
    let value = nested(fits, end(), &around);
    assert_eq!(decode::<T>(&encoded(&value)).unwrap(), value);
    let deeper = around(value);
    assert_says(&not_encoded(&deeper), &["nested deeper than 128 levels", "as a Vec"]);
    let bytes = postcard::to_stdvec(&deeper).unwrap();
    assert_says(&not_decoded::<T>(&bytes), &["nested deeper than 128 levels", "as a Vec"]);
}

#[test]
fn depth_is_bounded_alike_on_both_sides() {
    let levels = MAX_DEPTH as usize;
    fits(levels, || Newtype(None), |it| Newtype(Some(Box::new(it))));
    // The list has a struct and an Option for each node.
    fits(levels / 2 - 1, List::default, |it| List { value: 1, next: Some(Box::new(it)) });
    fits(levels, || Variant::End, |it| Variant::Newtype(Box::new(it)));
    fits(levels, || Variant::End, |it| Variant::Tuple(7, Box::new(it)));
    fits(levels, || Variant::End, |it| Variant::Named { next: Box::new(it) });
    fits(levels - 1, || Seq(vec![]), |it| Seq(vec![it]));
    fits(levels - 1, || Map(BTreeMap::new()), |it| Map(BTreeMap::from([(1, it)])));
    fits(levels - 1, || Manual(None), |it| Manual(Some(Box::new(it))));
}

#[test]
fn depth_is_that_of_what_is_open_at_once() {
    let deep = || nested(100, Newtype(None), |it| Newtype(Some(Box::new(it))));
    let wide: Vec<_> = (0..300).map(|_| deep()).collect();
    assert_eq!(decode::<Vec<Newtype>>(&encoded(&wide)).unwrap(), wide);
    let deep = || nested(100, Seq(vec![]), |it| Seq(vec![it, Seq(vec![])]));
    let wide: Vec<_> = (0..300).map(|_| deep()).collect();
    assert_eq!(decode::<Vec<Seq>>(&encoded(&wide)).unwrap(), wide);
}

/// In a thread with less stack than any that Rust starts by itself.
#[test]
fn bytes_that_nest_without_end_do_not_overflow_the_stack() {
    fn refused<T: for<'de> Deserialize<'de> + Debug>(pattern: &[u8]) {
        let bytes: Vec<u8> = pattern.iter().copied().cycle().take(1 << 20).collect();
        assert_says(&not_decoded::<T>(&bytes), &["nested deeper"]);
    }
    let thread = thread::Builder::new().stack_size(512 << 10).spawn(|| {
        refused::<Newtype>(&[1]);
        refused::<List>(&[1]);
        refused::<Variant>(&[1]);
        refused::<Variant>(&[2]);
        refused::<Variant>(&[3]);
        refused::<Variant>(&[1, 2, 9, 3]);
        refused::<Seq>(&[1]);
        refused::<Map>(&[1, 1]);
        refused::<Manual>(&[1]);
    });
    thread.unwrap().join().unwrap();
}

#[test]
fn values_that_nest_without_end_do_not_overflow_the_stack() {
    let mut list = List::default();
    for _ in 0..10_000 {
        list = List { value: 1, next: Some(Box::new(list)) };
    }
    assert_says(&not_encoded(&list), &["nested deeper"]);
    // Its own drop would recurse.
    let mut rest = list.next.take();
    while let Some(mut node) = rest {
        rest = node.next.take();
    }
}

#[test]
fn elements_without_bytes_are_bounded_alike_on_both_sides() {
    let most = vec![(); MAX_EMPTY];
    assert_eq!(decode::<Vec<()>>(&encoded(&most)).unwrap().len(), MAX_EMPTY);
    let message = not_encoded(&vec![(); MAX_EMPTY + 1]);
    assert_says(&message, &["over 1048576 elements that take no byte", "send their number"]);
    let bytes = postcard::to_stdvec(&vec![(); MAX_EMPTY + 1]).unwrap();
    assert_says(&not_decoded::<Vec<()>>(&bytes), &["it claims 1048577 elements"]);
}

#[test]
fn elements_without_bytes_are_counted_over_the_whole_value() {
    // Each is good by itself, and what the outer one has of bytes is those of the lengths.
    let half = vec![(); MAX_EMPTY / 2];
    let two = vec![half.clone(), half.clone()];
    assert_eq!(decode::<Vec<Vec<()>>>(&encoded(&two)).unwrap(), two);
    let three = vec![half.clone(), half.clone(), half];
    assert_says(&not_encoded(&three), &["take no byte"]);
    assert_says(&not_decoded::<Vec<Vec<()>>>(&postcard::to_stdvec(&three).unwrap()), &["elements"]);
    // With elements enough behind it that the number alone is no reason.
    let mut bytes = postcard::to_stdvec(&(&three[..2], vec![(); MAX_EMPTY / 4])).unwrap();
    bytes.resize(bytes.len() + (4 << 20), 0);
    type Two = (Vec<Vec<()>>, Vec<()>, Vec<u8>);
    assert_says(&not_decoded::<Two>(&bytes), &["take no byte"]);
}

#[test]
fn elements_without_bytes_are_counted_in_a_run_of_bytes() {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Item {
        Byte(u8),
        Empties(Vec<()>),
    }
    let half = || Item::Empties(vec![(); MAX_EMPTY / 2]);
    let mut items = vec![Item::Byte(1), half(), Item::Byte(2), half()];
    encoded(&items);
    items.push(half());
    assert_says(&not_encoded(&items), &["take no byte"]);
}

#[test]
fn a_map_without_bytes_is_bounded_too() {
    struct Entries(usize);
    impl Serialize for Entries {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map((0..self.0).map(|_| ((), ())))
        }
    }
    encode(&Entries(MAX_EMPTY), &mut Vec::new()).unwrap();
    assert_says(&not_encoded(&Entries(MAX_EMPTY + 1)), &["take no byte"]);
    let bytes = encoded(&Entries(3));
    assert_eq!(decode::<BTreeMap<(), ()>>(&bytes).unwrap().len(), 1);
    assert_says(&not_decoded::<BTreeMap<(), ()>>(&[0xff, 0xff, 0xff, 0xff, 1]), &["elements"]);
}

#[test]
fn claims_cost_no_more_time_than_their_bytes() {
    let start = Instant::now();
    // Four thousand million, and as many as there are bytes, again and again.
    assert_says(&not_decoded::<Vec<()>>(&[0xff, 0xff, 0xff, 0xff, 0x0f]), &["it claims"]);
    for claim in [[0xff, 0xff, 0x3f], [0xff, 0xff, 0x0f]] {
        let mut bytes: Vec<u8> = claim.iter().copied().cycle().take(1 << 20).collect();
        not_decoded::<Vec<Vec<()>>>(&bytes);
        not_decoded::<Vec<Vec<Vec<()>>>>(&bytes);
        not_decoded::<Vec<BTreeMap<(), Vec<()>>>>(&bytes);
        bytes[..3].copy_from_slice(&[0xff, 0xff, 1]);
        not_decoded::<Vec<Vec<()>>>(&bytes);
    }
    // Unoptimised and on a busy machine; without the bounds it is hours.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}
