//! The board: words, wake-ups and places among the spinning.

use super::sleep::Beds;
use super::{Board, NUMBERS, SEATS, Sleeper, State, Word};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

fn board() -> Board {
    Board::map(&Board::create().unwrap()).unwrap()
}

#[test]
fn a_word_is_what_was_packed() {
    for state in [State::Free, State::Filled, State::Claimed, State::Running] {
        let word = Word { generation: u32::MAX - 3, worker: NUMBERS - 1, state };
        assert_eq!(Word::unpack(word.pack()), word);
    }
}

#[test]
fn each_wake_reaches_one_sleeper() {
    let board = board();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for seat in [0, 63, 64, SEATS - 1] {
            let (board, stop) = (&board, &stop);
            scope.spawn(move || board.park(seat, None, || stop.load(Relaxed)));
        }
        while board.asleep().count() < 4 {
            thread::yield_now();
        }
        for left in (0..4).rev() {
            board.wake(1);
            while board.asleep().count() > left {
                thread::yield_now();
            }
        }
        board.wake(1);
    });
}

#[test]
fn two_wakes_at_once_reach_two_sleepers() {
    let board = board();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let (board, stop) = (&board, &stop);
        let park = |seat| scope.spawn(move || board.park(seat, None, || stop.load(Relaxed)));
        let sleepers = [3, 70].map(park);
        while board.asleep().count() < 2 {
            thread::yield_now();
        }
        board.wake(1);
        board.wake(1);
        let start = Instant::now();
        let awake = || sleepers.iter().all(ScopedJoinHandle::is_finished);
        while !awake() && start.elapsed() < Duration::from_secs(10) {
            thread::yield_now();
        }
        let awake = awake();
        board.wake_all(0..SEATS);
        assert!(awake, "the second wake went to the first's receiver");
    });
}

#[test]
fn a_result_rings_only_who_is_armed_and_once() {
    let board = board();
    let bells = || [Sleeper::Leader, Sleeper::Collector].map(|who| board.bell_of(who));
    board.announce();
    assert_eq!(bells(), [0, 0]);
    board.arm(Sleeper::Leader);
    board.announce();
    board.announce();
    assert_eq!(bells(), [1, 0]);
    board.arm(Sleeper::Collector);
    board.announce();
    assert_eq!(bells(), [1, 1]);
}

#[test]
fn spinners_are_limited_and_a_dead_ones_place_is_given_back() {
    let board = board();
    assert!(board.start_spinning(3, 2) && board.start_spinning(900, 2));
    assert!(!board.start_spinning(5, 2));
    board.clear_seat(900);
    assert!(board.start_spinning(5, 2));
}
