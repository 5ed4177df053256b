//! Handles in the items and in the results of many calls that were made as one.

use crate::support::{Footprint, repeat, scenario};
use crate::{assert_closed, file, read, watched};
use mp::{ErrorKind, Fd, Pool};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{PipeWriter, pipe};
use std::time::Duration;

#[mp::task]
fn give(n: u32) -> Fd<File> {
    file(&n.to_string()).into()
}

/// A handle for every third, and nothing that can be encoded for every fifth.
#[mp::task]
fn give_some(n: u32) -> Maybe {
    assert!(n % 7 != 6, "{n} is not wanted");
    Maybe {
        fd: n.is_multiple_of(3).then(|| file(&n.to_string()).into()),
        broken: Broken(n % 5 == 4),
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Maybe {
    fd: Option<Fd<File>>,
    broken: Broken,
}

#[derive(Debug, Deserialize)]
struct Broken(bool);

impl Serialize for Broken {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 {
            return Err(serde::ser::Error::custom("broken"));
        }
        serializer.serialize_newtype_struct("Broken", &false)
    }
}

#[mp::task]
fn take(fd: Option<Fd<File>>) -> String {
    fd.map_or_else(String::new, |fd| read(fd.into_inner()))
}

#[mp::task]
fn keep(writer: Fd<PipeWriter>) -> bool {
    drop(writer);
    true
}

#[track_caller]
fn check(n: usize, fd: Fd<File>) {
    assert_eq!(read(fd.into_inner()), n.to_string());
}

#[mp::test]
fn task_15_each_result_of_a_map_has_its_own_handles() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        repeat(10, |_| {
            for chunk in [1, 7, 50] {
                let batch = || pool.batch(give, 0..50).chunksize(chunk);
                for (n, fd) in batch().run().unwrap().into_iter().enumerate() {
                    check(n, fd);
                }
                for (n, fd) in batch().iter().enumerate() {
                    check(n, fd.unwrap());
                }
                let handle = batch().submit(|fds| {
                    fds.into_iter().enumerate().for_each(|(n, fd)| check(n, fd));
                });
                assert_eq!(handle.get().unwrap().len(), 50);
            }
        });
    });
}

#[mp::test]
fn task_15_pool_24_handles_keep_their_places_among_errors() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        repeat(10, |_| {
            for (n, result) in (0..).zip(pool.batch(give_some, 0..60).chunksize(30).iter()) {
                match result {
                    Ok(Maybe { fd, .. }) => match fd {
                        Some(fd) => check(n, fd),
                        None => assert_ne!(n % 3, 0),
                    },
                    Err(error) if n % 7 == 6 => assert_eq!(error.kind(), ErrorKind::Panicked),
                    Err(error) => {
                        assert!(n % 5 == 4, "{n}: {error}");
                        assert_eq!(error.kind(), ErrorKind::Encode, "{error}");
                    }
                }
            }
        });
    });
}

#[mp::test]
fn task_15_items_of_a_map_bring_their_handles() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let some = |n: u32| (n % 3 == 1).then(|| Fd::new(file(&n.to_string())));
        let text = |n: u32| if n % 3 == 1 { n.to_string() } else { String::new() };
        let expected: Vec<_> = (0..60).map(text).collect();
        for chunk in [1, 7, 60] {
            let batch = || pool.batch(take, (0..60).map(some)).chunksize(chunk);
            assert_eq!(batch().run().unwrap(), expected);
            let values: Result<Vec<_>, _> = batch().iter().collect();
            assert_eq!(values.unwrap(), expected);
            assert_eq!(batch().submit(drop).get().unwrap(), expected);
        }
    });
}

#[mp::test]
fn task_15_a_dropped_iterator_closes_the_handles_of_its_items_and_results() {
    let program = scenario!(|| {
        let before = Footprint::now();
        let pool = Pool::new(1).unwrap();
        for taken in [0, 1, 30] {
            let mut results = pool.batch(give, 0..60).chunksize(20).iter();
            for n in 0..taken {
                check(n, results.next().unwrap().unwrap());
            }
            drop(results);
            let (readers, writers): (Vec<_>, Vec<_>) = (0..60).map(|_| pipe().unwrap()).unzip();
            let mut results = pool.batch(keep, writers.into_iter().map(Fd::new)).iter();
            for _ in 0..taken {
                assert!(results.next().unwrap().unwrap());
            }
            drop(results);
            readers.into_iter().for_each(assert_closed);
            drop(pool.batch(give, 0..60).submit(drop));
        }
        pool.close();
        pool.join().unwrap();
        drop(pool);
        before.assert_restored(Duration::from_secs(10));
    });
    program.run().assert_success();
}
