//! A process killed at each step of putting, getting, sending, receiving, and of making, cloning and dropping handles; then
//! what others find, and that all memory comes back.

use crate::support::scenario;
use crate::{die_at, every_step_gives_back, run, survived};
use mp::__private::steps;
use mp::{ErrorKind, Queue, Receiver, Sender};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);

/// The number in front, and bytes that follow from it.
type Item = (u64, Vec<u8>);

fn item(number: u64, len: usize) -> Item {
    (number, (0..len).map(|at| (at as u64 ^ number) as u8).collect())
}

fn check((number, bytes): Item) -> u64 {
    assert!(bytes == item(number, bytes.len()).1, "item {number} is damaged");
    number
}

#[mp::task]
fn put_three(queue: Queue<Item>, len: usize, step: u64) {
    die_at(step);
    for number in 0..3 {
        queue.put(item(number, len)).unwrap();
    }
    drop(queue);
    steps::survived();
}

/// Gets until the one with the number 99 comes.
#[mp::task]
fn get_up_to_99(queue: Queue<Item>) -> Vec<u64> {
    let mut all = Vec::new();
    while all.last() != Some(&99) {
        all.push(check(queue.get_timeout(LONG).unwrap()));
    }
    all
}

fn put_round(queue: Queue<Item>, len: usize, step: u64) -> bool {
    let gets = mp::spawn(get_up_to_99, queue.clone()).unwrap();
    let survived = survived(&mp::spawn(put_three, (queue.clone(), len, step)).unwrap());
    queue.put_timeout(item(99, len), LONG).unwrap();
    let got = gets.result().unwrap();
    let whole = got.len() as u64 - 1;
    assert!(got.iter().copied().eq((0..whole).chain([99])), "{got:?}");
    assert!(!survived || whole == 3);
    assert!(queue.is_empty());
    survived
}

#[mp::test]
fn bey_03_a_producer_killed_at_any_step_leaves_a_queue_in_order() {
    run(scenario!(|| every_step_gives_back(|step| put_round(Queue::new().unwrap(), 20, step))));
}

#[mp::test]
fn bey_03_a_producer_killed_at_any_step_of_new_blocks_leaves_a_queue_in_order() {
    run(scenario!(|| {
        every_step_gives_back(|step| put_round(Queue::new().unwrap(), 40_000, step));
    }));
}

#[mp::test]
fn bey_03_a_producer_killed_at_any_step_of_waiting_for_room_leaves_a_queue_in_order() {
    run(scenario!(|| {
        every_step_gives_back(|step| put_round(Queue::bounded(1).unwrap(), 20, step));
    }));
}

#[mp::task]
fn get_three(queue: Queue<Item>, step: u64) {
    die_at(step);
    for number in 0..3 {
        assert_eq!(check(queue.get().unwrap()), number);
    }
    drop(queue);
    steps::survived();
}

#[mp::task]
fn put_range(queue: Queue<Item>, len: usize, to: u64) {
    for number in 0..to {
        queue.put_timeout(item(number, len), LONG).unwrap();
    }
}

fn get_round(queue: Queue<Item>, len: usize, step: u64) -> bool {
    let puts = mp::spawn(put_range, (queue.clone(), len, 6)).unwrap();
    let survived = survived(&mp::spawn(get_three, (queue.clone(), step)).unwrap());
    let mut rest = Vec::new();
    while rest.last() != Some(&5) {
        rest.push(check(queue.get_timeout(LONG).unwrap()));
    }
    let first = rest[0];
    assert!(first <= 3 && rest.iter().copied().eq(first..6), "{rest:?}");
    assert!(!survived || first == 3);
    puts.result().unwrap();
    for number in 10..20 {
        queue.put_timeout(item(number, len), LONG).unwrap();
        assert_eq!(check(queue.get_timeout(LONG).unwrap()), number);
    }
    assert!(queue.is_empty());
    survived
}

#[mp::test]
fn bey_03_a_consumer_killed_at_any_step_takes_its_own_item_only() {
    run(scenario!(|| every_step_gives_back(|step| get_round(Queue::new().unwrap(), 20, step))));
}

#[mp::test]
fn bey_03_a_consumer_killed_at_any_step_between_blocks_takes_its_own_item_only() {
    run(scenario!(|| {
        every_step_gives_back(|step| get_round(Queue::new().unwrap(), 40_000, step));
    }));
}

#[mp::test]
fn bey_03_a_consumer_killed_at_any_step_of_a_full_queue_takes_its_own_item_only() {
    run(scenario!(|| {
        every_step_gives_back(|step| get_round(Queue::bounded(2).unwrap(), 20, step));
    }));
}

#[mp::task]
fn send_two(sender: Sender<Item>, len: usize, step: u64) {
    die_at(step);
    for number in 0..2 {
        sender.send(item(number, len)).unwrap();
    }
    drop(sender);
    steps::survived();
}

#[mp::test]
fn bey_03_a_sender_killed_at_any_step_ends_its_channel() {
    run(scenario!(|| every_step_gives_back(|step| {
        let (sender, receiver) = mp::channel().unwrap();
        let dies = mp::spawn(send_two, (sender, 20, step)).unwrap();
        let mut got = 0;
        let end = loop {
            match receiver.recv_timeout(LONG) {
                Ok(item) => assert_eq!(check(item), got),
                Err(error) => break error,
            }
            got += 1;
        };
        let survived = survived(&dies);
        if end.kind() == ErrorKind::Truncated {
            assert!(!survived);
            assert_eq!(receiver.recv().unwrap_err().kind(), ErrorKind::Disconnected);
        } else {
            assert_eq!(end.kind(), ErrorKind::Disconnected, "{end}");
        }
        assert!(got <= 2 && (!survived || got == 2));
        survived
    })));
}

#[mp::task]
fn receive_two(receiver: Receiver<Item>, step: u64) {
    die_at(step);
    for number in 0..2 {
        assert_eq!(check(receiver.recv().unwrap()), number);
    }
    drop(receiver);
    steps::survived();
}

/// The channel holds a megabyte, so the sender waits for room.
#[mp::test]
fn bey_03_a_receiver_killed_at_any_step_ends_its_channel() {
    run(scenario!(|| every_step_gives_back(|step| {
        let (sender, receiver) = mp::channel().unwrap();
        let dies = mp::spawn(receive_two, (receiver, step)).unwrap();
        let end = (0..).find_map(|number| sender.send_timeout(item(number, 400_000), LONG).err());
        assert_eq!(end.unwrap().kind(), ErrorKind::Disconnected);
        survived(&dies)
    })));
}
