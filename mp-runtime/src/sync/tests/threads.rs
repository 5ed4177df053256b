//! The algorithms in threads of this process, with real futexes and clocks.

use super::words::{BarrierWords, ConditionWords, EventWords, LockWords, SemaphoreWords};
use crate::sync::me::{Me, thread_number};
use crate::sync::raw::Outcome;
use crate::sync::rounds::{Arrival, Broken};
use crate::sync::tickets::Told;
use crate::sync::word::Patience;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const ALL_ALIVE: fn(u32) -> bool = |_| true;
const NONE_BUT_ME: fn(u32) -> bool = |_| false;
const CLEAN: Outcome = Outcome::Taken { owner_died: false };

fn me(number: u32) -> Me<'static> {
    Me::new(number, thread_number(), &ALL_ALIVE)
}

#[test]
fn lock_counts_right_in_four_threads() {
    let lock = LockWords::<AtomicU32>::new();
    let count = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    assert_eq!(lock.raw().take(&me(1), Patience::endless), CLEAN);
                    count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                    assert!(lock.raw().give_back(&me(1)));
                }
            });
        }
    });
    assert_eq!(count.into_inner(), 80_000);
    assert_eq!(lock.word.into_inner(), 0);
}

#[test]
fn lock_knows_its_thread() {
    let lock = LockWords::<AtomicU32>::new();
    assert_eq!(lock.raw().take(&me(1), Patience::endless), CLEAN);
    assert_eq!(lock.raw().take(&me(1), Patience::endless), Outcome::Mine);
    let hasty = || Patience::of(Duration::from_millis(20));
    assert_eq!(lock.raw().take(&me(1), hasty), Outcome::TimedOut);
    assert_eq!(lock.raw().try_take(&me(1)), None);
    assert!(!lock.raw().give_back(&me(2)));
    thread::scope(|scope| {
        scope.spawn(|| assert!(!lock.raw().give_back(&me(1))));
    });
    assert!(lock.raw().give_back(&me(1)));
    assert!(!lock.raw().give_back(&me(1)));
}

#[test]
fn lock_of_a_dead_owner_is_taken_at_once() {
    let lock = LockWords::<AtomicU32>::new();
    assert_eq!(lock.raw().take(&me(7), Patience::endless), CLEAN);
    let heir = Me::new(8, 1, &NONE_BUT_ME);
    let died = Outcome::Taken { owner_died: true };
    assert_eq!(lock.raw().try_take(&heir), Some(died));
    assert!(lock.raw().give_back(&heir));
    assert_eq!(lock.raw().try_take(&heir), Some(CLEAN));
}

#[test]
fn lock_lets_a_waiter_in_between_long_holds() {
    let lock = LockWords::<AtomicU32>::new();
    let done = AtomicU32::new(0);
    let hold = Duration::from_millis(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            while done.load(Ordering::Relaxed) == 0 {
                lock.raw().take(&me(1), Patience::endless);
                let since = Instant::now();
                while since.elapsed() < hold {}
                lock.raw().give_back(&me(1));
            }
        });
        for _ in 0..10 {
            assert_eq!(lock.raw().take(&me(2), Patience::endless), CLEAN);
            lock.raw().give_back(&me(2));
        }
        done.store(1, Ordering::Relaxed);
    });
}

#[test]
fn lock_hears_of_one_that_has_waited_for_long() {
    let lock = LockWords::<AtomicU32>::new();
    lock.raw().take(&me(1), Patience::endless);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| lock.raw().take(&me(2), Patience::endless));
        let start = Instant::now();
        // Woken in vain, as by owners that come again at once.
        let is_heard = || lock.hungry.load(Ordering::Relaxed) != 0;
        while !is_heard() && start.elapsed() < Duration::from_secs(5) {
            crate::sync::word::Word::wake(&lock.word, 1);
            thread::yield_now();
        }
        let (was_heard, took) = (is_heard(), start.elapsed());
        // Gives it back, and waits until the other has come.
        assert!(lock.raw().give_back(&me(1)));
        assert_eq!(waiter.join().unwrap(), CLEAN);
        assert!(was_heard, "it says nothing");
        assert!(took >= Duration::from_millis(10), "so soon");
    });
    assert_eq!(lock.hungry.load(Ordering::Relaxed), 0);
}

#[test]
fn lock_forgets_one_that_does_not_come() {
    let lock = LockWords::<AtomicU32>::new();
    let raw = lock.raw();
    assert!(raw.hunger.announce() && !raw.hunger.announce());
    let start = Instant::now();
    raw.hunger.yield_to();
    assert!(start.elapsed() >= Duration::from_millis(1));
    assert_eq!(lock.hungry.load(Ordering::Relaxed), 0);
}

#[test]
fn lock_any_words_end_in_an_outcome() {
    let hasty = || Patience::of(Duration::from_millis(1));
    for word in [0, 1, 5, u32::MAX, 1 << 31, u32::MAX >> 1] {
        for holder in [0, 1 << 32, u64::MAX] {
            let lock = LockWords::<AtomicU32>::new();
            lock.word.store(word, Ordering::Relaxed);
            lock.holder.store(holder, Ordering::Relaxed);
            lock.hungry.store(word, Ordering::Relaxed);
            let heir = Me::new(1, 1, &NONE_BUT_ME);
            if let Outcome::Taken { .. } = lock.raw().take(&heir, hasty) {
                assert!(lock.raw().give_back(&heir));
            }
        }
    }
}

#[test]
fn event_lets_go_who_waited() {
    let event = EventWords(AtomicU32::new(0));
    assert!(!event.flag().wait(|| Patience::of(Duration::from_millis(20))));
    thread::scope(|scope| {
        let waiters = [0; 3].map(|_| scope.spawn(|| event.flag().wait(Patience::endless)));
        while event.0.load(Ordering::Relaxed) & 2 == 0 {
            thread::yield_now();
        }
        event.flag().set();
        for waiter in waiters {
            assert!(waiter.join().unwrap());
        }
    });
    event.flag().clear();
    assert!(!event.flag().is_set());
}

#[test]
fn semaphore_never_lets_in_more() {
    let semaphore = SemaphoreWords::<AtomicU32>::new(2, 2);
    let inside = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| {
                for _ in 0..5_000 {
                    assert!(semaphore.permits().take(Patience::endless));
                    assert!(inside.fetch_add(1, Ordering::Relaxed) < 2);
                    inside.fetch_sub(1, Ordering::Relaxed);
                    assert!(semaphore.permits().give_back());
                }
            });
        }
    });
    assert!(!semaphore.permits().give_back());
    assert_eq!(semaphore.permits().free(), 2);
}

#[test]
fn condition_tells_the_oldest_living() {
    let words = ConditionWords::<AtomicU32>::new(3);
    let only_two: fn(u32) -> bool = |number| number == 2;
    words.with(|tickets| {
        let _dead = tickets.enlist(&me(1)).unwrap();
        let mut place = tickets.enlist(&me(2)).unwrap();
        let mut later = tickets.enlist(&me(3)).unwrap();
        assert!(tickets.enlist(&me(4)).is_none());
        tickets.notify(1, &Me::new(9, 1, &only_two));
        let hasty = || Patience::of(Duration::from_millis(5));
        assert_eq!(tickets.wait(&mut place, &me(2), &mut hasty()), Told::Notified);
        tickets.leave(&place, &me(2));
        assert_eq!(tickets.wait(&mut later, &me(3), &mut hasty()), Told::TimedOut);
        assert!(tickets.enlist(&me(4)).is_some());
    });
}

#[test]
fn condition_tells_the_oldest_wherever_its_place_is() {
    let words = ConditionWords::<AtomicU32>::new(3);
    words.with(|tickets| {
        let first = tickets.enlist(&me(1)).unwrap();
        let mut second = tickets.enlist(&me(2)).unwrap();
        tickets.withdraw(&first, &me(1));
        // In the place of the first.
        let mut third = tickets.enlist(&me(3)).unwrap();
        tickets.notify(1, &me(9));
        let hasty = || Patience::of(Duration::from_millis(5));
        assert_eq!(tickets.wait(&mut third, &me(3), &mut hasty()), Told::TimedOut);
        assert_eq!(tickets.wait(&mut second, &me(2), &mut hasty()), Told::Notified);
    });
}

#[test]
fn condition_frees_the_places_of_the_dead() {
    let words = ConditionWords::<AtomicU32>::new(2);
    words.with(|tickets| {
        tickets.enlist(&me(1)).unwrap();
        tickets.enlist(&me(1)).unwrap();
        tickets.notify(1, &me(2));
        assert!(tickets.enlist(&Me::new(2, 1, &NONE_BUT_ME)).is_some());
    });
}

fn pass(
    words: &BarrierWords<AtomicU32>,
    number: u32,
    mut patience: Patience,
) -> Result<u32, Broken> {
    let me = me(number);
    words.with(|rounds| match rounds.arrive(&me, &mut patience)? {
        Arrival::Early(party) => rounds.wait(&party, &me, &mut patience).map(|()| party.index()),
        Arrival::Last(party) => rounds.finish(&party, &me).map(|()| party.index()),
    })
}

#[test]
fn barrier_keeps_step_with_more_users_than_parties() {
    let barrier = BarrierWords::<AtomicU32>::new(2);
    let (passed, done) = (AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        for number in 1..=4 {
            let (barrier, passed, done) = (&barrier, &passed, &done);
            scope.spawn(move || {
                while let Ok(index) = pass(barrier, number, Patience::endless()) {
                    assert!(index < 2);
                    if passed.fetch_add(1, Ordering::Relaxed) == 1_000 {
                        // Those that are left have nobody to wait for.
                        done.store(1, Ordering::Relaxed);
                        barrier.with(|rounds| rounds.abort(&me(number)));
                    }
                }
                assert_eq!(done.load(Ordering::Relaxed), 1, "it was broken before its end");
            });
        }
    });
    assert_eq!(barrier.count.into_inner(), 0);
}

#[test]
fn barrier_tells_how_a_round_of_long_ago_has_ended() {
    for resets in [0, 1] {
        let barrier = BarrierWords::<AtomicU32>::new(2);
        barrier.with(|rounds| {
            let arrive = || rounds.arrive(&me(1), &mut Patience::endless()).unwrap();
            let late = arrive();
            for _ in 0..20 {
                let Arrival::Last(party) = arrive() else { panic!("it is the second") };
                rounds.finish(&party, &me(1)).unwrap();
                assert!(matches!(arrive(), Arrival::Early(_)));
            }
            if resets > 0 {
                rounds.reset(&me(1));
            }
            let Arrival::Early(party) = late else { panic!("it is the first") };
            let outcome = rounds.wait(&party, &me(1), &mut Patience::endless());
            // After a reset nobody knows any more which round it was.
            assert_eq!(outcome.is_ok(), resets == 0);
        });
    }
}

#[test]
fn barrier_is_broken_by_time_until_it_is_reset() {
    let barrier = BarrierWords::<AtomicU32>::new(2);
    let hasty = || Patience::of(Duration::from_millis(20));
    assert_eq!(pass(&barrier, 1, hasty()), Err(Broken));
    assert_eq!(pass(&barrier, 1, Patience::endless()), Err(Broken));
    barrier.with(|rounds| rounds.reset(&me(1)));
    thread::scope(|scope| {
        scope.spawn(|| pass(&barrier, 2, Patience::endless()).unwrap());
        pass(&barrier, 1, Patience::endless()).unwrap();
    });
    assert!(!barrier.with(|rounds| rounds.is_broken()));
}

#[test]
fn barrier_any_words_end_in_an_outcome() {
    for turn in [0, 1, 511, 512, u32::MAX] {
        for count in [0, 1, 2, 3, u32::MAX] {
            let barrier = BarrierWords::<AtomicU32>::new(2);
            barrier.turn.store(turn, Ordering::Relaxed);
            barrier.count.store(count, Ordering::Relaxed);
            let _ = pass(&barrier, 1, Patience::of(Duration::from_millis(1)));
            barrier.with(|rounds| rounds.reset(&me(1)));
            assert!(!barrier.with(|rounds| rounds.is_broken()));
        }
    }
}
