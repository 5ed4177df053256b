//! A process killed at each step of cloning, closing and dropping handles, and of sending and receiving them in messages; then
//! what others find, and that all memory comes back.

use crate::support::scenario;
use crate::{die_at, every_step_gives_back, run, survived};
use mp::__private::steps;
use mp::{ErrorKind, Queue};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);

#[mp::task]
fn get_all(queue: Queue<u64>) -> Vec<u64> {
    queue.iter().map_while(Result::ok).collect()
}

#[mp::task]
fn clone_and_close(queue: Queue<u64>, step: u64) {
    die_at(step);
    let clone = queue.clone();
    queue.put(1).unwrap();
    queue.close();
    clone.put(2).unwrap();
    drop((queue, clone));
    steps::survived();
}

#[mp::test]
fn queue_19_a_user_killed_at_any_step_of_leaving_has_left() {
    run(scenario!(|| every_step_gives_back(|step| {
        let queue = Queue::new().unwrap();
        let waits = mp::spawn(get_all, queue.clone()).unwrap();
        let leaves = mp::spawn(clone_and_close, (queue, step)).unwrap();
        let got = waits.result().unwrap();
        let survived = survived(&leaves);
        assert!([1, 2].starts_with(&got) && (!survived || got.len() == 2), "{got:?}");
        survived
    })));
}

#[mp::task]
fn close_all(queue: Queue<u64>, step: u64) {
    die_at(step);
    queue.close_all();
    steps::survived();
}

#[mp::test]
fn bey_28_a_process_killed_at_any_step_of_closing_a_queue_leaves_it_open_or_closed() {
    run(scenario!(|| every_step_gives_back(|step| {
        let queue = Queue::new().unwrap();
        let waits = mp::spawn(get_all, queue.clone()).unwrap();
        let survived = survived(&mp::spawn(close_all, (queue.clone(), step)).unwrap());
        match queue.put(1) {
            Ok(()) => assert!(!survived),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Closed),
        }
        queue.close_all();
        assert!(waits.result().unwrap().len() <= 1);
        survived
    })));
}

#[mp::task]
fn put_new(carrier: Queue<Queue<u64>>, step: u64) {
    steps::die_at(step);
    let queue = Queue::new().unwrap();
    queue.put(7).unwrap();
    carrier.put(queue.clone()).unwrap();
    queue.put(8).unwrap();
    drop((queue, carrier));
    steps::survived();
}

#[mp::test]
fn queue_18_one_killed_at_any_step_of_sending_a_queue_has_sent_it_or_not() {
    run(scenario!(|| every_step_gives_back(|step| {
        let carrier = Queue::new().unwrap();
        let survived = survived(&mp::spawn(put_new, (carrier.clone(), step)).unwrap());
        let got: Vec<u64> = match carrier.try_get() {
            Ok(queue) => (0..).map_while(|_| queue.try_get().ok()).collect(),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Empty, "{error}");
                Vec::new()
            }
        };
        assert!([7, 8].starts_with(&got) && (!survived || got.len() == 2), "{got:?}");
        survived
    })));
}

#[mp::task]
fn get_and_use(carrier: Queue<Queue<u64>>, step: u64) {
    die_at(step);
    let queue = carrier.get().unwrap();
    assert_eq!(queue.get().unwrap(), 7);
    queue.put(8).unwrap();
    drop((queue, carrier));
    steps::survived();
}

/// What it has taken and not used is given up with it, so that nobody waits for it.
#[mp::test]
fn queue_18_one_killed_at_any_step_of_receiving_a_queue_has_given_it_up() {
    run(scenario!(|| every_step_gives_back(|step| {
        let carrier = Queue::new().unwrap();
        let queue = Queue::new().unwrap();
        queue.put(7).unwrap();
        carrier.put(queue.clone()).unwrap();
        let survived = survived(&mp::spawn(get_and_use, (carrier.clone(), step)).unwrap());
        let got: Vec<u64> = (0..).map_while(|_| queue.try_get().ok()).collect();
        assert!([&[7][..], &[], &[8]].contains(&&got[..]) && (!survived || got == [8]), "{got:?}");
        match carrier.try_get() {
            Ok(carried) => assert!(carried.is_empty() && got == [7]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Empty, "{error}"),
        }
        drop(carrier);
        assert_eq!(queue.get().unwrap_err().kind(), ErrorKind::Disconnected);
        survived
    })));
}

#[mp::task]
fn pass_on(from: Queue<Queue<u64>>, to: Queue<Queue<u64>>, step: u64) {
    die_at(step);
    to.put(from.get().unwrap()).unwrap();
    drop((from, to));
    steps::survived();
}

#[mp::test]
fn queue_18_one_killed_at_any_step_of_passing_a_queue_on_leaves_it_in_one_place_at_most() {
    run(scenario!(|| every_step_gives_back(|step| {
        let (from, to) = (Queue::new().unwrap(), Queue::new().unwrap());
        let queue = Queue::new().unwrap();
        queue.put(7).unwrap();
        from.put(queue).unwrap();
        let survived = survived(&mp::spawn(pass_on, (from.clone(), to.clone(), step)).unwrap());
        let places = [from.get_timeout(Duration::ZERO), to.get_timeout(Duration::ZERO)];
        let found: Vec<u64> =
            places.iter().flatten().map(|queue| queue.get_timeout(LONG).unwrap()).collect();
        assert!(found.is_empty() || found == [7], "{found:?}");
        assert!(!survived || places[1].is_ok());
        survived
    })));
}
