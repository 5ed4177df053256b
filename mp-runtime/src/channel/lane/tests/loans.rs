//! Items with blocks of their own: in order among others, and nothing lost of them but what the dead one had.

use super::world::{User, World, item, number_of, put, take};
use crate::channel::lane::loans::LOANS;
use crate::channel::lane::{Ground, Kind, Lane, Room, Sink, Until, Words};
use crate::error::{ErrorKind, Result};
use std::sync::Arc;

const LEN: usize = 9000;

fn lend(lane: &Lane<User>) -> Option<Room> {
    lane.lend(LEN, Until::Now, || Ok(())).unwrap()
}

fn send(lane: &Lane<User>, number: u64) {
    let room = lend(lane).unwrap();
    lane.ground.open(room.at).unwrap().write(0, &item(number, LEN));
    assert!(lane.put_lent(1, room, LEN, Until::Ever, || (), || Ok(())).unwrap());
}

/// Reads in place.
struct Keep;

impl Sink for Keep {
    fn accept(&mut self, _: Kind, _: &impl Words, _: usize, _: usize) -> Result<()> {
        panic!("it has a block of its own");
    }

    fn keeps(&self) -> bool {
        true
    }

    fn seize(&mut self, _: &[u8]) {}
}

fn receive(lane: &Lane<User>) -> Option<(Room, u64)> {
    let (room, len) = lane.take(&mut Keep, Until::Now, || Ok(())).unwrap()?.lent.unwrap();
    let mut bytes = vec![0; len];
    lane.ground.open(room.at).unwrap().read(0, &mut bytes);
    Some((room, number_of(&bytes)))
}

/// What is left, as another user finds it; all blocks are to be had then.
fn rest(world: &Arc<World>) -> Vec<u64> {
    let lane = world.lane(3);
    send(&lane, 1000);
    let rest: Vec<u64> =
        std::iter::from_fn(|| take(&lane)).map(|bytes| number_of(&bytes)).collect();
    let rooms: Vec<Room> = std::iter::from_fn(|| lend(&lane)).collect();
    assert_eq!(rooms.len(), LOANS, "some are not to be had");
    rooms.into_iter().for_each(|room| lane.give_back(room));
    assert_eq!(take(&lane), None);
    lane.dissolve();
    rest
}

#[test]
fn they_keep_their_turn_among_others() {
    let world = World::new();
    let lane = world.lane(1);
    for number in 0..12 {
        if number % 3 == 0 { put(&lane, &item(number, 100)) } else { send(&lane, number) }
    }
    assert!((0..12).all(|number| number_of(&take(&lane).unwrap()) == number));
    // Read in place, the first is used again when it was given back, and not before.
    send(&lane, 1);
    let (room, number) = receive(&lane).unwrap();
    assert_eq!((room.index, number), (0, 1));
    assert_ne!(lend(&lane).unwrap().index, 0);
    lane.give_back(room);
    lane.give_back(room);
    assert_eq!(lend(&lane).unwrap().index, 0);
    lane.dissolve();
    assert_eq!(world.blocks(), 0);
}

#[test]
fn there_are_so_many_and_no_more() {
    let world = World::new();
    let lane = world.lane(1);
    let rooms: Vec<Room> = std::iter::from_fn(|| lend(&lane)).collect();
    assert_eq!(rooms.len(), LOANS);
    let waits = lane.lend(LEN, Until::Ever, || Err(crate::channel::lane::closed()));
    assert_eq!(waits.unwrap_err().kind(), ErrorKind::Closed);
    std::thread::scope(|scope| {
        let other = world.lane(2);
        let waits = scope.spawn(move || other.lend(LEN, Until::Ever, || Ok(())));
        lane.give_back(rooms[7]);
        assert_eq!(waits.join().unwrap().unwrap().unwrap().index, 7);
    });
    // A block of another size is replaced.
    lane.give_back(rooms[3]);
    let large = lane.lend(100 * LEN, Until::Now, || Ok(())).unwrap().unwrap();
    assert_ne!(large.at, rooms[3].at);
    assert_eq!(world.blocks(), LOANS);
}

#[test]
fn a_producer_may_die_at_any_step() {
    for before in [0, 3] {
        let mut lost = 0;
        for steps in 0.. {
            let world = World::new();
            (0..before).for_each(|number| send(&world.lane(1), number));
            let died = world.die_after(2, steps, |lane| send(lane, 500));
            let mut expected: Vec<u64> = (0..before).chain([1000]).collect();
            let rest = rest(&world);
            if rest != expected {
                expected.insert(expected.len() - 1, 500);
            }
            assert_eq!(rest, expected, "{before}, step {steps}");
            lost += world.blocks();
            if !died {
                assert!(rest.contains(&500));
                break;
            }
        }
        // As for other blocks: one that it had just been given.
        assert!(lost <= 4, "{before}: {lost} blocks are lost");
    }
}

#[test]
fn a_consumer_may_die_at_any_step() {
    let in_place = |lane: &Lane<User>| {
        let (room, number) = receive(lane).unwrap();
        lane.give_back(room);
        number
    };
    let copied = |lane: &Lane<User>| number_of(&take(lane).unwrap());
    for act in [&in_place as &dyn Fn(&Lane<User>) -> u64, &copied] {
        for steps in 0.. {
            let world = World::new();
            (0..3).for_each(|number| send(&world.lane(1), number));
            let died = world.die_after(2, steps, |lane| assert_eq!(act(lane), 0));
            // Before anyone takes what it may have left in the lane, a producer takes all blocks that are free.
            let greedy = world.lane(4);
            let rooms: Vec<Room> = std::iter::from_fn(|| lend(&greedy)).collect();
            for room in rooms {
                greedy.ground.open(room.at).unwrap().write(0, &[0xEE; LEN]);
                greedy.give_back(room);
            }
            let rest = rest(&world);
            if rest != [0, 1, 2, 1000] {
                assert_eq!(rest, [1, 2, 1000], "step {steps}");
            }
            assert_eq!(world.blocks(), 0, "step {steps}: blocks are lost");
            if !died {
                assert!(!rest.contains(&0));
                break;
            }
        }
    }
}
