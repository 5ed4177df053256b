//! `Condition`: who is woken, who is not, and what becomes of a notification whose receiver is killed.

use crate::support::{repeat, wait_until};
use crate::tally::Tally;
use crate::{BOUNDED, PROMPT, SHORT, assert_ran_out, kill, timed, wait_until_asleep, watched};
use mp::{Condition, ErrorKind, Lock, Process};
use std::thread;
use std::time::Duration;

/// A condition, the cells that its lock protects, and who waits.
struct Group {
    condition: Condition,
    tally: Tally,
    members: Vec<Process<wait_once>>,
}

const WAITING: u64 = 0;
const WOKEN: u64 = 1;

#[mp::task]
fn wait_once(condition: Condition, tally: Tally) {
    let mut guard = condition.lock().unwrap();
    tally.add(WAITING);
    condition.wait(&mut guard).unwrap();
    tally.add(WOKEN);
}

#[mp::task]
fn wait_at_most(condition: Condition, tally: Tally, timeout: Duration) -> bool {
    let mut guard = condition.lock().unwrap();
    tally.add(WAITING);
    condition.wait_timeout(&mut guard, timeout).unwrap()
}

impl Group {
    fn new() -> Self {
        let condition = Condition::new().unwrap();
        Self { condition, tally: Tally::new(), members: Vec::new() }
    }

    /// Starts some that wait, one after the other.
    fn of(count: u64) -> Self {
        let mut group = Self::new();
        for waiting in 1..=count {
            let arguments = (group.condition.clone(), group.tally.clone());
            group.members.push(mp::spawn(wait_once, arguments).unwrap());
            group.wait_for(WAITING, waiting);
        }
        group
    }

    fn get(&self, cell: u64) -> u64 {
        let _guard = self.condition.lock().unwrap();
        self.tally.get(cell)
    }

    fn wait_for(&self, cell: u64, value: u64) {
        wait_until(BOUNDED, "the cell has its value", || self.get(cell) == value);
    }

    fn notify(&self, count: usize) {
        let guard = self.condition.lock().unwrap();
        self.condition.notify(&guard, count).unwrap();
    }

    /// That so many are woken, and no more.
    fn assert_woken(&self, count: u64) {
        self.wait_for(WOKEN, count);
        // Time for one more, if there is one.
        let never = Condition::new().unwrap();
        assert!(!never.wait_timeout(&mut never.lock().unwrap(), SHORT).unwrap());
        assert_eq!(self.get(WOKEN), count);
    }

    fn join(self) {
        for member in self.members {
            member.result().unwrap();
        }
    }
}

#[mp::test]
fn sync_16_notify_wakes_one_and_stores_nothing() {
    watched(|| {
        let group = Group::of(1);
        thread::scope(|scope| {
            let arguments = (group.condition.clone(), group.tally.clone());
            scope.spawn(|| wait_once(arguments.0, arguments.1));
            group.wait_for(WAITING, 2);
            group.notify(1);
            group.assert_woken(1);
            group.notify(1);
            group.assert_woken(2);
        });
        group.notify(1);
        group.notify(5);
        let mut guard = group.condition.lock().unwrap();
        assert!(!group.condition.wait_timeout(&mut guard, SHORT).unwrap(), "nothing is stored");
        drop(guard);
        group.join();
    });
}

#[mp::test]
fn sync_17_notify_two_of_six_then_four() {
    watched(|| {
        let group = Group::of(6);
        group.notify(2);
        group.assert_woken(2);
        group.notify(4);
        group.assert_woken(6);
        group.notify(3);
        group.join();
    });
}

#[mp::test]
fn sync_16_the_one_that_has_waited_longest_is_woken() {
    watched(|| {
        let group = Group::of(3);
        for (woken, member) in (1..).zip(&group.members) {
            group.notify(1);
            group.wait_for(WOKEN, woken);
            assert!(member.join_timeout(BOUNDED).unwrap());
        }
        group.join();
    });
}

#[mp::test]
fn sync_18_notify_all_wakes_six_after_six_timeouts() {
    watched(|| {
        let group = Group::new();
        let hasty = [(); 6].map(|()| {
            let arguments = (group.condition.clone(), group.tally.clone(), SHORT);
            mp::spawn(wait_at_most, arguments).unwrap()
        });
        assert!(hasty.into_iter().all(|process| !process.result().unwrap()));
        let patient = [(); 6].map(|()| {
            let arguments = (group.condition.clone(), group.tally.clone());
            mp::spawn(wait_once, arguments).unwrap()
        });
        group.wait_for(WAITING, 12);
        let guard = group.condition.lock().unwrap();
        group.condition.notify_all(&guard).unwrap();
        drop(guard);
        patient.into_iter().for_each(|process| process.result().unwrap());
    });
}

#[mp::test]
fn sync_19_a_timeout_runs_out_with_the_lock_held_again() {
    watched(|| {
        let condition = Condition::new().unwrap();
        let mut guard = condition.lock().unwrap();
        let (notified, took) = timed(|| condition.wait_timeout(&mut guard, SHORT).unwrap());
        assert!(!notified);
        assert_ran_out(took, SHORT);
        let other = condition.clone();
        let is_free = move || other.lock().is_ok_and(|_| true);
        let waiting = thread::spawn(is_free);
        assert!(!waiting.is_finished());
        drop(guard);
        assert!(waiting.join().unwrap());
        // And in time.
        let group = Group { condition, ..Group::new() };
        let arguments = (group.condition.clone(), group.tally.clone(), BOUNDED);
        let waiter = mp::spawn(wait_at_most, arguments).unwrap();
        group.wait_for(WAITING, 1);
        group.notify(1);
        assert!(waiter.result().unwrap());
    });
}

#[mp::test]
fn sync_19_the_lock_is_given_back_while_it_waits() {
    watched(|| {
        let lock = Lock::new().unwrap();
        let condition = Condition::with_lock(&lock).unwrap();
        thread::scope(|scope| {
            let mut guard = lock.lock().unwrap();
            scope.spawn(|| {
                let guard = lock.lock().unwrap();
                condition.notify_one(&guard).unwrap();
            });
            condition.wait(&mut guard).unwrap();
            assert!(!lock.try_acquire().unwrap(), "it is this thread's again");
        });
    });
}

#[mp::test]
fn sync_15_another_locks_guard_is_refused() {
    watched(|| {
        let (condition, lock) = (Condition::new().unwrap(), Lock::new().unwrap());
        let mut guard = lock.lock().unwrap();
        let errors = [
            condition.wait(&mut guard).unwrap_err(),
            condition.wait_for(&mut guard, || true).unwrap_err(),
            condition.notify_one(&guard).unwrap_err(),
            condition.notify_all(&guard).unwrap_err(),
        ];
        assert!(errors.iter().all(|error| error.kind() == ErrorKind::InvalidArgument));
        // Its own lock's, and released under the guard.
        let condition = Condition::with_lock(&lock).unwrap();
        lock.release().unwrap();
        assert_eq!(condition.wait(&mut guard).unwrap_err().kind(), ErrorKind::NotOwner);
    });
}

#[mp::task]
fn count_up(condition: Condition, tally: Tally, to: u64) {
    for _ in 0..to {
        let guard = condition.lock().unwrap();
        tally.add(0);
        condition.notify_all(&guard).unwrap();
    }
}

#[mp::test]
fn sync_20_wait_for_gives_the_predicates_value() {
    watched(|| {
        let (condition, tally) = (Condition::new().unwrap(), Tally::new());
        let counter = mp::spawn(count_up, (condition.clone(), tally.clone(), 20)).unwrap();
        let mut guard = condition.lock().unwrap();
        condition.wait_for(&mut guard, || tally.get(0) >= 20).unwrap();
        assert!(condition.wait_for_timeout(&mut guard, Duration::ZERO, || true).unwrap());
        drop(guard);
        counter.result().unwrap();
    });
}

#[mp::task]
fn notify_for_ever(condition: Condition) {
    loop {
        let guard = condition.lock().unwrap();
        condition.notify_all(&guard).unwrap();
        drop(guard);
        thread::yield_now();
    }
}

#[mp::test]
fn sync_20_one_deadline_for_all_wake_ups() {
    watched(|| {
        let condition = Condition::new().unwrap();
        let noisy = mp::spawn(notify_for_ever, condition.clone()).unwrap();
        let mut guard = condition.lock().unwrap();
        let mut asked = 0_u32;
        let predicate = || {
            asked += 1;
            false
        };
        let wait = || condition.wait_for_timeout(&mut guard, SHORT, predicate).unwrap();
        let (value, took) = timed(wait);
        assert!(!value);
        assert_ran_out(took, SHORT);
        assert!(asked > 2, "it was notified meanwhile, and asked {asked} times");
        drop(guard);
        kill(&noisy);
    });
}

#[mp::test]
fn sync_33_bey_05_killed_waiters_are_passed_over() {
    watched(|| {
        let group = Group::of(4);
        kill(&group.members[0]);
        kill(&group.members[2]);
        let (_, took) = timed(|| group.notify(1));
        assert!(took < PROMPT, "it took {took:?}");
        group.assert_woken(1);
        assert!(group.members[1].join_timeout(BOUNDED).unwrap());
        group.notify(1);
        group.assert_woken(2);
    });
}

#[mp::test]
fn sync_33_a_notification_is_not_lost_with_its_receiver() {
    watched(|| {
        repeat(5, |_| {
            let group = Group::of(2);
            let guard = group.condition.lock().unwrap();
            group.condition.notify_one(&guard).unwrap();
            // It has been told, and cannot go on without the lock.
            kill(&group.members[0]);
            drop(guard);
            group.wait_for(WOKEN, 1);
            assert!(group.members[1].join_timeout(BOUNDED).unwrap());
        });
    });
}

#[mp::test]
fn sync_32_a_waiter_sees_that_an_owner_died_meanwhile() {
    watched(|| {
        let condition = Condition::new().unwrap();
        let mut guard = condition.lock().unwrap();
        let dying = mp::spawn(notify_and_stay, condition.clone()).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                let comm = format!("/proc/{}/comm", dying.pid().unwrap());
                let name = || std::fs::read_to_string(&comm).unwrap_or_default();
                wait_until(BOUNDED, "it has notified", || name().trim() == "told");
                kill(&dying);
            });
            condition.wait(&mut guard).unwrap();
        });
        assert!(guard.owner_died());
    });
}

#[mp::task]
fn notify_and_stay(condition: Condition) {
    let guard = condition.lock().unwrap();
    condition.notify_one(&guard).unwrap();
    std::fs::write("/proc/self/comm", "told").unwrap();
    crate::stay();
}

#[mp::test]
fn sync_35_a_waiter_on_a_condition_sleeps() {
    watched(|| {
        let group = Group::of(1);
        wait_until_asleep(group.members[0].pid().unwrap());
        group.notify(1);
        group.join();
    });
}

#[mp::task]
fn ping_pong(condition: Condition, tally: Tally, mine: u64, rounds: u64) {
    for _ in 0..rounds {
        let mut guard = condition.lock().unwrap();
        condition.wait_for(&mut guard, || tally.get(0) % 2 == mine).unwrap();
        tally.add(0);
        condition.notify_one(&guard).unwrap();
    }
}

#[mp::test]
fn sync_16_race_two_take_turns() {
    watched(|| {
        let (condition, tally) = (Condition::new().unwrap(), Tally::new());
        let other = mp::spawn(ping_pong, (condition.clone(), tally.clone(), 1, 500)).unwrap();
        ping_pong(condition, tally.clone(), 0, 500);
        other.result().unwrap();
        assert_eq!(tally.get(0), 1000);
    });
}
