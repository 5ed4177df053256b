//! Signatures that look as if they could not be a task's, and are. What is refused is in `tests/ui`.

use super::LIMIT;
use super::support::watchdog;
use named::{Fault, Probe};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::rc::Rc;

trait Shape: Send {
    fn side(&self) -> u32;
}

struct Square(u32);

impl Shape for Square {
    fn side(&self) -> u32 {
        self.0
    }
}

impl Serialize for dyn Shape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.side())
    }
}

impl<'de> Deserialize<'de> for Box<dyn Shape> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Box::new(Square(u32::deserialize(deserializer)?)))
    }
}

/// Named like things that cannot travel.
mod named {
    use super::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub struct Pool(pub u32);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub struct Rc<T>(pub T);

    /// As the library calls things of its own.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub struct Fault(pub u32);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub struct Probe<T>(pub T);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Failed(String);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failed {}

type Outcome = Result<named::Rc<named::Pool>, Failed>;

#[mp::task]
fn grown(shape: Box<dyn Shape>, by: Option<Box<dyn Shape>>) -> Box<dyn Shape> {
    Box::new(Square(shape.side() + by.map_or(0, |by| by.side())))
}

#[mp::task]
fn named_alike(pool: named::Pool, fail: bool) -> Outcome {
    if fail { Err(Failed("as asked".to_owned())) } else { Ok(named::Rc(pool)) }
}

macro_rules! returns_what_it_takes {
    ($name:ident, $type:ty) => {
        #[mp::task]
        fn $name(value: $type) -> $type {
            value
        }
    };
}

returns_what_it_takes!(found, Vec<Probe<Option<Fault>>>);

/// Nothing of the types in a `PhantomData` travels.
#[mp::task]
fn marked(
    text: Cow<'_, str>,
    _mark: PhantomData<fn(Rc<u8>) -> *const u8>,
) -> HashMap<Box<str>, [usize; 1]> {
    HashMap::from([(text.clone().into(), [text.len()])])
}

/// Documented, and with attributes of every kind.
#[mp::task]
#[inline]
#[must_use = "the sum is all it gives"]
#[allow(clippy::needless_pass_by_value, reason = "is what a task does")]
#[cfg(unix)]
const fn sum(a: u8, b: u8) -> u8 {
    a + b
}

#[mp::test]
fn task_04_what_travels_is_accepted_whatever_its_name() {
    watchdog(LIMIT, || {
        let pool = mp::Pool::new(1).unwrap();
        let square = || Box::new(Square(3)) as Box<dyn Shape>;
        assert_eq!(pool.apply(grown, (square(), Some(square()))).unwrap().side(), 6);
        let value = pool.apply(named_alike, (named::Pool(1), false)).unwrap();
        assert_eq!(value, Ok(named::Rc(named::Pool(1))));
        let error = pool.apply(named_alike, (named::Pool(1), true)).unwrap();
        assert_eq!(error, Err(Failed("as asked".to_owned())));
        let value = pool.apply(found, vec![Probe(Some(Fault(1)))]).unwrap();
        assert_eq!(value, [Probe(Some(Fault(1)))]);
        let lengths = pool.apply(marked, ("four".into(), PhantomData)).unwrap();
        assert_eq!(lengths, HashMap::from([("four".into(), [4])]));
    });
}

#[mp::test]
fn task_04_other_attributes_are_kept() {
    watchdog(LIMIT, || {
        assert_eq!(sum(1, 2), 3);
        assert_eq!(mp::spawn(sum, (1, 2)).unwrap().result().unwrap(), 3);
    });
}
