//! A system that refuses: no descriptor, no process left to have. Each refusal is an error, leaves nothing, and passes.

use crate::kernel::{self, DESCRIPTORS, PROCESSES};
use crate::support::{Footprint, scenario};
use crate::{LONG, VERY_LONG, echo};
use mp::ErrorKind::Io;
use std::error::Error as _;
use std::io;

/// Tries with every limit from `least` on, until it is high enough: gives how often it was not.
/// Each refusal is `number`, and leaves nothing.
#[track_caller]
fn try_with_ever_more<T>(
    resource: kernel::Resource,
    least: u64,
    numbers: &[i32],
    mut attempt: impl FnMut() -> mp::Result<T>,
) -> (T, usize) {
    let before = Footprint::now();
    for limit in least..least + 100 {
        let usual = kernel::set_limit(resource, limit);
        let tried = attempt();
        kernel::set_limit(resource, usual);
        let error = match tried {
            Ok(value) => return (value, usize::try_from(limit - least).expect("a few")),
            Err(error) => error,
        };
        assert_eq!(error.kind(), Io, "{error:?}");
        let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
        let number = source.and_then(io::Error::raw_os_error);
        assert!(number.is_some_and(|number| numbers.contains(&number)), "{error:?}");
        assert!(mp::active_children().is_empty());
        before.assert_restored(LONG);
    }
    panic!("it is never enough");
}

/// The number that the next process or worker made here will have.
fn next_number() -> usize {
    let name = mp::Process::new(echo, 0).name().to_owned();
    name.strip_prefix("Process-").and_then(|number| number.parse().ok()).expect("a number")
}

/// How many workers the attempt has tried to start.
fn pool_of_five(tried: &mut Vec<usize>) -> mp::Result<mp::Pool> {
    let first = next_number();
    let made = mp::Pool::new(5);
    tried.push(next_number() - first - 1);
    made
}

fn use_process(process: mp::Process<echo>) {
    assert_eq!(process.result().expect("it returns"), 5);
    assert_eq!(mp::spawn(echo, 6).expect("it starts").result().expect("it returns"), 6);
}

fn use_pool(pool: mp::Pool) {
    assert_eq!(pool.apply(echo, 5).expect("it returns"), 5);
    pool.close();
    pool.join().expect("it is closed");
}

#[mp::test]
fn res_13_proc_39_a_start_without_descriptors_is_an_error() {
    let program = scenario!(|| {
        let start = || mp::spawn(echo, 5);
        // 0 to 2 are open: with that limit, nothing can be opened at all.
        let (process, refusals) = try_with_ever_more(DESCRIPTORS, 3, &[libc::EMFILE], start);
        assert!(refusals >= 4, "the child's own, both ends of the lifeline, the pidfd: {refusals}");
        use_process(process);
    });
    program.run().assert_success();
}

#[mp::test]
fn res_13_pool_55_a_pool_without_descriptors_is_an_error() {
    let program = scenario!(|| {
        let mut tried = Vec::new();
        let build = || pool_of_five(&mut tried);
        let (pool, refusals) = try_with_ever_more(DESCRIPTORS, 3, &[libc::EMFILE], build);
        assert!(refusals > 5, "{refusals}");
        // Refused at the pool's own, and at each worker.
        assert!((0..=5).all(|worker| tried.contains(&worker)), "{tried:?}");
        use_pool(pool);
    });
    program.limit(VERY_LONG).run().assert_success();
}

#[mp::test]
fn proc_39_a_start_without_processes_is_an_error() {
    let program = scenario!(|| {
        kernel::be_nobody();
        // A fork server would be refused itself, and be one more that is there or not.
        mp::set_start_method(mp::StartMethod::Reexec);
        let start = || mp::spawn(echo, 5);
        let (process, refusals) = try_with_ever_more(PROCESSES, 0, &[libc::EAGAIN], start);
        assert!(refusals > 0);
        use_process(process);
    });
    program.run().assert_success();
}

#[mp::test]
fn proc_39_pool_55_a_pool_without_processes_is_an_error() {
    let program = scenario!(|| {
        kernel::be_nobody();
        mp::set_start_method(mp::StartMethod::Reexec);
        let mut tried = Vec::new();
        let build = || pool_of_five(&mut tried);
        let (pool, refusals) = try_with_ever_more(PROCESSES, 0, &[libc::EAGAIN], build);
        assert!(refusals > 5, "{refusals}");
        assert!((0..=5).all(|worker| tried.contains(&worker)), "{tried:?}");
        use_pool(pool);
    });
    program.limit(VERY_LONG).run().assert_success();
}
