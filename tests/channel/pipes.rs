//! Pipes with two ends: there and back, the ends in other processes, and what an end learns of the other one.

use crate::gate::{Gate, stop_at};
use crate::support::{self, example, repeat, scenario};
use crate::tasks::pattern;
use crate::{BOUNDED, MIB, PROMPT, SHORT, kill, watched};
use mp::{Connection, ErrorKind, pipe};
use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

/// Sends everything back, doubled.
#[mp::task]
fn double(end: Connection<u64, u64>) {
    for number in end.iter() {
        end.send(2 * number.expect("it decodes")).expect("the other end waits");
    }
}

#[mp::test]
fn conn_01_messages_go_both_ways() {
    watched(|| {
        let (own, other) = pipe().unwrap();
        let process = mp::spawn(double, other).unwrap();
        for number in 0..1000 {
            own.send(number).unwrap();
            assert_eq!(own.recv().unwrap(), 2 * number);
        }
        drop(own);
        process.join().unwrap();
        assert_eq!(process.exit_code(), Some(0));
    });
}

#[mp::task]
fn ask(end: Connection<u64, u64>) -> u64 {
    end.send(21).expect("the other end is there");
    end.recv().expect("it answers")
}

#[mp::test]
fn conn_01_both_ends_can_be_elsewhere() {
    watched(|| {
        let (left, right) = pipe().unwrap();
        let answering = mp::spawn(double, right).unwrap();
        assert_eq!(mp::spawn(ask, left).unwrap().result().unwrap(), 42);
        answering.join().unwrap();
    });
}

#[mp::test]
fn conn_01_bey_31_an_end_goes_to_a_worker_that_runs_already() {
    watched(|| {
        let pool = mp::Pool::new(1).unwrap();
        let (own, other) = pipe::<u64, u64>().unwrap();
        let asking = pool.submit(ask, other);
        assert_eq!(own.recv().unwrap(), 21);
        own.send(5).unwrap();
        assert_eq!(asking.get().unwrap(), 5);
    });
}

#[mp::task]
fn send_and_end(end: Connection<u64, ()>) {
    (0..3).for_each(|number| end.send(number).expect("the other end is there"));
}

#[mp::test]
fn conn_06_conn_08_an_end_moved_to_a_child_ends_with_it() {
    watched(|| {
        let (own, other) = pipe::<(), u64>().unwrap();
        let process = mp::spawn(send_and_end, other).unwrap();
        let begun = Instant::now();
        assert_eq!(own.iter().map(Result::unwrap).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(begun.elapsed() < BOUNDED);
        assert_eq!(own.recv().unwrap_err().kind(), ErrorKind::Disconnected);
        assert_eq!(own.send(()).unwrap_err().kind(), ErrorKind::Disconnected);
        process.join().unwrap();
    });
}

#[mp::test]
fn conn_09_the_parent_may_drop_its_copy_before_the_child_has_booted() {
    watched(|| {
        repeat(10, |_| {
            let (own, other) = pipe::<(), u64>().unwrap();
            let _process = mp::spawn(send_and_end, other.clone()).unwrap();
            drop(other);
            assert_eq!(own.iter().map(Result::unwrap).sum::<u64>(), 3);
        });
    });
}

#[mp::test]
fn conn_10_poll_tells_and_takes_nothing() {
    watched(|| {
        let (own, other) = pipe::<u64, u64>().unwrap();
        let begun = Instant::now();
        assert!(!own.poll(Duration::ZERO).unwrap());
        assert!(begun.elapsed() < PROMPT);
        let begun = Instant::now();
        assert!(!own.poll(SHORT).unwrap());
        assert!(begun.elapsed() >= SHORT && begun.elapsed() < SHORT + PROMPT);
        let process = mp::spawn(double, other).unwrap();
        own.send(1).unwrap();
        assert!(own.poll(BOUNDED).unwrap() && own.poll(Duration::ZERO).unwrap());
        assert_eq!(own.recv().unwrap(), 2);
        assert!(!own.poll(Duration::ZERO).unwrap());
        let begun = Instant::now();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| own.poll(BOUNDED).unwrap());
            kill(&process);
            assert!(waiting.join().unwrap(), "its end counts");
        });
        assert!(begun.elapsed() < 3 * PROMPT && own.poll(Duration::ZERO).unwrap());
        own.close();
        assert_eq!(own.poll(Duration::ZERO).unwrap_err().kind(), ErrorKind::Closed);
    });
}

#[mp::task]
fn poll_often(end: Connection<u64, Vec<u8>>, stop: Connection<(), ()>) -> u64 {
    let mut ready = 0;
    while !stop.poll(Duration::ZERO).expect("it is open") {
        ready += u64::from(end.poll(Duration::from_micros(100)).expect("it is open"));
    }
    ready
}

#[mp::test]
fn conn_11_a_poll_takes_no_part_of_what_another_process_reads() {
    watched(|| {
        let (own, other) = pipe::<Vec<u8>, u64>().unwrap();
        let (stop, stopped) = pipe().unwrap();
        let polling = mp::spawn(poll_often, (other.clone(), stopped)).unwrap();
        repeat(300, |round| {
            let message = pattern(round * 100, round as u8);
            own.send(message.clone()).unwrap();
            assert!(other.recv().unwrap() == message);
        });
        drop(stop);
        polling.result().unwrap();
    });
}

#[mp::test]
fn conn_14_a_closed_end_is_of_no_use_and_its_clones_go_on() {
    watched(|| {
        let (own, other) = pipe::<u64, u64>().unwrap();
        let clone = own.clone();
        own.close();
        own.close();
        let kinds = [
            own.send(1).unwrap_err().kind(),
            own.try_send(1).unwrap_err().kind(),
            own.recv().unwrap_err().kind(),
            own.try_recv().unwrap_err().kind(),
            own.send_bytes(b"x").unwrap_err().kind(),
            own.recv_bytes().unwrap_err().kind(),
        ];
        assert_eq!(kinds, [ErrorKind::Closed; 6]);
        other.send(2).unwrap();
        assert_eq!(clone.recv().unwrap(), 2);
        clone.close();
        assert_eq!(other.send(3).unwrap_err().kind(), ErrorKind::Disconnected);
        assert_eq!(other.recv().unwrap_err().kind(), ErrorKind::Disconnected);
    });
}

#[mp::task]
fn receive_slowly(end: Connection<usize, Vec<u8>>, gate: &str) {
    stop_at(gate);
    for bytes in end.iter() {
        end.send(bytes.expect("it decodes").len()).expect("the other end is there");
    }
}

#[mp::test]
fn conn_17_signal_handlers_do_not_make_calls_fail() {
    let program = scenario!(|| {
        let mut caught = support::catch(libc::SIGUSR1).unwrap();
        let gate = Gate::new();
        let (own, other) = pipe::<Vec<u8>, usize>().unwrap();
        let _process = mp::spawn(receive_slowly, (other, gate.name())).unwrap();
        let guest = gate.next();
        let waiting = support::thread_id();
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut byte = [0];
                for _ in 0..100 {
                    support::signal_thread(waiting, libc::SIGUSR1).unwrap();
                    caught.read_exact(&mut byte).unwrap();
                }
                guest.release();
                for _ in 0..100 {
                    support::signal_thread(waiting, libc::SIGUSR1).unwrap();
                    caught.read_exact(&mut byte).unwrap();
                }
            });
            for _ in 0..10 {
                own.send(vec![1; MIB]).unwrap();
                assert!(own.poll(BOUNDED).unwrap());
                assert_eq!(own.recv().unwrap(), MIB);
            }
        });
    });
    program.run().assert_success();
}

#[mp::task]
fn send_for_ever(end: Connection<Vec<u8>, ()>, len: usize, gate: &str) {
    let message = pattern(len, 1);
    stop_at(gate);
    while end.send(message.clone()).is_ok() {}
}

#[mp::test]
fn conn_18_a_message_cut_off_by_a_death_is_told_of() {
    watched(|| {
        let gate = Gate::new();
        let mut cut_off = 0;
        for round in 0..40 {
            let (own, other) = pipe::<(), Vec<u8>>().unwrap();
            let task = (other, 64 * MIB, gate.name());
            let process = mp::spawn(send_for_ever, task).unwrap();
            gate.next().release();
            let whole = own.recv().unwrap();
            assert!(whole == pattern(64 * MIB, 1));
            thread::sleep(Duration::from_micros(500 * (round % 10))); // work: the sender's, for a while
            kill(&process);
            let mut last = own.recv();
            while last.is_ok() {
                last = own.recv();
            }
            match last.unwrap_err().kind() {
                ErrorKind::Truncated => cut_off += 1,
                kind => assert_eq!(kind, ErrorKind::Disconnected),
            }
            assert_eq!(own.recv().unwrap_err().kind(), ErrorKind::Disconnected);
            if cut_off == 3 {
                return;
            }
        }
        panic!("no sender was met in the middle of a message");
    });
}

#[mp::test]
fn conn_01_the_example_of_father_and_son_prints_both_letters() {
    let finished = example("pipe").run();
    finished.assert_success();
    assert_eq!(finished.value("the father got: "), "son to father message");
    assert_eq!(finished.value("the son got: "), "father to son message");
}

#[mp::task]
fn send_ten(end: Connection<u64, ()>, from: u64) {
    (from..from + 10).for_each(|number| end.send(number).expect("the other end is there"));
}

#[mp::test]
fn conn_21_wait_gives_what_four_children_send_until_each_has_ended() {
    watched(|| {
        let mut ends = Vec::new();
        for of in 0..4 {
            let (own, other) = pipe::<(), u64>().unwrap();
            mp::spawn(send_ten, (other, 10 * of)).unwrap();
            ends.push(own);
        }
        let mut all = Vec::new();
        while !ends.is_empty() {
            let items: Vec<&dyn mp::Waitable> = ends.iter().map(|end| end as _).collect();
            let ready = mp::wait(&items, Some(BOUNDED)).unwrap();
            assert!(!ready.is_empty(), "nothing within {BOUNDED:?}");
            for at in ready.into_iter().rev() {
                match ends[at].try_recv() {
                    Ok(number) => all.push(number),
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Disconnected);
                        ends.remove(at);
                    }
                }
            }
        }
        all.sort_unstable();
        assert!(all.into_iter().eq(0..40));
    });
}

#[mp::test]
fn conn_20_wait_tells_which_of_several_kinds_are_ready() {
    watched(|| {
        let (own, other) = pipe::<u64, u64>().unwrap();
        let (sender, receiver) = mp::channel::<u64>().unwrap();
        let queue = mp::Queue::<u64>::new().unwrap();
        let ready = |timeout| mp::wait(&[&own, &receiver, &queue], Some(timeout)).unwrap();
        assert!(ready(Duration::ZERO).is_empty() && ready(SHORT).is_empty());
        queue.put(1).unwrap();
        assert_eq!(ready(BOUNDED), [2]);
        other.send(1).unwrap();
        drop(sender);
        assert_eq!(ready(BOUNDED), [0, 1, 2]);
        assert_eq!((own.recv().unwrap(), queue.get().unwrap()), (1, 1));
        assert_eq!(ready(Duration::ZERO), [1]);
        receiver.close();
        assert!(mp::wait(&[&receiver], Some(SHORT)).is_err());
    });
}
