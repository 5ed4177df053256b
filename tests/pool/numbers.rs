//! The map family over numbers, which travel side by side without a length for each: nothing about their values, errors and
//! deaths is different for that.

use crate::watched;
use mp::{ErrorKind, Pool};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt::Debug;
use std::time::Duration;

/// A number in a type of its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Metres(f64);

/// Every way through the family gives `$values` back as the task `$echo` does.
macro_rules! comes_back {
    ($pool:ident, $($echo:ident: $type:ty, $bits:expr, $values:expr;)*) => {$({
        #[mp::task]
        fn $echo(value: $type) -> $type {
            value
        }
        let values: Vec<$type> = $values.into_iter().cycle().take(3000).collect();
        let expected: Vec<_> = values.iter().map($bits).collect();
        let items = || values.iter().copied();
        let same = |got: Vec<$type>, how: &str| {
            let got: Vec<_> = got.iter().map($bits).collect();
            assert!(got == expected, "{} by {how}", stringify!($type));
        };
        same($pool.map($echo, items()).unwrap(), "map");
        same($pool.batch($echo, items()).chunksize(7).run().unwrap(), "chunks of 7");
        same($pool.batch($echo, items()).timeout(Duration::from_secs(60)).run().unwrap(), "timeout");
        same($pool.imap($echo, items()).map(Result::unwrap).collect(), "imap");
        same($pool.map_async($echo, items(), drop).get().unwrap(), "map_async");
        assert_eq!($pool.imap_unordered($echo, items()).filter(Result::is_ok).count(), 3000);
        assert!($pool.map($echo, [] as [$type; 0]).unwrap().is_empty());
    })*};
}

#[mp::test]
fn pool_05_pool_06_pool_26_numbers_of_every_type_come_back_to_the_last_bit() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        comes_back! { pool,
            echo_bool: bool, |x| *x, [true, false, false];
            echo_char: char, |x| *x, ['\0', 'a', 'ß', '\u{d7ff}', '\u{e000}', char::MAX];
            echo_u8: u8, |x| *x, 0..=u8::MAX;
            echo_u16: u16, |x| *x, [0, 1, 127, 128, 255, 256, u16::MAX];
            echo_u32: u32, |x| *x, [0, 1, 1 << 7, 1 << 21, u32::MAX];
            echo_u64: u64, |x| *x, [0, 1, 1 << 35, u64::MAX];
            echo_u128: u128, |x| *x, [0, 1, 1 << 100, u128::MAX];
            echo_usize: usize, |x| *x, [0, 1, usize::MAX];
            echo_i8: i8, |x| *x, i8::MIN..=i8::MAX;
            echo_i16: i16, |x| *x, [i16::MIN, -1, 0, i16::MAX];
            echo_i32: i32, |x| *x, [i32::MIN, -1, 0, i32::MAX];
            echo_i64: i64, |x| *x, [i64::MIN, -1, 0, i64::MAX];
            echo_i128: i128, |x| *x, [i128::MIN, -1, 0, i128::MAX];
            echo_f32: f32, |x| x.to_bits(),
                [0.0, -0.0, f32::MIN_POSITIVE / 2.0, f32::INFINITY, f32::from_bits(0xff80_0001)];
            echo_f64: f64, |x| x.to_bits(),
                [0.0, -0.0, f64::EPSILON, f64::NEG_INFINITY, f64::from_bits(0x7ff0_0000_0000_0001)];
            echo_metres: Metres, |x| x.0.to_bits(), [Metres(1.5), Metres(f64::NAN)];
            echo_nonzero: std::num::NonZero<i64>, |x| x.get(), [std::num::NonZero::<i64>::MIN];
        }
    });
}

/// What its Serialize makes of it differs from value to value, and it may refuse both ways.
#[derive(Debug, PartialEq)]
struct Odd(u64);

impl Serialize for Odd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 % 100 {
            13 => Err(S::Error::custom("not to be written")),
            50..60 => serializer.serialize_u32(u32::try_from(self.0).map_err(S::Error::custom)?),
            80 => serializer.serialize_newtype_variant("Odd", 1, "Odd", &self.0),
            _ => serializer.serialize_u64(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Odd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            value if value % 100 == 31 => Err(D::Error::custom("not to be read")),
            value => Ok(Self(value)),
        }
    }
}

#[mp::task]
fn into_odd(value: u64) -> Odd {
    Odd(value)
}

#[mp::task]
fn from_odd(odd: Odd) -> u64 {
    odd.0
}

#[mp::test]
fn pool_24_a_type_that_is_not_always_one_number_has_each_outcome_at_its_place() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let expected = |value: u64| match value % 100 {
            13 => Err(ErrorKind::Encode),
            31 | 80 => Err(ErrorKind::Decode),
            _ => Ok(value),
        };
        let expected: Vec<_> = (0..1000).map(expected).collect();
        for chunk in [1, 8, 100, 1000] {
            let there = pool.batch(from_odd, (0..1000).map(Odd)).chunksize(chunk).iter();
            let there: Vec<_> = there.map(|value| value.map_err(|e| e.kind())).collect();
            assert!(there == expected, "as arguments, by {chunk}");
            let back = pool.batch(into_odd, 0..1000).chunksize(chunk).iter();
            let back: Vec<_> = back.map(|odd| odd.map(|o| o.0).map_err(|e| e.kind())).collect();
            assert!(back == expected, "as results, by {chunk}");
            let good = || (0..1000).filter(|x| ![13, 31, 80].contains(&(x % 100)));
            let items = || good().map(Odd);
            let run = pool.batch(from_odd, items()).chunksize(chunk);
            assert!(run.run().unwrap().into_iter().eq(good()));
            let later = pool.batch(from_odd, items()).chunksize(chunk).submit(drop);
            assert!(later.get().unwrap().into_iter().eq(good()));
            let later = pool.batch(into_odd, good()).chunksize(chunk).submit(drop);
            assert!(later.get().unwrap().into_iter().eq(items()));
        }
    });
}

/// Ends in some way at some numbers.
#[mp::task]
fn fall(x: u32) -> i64 {
    match x % 500 {
        77 => panic!("fell at {x}"),
        250 => std::process::exit(3),
        251 => std::process::abort(),
        499 => panic!("fell at {x}"),
        _ => -i64::from(x),
    }
}

#[mp::test]
fn pool_24_pool_47_whatever_ends_a_number_ends_no_other_of_its_chunk() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        for chunk in [1, 10, 300, 1000] {
            let results: Vec<_> = pool.batch(fall, 0..1000).chunksize(chunk).iter().collect();
            assert_eq!(results.len(), 1000);
            for (x, result) in (0..).zip(results) {
                let expected = match x % 500 {
                    77 | 499 => Err(ErrorKind::Panicked),
                    250 | 251 => Err(ErrorKind::WorkerDied),
                    _ => Ok(-i64::from(x)),
                };
                assert_eq!(result.map_err(|error| error.kind()), expected, "{x} by {chunk}");
            }
        }
        let error = pool.batch(fall, 0..1000).chunksize(100).run().unwrap_err();
        assert_eq!(error.panic().unwrap().message(), "fell at 77");
        let error = pool.batch(fall, 0..1000).chunksize(100).fail_fast(true).run().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Panicked | ErrorKind::WorkerDied), "{error}");
    });
}

#[mp::task]
fn hang_at_700(x: u16) -> u16 {
    if x == 700 {
        std::thread::sleep(Duration::from_secs(100)); // work: more than its limit
    }
    x
}

#[mp::test]
fn fut_24_a_number_that_takes_too_long_is_a_timeout_at_its_place() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let limit = Duration::from_millis(200);
        let batch = pool.batch(hang_at_700, 0..1000).chunksize(1000).timeout(limit);
        for (x, result) in (0..).zip(batch.iter()) {
            let expected = if x == 700 { Err(ErrorKind::Timeout) } else { Ok(x) };
            assert_eq!(result.map_err(|error| error.kind()), expected);
        }
    });
}

#[mp::task]
fn slow_from_300(x: u16) -> u16 {
    if (300..316).contains(&x) {
        std::thread::sleep(Duration::from_millis(60)); // work: far less than its limit
    }
    x
}

#[mp::test]
fn fut_24_the_limit_of_a_number_counts_for_none_of_the_others() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let limit = Duration::from_millis(400);
        let batch = pool.batch(slow_from_300, 0..400).chunksize(400).timeout(limit);
        assert_eq!(batch.run().unwrap(), (0..400).collect::<Vec<_>>());
    });
}

fn agree<T: Debug + PartialEq>(pool: &Pool, values: Vec<T>, task: impl Fn(&Pool) -> Vec<T>) {
    assert_eq!(task(pool), values);
}

#[mp::task]
fn letter(x: u32) -> char {
    char::from_u32(x).unwrap_or('?')
}

#[mp::task]
fn text_of(x: char) -> String {
    x.to_string()
}

#[mp::test]
fn pool_05_one_side_of_a_call_may_be_numbers_and_the_other_not() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let chars = || (0..3000).map(|x| char::from_u32(x).unwrap_or('?'));
        agree(&pool, chars().collect(), |pool| pool.map(letter, 0..3000).unwrap());
        let texts = chars().map(String::from).collect();
        agree(&pool, texts, |pool| pool.map(text_of, chars()).unwrap());
    });
}
