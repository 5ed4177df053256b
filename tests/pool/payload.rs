//! Arguments and results of every size: at the borders between the ways they go, many in a row, from all workers at once.
//! Whether they encode at all is in `errors`.

use crate::gate::{Gate, stop_at};
use crate::support::{kill, scenario, state_of, wait_until};
use crate::tasks::{digest, digest_of, echo, make_bytes, pattern, plus_100, stop};
use crate::{BOUNDED, own_pid, watched};
use mp::Pool;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Around each border, since a payload is a few bytes longer than what it holds: in a slot, in the
/// ring, the ring's own size, blocks of powers of two.
fn sizes() -> Vec<usize> {
    let around = |border: usize, width: usize| border.saturating_sub(width)..=border + width;
    let mut sizes: Vec<usize> = (0..=3).collect();
    sizes.extend(around(192, 12));
    sizes.extend(around(KIB, 6));
    sizes.extend(around(64 * KIB, 24));
    sizes.extend(around(128 * KIB, 6));
    sizes.extend(around(256 * KIB, 24));
    sizes.extend(around(MIB, 6));
    sizes
}

#[mp::test]
fn pool_51_arguments_of_every_size_get_across() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        for (size, seed) in sizes().into_iter().zip((0..=255u8).cycle()) {
            let payload = pattern(size, seed);
            assert_eq!(pool.apply(digest, &*payload).unwrap(), digest_of(&payload), "{size}");
        }
    });
}

#[mp::test]
fn pool_51_results_of_every_size_get_across() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        for (size, seed) in sizes().into_iter().zip((0..=255u8).cycle()) {
            assert!(pool.apply(make_bytes, (size, seed)).unwrap() == pattern(size, seed), "{size}");
        }
    });
}

#[mp::test]
fn pool_51_payloads_of_every_size_are_under_way_at_once() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        let payloads: Vec<_> = sizes().iter().map(|size| pattern(*size, 9)).collect();
        let handles: Vec<_> =
            payloads.iter().map(|payload| pool.submit(echo, payload.clone())).collect();
        for (payload, handle) in payloads.iter().zip(&handles) {
            assert!(handle.get().unwrap() == *payload, "{}", payload.len());
        }
    });
}

/// Text, which is copied as a whole where bytes may go one by one.
#[mp::task]
fn make_text(len: usize) -> String {
    let mut text = String::with_capacity(len + KIB);
    for number in 0.. {
        if text.len() >= len {
            break;
        }
        text += &format!("{number:01024}");
    }
    text.truncate(len);
    text
}

#[mp::test]
fn pool_51_100_mib_go_through_both_ways() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        let payload = pattern(100 * MIB, 1);
        assert_eq!(pool.apply(digest, &*payload).unwrap(), digest_of(&payload));
        assert!(pool.apply(make_text, 100 * MIB).unwrap() == make_text(100 * MIB));
        assert_eq!(pool.apply(plus_100, 1).unwrap(), 101);
    });
}

#[mp::test]
fn pool_51_large_results_in_a_row_keep_their_bytes() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        // Not asked for before all are done: each must be read before the next takes its room.
        let handles: Vec<_> =
            (0..20).map(|i| pool.submit(make_bytes, (300 * KIB + usize::from(i), i))).collect();
        for (i, handle) in (0..).zip(&handles) {
            let got = handle.get().unwrap();
            assert!(got == pattern(300 * KIB + usize::from(i), i), "{i}");
        }
    });
}

#[mp::test]
fn pool_51_large_and_small_results_from_four_workers_at_once() {
    watched(|| {
        let pool = Pool::new(4).unwrap();
        let size =
            |i: u8| if i.is_multiple_of(3) { usize::from(i) } else { 200 * KIB + usize::from(i) };
        let handles: Vec<_> = (0..120).map(|i| pool.submit(make_bytes, (size(i), i))).collect();
        for (i, handle) in (0..).zip(&handles) {
            assert!(handle.get().unwrap() == pattern(size(i), i), "{i}");
        }
    });
}

#[mp::test]
fn pool_51_results_that_fill_the_ring_wait_for_its_reader() {
    watched(|| {
        let pool = Pool::new(1).unwrap();
        // The ring holds four of them; they come back while nobody waits for any.
        let handles: Vec<_> = (0..200).map(|i| pool.submit(make_bytes, (60 * KIB, i))).collect();
        assert_eq!(pool.apply(plus_100, 1).unwrap(), 101);
        for (i, handle) in (0..).zip(&handles) {
            assert!(handle.ready() && handle.get().unwrap() == pattern(60 * KIB, i), "{i}");
        }
    });
}

#[mp::task]
fn stop_the_parent(pid: i32) {
    kill(pid, libc::SIGSTOP).unwrap();
}

/// Lets the parent go on when it has stopped, and the other worker has nothing left to do but wait.
#[mp::task]
fn continue_the_parent(gate: &str, pid: i32, worker: i32) {
    stop_at(gate);
    let waits = || state_of(pid) == Some('T') && state_of(worker) == Some('S');
    wait_until(BOUNDED, "the parent is stopped and the worker waits", waits);
    kill(pid, libc::SIGCONT).unwrap();
}

#[mp::test]
fn pool_51_a_worker_waits_for_a_parent_that_stands_still() {
    let program = scenario!(|| {
        let pool = Pool::new(2).unwrap();
        let gate = Gate::new();
        let held = pool.submit(stop, gate.name());
        let guest = gate.next();
        let writer = guest.pid.cast_signed();
        let other = pool.submit(continue_the_parent, (gate.name(), own_pid(), writer));
        gate.next().release();
        let stopped = pool.submit(stop_the_parent, own_pid());
        let handles: Vec<_> = (0..30).map(|i| pool.submit(make_bytes, (60 * KIB, i))).collect();
        guest.release();
        for handle in [other, stopped] {
            handle.get().unwrap();
        }
        assert_eq!(held.get().unwrap().cast_signed(), writer);
        for (i, handle) in (0..).zip(&handles) {
            assert!(handle.get().unwrap() == pattern(60 * KIB, i), "{i}");
        }
    });
    program.run().assert_success();
}

#[mp::test]
fn pool_51_the_memory_of_large_arguments_is_used_again() {
    watched(|| {
        let pool = Pool::new(2).unwrap();
        for round in 0..30u8 {
            let payloads: Vec<_> =
                (0..6u8).map(|i| pattern(150 * KIB + usize::from(i) * 40_000, round ^ i)).collect();
            let handles: Vec<_> = payloads.iter().map(|p| pool.submit(digest, &**p)).collect();
            for (payload, handle) in payloads.iter().zip(&handles) {
                assert_eq!(handle.get().unwrap(), digest_of(payload));
            }
        }
    });
}
