//! Everything started, used and dropped, a hundred times: then the program holds what it held at first.

use crate::gate::Gate;
use crate::support::{Footprint, kill, scenario, scenario_main};
use crate::{LONG, VERY_LONG, descriptors_at, echo, panics, stays};

#[mp::task]
fn length(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

fn processes() {
    let value = mp::spawn(echo, 5).expect("it starts");
    let panicking = mp::spawn(panics, ()).expect("it starts");
    let killed = mp::spawn(stays, ()).expect("it starts");
    let terminated = mp::spawn(stays, ()).expect("it starts");
    let never_started = mp::Process::new(echo, 6);
    drop(mp::spawn(echo, 7).expect("it starts"));
    killed.kill().expect("it was started");
    terminated.terminate().expect("it was started");
    assert_eq!(value.result().expect("it returns"), 5);
    assert_eq!(panicking.result().expect_err("it panics").kind(), mp::ErrorKind::Panicked);
    assert_eq!(killed.result().expect_err("it was killed").kind(), mp::ErrorKind::WorkerDied);
    terminated.join().expect("it was started");
    assert_eq!(terminated.exit_code(), Some(-15));
    drop(never_started);
}

fn joined_pool() -> mp::AsyncResult<usize> {
    let pool = mp::Pool::new(2).expect("it starts");
    let handles: Vec<_> = (0..20).map(|i| pool.apply_async(echo, i, |_| {})).collect();
    let panicking = pool.call(panics, ()).error_callback(|_| panic!("in a callback")).submit();
    let large = pool.submit(length, &vec![7; 1_000_000]);
    let gate = Gate::new();
    let dying = pool.submit(descriptors_at, gate.name());
    let waiting = gate.arrival();
    for worker in mp::active_children() {
        // One that has been buried meanwhile does as well.
        let _ = kill(worker.pid().cast_signed(), libc::SIGKILL);
    }
    drop(waiting);
    assert_eq!(dying.get().expect_err("it was killed").kind(), mp::ErrorKind::WorkerDied);
    panicking.wait();
    large.wait();
    handles.iter().for_each(mp::AsyncResult::wait);
    pool.close();
    pool.join().expect("it is closed");
    handles.into_iter().next().expect("twenty of them")
}

fn other_pools() {
    let terminated = mp::Pool::new(2).expect("it starts");
    for _ in 0..5 {
        terminated.apply_async(stays, (), |()| {});
    }
    terminated.terminate();
    drop(terminated);
    let dropped = mp::Pool::new(2).expect("it starts");
    for i in 0..5 {
        dropped.apply_async(echo, i, |_| {});
    }
    drop(dropped);
    let unused = mp::Pool::new(1).expect("it starts");
    drop(unused);
    let unwound = std::panic::catch_unwind(|| {
        let pool = mp::Pool::new(1).expect("it starts");
        pool.apply_async(stays, (), |()| {});
        panic!("with a pool");
    });
    assert!(unwound.is_err());
}

fn round() {
    processes();
    let kept = joined_pool();
    other_pools();
    assert!(kept.ready(), "a handle outlives its pool");
}

/// Before the first use, that is: what is made once and kept would be seen as well.
#[mp::test]
fn res_01_a_hundred_rounds_leave_nothing() {
    let program = scenario!(|| {
        let before = Footprint::now();
        for _ in 0..100 {
            round();
        }
        // The pools that were dropped end by themselves; forgotten children are reaped when asked.
        crate::support::wait_until(LONG, "all have ended", || mp::active_children().is_empty());
        before.assert_restored(LONG);
    });
    // Backtraces of so many panics would take longer than all the rest.
    program.env("RUST_BACKTRACE", "0").limit(VERY_LONG).run().assert_success();
}

/// The same under `#[mp::main]`, whose end finds nothing to do.
#[mp::test]
fn res_01_one_round_leaves_nothing_either() {
    let program = scenario_main!(|| {
        let before = Footprint::now();
        round();
        crate::support::wait_until(LONG, "all have ended", || mp::active_children().is_empty());
        before.assert_restored(LONG);
    });
    program.run().assert_success();
}
