//! Tasks that fail, and values that do not get across: each fails its own handle, as what it is, and nothing else.
//! Workers that die are in `deaths`.

use crate::tasks::{fail, make_bytes, pattern, plus_100, worker_pid};
use crate::watched;
use mp::{Error, ErrorKind, Pool};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use std::error::Error as _;
use std::sync::mpsc::channel;

#[mp::task]
fn fail_here(i: u32) -> String {
    let at = format!("{}:{}:", file!(), line!() + 1);
    assert!(i == 0, "{at}");
    at
}

#[mp::test]
fn pool_20_a_panic_comes_with_message_and_place_and_costs_no_worker() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let worker = pool.apply(worker_pid, ()).unwrap();
        let place = pool.apply(fail_here, 0).unwrap();
        assert!(place.starts_with("tests/pool/errors.rs:"), "{place}");
        for i in 1..=20 {
            let error = pool.apply(fail_here, i).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Panicked);
            let panic = error.panic().unwrap();
            assert_eq!(panic.message(), place);
            assert!(panic.location().starts_with(&place), "{}", panic.location());
            assert!(panic.worker().starts_with("PoolWorker-"), "{}", panic.worker());
            let text = error.to_string();
            assert!(text.contains(&place) && text.contains("fail_here"), "{text}");
            assert!(error.worker().is_none());
        }
        assert_eq!(pool.apply(worker_pid, ()).unwrap(), worker);
    });
}

#[mp::task]
fn fail_with_a_number() {
    std::panic::panic_any(5)
}

#[mp::task]
fn fail_at_length(len: usize) {
    panic!("{}", String::from_utf8(vec![b'x'; len]).unwrap())
}

#[mp::test]
fn pool_20_a_panic_may_carry_anything_of_any_length() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let error = pool.apply(fail_with_a_number, ()).unwrap_err();
        assert!(error.panic().unwrap().message().contains("no text"), "{error}");
        for len in [0, 70_000, 1 << 20] {
            let error = pool.apply(fail_at_length, len).unwrap_err();
            assert_eq!(error.panic().unwrap().message().len(), len);
        }
        assert_eq!(pool.apply(plus_100, 1).unwrap(), 101);
    });
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Refusal {
    Odd { number: u32 },
    Large(u32, String),
}

#[mp::task]
fn half(number: u32) -> Result<u32, Refusal> {
    match number {
        _ if number > 100 => Err(Refusal::Large(number, "over 100".to_owned())),
        _ if number % 2 == 1 => Err(Refusal::Odd { number }),
        _ => Ok(number / 2),
    }
}

#[mp::test]
fn pool_21_an_err_of_a_task_is_its_typed_value() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        for number in [8, 7, 101] {
            assert_eq!(pool.apply(half, number).unwrap(), half(number));
        }
        let (tell, told) = channel();
        let handle = pool
            .call(half, 7)
            .callback(move |got| tell.send(got).unwrap())
            .error_callback(|error| panic!("{error}"))
            .submit();
        assert_eq!(handle.get().unwrap(), Err(Refusal::Odd { number: 7 }));
        assert_eq!(told.recv().unwrap(), half(7));
        assert!(handle.successful().unwrap(), "there is a value");
    });
}

/// Cannot be encoded if it says so, nor decoded.
#[derive(Clone, Debug, PartialEq)]
enum Fussy {
    Plain(u32),
    NotEncoded,
    NotDecoded,
}

impl Serialize for Fussy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(number) => serializer.serialize_u32(*number),
            Self::NotEncoded => Err(ser::Error::custom("this one stays here")),
            Self::NotDecoded => serializer.serialize_u32(u32::MAX),
        }
    }
}

impl<'de> Deserialize<'de> for Fussy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            u32::MAX => Err(de::Error::custom("this one is not let in")),
            number => Ok(Self::Plain(number)),
        }
    }
}

#[mp::task]
fn number_of(before: Vec<u8>, fussy: Fussy) -> (usize, u32) {
    match fussy {
        Fussy::Plain(number) => (before.len(), number),
        _ => unreachable!("no other can be decoded"),
    }
}

#[mp::task]
fn give_fussy(which: u32) -> (Vec<u8>, Fussy) {
    let long = vec![1; which as usize * 7000];
    match which % 3 {
        0 => (long, Fussy::Plain(which)),
        1 => (long, Fussy::NotEncoded),
        _ => (long, Fussy::NotDecoded),
    }
}

#[track_caller]
fn assert_says(error: &Error, kind: ErrorKind, words: &[&str]) {
    assert_eq!(error.kind(), kind, "{error:?}");
    // Debug is the message with all causes.
    let text = format!("{error:?}");
    assert!(words.iter().all(|word| text.contains(word)), "{text}");
}

#[mp::test]
fn pool_44_bey_26_arguments_that_do_not_encode_fail_their_own_handle() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let handles: Vec<_> = (0..200)
            .map(|i| {
                let fussy = if i % 2 == 0 { Fussy::NotEncoded } else { Fussy::Plain(i) };
                pool.submit(number_of, (vec![0; i as usize * 10], fussy))
            })
            .collect();
        for (i, handle) in (0..).zip(&handles) {
            match handle.get() {
                Ok(value) => assert_eq!(value, (i as usize * 10, i)),
                Err(error) => {
                    assert_eq!(i % 2, 0, "{error}");
                    assert_says(&error, ErrorKind::Encode, &["this one stays here"]);
                }
            }
        }
    });
}

#[mp::test]
fn pool_44_arguments_that_do_not_decode_fail_their_own_handle() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let worker = pool.apply(worker_pid, ()).unwrap();
        for _ in 0..20 {
            let error = pool.apply(number_of, (vec![], Fussy::NotDecoded)).unwrap_err();
            assert_says(&error, ErrorKind::Decode, &["this one is not let in", "number_of"]);
            assert_eq!(pool.apply(number_of, (vec![], Fussy::Plain(3))).unwrap(), (0, 3));
        }
        assert_eq!(pool.apply(worker_pid, ()).unwrap(), worker);
    });
}

#[mp::test]
fn pool_45_bey_26_results_that_do_not_encode_cost_no_worker() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let worker = pool.apply(worker_pid, ()).unwrap();
        for round in 0..20 {
            let error = pool.apply(give_fussy, round * 3 + 1).unwrap_err();
            assert_says(&error, ErrorKind::Encode, &["this one stays here", "give_fussy"]);
        }
        assert_eq!(pool.apply(give_fussy, 3).unwrap(), (vec![1; 21_000], Fussy::Plain(3)));
        assert_eq!(pool.apply(worker_pid, ()).unwrap(), worker);
    });
}

#[mp::test]
fn pool_46_bey_15_results_that_do_not_decode_fail_their_own_handle() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let handles: Vec<_> = (0..60).map(|i| (i, pool.submit(give_fussy, i))).collect();
        for (i, handle) in &handles {
            match (i % 3, handle.get()) {
                (0, got) => assert_eq!(got.unwrap().1, Fussy::Plain(*i)),
                (1, got) => assert_eq!(got.unwrap_err().kind(), ErrorKind::Encode),
                (_, got) => {
                    let error = got.unwrap_err();
                    assert_says(&error, ErrorKind::Decode, &["this one is not let in"]);
                    assert!(!handle.successful().unwrap());
                }
            }
        }
        assert_eq!(pool.apply(plus_100, 1).unwrap(), 101);
    });
}

#[mp::test]
fn pool_46_a_result_that_does_not_decode_goes_to_the_error_callback() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let (tell, told) = channel();
        pool.call(give_fussy, 2)
            .callback(|_| panic!("there is no value"))
            .error_callback(move |error| tell.send(error.kind()).unwrap())
            .submit();
        assert_eq!(told.recv().unwrap(), ErrorKind::Decode);
    });
}

#[mp::test]
fn pool_16_an_error_callback_hears_of_calls_that_were_refused() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let (tell, told) = channel();
        let submit = |fussy| {
            let tell = tell.clone();
            pool.call(number_of, (vec![], fussy))
                .callback(|_| panic!("there is no value"))
                .error_callback(move |error| {
                    tell.send(error.kind()).unwrap();
                    panic!("as planned")
                })
                .submit()
        };
        let refused = submit(Fussy::NotEncoded);
        assert_eq!(told.try_recv(), Ok(ErrorKind::Encode), "it has run inside submit");
        assert_eq!(refused.get().unwrap_err().kind(), ErrorKind::Encode);
        pool.close();
        let refused = submit(Fussy::Plain(1));
        assert_eq!(told.try_recv(), Ok(ErrorKind::NotRunning));
        assert_eq!(refused.get().unwrap_err().kind(), ErrorKind::NotRunning);
        assert!(refused.ready() && !refused.successful().unwrap());
        pool.join().unwrap();
        assert!(told.try_recv().is_err(), "each has run once");
    });
}

#[mp::test]
fn pool_20_errors_and_values_of_every_size_go_in_between_each_other() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let failing: Vec<_> = (0..300).map(|i| pool.submit(fail, &*i.to_string())).collect();
        let working: Vec<_> =
            (0..300usize).map(|i| pool.submit(make_bytes, (i * 400, 1))).collect();
        for (i, (failed, worked)) in failing.iter().zip(&working).enumerate() {
            let error = failed.get().unwrap_err();
            assert_eq!(error.panic().unwrap().message(), i.to_string());
            assert!(error.source().is_none());
            assert!(worked.get().unwrap() == pattern(i * 400, 1), "{i}");
        }
    });
}
