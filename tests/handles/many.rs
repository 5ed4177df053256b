//! Hundreds of handles in one value, more than one message of a socket can hold, and processes without room for them.

use crate::support::scenario;
use crate::{file, read, watched};
use mp::{ErrorKind, Fd, Pool};
use std::fs::File;

fn files(count: usize) -> Vec<Fd<File>> {
    (0..count).map(|i| file(&i.to_string()).into()).collect()
}

fn check(files: Vec<Fd<File>>, count: usize) {
    assert_eq!(files.len(), count);
    for (i, file) in files.into_iter().enumerate() {
        assert_eq!(read(file.into_inner()), i.to_string());
    }
}

#[mp::task]
fn there(files: Vec<Fd<File>>, count: usize) {
    check(files, count);
}

#[mp::task]
fn back(count: usize) -> Vec<Fd<File>> {
    files(count)
}

#[mp::test]
fn task_17_more_than_64_and_than_253_handles_arrive_whole() {
    let program = scenario!(|| {
        raise_limit();
        let pool = Pool::new(1).unwrap();
        for count in [1, 64, 65, 253, 254, 600] {
            mp::spawn(there, (files(count), count)).unwrap().result().unwrap();
            check(mp::spawn(back, count).unwrap().result().unwrap(), count);
            pool.apply(there, (files(count), count)).unwrap();
            check(pool.apply(back, count).unwrap(), count);
        }
    });
    program.run().assert_success();
}

/// 600 handles and their copies are more than the usual 1,024.
fn raise_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    #[expect(unsafe_code, reason = "limits of this program")]
    // SAFETY: both calls get a limit that outlives them.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit), 0);
        limit.rlim_cur = limit.rlim_max;
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
    }
}

/// Leaves this process so many numbers for descriptors, those in use included.
fn limit(numbers: u64) {
    let limit = libc::rlimit { rlim_cur: numbers, rlim_max: numbers };
    #[expect(unsafe_code, reason = "limits of this program")]
    // SAFETY: the call gets a limit that outlives it.
    unsafe {
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
    }
}

#[mp::task]
fn narrow() {
    limit(40);
}

#[mp::test]
fn res_13_a_worker_without_room_for_the_handles_fails_that_task_only() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        pool.apply(narrow, ()).unwrap();
        let error = pool.apply(there, (files(100), 100)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        assert!(error.to_string().contains("Too many open files"), "{error}");
        pool.apply(there, (files(3), 3)).unwrap();
    });
}

#[mp::test]
fn res_13_a_parent_without_room_for_the_handles_gets_an_error_and_goes_on() {
    let program = scenario!(|| {
        let pool = Pool::new(1).unwrap();
        pool.apply(back, 1).unwrap();
        let spare = Fd::new(file("x"));
        limit(60);
        let error = pool.apply(back, 200).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        let many: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
        let error = pool.apply(there, (vec![spare], 1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Encode, "{error}");
        drop(many);
        check(pool.apply(back, 5).unwrap(), 5);
    });
    program.run().assert_success();
}
