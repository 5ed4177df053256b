//! `Event`: set, cleared, waited for, and nobody missed.

use crate::support::repeat;
use crate::{BOUNDED, PROMPT, SHORT, assert_ran_out, kill, timed, wait_until_asleep, watched};
use mp::{Event, Semaphore};
use std::thread;
use std::time::Duration;

#[mp::task]
fn wait(event: Event) {
    event.wait();
}

#[mp::task]
fn wait_at_most(event: Event, timeout: Duration) -> bool {
    event.wait_timeout(timeout)
}

#[mp::test]
fn sync_12_unset_then_set_until_cleared() {
    watched(|| {
        let event = Event::new().unwrap();
        assert!(!event.is_set());
        let (is_set, took) = timed(|| event.wait_timeout(SHORT));
        assert!(!is_set);
        assert_ran_out(took, SHORT);
        assert!(!event.wait_timeout(Duration::ZERO));
        event.set();
        event.set();
        for _ in 0..2 {
            assert!(event.is_set() && event.wait_timeout(Duration::ZERO));
            event.wait();
        }
        assert!(mp::spawn(wait_at_most, (event.clone(), BOUNDED)).unwrap().result().unwrap());
        event.clear();
        event.clear();
        assert!(!event.is_set() && !event.wait_timeout(Duration::ZERO));
        assert_eq!(format!("{event:?}"), "Event { is_set: false, .. }");
    });
}

#[mp::test]
fn sync_13_set_wakes_every_waiter_everywhere() {
    watched(|| {
        let event = Event::new().unwrap();
        let processes = [(); 3].map(|()| mp::spawn(wait, event.clone()).unwrap());
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| event.wait());
            }
            for process in &processes {
                wait_until_asleep(process.pid().unwrap());
            }
            let (_, took) = timed(|| event.set());
            assert!(took < PROMPT);
        });
        for process in processes {
            assert!(process.join_timeout(BOUNDED).unwrap());
        }
    });
}

#[mp::test]
fn sync_14_bey_30_set_and_cleared_at_once_lets_go_who_waited() {
    watched(|| {
        let event = Event::new().unwrap();
        let waiters = [(); 3].map(|()| mp::spawn(wait, event.clone()).unwrap());
        for waiter in &waiters {
            wait_until_asleep(waiter.pid().unwrap());
        }
        event.set();
        event.clear();
        for waiter in &waiters {
            assert!(waiter.join_timeout(BOUNDED).unwrap());
        }
        assert!(!event.is_set());
    });
}

#[mp::task]
fn wait_often(event: Event, ready: Semaphore, done: Semaphore) {
    loop {
        ready.release().unwrap();
        event.wait();
        done.release().unwrap();
    }
}

#[mp::test]
fn sync_14_race_sets_on_the_way_to_sleep() {
    watched(|| {
        let [event, never] = [(); 2].map(|()| Event::new().unwrap());
        let [ready, done] = [(); 2].map(|()| Semaphore::new(0).unwrap());
        let waiter = mp::spawn(wait_often, (event.clone(), ready.clone(), done.clone())).unwrap();
        repeat(200, |round| {
            assert!(ready.acquire_timeout(BOUNDED).unwrap());
            let _ = never.wait_timeout(Duration::from_micros(round as u64 % 50));
            event.set();
            event.clear();
            // It may not have begun to wait; once it has, one is enough.
            while !done.acquire_timeout(Duration::from_micros(200)).unwrap() {
                event.set();
                event.clear();
            }
        });
        kill(&waiter);
    });
}

#[mp::test]
fn sync_33_bey_05_a_killed_waiter_holds_nobody_up() {
    watched(|| {
        let event = Event::new().unwrap();
        let killed = mp::spawn(wait, event.clone()).unwrap();
        let other = mp::spawn(wait, event.clone()).unwrap();
        wait_until_asleep(killed.pid().unwrap());
        wait_until_asleep(other.pid().unwrap());
        kill(&killed);
        let (_, took) = timed(|| event.set());
        assert!(took < PROMPT, "it took {took:?}");
        assert!(other.join_timeout(BOUNDED).unwrap());
    });
}
