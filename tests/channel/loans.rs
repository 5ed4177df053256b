//! Messages that are written and read where they lie: in their turn among others, whoever is killed with one.

use crate::gate::{Gate, stop_at};
use crate::resources::shared_memory;
use crate::support::{scenario, wait_until};
use crate::tasks::pattern;
use crate::{BOUNDED, MIB, PROMPT, kill, watched};
use mp::{Connection, ErrorKind, Loan, Queue, Receiver, Sender, channel, pipe};
use std::thread;
use std::time::{Duration, Instant};

/// There are so many at a time.
const MOST: usize = 16;

#[mp::task]
fn double(end: Connection<(), ()>) {
    while let Ok(numbers) = end.recv_loan::<u64>() {
        let mut loan = end.loan(numbers.len()).expect("the other end waits");
        for (to, from) in loan.iter_mut().zip(&*numbers) {
            *to = 2 * from;
        }
        loan.send().expect("the other end waits");
    }
}

#[mp::test]
fn conn_05_loans_of_all_sizes_go_round() {
    watched(|| {
        let (own, other) = pipe::<(), ()>().unwrap();
        let process = mp::spawn(double, other).unwrap();
        for len in [0, 1, 1000, MIB / 8, 50 * MIB / 8, 7, MIB / 8] {
            let mut loan = own.loan::<u64>(len).unwrap();
            assert_eq!(loan.len(), len);
            (0..).zip(&mut *loan).for_each(|(number, to)| *to = number);
            loan.send().unwrap();
            let doubled = own.recv_loan::<u64>().unwrap();
            assert_eq!(doubled.len(), len);
            assert!((0..).zip(&*doubled).all(|(number, value)| *value == 2 * number));
        }
        drop(own);
        process.join().unwrap();
        assert_eq!(process.exit_code(), Some(0));
    });
}

fn fill(mut loan: Loan<'_, u8>, with: &[u8]) {
    loan[..with.len()].copy_from_slice(with);
    loan.truncate(with.len());
    loan.send().unwrap();
}

#[mp::test]
fn conn_03_loans_and_values_keep_their_order() {
    watched(|| {
        let (sender, receiver) = channel::<Vec<u8>>().unwrap();
        for round in 0..40u8 {
            sender.send(vec![round; 10]).unwrap();
            fill(sender.loan(5000).unwrap(), &pattern(300, round));
            fill(sender.loan(3).unwrap(), b"one");
            sender.send(b"two".to_vec()).unwrap();
            // By a copy or in place, however it was sent.
            assert_eq!(*receiver.recv_loan::<u8>().unwrap(), [round; 10]);
            assert_eq!(receiver.recv().unwrap(), pattern(300, round));
            assert_eq!(*receiver.recv_loan::<u8>().unwrap(), *b"one");
            assert_eq!(receiver.recv().unwrap(), b"two");
        }
        let queue = Queue::<Vec<u8>>::new().unwrap();
        for number in 0..MOST as u8 {
            fill(queue.loan(9).unwrap(), &[number; 9]);
        }
        queue.put(vec![99]).unwrap();
        assert!((0..MOST as u8).all(|number| *queue.get_loan::<u8>().unwrap() == [number; 9]));
        assert_eq!(*queue.get_loan::<u8>().unwrap(), [99]);
    });
}

#[mp::test]
fn conn_03_loans_of_a_connection_are_bytes() {
    watched(|| {
        let (left, right) = pipe::<Vec<u8>, Vec<u8>>().unwrap();
        let send = || fill(left.loan(100).unwrap(), &pattern(80, 1));
        // More often than there are loans: none of these ways loses one.
        for _ in 0..2 * MOST {
            send();
            assert_eq!(right.recv_bytes().unwrap(), pattern(80, 1));
            send();
            let mut buffer = [0; 100];
            assert_eq!(right.recv_bytes_into(&mut buffer).unwrap(), 80);
            assert_eq!(buffer[..80], pattern(80, 1));
            send();
            assert_eq!(right.recv_bytes_into(&mut [0; 8]).unwrap_err().bytes().unwrap().len(), 80);
            send();
            assert_eq!(right.recv().unwrap_err().kind(), ErrorKind::Decode);
            left.send(vec![1]).unwrap();
            assert_eq!(right.recv_loan::<u8>().unwrap_err().kind(), ErrorKind::Decode);
            send();
            assert_eq!(right.recv_loan::<[u8; 3]>().unwrap_err().kind(), ErrorKind::Decode);
            left.send_bytes(&[1; 7]).unwrap();
            assert_eq!(right.recv_loan::<u32>().unwrap_err().kind(), ErrorKind::Decode);
            drop(left.loan::<u8>(10).unwrap());
        }
        assert!(!right.poll(Duration::ZERO).unwrap());
        assert_eq!(left.loan::<u64>(usize::MAX).unwrap_err().kind(), ErrorKind::InvalidArgument);
        send();
        drop(left);
        let last = right.recv_loan::<u8>().unwrap();
        assert_eq!(right.recv_loan::<u8>().unwrap_err().kind(), ErrorKind::Disconnected);
        drop(right);
        assert_eq!(*last, pattern(80, 1));
    });
}

#[mp::test]
fn conn_22_threads_of_one_process_lend_to_each_other() {
    watched(|| {
        let (sender, receiver) = channel::<Vec<u8>>().unwrap();
        thread::scope(|scope| {
            for thread in 0..2u64 {
                let sender = &sender;
                scope.spawn(move || {
                    for number in 0..5000 {
                        let mut loan = sender.loan::<u64>(30).unwrap();
                        loan.fill(thread << 32 | number);
                        loan.send().unwrap();
                    }
                });
            }
            let mut next = [0; 2];
            for _ in 0..10_000 {
                let numbers = receiver.recv_loan::<u64>().unwrap();
                let (thread, number) = (numbers[0] >> 32, numbers[0] & 0xFFFF);
                assert!(numbers.iter().all(|other| *other == numbers[0]));
                assert_eq!(next[thread as usize], number);
                next[thread as usize] += 1;
            }
        });
    });
}

#[mp::test]
fn conn_23_one_loan_more_waits_for_another() {
    watched(|| {
        let (sender, receiver) = channel::<Vec<u8>>().unwrap();
        let mut loans: Vec<_> = (0..MOST).map(|_| sender.loan::<u8>(10).unwrap()).collect();
        loans.pop().unwrap().send().unwrap();
        let received = receiver.recv_loan::<u8>().unwrap();
        thread::scope(|scope| {
            let waits = scope.spawn(|| sender.loan::<u8>(10).map(drop));
            assert!(!waits.is_finished());
            drop(received);
            waits.join().unwrap().unwrap();
        });
        loans.push(sender.loan(10).unwrap());
        thread::scope(|scope| {
            let waits = scope.spawn(|| sender.loan::<u8>(10).unwrap_err().kind());
            drop(receiver);
            assert_eq!(waits.join().unwrap(), ErrorKind::Disconnected);
        });
        assert_eq!(loans.pop().unwrap().send().unwrap_err().kind(), ErrorKind::Disconnected);
    });
}

#[mp::task]
fn hoard_unsent(sender: Sender<Vec<u8>>, gate: &str) {
    let mut loans: Vec<_> = (0..MOST).map(|_| sender.loan::<u8>(MIB).expect("memory")).collect();
    fill(loans.pop().expect("there are some"), b"sent");
    stop_at(gate);
}

#[mp::task]
fn hoard_received(receiver: Receiver<Vec<u8>>, gate: &str) {
    let loans: Vec<_> = (0..MOST - 2).map(|_| receiver.recv_loan::<u8>()).collect();
    stop_at(gate);
    drop(loans);
}

#[mp::test]
fn queue_21_loans_of_a_killed_sender_come_back() {
    watched(|| {
        let gate = Gate::new();
        let (sender, receiver) = channel().unwrap();
        let process = mp::spawn(hoard_unsent, (sender.clone(), gate.name())).unwrap();
        let _guest = gate.next();
        kill(&process);
        assert_eq!(*receiver.recv_loan::<u8>().unwrap(), *b"sent");
        let begun = Instant::now();
        let loans: Vec<_> = (0..MOST).map(|_| sender.loan::<u8>(MIB).unwrap()).collect();
        assert!(begun.elapsed() < PROMPT, "{:?}", begun.elapsed());
        drop(loans);
        fill(sender.loan(10).unwrap(), b"more");
        assert_eq!(receiver.recv().unwrap(), b"more");
    });
}

#[mp::test]
fn queue_20_loans_of_a_killed_receiver_come_back() {
    watched(|| {
        let gate = Gate::new();
        let (sender, receiver) = channel().unwrap();
        for number in 0..MOST as u8 {
            fill(sender.loan(10).unwrap(), &[number]);
        }
        let process = mp::spawn(hoard_received, (receiver.clone(), gate.name())).unwrap();
        let guest = gate.next();
        let (first, second) = (receiver.recv_loan::<u8>().unwrap(), receiver.recv().unwrap());
        assert_eq!((first[0], second[0]), (14, 15));
        // One is free, one is read here, and the others where nobody gives them back.
        thread::scope(|scope| {
            let waits = scope.spawn(|| {
                let loans: Vec<_> = (0..MOST - 1).map(|_| sender.loan::<u8>(10).unwrap()).collect();
                loans.into_iter().for_each(|loan| fill(loan, b"more"));
            });
            kill(&process);
            waits.join().unwrap();
        });
        assert!((1..MOST).all(|_| receiver.recv().unwrap() == b"more"));
        assert_eq!(*first, [14]);
        drop(guest);
    });
}

#[mp::task]
fn add(receiver: Receiver<Vec<u8>>) -> u64 {
    let mut sum = 0;
    while let Ok(numbers) = receiver.recv_loan::<u64>() {
        sum += numbers.iter().sum::<u64>();
    }
    sum
}

#[mp::test]
fn queue_23_memory_of_loans_is_used_again_and_comes_back() {
    let program = scenario!(|| {
        let (sender, receiver) = channel::<Vec<u8>>().unwrap();
        let before = shared_memory();
        let process = mp::spawn(add, receiver).unwrap();
        for _ in 0..1000 {
            let mut loan = sender.loan::<u64>(MIB / 8).unwrap();
            loan.fill(1);
            loan.send().unwrap();
            assert!(shared_memory() < before + 20 * MIB as u64, "{}", shared_memory());
        }
        drop(sender);
        assert_eq!(process.result().unwrap(), 1000 * MIB as u64 / 8);
        // One that is still read keeps its queue's memory, and no longer.
        let queue = Queue::<Vec<u8>>::new().unwrap();
        queue.loan::<u8>(20 * MIB).unwrap().send().unwrap();
        let read = queue.get_loan::<u8>().unwrap();
        drop(queue);
        assert!(shared_memory() > before + 20 * MIB as u64 && read.iter().all(|byte| *byte == 0));
        drop(read);
        let gone = || shared_memory() < before + 8 * MIB as u64;
        wait_until(BOUNDED, "the memory is given back", gone);

        let (sender, receiver) = channel::<Vec<u8>>().unwrap();
        let unsent = sender.loan::<u8>(20 * MIB).unwrap();
        sender.loan::<u8>(20 * MIB).unwrap().send().unwrap();
        drop(receiver);
        assert!(shared_memory() < before + 30 * MIB as u64, "{}", shared_memory());
        drop(unsent);
        drop(sender);
        wait_until(BOUNDED, "the memory is given back", gone);
    });
    program.limit(Duration::from_secs(60)).run().assert_success();
}
