//! A producer or consumer that dies at any step of what it does: the next ones go on, nothing is lost but what the dead
//! one had, and no block with it.

use super::world::{World, item, number_of, put, take};
use std::sync::Arc;

/// Lanes in the states in which an operation goes other ways: what was put and taken before.
const BEFORE: [(u64, u64, usize); 7] = [
    (0, 0, 100),
    (1, 0, 100),
    (3, 2, 100),
    (3, 0, 30_000),
    (3, 2, 30_000),
    (8, 7, 30_000),
    (4, 3, 70_000),
];

fn prepare(world: &Arc<World>, puts: u64, takes: u64, len: usize) {
    let lane = world.lane(1);
    for number in 0..puts {
        put(&lane, &item(number, len));
    }
    for number in 0..takes {
        assert_eq!(number_of(&take(&lane).unwrap()), number);
    }
}

/// What is left, as another user finds it, who then uses the lane for a while.
fn rest(world: &Arc<World>, len: usize) -> Vec<u64> {
    let lane = world.lane(3);
    let mut rest = Vec::new();
    put(&lane, &item(1000, len));
    while let Some(bytes) = take(&lane) {
        rest.push(number_of(&bytes));
    }
    assert_eq!(lane.len(), 0);
    for number in 2000..2020 {
        put(&lane, &item(number, len));
        assert_eq!(number_of(&take(&lane).unwrap()), number);
    }
    assert!(world.blocks() <= 6, "{} blocks", world.blocks());
    lane.dissolve();
    rest
}

#[test]
fn a_producer_may_die_at_any_step() {
    for (puts, takes, len) in BEFORE {
        let mut lost = 0;
        for steps in 0.. {
            let world = World::new();
            prepare(&world, puts, takes, len);
            let died = world.die_after(2, steps, move |lane| put(lane, &item(500, len)));
            let mut expected: Vec<u64> = (takes..puts).chain([1000]).collect();
            let rest = rest(&world, len);
            if rest != expected {
                expected.insert(expected.len() - 1, 500);
            }
            assert_eq!(rest, expected, "{puts} {takes} {len}, step {steps}");
            lost += world.blocks();
            if !died {
                assert!(rest.contains(&500));
                break;
            }
        }
        // One that it had just been given, at the two steps before others can find it.
        assert!(lost <= 2, "{puts} {takes} {len}: {lost} blocks are lost");
    }
}

#[test]
fn a_consumer_may_die_at_any_step() {
    for (puts, takes, len) in BEFORE.into_iter().filter(|(puts, ..)| *puts > 0) {
        for steps in 0.. {
            let world = World::new();
            prepare(&world, puts, takes, len);
            let died = world.die_after(2, steps, move |lane| {
                assert_eq!(number_of(&take(lane).unwrap()), takes);
            });
            let mut expected: Vec<u64> = (takes..puts).chain([1000]).collect();
            let rest = rest(&world, len);
            if rest != expected {
                expected.remove(0);
            }
            assert_eq!(rest, expected, "{puts} {takes} {len}, step {steps}");
            assert_eq!(world.blocks(), 0, "{puts} {takes} {len}, step {steps}: blocks are lost");
            if !died {
                assert!(!rest.contains(&takes));
                break;
            }
        }
    }
}

#[test]
fn a_cut_off_item_is_told_of_once() {
    let world = World::new();
    let lane = world.lane(1);
    let mut told = 0;
    for steps in 0.. {
        assert!(!lane.has_cut_off());
        let len = lane.len();
        let died = world.die_after(100 + steps, i64::from(steps), |lane| put(lane, b"item"));
        let cut_off = lane.has_cut_off();
        assert!(!cut_off || lane.len() == len, "it is there and was cut off");
        told += u32::from(cut_off);
        if !died {
            break;
        }
    }
    assert!(told > 3, "{told}");
}
