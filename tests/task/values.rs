//! What a value is on the other side: equal, whatever serde can make of its type (TASK-03).
//! Sizes that take a while are in `large`.

use super::support::watchdog;
use super::{LIMIT, everywhere};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt::Debug;
use std::num::NonZeroU8;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// One test for each type: a task, nested in it and called like all the others, says what it got
/// and gives it back.
macro_rules! arrive {
    ($($test:ident: $type:ty = $values:expr;)*) => {
        $(
            #[mp::test]
            fn $test() {
                #[mp::task]
                fn echo(value: $type) -> (String, $type) {
                    (format!("{value:?}"), value)
                }
                let values: Vec<$type> = $values.into();
                watchdog(LIMIT, || travel(echo, values));
            }
        )*
    };
}

fn travel<V, T>(echo: T, values: Vec<V>)
where
    V: Clone + PartialEq + Debug,
    T: for<'a> mp::Task<Args<'a> = V, Output = (String, V)>,
{
    assert!(!values.is_empty());
    let pool = mp::Pool::new(1).expect("a pool");
    let first = mp::spawn(echo, values[0].clone()).expect("a process");
    for value in &values {
        let (said, back) = pool.apply(echo, value.clone()).expect("a value");
        assert_eq!(said, format!("{value:?}"), "on the way there");
        assert_eq!(back, *value, "on the way back");
    }
    assert_eq!(first.result().expect("a value").1, values[0]);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Newtype(u64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pair(i8, String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Nested {
    unit: Unit,
    newtype: Newtype,
    pair: Option<Pair>,
    #[serde(rename = "else")]
    other: HashMap<String, Vec<Shape>>,
    #[serde(default)]
    count: u16,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Nothing,
    Circle(f64),
    Line(i32, i32),
    Named { name: String, inside: Option<Box<Shape>> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tree {
    value: i32,
    branches: Vec<Tree>,
}

fn nested() -> Nested {
    let inside = Some(Box::new(Shape::Line(-1, i32::MAX)));
    let shapes =
        vec![Shape::Nothing, Shape::Circle(0.5), Shape::Named { name: "n".into(), inside }];
    Nested {
        unit: Unit,
        newtype: Newtype(u64::MAX),
        pair: Some(Pair(-128, "pair".into())),
        other: HashMap::from([("shapes".into(), shapes)]),
        count: 7,
    }
}

type LongTuple = (u8, i8, u16, i16, u32, i32, u64, i64, char, bool, String, (u8, (u8, (u8,))));
type Maps = (HashMap<(i32, char), String>, BTreeMap<String, BTreeMap<u8, f32>>);

fn tree(depth: i32) -> Tree {
    let branches = if depth == 0 { Vec::new() } else { vec![tree(depth - 1), tree(0)] };
    Tree { value: depth, branches }
}

arrive! {
    task_03_unsigned: (u8, u16, u32, u64, u128, usize) = [
        (0, 0, 0, 0, 0, 0),
        (1, 0x7f, 0x80, 0x4000, 1 << 64, 1 << 35),
        (u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX, usize::MAX),
    ];
    task_03_signed: (i8, i16, i32, i64, i128, isize) = [
        (0, -1, 1, -64, 64, 8191),
        (i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN, isize::MIN),
        (i8::MAX, i16::MAX, i32::MAX, i64::MAX, i128::MAX, isize::MAX),
    ];
    task_03_floats: (f32, f64) = [
        (0.1, -0.0),
        (f32::MIN_POSITIVE, f64::MAX),
        (f32::INFINITY, f64::NEG_INFINITY),
        (f32::from_bits(1), f64::from_bits(1)),
    ];
    task_03_bool_char_unit: (bool, char, ()) = [(true, 'a', ()), (false, '\u{10ffff}', ()), (true, '\0', ())];
    task_03_strings: String = [
        String::new(), "plain".into(), "Grüße, 世界 \u{1f980}\0\n\"".into(), "x".repeat(100_000),
    ];
    task_03_options: Option<Option<Option<u8>>> = [None, Some(None), Some(Some(None)), Some(Some(Some(0)))];
    task_03_results: Result<Vec<u8>, (i32, String)> = [Ok(vec![1]), Err((-1, "no".into()))];
    task_03_vectors: (Vec<u8>, Vec<i64>, Vec<Vec<String>>, Vec<()>) = [
        (vec![], vec![], vec![], vec![]),
        ((0..=u8::MAX).collect(), vec![i64::MIN, 0, i64::MAX], vec![vec![], vec!["a".into()]], vec![(); 3]),
    ];
    task_03_arrays: ([u8; 32], [[i16; 2]; 3], [String; 2]) = [
        (std::array::from_fn(|i| i.to_le_bytes()[0]), [[1, 2], [3, 4], [5, -6]], ["a".into(), String::new()]),
    ];
    task_03_long_tuple: LongTuple = [
        (1, -1, 2, -2, 3, -3, 4, -4, 'x', true, "s".into(), (5, (6, (7,)))),
    ];
    task_03_maps: Maps = [
        Default::default(),
        (
            HashMap::from([((-1, 'a'), "one".into())]),
            BTreeMap::from([("k".into(), BTreeMap::from([(1, 1.5), (2, 2.5)])), ("e".into(), BTreeMap::new())]),
        ),
    ];
    task_03_sets: (HashSet<String>, BTreeSet<i32>, VecDeque<u8>) = [
        (HashSet::from(["a".into()]), BTreeSet::from([3, -1]), VecDeque::from([3, 1, 2])),
    ];
    task_03_boxes: (Box<u8>, Box<str>, Box<[u32]>) = [(Box::new(1), "text".into(), Box::from([1, 2]))];
    task_03_types_of_std: (Duration, SystemTime, PathBuf, NonZeroU8, std::net::IpAddr, std::ops::Range<u8>) = [(
        Duration::new(5, 7), SystemTime::UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789),
        "/a/b".into(), NonZeroU8::MAX, "::1".parse().expect("an address"), 3..9,
    )];
    task_03_structs: (Unit, Newtype, Pair, Nested) = [(Unit, Newtype(1), Pair(2, "three".into()), nested())];
    task_03_enums: Shape = [
        Shape::Nothing, Shape::Circle(-0.25), Shape::Line(1, -2),
        Shape::Named { name: "n".into(), inside: Some(Box::new(Shape::Nothing)) },
    ];
    task_03_trees: Tree = [tree(0), tree(20)];
}

#[mp::test]
fn task_03_no_argument_and_no_value() {
    #[mp::task]
    fn nothing() {}
    assert_eq!(everywhere(nothing, || ()), [(), ()]);
}

#[mp::test]
fn task_03_unit_as_the_only_argument() {
    #[mp::task]
    fn is_unit((): ()) -> bool {
        true
    }
    assert_eq!(everywhere(is_unit, || ()), [true, true]);
}

#[mp::test]
fn task_03_equal_types_keep_their_order() {
    #[mp::task]
    fn list(a: i32, b: i32, c: i32, d: &str, e: &str) -> String {
        format!("{a} {b} {c} {d} {e}")
    }
    assert_eq!(everywhere(list, || (1, 2, 3, "four", "five")), ["1 2 3 four five"; 2]);
}

#[mp::test]
fn task_03_not_a_number_keeps_its_bits() {
    #[mp::task]
    fn bits(value: f64) -> (u64, f64) {
        (value.to_bits(), value)
    }
    let given = f64::from_bits(0x7ff8_0000_dead_beef);
    for (there, back) in everywhere(bits, || given) {
        assert_eq!((there, back.to_bits()), (given.to_bits(), given.to_bits()));
    }
}

#[mp::test]
fn task_03_large_map_arrives_whole() {
    #[mp::task]
    fn swap(map: HashMap<u32, String>) -> HashMap<String, u32> {
        map.into_iter().map(|(key, value)| (value, key)).collect()
    }
    let map: HashMap<u32, String> = (0..10_000).map(|n| (n, format!("value {n}"))).collect();
    let swapped = swap(map.clone());
    assert_eq!(swapped.len(), 10_000);
    for back in everywhere(swap, || map.clone()) {
        assert!(back == swapped);
    }
}

/// They ask the bytes for their type, which are only values.
#[mp::test]
fn task_03_types_that_describe_themselves_are_refused_with_the_reason() {
    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(i32),
    }
    #[derive(Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Internal {
        Number { value: i32 },
    }
    #[mp::task]
    fn untagged(value: Untagged) -> i32 {
        let Untagged::Number(number) = value;
        number
    }
    #[mp::task]
    fn internal(value: Internal) -> i32 {
        let Internal::Number { value } = value;
        value
    }
    let outcomes = watchdog(LIMIT, || {
        let pool = mp::Pool::new(1).expect("a pool");
        let first = pool.apply(untagged, Untagged::Number(1));
        let second = mp::spawn(internal, Internal::Number { value: 1 }).expect("a start");
        [first, second.result()]
    });
    for outcome in outcomes {
        let error = outcome.expect_err("it cannot be decoded");
        assert_eq!(error.kind(), mp::ErrorKind::Decode);
        assert!(error.to_string().contains("asks the bytes for their type"), "{error}");
    }
}
