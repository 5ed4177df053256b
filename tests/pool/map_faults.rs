//! What can go wrong in the middle of many calls that were made as one: each costs its own item and no other.

use crate::support::{repeat, with_busy_cores};
use crate::tasks::{digest, digest_of, echo, pattern, spin_for, worker_pid};
use crate::watched;
use mp::{ErrorKind, Pool};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::io::{Read, Write};
use std::time::Duration;

/// Leaves this process no more memory than it has.
#[mp::task]
fn limit_memory() {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = status.split(' ').next().unwrap().parse().unwrap();
    let bytes = pages * 4096 + (2 << 20);
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    #[expect(unsafe_code, reason = "limits of this worker")]
    // SAFETY: the call gets a limit that outlives it.
    unsafe {
        assert_eq!(libc::setrlimit(libc::RLIMIT_AS, &raw const limit), 0);
    }
}

#[mp::test]
fn pool_24_a_chunk_that_a_worker_cannot_map_fails_whole() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        pool.apply(limit_memory, ()).unwrap();
        let big = pattern(8 << 20, 1);
        let items = || std::iter::repeat_n(&big[..], 4);
        let results: Vec<_> = pool.batch(digest, items()).chunksize(4).iter().collect();
        assert_eq!(results.len(), 4);
        for result in results {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        }
        let small: &[u8] = &big[..10];
        assert_eq!(pool.map(digest, [small]).unwrap(), [digest_of(small)]);
    });
}

#[mp::task]
fn fall(x: u32, at: u32, how: u8) -> u32 {
    match how {
        _ if x != at => x,
        0 => panic!("fell"),
        1 => std::process::exit(3),
        2 => std::process::abort(),
        _ => unreachable!(),
    }
}

#[mp::test]
fn pool_24_pool_47_however_an_item_ends_the_others_of_its_chunk_come() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        for how in 0..3 {
            for at in [0, 5, 9, 10, 19] {
                let items = (0..20).map(|x| (x, at, how));
                let results: Vec<_> = pool.batch(fall, items).chunksize(10).iter().collect();
                assert_eq!(results.len(), 20);
                for (x, result) in (0..).zip(results) {
                    match result {
                        Ok(value) => assert_eq!((value, x != at), (x, true)),
                        Err(error) => {
                            let kinds =
                                [ErrorKind::Panicked, ErrorKind::WorkerDied, ErrorKind::WorkerDied];
                            assert_eq!((x, error.kind()), (at, kinds[usize::from(how)]));
                        }
                    }
                }
            }
        }
    });
}

/// Fails to encode, or to decode, if it says so.
#[derive(Debug, PartialEq)]
struct Odd {
    value: u32,
    unwritable: bool,
    unreadable: bool,
}

impl Serialize for Odd {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.unwritable {
            return Err(serde::ser::Error::custom("not to be written"));
        }
        (self.value, self.unreadable).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Odd {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (value, unreadable) = Deserialize::deserialize(deserializer)?;
        if unreadable {
            return Err(serde::de::Error::custom("not to be read"));
        }
        Ok(Self { value, unwritable: false, unreadable })
    }
}

#[mp::task]
fn value_of(odd: Odd) -> u32 {
    odd.value
}

#[mp::task]
fn odd_of(value: u32) -> Odd {
    Odd { value, unwritable: value % 5 == 1, unreadable: value % 5 == 3 }
}

#[mp::test]
fn pool_24_what_does_not_encode_or_decode_is_an_error_at_its_place() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let kind = |x: u32, value: u32| match x % 5 {
            1 => Err(ErrorKind::Encode),
            3 => Err(ErrorKind::Decode),
            _ => Ok(value),
        };
        let expected: Vec<_> = (0..50).map(|x| kind(x, x)).collect();
        for chunk in [1, 4, 50] {
            let odd = |value| Odd { value, unwritable: value % 5 == 1, unreadable: value % 5 == 3 };
            let values = pool.batch(value_of, (0..50).map(odd)).chunksize(chunk).iter();
            let values: Vec<_> = values.map(|value| value.map_err(|e| e.kind())).collect();
            assert_eq!(values, expected);
            let values = pool.batch(odd_of, 0..50).chunksize(chunk).iter();
            let values: Vec<_> =
                values.map(|odd| odd.map(|o| o.value).map_err(|e| e.kind())).collect();
            assert_eq!(values, expected);
            assert!(pool.batch(odd_of, 0..50).chunksize(chunk).submit(drop).get().is_err());
        }
    });
}

#[mp::test]
fn pool_24_values_of_all_sizes_come_in_one_chunk() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        // Around what a record of many and what the ring itself takes at most, and empty ones.
        let sizes =
            [0, 1, 32_000, 32_766, 32_768, 33_000, 65_530, 65_536, 65_537, 300_000, 0, 1000];
        let items: Vec<_> = (0..).zip(sizes).map(|(seed, len)| pattern(len, seed)).collect();
        for chunk in [1, 5, 12] {
            assert_eq!(pool.batch(echo, items.clone()).chunksize(chunk).run().unwrap(), items);
        }
    });
}

#[mp::task]
fn append(x: u32, file: &str) -> u32 {
    let mut file = std::fs::OpenOptions::new().append(true).open(file).unwrap();
    file.write_all(&x.to_ne_bytes()).unwrap();
    spin_for(Duration::from_micros(20));
    x
}

#[mp::test]
fn pool_47_workers_killed_at_any_moment_cost_an_item_each_and_repeat_none() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let round = |round: usize| {
            let file = tempfile::NamedTempFile::new().unwrap();
            let path = file.path().to_str().unwrap();
            let pid = pool.apply(worker_pid, ()).unwrap();
            let mut results = pool.batch(append, (0..300).map(|x| (x, path))).chunksize(100).iter();
            let mut failed = HashSet::new();
            // At some time while it runs its first chunk.
            spin_for(Duration::from_micros(50 * (round as u64 % 60)));
            kill_if_there(pid);
            for x in 0..300 {
                match results.next().unwrap() {
                    Ok(value) => assert_eq!(value, x),
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::WorkerDied, "{error}");
                        failed.insert(x);
                    }
                }
            }
            assert!(results.next().is_none());
            assert!(failed.len() <= 1, "{failed:?}");
            let mut bytes = Vec::new();
            file.reopen().unwrap().read_to_end(&mut bytes).unwrap();
            let mut runs = vec![0; 300];
            let (items, _) = bytes.as_chunks::<4>();
            items.iter().for_each(|x| runs[u32::from_ne_bytes(*x) as usize] += 1);
            for (x, runs) in (0..).zip(runs) {
                // The item that a worker died in may have been run, or not.
                assert!(runs == 1 || runs == 0 && failed.contains(&x), "{x}: {runs} runs");
            }
        };
        repeat(60, round);
        with_busy_cores(|| repeat(10, round));
    });
}

fn kill_if_there(pid: u32) {
    // It may have been replaced, and is reaped then.
    let _ = crate::support::kill(pid.cast_signed(), libc::SIGKILL);
}
