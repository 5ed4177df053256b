//! What comes out, in which order, and how much is there meanwhile.

use super::world::{World, item, number_of, put, put_with, take};
use crate::channel::lane::{Entry, Until};
use crate::error::ErrorKind;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

fn len(number: u64) -> usize {
    match number % 50 {
        0 => 70_000,
        1 => 5_000,
        2 => 0,
        few => 3 * usize::try_from(few).unwrap(),
    }
}

#[test]
fn items_of_all_sizes_come_out_in_order() {
    let world = World::new();
    let lane = world.lane(1);
    let mut taken = 0;
    for round in 0..2000u64 {
        put_with(&lane, &vec![7; len(round + 25) % 41], &item(round, len(round).max(8)));
        assert_eq!(lane.len(), round + 1 - taken);
        if round % 3 > 0 {
            assert_eq!(number_of(&take(&lane).unwrap()), taken);
            taken += 1;
        }
    }
    while let Some(bytes) = take(&lane) {
        assert_eq!(number_of(&bytes), taken);
        taken += 1;
    }
    assert_eq!((taken, lane.len(), lane.is_empty()), (2000, 0, true));
    assert!(world.blocks() <= 5, "{} blocks", world.blocks());
    lane.dissolve();
    assert_eq!(world.blocks(), 0);
}

#[test]
fn attachments_come_out_as_they_were() {
    let world = World::new();
    let lane = world.lane(1);
    for size in [0usize, 1, 8, 9, 1000] {
        let wire: Vec<u8> = (0..=250).cycle().take(size).collect();
        put_with(&lane, &wire, b"body");
        let mut body = Vec::new();
        let taken = lane.take(&mut body, Until::Now, || Ok(())).unwrap().unwrap();
        assert_eq!((taken.wire, &*body, taken.kind), (wire, &b"body"[..], 1));
    }
}

#[test]
fn limits_hold() {
    let world = World::new();
    let lane = world.lane(1);
    let put = |len| {
        let body = vec![0; len];
        lane.put(
            &Entry { kind: 1, wire: &[], body: &body, lent: None },
            Until::Now,
            || (),
            || Ok(()),
        )
        .unwrap()
    };
    lane.set_limits(3, 0);
    assert_eq!([1, 2, 3, 4].map(put), [true, true, true, false]);
    assert!(lane.is_full() && take(&lane).is_some() && !lane.is_full() && put(0) && !put(0));
    while take(&lane).is_some() {}
    lane.set_limits(0, 1000);
    assert!(put(400) && put(400) && !put(400));
    assert!(take(&lane).is_some() && put(400) && !put(400));
    while take(&lane).is_some() {}
    assert!(put(100_000) && !put(0), "one that is too large goes when nothing else is there");
}

#[test]
fn many_threads_lose_and_double_nothing() {
    const EACH: u64 = 20_000;
    for most in [0, 7] {
        let world = World::new();
        world.lane(1).set_limits(most, 0);
        let seen = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for number in 0..3 {
                let lane = world.lane(10 + number);
                scope.spawn(move || {
                    for at in 0..EACH {
                        put(
                            &lane,
                            &item(
                                u64::from(number) * EACH + at,
                                8 + usize::try_from(at % 90).unwrap(),
                            ),
                        );
                    }
                });
            }
            for number in 0..3 {
                let (lane, seen) = (world.lane(20 + number), &seen);
                scope.spawn(move || {
                    let mut own = Vec::new();
                    for _ in 0..EACH {
                        let mut body = Vec::new();
                        lane.take(&mut body, Until::Ever, || Ok(())).unwrap().unwrap();
                        own.push(number_of(&body));
                    }
                    for of in 0..3 {
                        let range = of * EACH..(of + 1) * EACH;
                        let of: Vec<_> = own.iter().filter(|at| range.contains(at)).collect();
                        assert!(of.is_sorted(), "each producer's items keep their order");
                    }
                    seen.lock().unwrap().extend(own);
                });
            }
        });
        let mut seen = seen.into_inner().unwrap();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..3 * EACH));
    }
}

#[test]
fn waits_end_at_their_time_and_when_there_is_no_sense_in_them() {
    let world = World::new();
    let lane = world.lane(1);
    let begun = Instant::now();
    let until = Until::after(Duration::from_millis(120));
    assert!(lane.take(&mut Vec::new(), until, || Ok(())).unwrap().is_none());
    assert!(begun.elapsed() >= Duration::from_millis(120));
    put(&lane, b"last");
    let gone = || Err(crate::error::Error::new(ErrorKind::Disconnected, "gone"));
    assert!(lane.take(&mut Vec::new(), Until::Ever, gone).unwrap().is_some());
    let last_words = || {
        put(&lane, b"last");
        gone()
    };
    assert!(lane.take(&mut Vec::new(), Until::Ever, last_words).unwrap().is_some());
    for until in [Until::Now, Until::Ever] {
        let error = lane.take(&mut Vec::new(), until, gone).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Disconnected);
    }
    lane.close();
    let entry = Entry { kind: 1, wire: &[], body: &[], lent: None };
    let error = lane.put(&entry, Until::Ever, || (), || Ok(())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[test]
fn who_sleeps_is_woken() {
    let world = World::new();
    let (there, back) = (world.lane(1), World::new());
    let mut times = thread::scope(|scope| {
        let (other, answers) = (world.lane(2), back.lane(2));
        scope.spawn(move || {
            for _ in 0..20 {
                let bytes = other.take(&mut Vec::new(), Until::Ever, || Ok(())).unwrap();
                assert!(bytes.is_some());
                put(&answers, b"back");
            }
        });
        let answers = back.lane(1);
        let mut round = |_| {
            // Past its spin and its first sleep, so that only a ring is quick.
            thread::sleep(Duration::from_millis(80)); // work: a producer that has nothing
            let begun = Instant::now();
            put(&there, b"there");
            answers.take(&mut Vec::new(), Until::Ever, || Ok(())).unwrap().unwrap();
            begun.elapsed()
        };
        (0..20).map(&mut round).collect::<Vec<_>>()
    });
    times.sort_unstable();
    assert!(times[10] < Duration::from_millis(5), "{times:?}");
}

#[test]
fn all_is_done_when_each_was_said_to_be() {
    let world = World::new();
    let lane = world.lane(1);
    assert!(!lane.done() && lane.all_done(Until::Ever, || Ok(())).unwrap());
    put(&lane, b"1");
    put(&lane, b"2");
    assert!(lane.done() && !lane.all_done(Until::Now, || Ok(())).unwrap());
    thread::scope(|scope| {
        let waiter = scope.spawn(|| world.lane(2).all_done(Until::Ever, || Ok(())).unwrap());
        assert!(lane.done() && waiter.join().unwrap() && !lane.done());
    });
}
