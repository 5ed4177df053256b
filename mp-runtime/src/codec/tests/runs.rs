//! Runs of bytes and floats: moved in blocks, and yet the same bytes, from one call for each
//! element.

use super::{assert_says, decode, encoded, not_encoded, serialized_by};
use proptest::collection::vec;
use proptest::prelude::*;
use serde::ser::{Serialize, Serializer};
use std::cell::Cell;

/// Serialized as what it holds, so that a sequence of them changes its form on the way.
#[derive(Clone, Debug)]
enum Mixed {
    Byte(u8),
    Signed(i8),
    Truth(bool),
    Single(f32),
    Double(f64),
    Number(u32),
    Text(String),
    Bytes(Vec<u8>),
    Nothing,
}

impl Serialize for Mixed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Byte(it) => serializer.serialize_newtype_struct("Byte", it),
            Self::Signed(it) => it.serialize(serializer),
            Self::Truth(it) => it.serialize(serializer),
            Self::Single(it) => it.serialize(serializer),
            Self::Double(it) => it.serialize(serializer),
            Self::Number(it) => it.serialize(serializer),
            Self::Text(it) => it.serialize(serializer),
            Self::Bytes(it) => it.serialize(serializer),
            Self::Nothing => serializer.serialize_unit(),
        }
    }
}

fn mixed() -> impl Strategy<Value = Mixed> {
    prop_oneof![
        6 => any::<u8>().prop_map(Mixed::Byte),
        1 => any::<i8>().prop_map(Mixed::Signed),
        1 => any::<bool>().prop_map(Mixed::Truth),
        3 => any::<f32>().prop_map(Mixed::Single),
        3 => any::<f64>().prop_map(Mixed::Double),
        1 => any::<u32>().prop_map(Mixed::Number),
        1 => any::<String>().prop_map(Mixed::Text),
        1 => vec(any::<u8>(), 0..300).prop_map(Mixed::Bytes),
        1 => Just(Mixed::Nothing),
    ]
}

proptest! {
    #[test]
    fn elements_that_change_their_form_are_the_same(items in vec(mixed(), 0..60)) {
        prop_assert_eq!(encoded(&items), postcard::to_stdvec(&items).unwrap());
    }

    #[test]
    fn a_run_that_is_broken_anywhere_is_the_same(
        before in 0_usize..9000,
        after in 0_usize..9000,
        odd in mixed(),
    ) {
        let mut items = vec![Mixed::Byte(7); before];
        items.push(odd);
        items.extend(vec![Mixed::Byte(8); after]);
        prop_assert_eq!(encoded(&items), postcard::to_stdvec(&items).unwrap());
    }
}

#[test]
fn every_length_around_a_block_is_the_same() {
    for len in
        [0, 1, 2, 63, 64, 65, 511, 512, 513, 1024, 1025, 4095, 4096, 4097, 4098, 8193, 20_000]
    {
        let bytes: Vec<u8> = (0..=250).cycle().take(len).collect();
        let signed: Vec<i8> = bytes.iter().map(|it| it.cast_signed()).collect();
        let truths: Vec<bool> = bytes.iter().map(|it| it % 3 == 0).collect();
        let singles: Vec<f32> = bytes.iter().map(|it| f32::from(*it) / 3.0).collect();
        let doubles: Vec<f64> = bytes.iter().map(|it| f64::from(*it) / 3.0).collect();
        let value = (bytes, signed, truths, singles, doubles);
        let theirs = postcard::to_stdvec(&value).unwrap();
        assert_eq!(encoded(&value), theirs);
        type All = (Vec<u8>, Vec<i8>, Vec<bool>, Vec<f32>, Vec<f64>);
        assert_eq!(decode::<All>(&theirs).unwrap(), value);
    }
}

/// A value that is a handle of something may count how often it is sent.
#[test]
fn each_element_is_serialized_once() {
    struct Counted<'a>(&'a Cell<usize>, Mixed);
    impl Serialize for Counted<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.set(self.0.get() + 1);
            self.1.serialize(serializer)
        }
    }
    let calls = Cell::new(0);
    let forms = [Mixed::Byte(1), Mixed::Double(1.0), Mixed::Text("a".into()), Mixed::Nothing];
    for first in &forms {
        for second in &forms {
            let items: Vec<_> = [first, first, second, second, first]
                .into_iter()
                .map(|it| Counted(&calls, it.clone()))
                .collect();
            calls.set(0);
            encoded(&items);
            assert_eq!(calls.get(), items.len(), "{first:?} {second:?}");
        }
    }
}

/// Says that it has `said` elements, and has `has`.
struct Liar<T> {
    said: usize,
    has: usize,
    item: T,
}

impl<T: Copy> Iterator for Liar<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.has = self.has.checked_sub(1)?;
        Some(self.item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.said, Some(self.said))
    }
}

#[test]
fn an_iterator_with_another_number_of_elements_is_refused() {
    macro_rules! refused {
        ($item:expr) => {
            for (said, has) in [(3, 2), (3, 4), (1, 0), (0, 1), (5000, 4999), (4096, 9000)] {
                let value = serialized_by!(|s| {
                    let (said, has) = HAS.get();
                    s.collect_seq(Liar { said, has, item: $item })
                });
                HAS.set((said, has));
                assert_says(&not_encoded(&value), &["another number of elements", "sequence"]);
            }
        };
    }
    thread_local!(static HAS: Cell<(usize, usize)> = const { Cell::new((0, 0)) });
    refused!(1_u8);
    refused!(1.5_f64);
    refused!(1_u32);
    refused!("text");
}

/// Three elements, and after the end three others.
#[test]
fn an_iterator_that_starts_again_has_one_end() {
    struct Restarting(u8);
    impl Iterator for Restarting {
        type Item = u8;

        fn next(&mut self) -> Option<u8> {
            self.0 += 1;
            (!self.0.is_multiple_of(4)).then_some(self.0)
        }

        fn size_hint(&self) -> (usize, Option<usize>) {
            (6, Some(6))
        }
    }
    let value = serialized_by!(|s| s.collect_seq(Restarting(0)));
    assert_says(&not_encoded(&value), &["another number of elements"]);
}
