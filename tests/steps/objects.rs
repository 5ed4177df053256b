//! A process killed at each step of handing over a result with a sender in it: whoever gets the result has the sender, and
//! else nobody has.

use crate::{every_step, watched};
use mp::__private::steps;
use mp::{ErrorKind, Receiver, Sender, channel};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);

#[mp::task]
fn pass(sender: Sender<u64>, step: u64) -> (Sender<u64>, u64) {
    steps::die_at(step);
    (sender, step)
}

/// So large a value lies behind the ring.
#[mp::task]
fn pass_much(sender: Sender<u64>, step: u64) -> (Sender<u64>, Vec<u8>) {
    steps::die_at(step);
    (sender, vec![1; 100_000])
}

#[mp::task]
fn disarm() {
    steps::survived();
}

/// Whether the result came; the sender goes with it, and with nothing else.
#[track_caller]
fn came<R>(result: mp::Result<(Sender<u64>, R)>, receiver: &Receiver<u64>) -> bool {
    let came = match result {
        Ok((sender, _)) => {
            sender.send(7).unwrap();
            assert_eq!(receiver.recv().unwrap(), 7);
            true
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::WorkerDied, "{error}");
            false
        }
    };
    let error = receiver.recv_timeout(LONG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
    came
}

#[mp::test]
fn conn_15_a_worker_killed_at_any_step_of_its_result_leaks_and_loses_no_end() {
    watched(|| {
        every_step(|step| {
            let pool = mp::Pool::new(1).unwrap();
            let worker = pool.workers()[0].pid();
            let (sender, receiver) = channel().unwrap();
            let first = came(pool.apply(pass, (sender, step)), &receiver);
            let second = pool.apply(disarm, ());
            assert!(first || second.is_ok(), "one death, one call");
            first && second.is_ok() && pool.workers()[0].pid() == worker
        });
    });
}

#[mp::test]
fn conn_15_a_worker_killed_at_any_step_of_a_large_result_leaks_and_loses_no_end() {
    watched(|| {
        every_step(|step| {
            let pool = mp::Pool::new(1).unwrap();
            let worker = pool.workers()[0].pid();
            let (sender, receiver) = channel().unwrap();
            let first = came(pool.apply(pass_much, (sender, step)), &receiver);
            let second = pool.apply(disarm, ());
            first && second.is_ok() && pool.workers()[0].pid() == worker
        });
    });
}

#[mp::test]
fn conn_15_a_worker_killed_at_any_step_of_an_item_leaks_and_loses_no_end() {
    watched(|| {
        every_step(|step| {
            let pool = mp::Pool::new(1).unwrap();
            let worker = pool.workers()[0].pid();
            let (sender, receiver) = channel().unwrap();
            let result = pool.imap(pass, [(sender, step)]).next().unwrap();
            let first = came(result, &receiver);
            let second = pool.apply(disarm, ());
            first && second.is_ok() && pool.workers()[0].pid() == worker
        });
    });
}

#[mp::test]
fn conn_15_a_process_killed_at_any_step_of_its_result_leaks_and_loses_no_end() {
    watched(|| {
        every_step(|step| {
            let (sender, receiver) = channel().unwrap();
            let process = mp::spawn(pass, (sender, step)).unwrap();
            let result = process.result();
            let code = process.exit_code();
            drop(process);
            assert!(came(result, &receiver) || code == Some(-9));
            code == Some(0)
        });
    });
}
