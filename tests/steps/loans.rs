//! A process killed at each step of writing and of reading messages in place; then what others find, and that all loans and
//! memory come back.

use crate::support::scenario;
use crate::{die_at, every_step_gives_back, run, survived};
use mp::__private::steps;
use mp::{Queue, Receiver, Sender};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);
/// There are so many at a time.
const MOST: usize = 16;

fn put(queue: &Queue<Vec<u8>>, number: u64, len: usize) {
    let mut loan = queue.loan_timeout::<u64>(len, LONG).unwrap();
    loan.fill(number);
    loan.send().unwrap();
}

fn get(queue: &Queue<Vec<u8>>, len: usize) -> u64 {
    let numbers = queue.get_loan_timeout::<u64>(LONG).unwrap();
    assert!(numbers.len() == len && numbers.iter().all(|number| *number == numbers[0]));
    numbers[0]
}

/// Whether each of the loans can be had.
fn all_are_back(queue: &Queue<Vec<u8>>) -> bool {
    let loans: Vec<_> = (0..MOST).map_while(|_| queue.loan_timeout::<u64>(1, LONG).ok()).collect();
    loans.len() == MOST
}

#[mp::task]
fn put_three(queue: Queue<Vec<u8>>, len: usize, step: u64) {
    die_at(step);
    (0..3).for_each(|number| put(&queue, number, len));
    drop(queue.loan::<u64>(len).unwrap());
    drop(queue);
    steps::survived();
}

fn put_round(queue: Queue<Vec<u8>>, len: usize, step: u64) -> bool {
    let survived = survived(&mp::spawn(put_three, (queue.clone(), len, step)).unwrap());
    put(&queue, 99, len);
    let mut got = Vec::new();
    while got.last() != Some(&99) {
        got.push(get(&queue, len));
    }
    let whole = got.len() as u64 - 1;
    assert!(got.iter().copied().eq((0..whole).chain([99])), "{got:?}");
    assert!(!survived || whole == 3);
    assert!(queue.is_empty() && all_are_back(&queue));
    survived
}

#[mp::test]
fn queue_21_a_lender_killed_at_any_step_leaves_a_queue_in_order() {
    run(scenario!(|| every_step_gives_back(|step| put_round(Queue::new().unwrap(), 10, step))));
}

#[mp::task]
fn get_three(queue: Queue<Vec<u8>>, len: usize, step: u64) {
    die_at(step);
    (0..3).for_each(|number| assert_eq!(get(&queue, len), number));
    drop(queue);
    steps::survived();
}

fn get_round(queue: Queue<Vec<u8>>, len: usize, step: u64) -> bool {
    (0..6).for_each(|number| put(&queue, number, len));
    let survived = survived(&mp::spawn(get_three, (queue.clone(), len, step)).unwrap());
    let mut rest = Vec::new();
    while rest.last() != Some(&5) {
        rest.push(get(&queue, len));
    }
    let first = rest[0];
    assert!(first <= 3 && rest.iter().copied().eq(first..6), "{rest:?}");
    assert!(!survived || first == 3);
    assert!(queue.is_empty() && all_are_back(&queue));
    survived
}

#[mp::test]
fn queue_20_a_reader_in_place_killed_at_any_step_takes_its_own_item_only() {
    run(scenario!(|| every_step_gives_back(|step| get_round(Queue::new().unwrap(), 10, step))));
}

#[mp::task]
fn send_two(sender: Sender<Vec<u8>>, step: u64) {
    die_at(step);
    for number in 0..2 {
        let mut loan = sender.loan::<u64>(50_000).unwrap();
        loan.fill(number);
        loan.send().unwrap();
    }
    drop(sender);
    steps::survived();
}

/// The receiver gets what was sent, and then the end; the memory of its loans goes with the channel.
#[mp::test]
fn bey_03_a_lender_killed_at_any_step_ends_its_channel() {
    run(scenario!(|| every_step_gives_back(|step| {
        let (sender, receiver): (_, Receiver<Vec<u8>>) = mp::channel().unwrap();
        let dies = mp::spawn(send_two, (sender, step)).unwrap();
        let mut got = 0;
        while let Ok(numbers) = receiver.recv_loan_timeout::<u64>(LONG) {
            assert!(numbers.len() == 50_000 && numbers.iter().all(|number| *number == got));
            got += 1;
        }
        let survived = survived(&dies);
        assert!(got <= 2 && (!survived || got == 2));
        survived
    })));
}
