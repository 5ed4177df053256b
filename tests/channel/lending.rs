//! Loans for a time, without waiting, and awaited.

use crate::futures::block_on;
use crate::gate::{Gate, stop_at};
use crate::{BOUNDED, MIB, kill, watched};
use mp::{Connection, ErrorKind, Loan, Queue, Sender, TrySendError, channel, pipe};
use std::thread;
use std::time::{Duration, Instant};

/// There are so many at a time.
const MOST: usize = 16;
const SHORT: Duration = Duration::from_millis(20);

fn fill<'a>(mut loan: Loan<'a, u8>, with: &[u8]) -> Loan<'a, u8> {
    loan.truncate(with.len());
    loan.copy_from_slice(with);
    loan
}

/// The error's kind, which came after so long at least.
fn kind_after<R>(least: Duration, call: impl FnOnce() -> mp::Result<R>) -> Option<ErrorKind> {
    let begun = Instant::now();
    let kind = call().err().map(|error| error.kind());
    assert!(begun.elapsed() >= least, "{:?}", begun.elapsed());
    kind
}

#[mp::test]
fn conn_23_loans_are_wanted_for_a_time_or_at_once() {
    watched(|| {
        let (sender, receiver) = channel::<Vec<u8>>().unwrap();
        let loans: Vec<_> = (0..MOST).map(|_| sender.try_loan::<u8>(9).unwrap()).collect();
        let now = kind_after(Duration::ZERO, || sender.try_loan::<u8>(9));
        let then = kind_after(SHORT, || sender.loan_timeout::<u8>(9, SHORT));
        assert_eq!((now, then), (Some(ErrorKind::Full), Some(ErrorKind::Full)));
        let now = kind_after(Duration::ZERO, || receiver.try_recv_loan::<u8>());
        let then = kind_after(SHORT, || receiver.recv_loan_timeout::<u8>(SHORT));
        assert_eq!((now, then), (Some(ErrorKind::Empty), Some(ErrorKind::Empty)));
        for (number, loan) in (0..).zip(loans) {
            fill(loan, &[number]).try_send().unwrap();
        }
        let read = receiver.try_recv_loan::<u8>().unwrap();
        assert_eq!(*read, [0]);
        thread::scope(|scope| {
            let waits = scope.spawn(|| sender.loan_timeout::<u8>(9, BOUNDED).unwrap());
            drop(read);
            let loan = waits.join().unwrap();
            fill(loan, b"more").send_timeout(BOUNDED).unwrap();
        });
        let rest = |_| receiver.recv_loan_timeout::<u8>(BOUNDED).unwrap().to_vec();
        let all: Vec<_> = (1..=MOST).map(rest).collect();
        assert_eq!(all.last().unwrap(), b"more");

        let queue = Queue::<Vec<u8>>::new().unwrap();
        assert_eq!(
            kind_after(SHORT, || queue.get_loan_timeout::<u8>(SHORT)),
            Some(ErrorKind::Empty)
        );
        assert_eq!(
            kind_after(Duration::ZERO, || queue.try_get_loan::<u8>()),
            Some(ErrorKind::Empty)
        );
        fill(queue.loan_timeout(9, SHORT).unwrap(), b"item").send().unwrap();
        assert_eq!(*queue.try_get_loan::<u8>().unwrap(), *b"item");
    });
}

/// A loan for which there is no room comes back as it was written.
#[mp::test]
fn conn_23_a_loan_that_is_not_sent_comes_back() {
    watched(|| {
        let queue = Queue::<Vec<u8>>::bounded(1).unwrap();
        fill(queue.loan(9).unwrap(), b"one").send().unwrap();
        let Err(TrySendError::Full(loan)) = fill(queue.loan(9).unwrap(), b"two").try_send() else {
            panic!("there is room for one only");
        };
        let begun = Instant::now();
        let Err(TrySendError::Full(loan)) = loan.send_timeout(SHORT) else {
            panic!("there is room for one only");
        };
        assert!(begun.elapsed() >= SHORT);
        assert_eq!(*loan, *b"two");
        assert_eq!(queue.get().unwrap(), b"one");
        loan.try_send().unwrap();
        assert_eq!(*queue.get_loan::<u8>().unwrap(), *b"two");

        let (left, right) = pipe::<(), ()>().unwrap();
        let loan = fill(left.loan(9).unwrap(), b"late");
        drop(right);
        let error = loan.try_send().unwrap_err();
        assert!(matches!(error, TrySendError::Disconnected(_)), "{error:?}");
        assert_eq!(*error.into_inner(), *b"late");
    });
}

#[mp::task]
fn answer(end: Connection<(), ()>) {
    block_on(async {
        while let Ok(bytes) = end.recv_loan_async::<u8>().await {
            let mut loan = end.loan_async(bytes.len()).await.expect("there are 16");
            loan.copy_from_slice(&bytes);
            loan.reverse();
            loan.send_async().await.expect("the other end waits");
        }
    });
}

#[mp::test]
fn conn_01_loans_are_awaited_both_ways() {
    watched(|| {
        let (own, other) = pipe().unwrap();
        let process = mp::spawn(answer, other).unwrap();
        for len in [0, 3, 1000, MIB, 10 * MIB] {
            let bytes: Vec<_> = (0..len).map(|at| at as u8).collect();
            let back = block_on(async {
                fill(own.loan_async(len).await?, &bytes).send_async().await?;
                own.recv_loan_async::<u8>().await
            });
            assert!(back.unwrap().iter().rev().eq(&bytes));
        }
        drop(own);
        process.join().unwrap();
        assert_eq!(process.exit_code(), Some(0));
    });
}

#[mp::task]
fn hoard(sender: Sender<Vec<u8>>, gate: &str) {
    let loans: Vec<_> = (0..MOST).map(|_| sender.loan::<u8>(9).expect("memory")).collect();
    stop_at(gate);
    drop(loans);
}

/// One that is awaited comes from a process that gives it back, and from one that is killed with all of them.
#[mp::test]
fn queue_21_an_awaited_loan_comes_whoever_had_them() {
    watched(|| {
        for killed in [false, true] {
            let gate = Gate::new();
            let (sender, receiver) = channel().unwrap();
            let process = mp::spawn(hoard, (sender.clone(), gate.name())).unwrap();
            let guest = gate.next();
            thread::scope(|scope| {
                let waits =
                    scope.spawn(|| block_on(sender.loan_async::<u8>(4)).map(|loan| loan.len()));
                if killed {
                    kill(&process);
                } else {
                    guest.release();
                }
                assert_eq!(waits.join().unwrap().unwrap(), 4);
            });
            process.join().unwrap();
            assert!(receiver.is_empty());
        }
    });
}

/// A future that is dropped while it waits for room has given its loan back.
#[mp::test]
fn conn_23_a_dropped_send_of_a_loan_gives_it_back() {
    watched(|| {
        let queue = Queue::<Vec<u8>>::bounded(1).unwrap();
        queue.put(b"first".to_vec()).unwrap();
        for _ in 0..2 * MOST {
            let mut sending = queue.try_loan::<u8>(3).unwrap().send_async();
            assert!(crate::futures::poll_once(&mut sending).is_pending());
        }
        assert_eq!(queue.get().unwrap(), b"first");
        assert!(queue.is_empty());
        let loans: Vec<_> = (0..MOST).map(|_| queue.try_loan::<u8>(3).unwrap()).collect();
        assert_eq!(loans.len(), MOST);
    });
}

#[mp::task]
fn send_one(sender: Sender<Vec<u8>>) {
    fill(sender.loan(MIB).expect("memory"), b"still here").send().expect("the receiver is there");
}

/// What its sender has left is looked for meanwhile.
#[mp::test]
fn conn_05_a_loan_outlives_its_sender() {
    watched(|| {
        let (sender, receiver) = channel::<Vec<u8>>().unwrap();
        for _ in 0..3 {
            let process = mp::spawn(send_one, sender.clone()).unwrap();
            process.join().unwrap();
            assert_eq!(process.exit_code(), Some(0));
        }
        drop((0..2000).map(|_| mp::Lock::new().unwrap()).collect::<Vec<_>>());
        drop(sender);
        let mut count = 0;
        while let Ok(bytes) = receiver.recv_loan::<u8>() {
            assert_eq!(*bytes, *b"still here");
            count += 1;
        }
        assert_eq!(count, 3);
    });
}
