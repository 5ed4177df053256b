//! A copy of the program that the user forked: it has no children, so it ends and waits for none.

use std::panic::{self, AssertUnwindSafe};

use crate::gate::Gate;
use crate::support::{scenario, wait_until};
use crate::{LONG, PROMPT, daemon, kernel, say, stays, waits, works};
use mp::ErrorKind::NotOwner;

/// The copy ends by `exit`, which runs what was registered for the program's end.
#[mp::test]
fn exit_06_a_forked_copy_ends_no_children() {
    let program = scenario!(|| {
        let gate = Gate::new();
        let process = mp::spawn(waits, gate.name()).expect("it starts");
        let waiting = gate.arrival();
        let daemon = daemon(stays, ());
        let copy = kernel::fork(|| 7);
        assert_eq!(code_of(copy), 7, "it has not waited for the child");
        assert!(!daemon.join_timeout(PROMPT).expect("it was started"), "it was not ended");
        assert!(process.is_alive());
        drop(waiting);
        assert_eq!(Some(process.result().expect("it returns")), process.pid());
    });
    program.run().assert_success();
}

fn code_of(copy: i32) -> i32 {
    let mut code = None;
    wait_until(LONG, "the copy ends", || {
        code = kernel::code_of(copy);
        code.is_some()
    });
    code.expect("it has ended")
}

/// Neither a copy that drops its copy of the pool, nor one that does so in a panic's unwinding, which
/// would give up what is still to be done.
#[mp::test]
fn exit_06_a_forked_copy_leaves_the_pool_alone() {
    let program = scenario!(|| {
        let mut pool = Some(mp::Pool::new(1).expect("it starts"));
        let gate = Gate::new();
        let submit = || pool.as_ref().expect("it is there").submit(waits, gate.name());
        // One begun, one that waits for its turn.
        let handles = [submit(), submit()];
        let waiting = gate.arrival();
        let drops = kernel::fork(|| {
            drop(pool.take());
            8
        });
        assert_eq!(code_of(drops), 8);
        let panics = kernel::fork(|| {
            let pool = pool.take();
            let unwound = panic::catch_unwind(AssertUnwindSafe(move || {
                let _dropped = pool;
                panic!("as planned");
            }));
            if unwound.is_err() { 9 } else { 1 }
        });
        assert_eq!(code_of(panics), 9);
        drop(waiting);
        drop(gate.arrival());
        let workers = handles.map(|handle| handle.get().expect("it returns"));
        assert_eq!(workers[0], workers[1], "none has died");
        let pool = pool.expect("this is not the copy");
        pool.close();
        pool.join().expect("it is closed");
    });
    program.run().assert_success();
}

/// What the copy has of the pool is shared with the original: using it would take the original's work.
#[mp::test]
fn exit_06_a_forked_copy_is_refused_the_pool() {
    let program = scenario!(|| {
        let pool = mp::Pool::new(1).expect("it starts");
        let gate = Gate::new();
        let handle = pool.submit(waits, gate.name());
        let waiting = gate.arrival();
        let mut results = pool.batch(works, 0..4).chunksize(1).iter();
        let copy = kernel::fork(|| {
            let mut next = || results.next().map(|result| result.map_err(|error| error.kind()));
            // Once, and then there is nothing more.
            let iterated = (next(), next()) == (Some(Err(NotOwner)), None);
            let mapped = pool.map(works, 0..100).map_err(|error| error.kind());
            if !iterated || mapped != Err(NotOwner) {
                return 2;
            }
            let refused = pool.submit(works, 1).get().map_err(|error| error.kind());
            let waited = handle.get().map_err(|error| error.kind());
            let joined = pool.join().map_err(|error| error.kind());
            pool.terminate();
            let all =
                refused == Err(NotOwner) && waited == Err(NotOwner) && joined == Err(NotOwner);
            if all { 6 } else { 1 }
        });
        assert_eq!(code_of(copy), 6);
        drop(waiting);
        handle.get().expect("it returns");
        assert_eq!(results.filter(Result::is_ok).count(), 4);
    });
    program.run().assert_success();
}

/// As a program does that goes into the background: the original leaves, the copy goes on.
#[mp::test]
fn exit_06_a_forked_copy_has_an_end_of_its_own() {
    let program = scenario!(|| {
        let before = mp::spawn(works, 1).expect("it starts");
        let copy = kernel::fork(|| {
            let pool = mp::Pool::new(1).expect("it starts");
            // The copy is in exit by then, where println! writes piece by piece.
            pool.apply_async(works, 2, |value| say(&format!("called back {value}")));
            mp::spawn(works, 3).expect("it starts");
            // It returns into exit, whose rules wait for both.
            4
        });
        assert_eq!(code_of(copy), 4);
        assert_eq!(before.result().expect("it returns"), 1);
    });
    let finished = program.run();
    finished.assert_success();
    assert_eq!(finished.value("called back "), "2");
    assert_eq!(finished.values("worked ").len(), 3);
}
