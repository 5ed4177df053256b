//! Channels one way: many senders and receivers, room for so much, and who learns that the others are gone.

use crate::gate::{Gate, stop_at};
use crate::support::{kill as signal, state_of, wait_until};
use crate::tasks::{hold_receiver, hold_sender, pattern, receive_all, send_range};
use crate::{BOUNDED, MIB, PROMPT, SHORT, kill, watched};
use mp::{ErrorKind, Receiver, Sender, TrySendError, channel};
use std::time::{Duration, Instant};

#[mp::test]
fn conn_22_bey_29_two_processes_on_clones_of_one_sender_mix_nothing() {
    watched(|| {
        let (sender, receiver) = channel::<(u64, Vec<u64>)>().unwrap();
        #[mp::task]
        fn send(sender: Sender<(u64, Vec<u64>)>, of: u64) {
            for number in 0..10_000 {
                let values = vec![of; (number % 50) as usize];
                sender.send((number, values)).expect("the receiver is there");
            }
        }
        for of in 0..2 {
            mp::spawn(send, (sender.clone(), of)).unwrap();
        }
        drop(sender);
        let mut counts = [0; 2];
        let mut unknown = 0;
        for message in &receiver {
            let (number, values) = message.unwrap();
            assert_eq!(values.len() as u64, number % 50);
            let Some(of) = values.first() else {
                unknown += 1;
                continue;
            };
            assert!(values.iter().all(|value| value == of));
            counts[*of as usize] += 1;
        }
        assert_eq!((counts, unknown), ([9800, 9800], 400));
    });
}

#[mp::test]
fn conn_22_each_message_comes_to_one_of_the_receivers() {
    watched(|| {
        let (sender, receiver) = channel().unwrap();
        let receivers: Vec<_> =
            (0..3).map(|_| mp::spawn(receive_all, receiver.clone()).unwrap()).collect();
        drop(receiver);
        (0..20_000).for_each(|number| sender.send(number).unwrap());
        drop(sender);
        let mut all: Vec<u64> =
            receivers.into_iter().flat_map(|receiver| receiver.result().unwrap()).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..20_000));
    });
}

#[mp::test]
fn conn_06_receivers_get_what_was_sent_and_then_disconnected() {
    watched(|| {
        let (sender, receiver) = channel().unwrap();
        mp::spawn(send_range, (sender.clone(), 0..3)).unwrap().join().unwrap();
        assert_eq!([0, 1].map(|_| receiver.recv().unwrap()), [0, 1]);
        drop(sender);
        assert_eq!(receiver.try_recv().unwrap(), 2);
        for _ in 0..2 {
            assert_eq!(receiver.recv().unwrap_err().kind(), ErrorKind::Disconnected);
            assert_eq!(receiver.try_recv().unwrap_err().kind(), ErrorKind::Disconnected);
            let late = receiver.recv_timeout(SHORT).unwrap_err();
            assert_eq!(late.kind(), ErrorKind::Disconnected);
        }
    });
}

#[mp::test]
fn conn_06_a_receiver_that_waits_learns_of_a_killed_sender() {
    watched(|| {
        let gate = Gate::new();
        let (sender, receiver) = channel::<u64>().unwrap();
        let process = mp::spawn(hold_sender, (sender, gate.name())).unwrap();
        let _guest = gate.next();
        assert_eq!(receiver.recv_timeout(SHORT).unwrap_err().kind(), ErrorKind::Empty);
        kill(&process);
        let begun = Instant::now();
        assert_eq!(receiver.recv().unwrap_err().kind(), ErrorKind::Disconnected);
        assert!(begun.elapsed() < PROMPT);
    });
}

#[mp::test]
fn conn_07_a_sender_learns_that_all_receivers_are_gone() {
    watched(|| {
        let gate = Gate::new();
        let (sender, receiver) = channel().unwrap();
        let process = mp::spawn(hold_receiver, (receiver.clone(), gate.name())).unwrap();
        let guest = gate.next();
        sender.send(1).unwrap();
        drop(receiver);
        sender.send(2).unwrap();
        guest.release();
        process.join().unwrap();
        assert_eq!(sender.send(3).unwrap_err().kind(), ErrorKind::Disconnected);
        assert!(matches!(sender.try_send(4), Err(TrySendError::Disconnected(4))));
    });
}

#[mp::test]
fn conn_07_a_sender_learns_of_a_killed_receiver() {
    watched(|| {
        let gate = Gate::new();
        let (sender, receiver) = channel().unwrap();
        let process = mp::spawn(hold_receiver, (receiver, gate.name())).unwrap();
        let _guest = gate.next();
        sender.send(1).unwrap();
        kill(&process);
        let begun = Instant::now();
        while let Ok(()) = sender.send(2) {
            assert!(begun.elapsed() < PROMPT);
        }
        assert_eq!(sender.send(3).unwrap_err().kind(), ErrorKind::Disconnected);
        // One that waits for room, too.
        let (sender, receiver) = channel().unwrap();
        let process = mp::spawn(hold_bytes, (receiver, gate.name())).unwrap();
        let _guest = gate.next();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| (0..10).find_map(|_| sender.send(vec![0; MIB]).err()));
            kill(&process);
            let error = waiting.join().unwrap().unwrap();
            assert_eq!(error.kind(), ErrorKind::Disconnected);
        });
    });
}

#[mp::task]
fn hold_bytes(receiver: Receiver<Vec<u8>>, gate: &str) {
    stop_at(gate);
    drop(receiver);
}

#[mp::task]
fn receive_bytes(receiver: Receiver<Vec<u8>>, gate: &str) -> usize {
    stop_at(gate);
    receiver.iter().map(|bytes| bytes.expect("it decodes").len()).sum()
}

#[mp::test]
fn conn_23_a_sender_waits_for_a_receiver_that_does_not_read() {
    watched(|| {
        let gate = Gate::new();
        let (sender, receiver) = channel().unwrap();
        let process = mp::spawn(receive_bytes, (receiver, gate.name())).unwrap();
        let guest = gate.next();
        let fits = (0..).find(|_| sender.try_send(vec![7; 10_000]).is_err()).unwrap();
        assert!((50..200).contains(&fits), "{fits} messages of 10 kB");
        let begun = Instant::now();
        let refused = sender.send_timeout(vec![7; 10_000], SHORT).unwrap_err();
        assert!(begun.elapsed() >= SHORT && begun.elapsed() < SHORT + PROMPT);
        assert_eq!((refused.kind(), refused.into_inner().len()), (ErrorKind::Full, 10_000));
        guest.release();
        sender.send(vec![7; 10_000]).unwrap();
        drop(sender);
        assert_eq!(process.result().unwrap(), (fits + 1) * 10_000);
    });
}

#[mp::test]
fn conn_23_a_message_larger_than_all_room_goes_alone() {
    watched(|| {
        let (sender, receiver) = channel().unwrap();
        sender.send(pattern(16 * MIB, 1)).unwrap();
        assert!(sender.try_send(vec![1]).is_err());
        assert!(receiver.recv().unwrap() == pattern(16 * MIB, 1));
        sender.try_send(vec![1]).unwrap();
    });
}

#[mp::test]
fn conn_24_an_end_whose_other_end_is_gone_can_be_sent() {
    watched(|| {
        let (carrier, carried) = channel().unwrap();
        let (sender, receiver) = channel::<u64>().unwrap();
        let (other_sender, other_receiver) = channel::<u64>().unwrap();
        other_sender.send(5).unwrap();
        drop((sender, other_receiver));
        carrier.send((receiver, other_sender)).unwrap();
        let (receiver, sender) = carried.recv().unwrap();
        assert_eq!(receiver.recv().unwrap_err().kind(), ErrorKind::Disconnected);
        assert_eq!(sender.send(6).unwrap_err().kind(), ErrorKind::Disconnected);
    });
}

#[mp::test]
fn conn_23_an_idle_receiver_uses_no_cpu() {
    watched(|| {
        let gate = Gate::new();
        let (sender, receiver) = channel().unwrap();
        let process = mp::spawn(receive_bytes, (receiver, gate.name())).unwrap();
        gate.next().release();
        let pid = process.pid().unwrap().cast_signed();
        wait_until(BOUNDED, "it sleeps", || state_of(pid) == Some('S'));
        let before = crate::support::cpu_time_of(pid);
        std::thread::sleep(Duration::from_secs(2)); // work: nothing, while the receiver waits
        let used = crate::support::cpu_time_of(pid) - before;
        assert!(used < Duration::from_millis(20), "{used:?}");
        signal(pid, libc::SIGCONT).unwrap();
        sender.send(vec![1]).unwrap();
        drop(sender);
        assert_eq!(process.result().unwrap(), 1);
    });
}
