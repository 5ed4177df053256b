//! A producer that is held up at any step while others take, and a consumer while others put: nothing is lost, and no block.

use super::world::{User, World, item, number_of, put, take};
use crate::channel::lane::Lane;
use std::sync::Arc;

/// Items that share a block, that fill half of one, and that have one to themselves.
const LENGTHS: [usize; 3] = [100, 30_000, 70_000];

/// A lane with items in it, of which so many were taken.
fn prepare(world: &Arc<World>, puts: u64, takes: u64, len: impl Fn(u64) -> usize) {
    let lane = world.lane(1);
    for number in 0..puts {
        put(&lane, &item(number, len(number)));
    }
    for number in 0..takes {
        assert_eq!(number_of(&take(&lane).unwrap()), number);
    }
}

/// Takes what is left, in order from `first` to `last`, and ends the lane.
fn finish(world: &Arc<World>, first: u64, last: u64, what: &str) {
    let lane = world.lane(4);
    for number in first..=last {
        assert_eq!(number_of(&take(&lane).expect(what)), number, "{what}");
    }
    assert!(take(&lane).is_none(), "{what}");
    lane.dissolve();
    assert_eq!(world.blocks(), 0, "{what}: blocks are lost");
}

/// Every state and pair of lengths, and every step of the call.
fn at_each_step(meet: impl Fn(&Arc<World>, i64, (u64, u64), (usize, usize), &str) -> bool) {
    for (puts, takes) in [(1, 0), (3, 1), (5, 3), (6, 5)] {
        for first in LENGTHS {
            for second in LENGTHS {
                for steps in 0.. {
                    let what =
                        format!("{puts} puts, {takes} takes, {first}, {second}, step {steps}");
                    if !meet(&World::new(), steps, (puts, takes), (first, second), &what) {
                        break;
                    }
                }
            }
        }
    }
}

/// Lengths that alternate, so that blocks of several sizes are spare.
fn either(number: u64, (first, second): (usize, usize)) -> usize {
    if number.is_multiple_of(2) { first } else { second }
}

#[test]
fn items_may_be_taken_at_any_step_of_a_put() {
    at_each_step(|world, steps, (puts, takes), lengths, what| {
        prepare(world, puts, takes, |number| either(number, lengths));
        let other = Arc::clone(world);
        let took_all = move || {
            let lane = other.lane(3);
            for number in takes..puts {
                assert_eq!(number_of(&take(&lane).unwrap()), number);
            }
        };
        let act = |lane: &Lane<User>| put(lane, &item(puts, either(puts, lengths)));
        let held_up = world.hold_up_after(2, steps, act, took_all);
        let first = if held_up { puts } else { takes };
        finish(world, first, puts, what);
        held_up
    });
}

#[test]
fn items_may_be_put_at_any_step_of_a_take() {
    at_each_step(|world, steps, (puts, takes), lengths, what| {
        prepare(world, puts, takes, |number| either(number, lengths));
        let other = Arc::clone(world);
        let put_two = move || {
            let lane = other.lane(3);
            (puts..puts + 2).for_each(|number| put(&lane, &item(number, either(number, lengths))));
        };
        let act = |lane: &Lane<User>| assert_eq!(number_of(&take(lane).unwrap()), takes);
        let held_up = world.hold_up_after(2, steps, act, put_two);
        let last = if held_up { puts + 1 } else { puts - 1 };
        finish(world, takes + 1, last, what);
        held_up
    });
}
