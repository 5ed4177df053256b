//! What is refused when it is written: whatever would shift the reader, and values that break the
//! rules of serde.

use super::{assert_says, encode, encoded, not_encoded, serialized_by};
use serde::Serialize;
use serde::ser::{
    Error, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple, SerializeTupleStruct,
    SerializeTupleVariant,
};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[derive(Serialize)]
struct Sparse {
    a: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<u32>,
    c: u32,
}

#[derive(Serialize)]
enum SparseVariant {
    Named {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        list: Vec<u8>,
        after: u8,
    },
}

#[test]
fn a_skipped_field_is_refused_by_its_name() {
    let message = not_encoded(&Sparse { a: 1, b: None, c: 2 });
    assert_says(&message, &["Sparse: ", "field b of Sparse", "skip_serializing_if"]);
    assert_says(&message, &["#[serde(skip)]"]);
    // Where it is not skipped, all is well.
    assert_eq!(encoded(&Sparse { a: 1, b: Some(2), c: 3 }), [1, 1, 2, 3]);

    let message = not_encoded(&vec![SparseVariant::Named { list: vec![], after: 1 }]);
    assert_says(&message, &["field list of SparseVariant::Named", "skip_serializing_if"]);
}

#[test]
fn an_unknown_length_is_refused_with_what_causes_it() {
    #[derive(Serialize)]
    struct Flat {
        x: u32,
        #[serde(flatten)]
        rest: BTreeMap<String, u32>,
    }
    let message = not_encoded(&Flat { x: 1, rest: BTreeMap::new() });
    assert_says(&message, &["Flat: ", "#[serde(flatten)]", "name the flattened fields"]);

    let message = not_encoded(&serialized_by!(|s| s.collect_seq((0..9).filter(|it| it % 2 == 0))));
    assert_says(&message, &["does not tell its length", "collect into a Vec"]);
    assert_says(&not_encoded(&serialized_by!(|s| s.serialize_seq(None)?.end())), &["its length"]);
    assert_says(&not_encoded(&serialized_by!(|s| s.serialize_map(None)?.end())), &["its length"]);
}

#[test]
fn another_number_of_elements_than_announced_is_refused() {
    let too_few = serialized_by!(|s| {
        let mut seq = s.serialize_seq(Some(2))?;
        seq.serialize_element(&1_u8)?;
        seq.end()
    });
    assert_says(&not_encoded(&too_few), &["a sequence in it wrote another number of elements"]);
    let too_many = serialized_by!(|s| {
        let mut seq = s.serialize_seq(Some(1))?;
        seq.serialize_element(&1_u8)?;
        seq.serialize_element(&2_u8)?;
        seq.end()
    });
    assert_says(&not_encoded(&too_many), &["a sequence in it wrote another number"]);
    let too_few = serialized_by!(|s| {
        let mut map = s.serialize_map(Some(2))?;
        map.serialize_entry(&1_u8, &2_u8)?;
        map.end()
    });
    assert_says(&not_encoded(&too_few), &["a map in it wrote another number"]);
    let too_many = serialized_by!(|s| {
        let mut map = s.serialize_map(Some(0))?;
        map.serialize_entry(&1_u8, &2_u8)?;
        map.end()
    });
    assert_says(&not_encoded(&too_many), &["a map in it wrote another number"]);
}

#[test]
fn another_number_of_fields_than_announced_is_refused() {
    let value = serialized_by!(|s| {
        let mut tuple = s.serialize_tuple(2)?;
        tuple.serialize_element(&1_u8)?;
        tuple.end()
    });
    assert_says(&not_encoded(&value), &["a tuple in it wrote another number"]);
    let value = serialized_by!(|s| {
        let mut tuple = s.serialize_tuple_struct("Two", 1)?;
        tuple.serialize_field(&1_u8)?;
        tuple.serialize_field(&1_u8)?;
        tuple.end()
    });
    assert_says(&not_encoded(&value), &["Two in it wrote another number"]);
    let value = serialized_by!(|s| s.serialize_tuple_variant("Which", 0, "First", 1)?.end());
    assert_says(&not_encoded(&value), &["Which::First in it wrote another number"]);
    let value = serialized_by!(|s| {
        let mut fields = s.serialize_struct("Fields", 2)?;
        fields.serialize_field("a", &1_u8)?;
        fields.end()
    });
    assert_says(&not_encoded(&value), &["Fields in it wrote another number"]);
}

#[test]
fn keys_and_values_come_in_pairs() {
    let values = serialized_by!(|s| {
        let mut map = s.serialize_map(Some(1))?;
        map.serialize_value(&1_u8)?;
        map.end()
    });
    let keys = serialized_by!(|s| {
        let mut map = s.serialize_map(Some(2))?;
        map.serialize_key(&1_u8)?;
        map.serialize_key(&1_u8)?;
        map.serialize_value(&1_u8)?;
        map.end()
    });
    let half = serialized_by!(|s| {
        let mut map = s.serialize_map(Some(1))?;
        map.serialize_key(&1_u8)?;
        map.end()
    });
    for message in [not_encoded(&values), not_encoded(&keys), not_encoded(&half)] {
        assert_says(&message, &["a key without a value"]);
    }
}

#[test]
fn what_a_value_says_itself_is_passed_on() {
    let value = serialized_by!(|_s| Err(S::Error::custom("the lock is poisoned")));
    assert!(not_encoded(&(1, value)).ends_with(": the lock is poisoned"));
    struct Failing;
    impl std::fmt::Display for Failing {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            Err(std::fmt::Error)
        }
    }
    assert_says(&not_encoded(&serialized_by!(|s| s.collect_str(&Failing))), &["Display"]);
}

#[test]
fn after_an_error_or_a_panic_the_buffer_is_what_it_was() {
    // `not_encoded` looks at small ones; this one has been lengthened and moved.
    let failing = serialized_by!(|_s| Err(S::Error::custom("no")));
    let mut out = b"before".to_vec();
    encode(&(vec![1_u32; 10_000], failing), &mut out).unwrap_err();
    assert_eq!(out, b"before");

    let panicking = serialized_by!(|_s| panic!("in Serialize"));
    let value = (vec![1_u32; 10_000], panicking);
    catch_unwind(AssertUnwindSafe(|| encode(&value, &mut out))).unwrap_err();
    assert_eq!(out, b"before");
}

#[test]
fn a_buffer_with_64_bytes_to_spare_is_not_moved() {
    for len in [0, 1, 50, 100, 5000] {
        let text = "x".repeat(len);
        let value = (vec![7_u8; len], &text, vec![u64::MAX; len], 1_u8, [&text, &text], 1.5_f64);
        let len = encoded(&value).len();
        let mut out = Vec::with_capacity(len + 64);
        let before = out.capacity();
        encode(&value, &mut out).unwrap();
        assert_eq!((out.capacity(), out.len()), (before, len));
    }
}
