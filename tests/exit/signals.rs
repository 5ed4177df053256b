//! Signals that do not end a program: handled ones, and what children inherit. Ctrl-C without a handler is in `interrupt`.

use std::fs;
use std::io::Read;
use std::sync::mpsc;
use std::thread;

use crate::gate::Gate;
use crate::support::{catch, scenario, signal_thread, thread_id, wait_until};
use crate::{LONG, kernel, stays, waits};

/// Runs `wait` on a thread, and has SIGINT handled there again and again while it waits.
fn interrupted<R: Send>(wait: impl FnOnce() -> R + Send, release: impl FnOnce()) -> R {
    let mut handled = catch(libc::SIGINT).expect("a handler");
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        let waiter = scope.spawn(move || {
            tell.send(thread_id()).expect("the other thread is there");
            wait()
        });
        let thread = told.recv().expect("it begins");
        let stat = format!("/proc/self/task/{thread}/stat");
        for _ in 0..20 {
            wait_until(LONG, "it waits", || {
                let stat = fs::read_to_string(&stat).expect("it is there");
                stat.rsplit(')').next().is_some_and(|fields| fields.starts_with(" S"))
            });
            signal_thread(thread, libc::SIGINT).expect("it is there");
            handled.read_exact(&mut [0]).expect("the handler has run");
        }
        assert!(!waiter.is_finished(), "it waits on");
        release();
        waiter.join().expect("no panic")
    })
}

#[mp::test]
fn exit_11_a_handled_sigint_does_not_end_join_result_and_get() {
    let program = scenario!(|| {
        let gate = Gate::new();
        let process = mp::spawn(waits, gate.name()).expect("it starts");
        let waiting = gate.arrival();
        interrupted(|| process.join().expect("it was started"), || drop(waiting));
        assert_eq!(process.exit_code(), Some(0));

        let process = mp::spawn(waits, gate.name()).expect("it starts");
        let waiting = gate.arrival();
        let value = interrupted(|| process.result().expect("it returns"), || drop(waiting));
        assert_eq!(Some(value), process.pid());

        let pool = mp::Pool::new(1).expect("it starts");
        let worker = mp::active_children().pop().expect("a worker").pid();
        let handle = pool.submit(waits, gate.name());
        let waiting = gate.arrival();
        let value = interrupted(|| handle.get().expect("it returns"), || drop(waiting));
        assert_eq!(value, worker);
        let handle = pool.submit(waits, gate.name());
        let waiting = gate.arrival();
        pool.close();
        interrupted(|| pool.join().expect("it is closed"), || drop(waiting));
        assert!(handle.ready());
    });
    program.run().assert_success();
}

#[mp::task]
fn stays_at(gate: &str) {
    crate::gate::wait_at(gate);
    stays();
}

#[mp::test]
fn exit_13_blocked_signals_are_not_inherited() {
    let program = scenario!(|| {
        // Those of the thread that starts the child are what counts, if anything does.
        kernel::block_all_signals();
        let gate = Gate::new();
        for signal in [libc::SIGTERM, libc::SIGINT] {
            let process = mp::spawn(stays_at, gate.name()).expect("it starts");
            drop(gate.arrival());
            match signal {
                libc::SIGTERM => process.terminate().expect("it was started"),
                _ => process.interrupt().expect("it was started"),
            }
            assert!(process.join_timeout(LONG).expect("it was started"), "it is not blocked");
            assert_eq!(process.exit_code(), Some(-signal));
        }
    });
    program.run().assert_success();
}
