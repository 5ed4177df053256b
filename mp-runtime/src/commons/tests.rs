//! Objects of the commons among threads of one process, and what scribbling over them does. Other processes are for the
//! tests of what is made of them.

use super::head::LENGTH;
use super::tree::the_tree;
use super::{Block, BlockAt, Hold, Kind, Role, Sent, is_alive, own};
use crate::error::ErrorKind;
use proptest::prelude::{ProptestConfig, any, proptest};
use std::sync::atomic::Ordering::Relaxed;

fn lock() -> Hold {
    Hold::new(Kind::Lock, Role::ANY, 64).unwrap()
}

#[test]
fn an_object_is_zero_and_aligned_and_goes_with_its_last_hold() {
    let before = Hold::new(Kind::Event, Role::ANY, 200).unwrap();
    let hold = Hold::new(Kind::Event, Role::ANY, 200).unwrap();
    assert!(!hold.is_same(&before));
    assert_eq!(hold.pointer(0, 200).addr().get() % Hold::ALIGNMENT, 0);
    let mut bytes = [1; 200];
    hold.read(0, &mut bytes);
    assert_eq!(bytes, [0; 200]);
    hold.write(0, &[7; 200]);
    let (sent, transit) = hold.send(false).unwrap();
    drop(hold);
    let again = sent.take(Kind::Event).unwrap();
    assert_eq!(again.u32(196).load(Relaxed), 0x0707_0707);
    drop(again);
    drop(transit);
    assert_eq!(sent.take(Kind::Event).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_message_holds_until_it_is_dropped_or_forgotten() {
    let hold = lock();
    let (sent, transit) = hold.send(false).unwrap();
    drop(hold);
    drop(transit);
    assert!(sent.take(Kind::Lock).is_err());
    let hold = lock();
    let (sent, transit) = hold.send(false).unwrap();
    transit.let_go(None);
    drop(hold);
    sent.forget(Kind::Lock);
    assert!(sent.take(Kind::Lock).is_err());
    let hold = lock();
    let (sent, transit) = hold.send(true).unwrap();
    drop(hold);
    drop(sent.take(Kind::Lock).unwrap());
    drop(sent.take(Kind::Lock).unwrap());
    drop(transit);
    assert!(sent.take(Kind::Lock).is_err());
}

#[test]
fn parts_are_told_apart() {
    let sender = Hold::new(Kind::Channel, Role::SENDER, 64).unwrap();
    assert!(!sender.has_holder(Role::RECEIVER));
    let receiver = sender.as_role(Role::RECEIVER).unwrap();
    let other = receiver.clone();
    drop(receiver);
    assert!(sender.has_holder(Role::RECEIVER));
    let (_, transit) = other.send(false).unwrap();
    drop(other);
    assert!(sender.has_holder(Role::RECEIVER), "one is under way");
    drop(transit);
    assert!(!sender.has_holder(Role::RECEIVER));
}

#[test]
fn many_can_hold_one() {
    let hold = lock();
    let mut others: Vec<Hold> = (0..500).map(|_| hold.as_role(Role::ANY).unwrap()).collect();
    let (sent, _transit) = others[0].send(false).unwrap();
    drop(hold);
    let last = others.pop().unwrap();
    others.clear();
    assert!(last.is_same(&sent.take(Kind::Lock).unwrap()));
    drop(last);
    drop(_transit);
    assert!(sent.take(Kind::Lock).is_err());
}

#[test]
fn the_list_of_who_holds_one_stays_with_it() {
    let hold = lock();
    let others: Vec<Hold> = (0..500).map(|_| hold.as_role(Role::ANY).unwrap()).collect();
    drop(others);
    // So many that those which nobody holds are looked for.
    let more: Vec<Hold> = (0..10_000).map(|_| lock()).collect();
    let again: Vec<Hold> = (0..500).map(|_| hold.as_role(Role::ANY).unwrap()).collect();
    for lock in &more {
        assert_eq!([0, 20, 40, 60].map(|at| lock.u32(at).load(Relaxed)), [0; 4]);
        assert!(!lock.has_holder(Role::SENDER));
        lock.write(0, &[0xff; 64]);
    }
    drop(again);
    for lock in &more {
        assert_eq!([0, 20, 40, 60].map(|at| lock.u32(at).load(Relaxed)), [u32::MAX; 4]);
    }
}

#[test]
fn a_name_of_another_kind_or_time_or_place_finds_nothing() {
    let hold = lock();
    let (sent, _transit) = hold.send(true).unwrap();
    assert!(sent.take(Kind::Event).is_err());
    assert!(sent.take(Kind::Lock).is_ok());
    assert!(Block::open(BlockAt { offset: 0, generation: 0 }).is_none());
    let block = Block::new(100).unwrap();
    let at = block.at();
    assert!(Block::open(at).is_some());
    assert!(Block::open(BlockAt { generation: at.generation ^ 1, ..at }).is_none());
    assert!(Block::open(BlockAt { offset: at.offset + 1, ..at }).is_none());
    assert!(Block::open(BlockAt { offset: u64::MAX - 10, ..at }).is_none());
    block.free();
    block.free();
    assert!(Block::open(at).is_none());
}

#[test]
fn memory_is_given_back_and_used_again() {
    let tree = the_tree().unwrap();
    let memory = || tree.memory().used().unwrap();
    drop(Block::new(1 << 24).map(Block::free));
    let before = memory();
    for _ in 0..64 {
        let block = Block::new(1 << 24).unwrap();
        block.write((1 << 24) - 1, &[1]);
        block.free();
    }
    let places: Vec<Hold> = (0..3000).map(|_| lock()).collect();
    drop(places);
    for _ in 0..10_000 {
        drop(lock());
    }
    assert!(memory() < before + (8 << 20), "{} {}", memory(), before);
    let more = Hold::new(Kind::Array, Role::ANY, 300 << 20).unwrap();
    more.write((300 << 20) - 4, &[1; 4]);
    assert!(Hold::new(Kind::Array, Role::ANY, usize::MAX - 9).is_err());
    assert!(Hold::new(Kind::Array, Role::ANY, 1 << 46).is_err());
}

/// A head of which somebody has written over the length takes nothing of its neighbours with it.
#[test]
fn a_wrong_length_is_no_harm_to_others() {
    let tree = the_tree().unwrap();
    let blocks: Vec<Block> = (0..20).map(|_| Block::new(1 << 17).unwrap()).collect();
    blocks.iter().for_each(|block| block.write(1 << 16, &[1]));
    let small: Vec<Hold> = (0..2000).map(|_| lock()).collect();
    small.iter().for_each(|lock| lock.write(0, &[1]));
    for len in [1 << 18, 1 << 27, 1 << 30, u64::MAX] {
        for block in blocks.iter().step_by(5) {
            tree.shared().u64(usize::try_from(block.at().offset).unwrap() + 16).store(len, Relaxed);
            block.free();
        }
        // The first place of a slab is that of a page.
        for lock in small.iter().step_by(256) {
            let head =
                lock.pointer(0, 1).addr().get() - LENGTH - tree.shared().pointer(0, 1).addr().get();
            tree.shared().u64(head + 16).store(len, Relaxed);
        }
    }
    let mut byte = [0];
    for (number, block) in blocks.into_iter().enumerate().filter(|(number, _)| number % 5 != 0) {
        block.read(1 << 16, &mut byte);
        assert_eq!(byte, [1], "of block {number}");
        block.free();
    }
    let (wrong, others): (Vec<_>, Vec<_>) =
        small.into_iter().enumerate().partition(|(number, _)| number % 256 == 0);
    drop(wrong);
    for (number, lock) in others {
        lock.read(0, &mut byte);
        assert_eq!(byte, [1], "of lock {number}");
    }
}

#[test]
fn this_process_lives() {
    let number = own().unwrap();
    assert_eq!(own().unwrap(), number);
    assert!(is_alive(number));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever a peer has scribbled over an object and its head, using it is total.
    #[test]
    fn scribbled_heads_do_no_harm(words in proptest::collection::vec(any::<u64>(), 16), mask: u16) {
        let hold = lock();
        let (sent, transit) = hold.send(false).unwrap();
        let tree = the_tree().unwrap();
        let head = hold.pointer(0, 1).addr().get() - LENGTH - tree.shared().pointer(0, 1).addr().get();
        for (at, word) in words.iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1) {
            tree.shared().u64(head + 8 * at).store(*word, Relaxed);
        }
        hold.has_holder(Role::ANY);
        drop(hold.as_role(Role::SENDER));
        let taken = sent.take(Kind::Lock);
        sent.forget(Kind::Lock);
        drop((taken, hold, transit));
    }

    #[test]
    fn made_up_names_do_no_harm(words: [u64; 3], generation: u32, role: u8) {
        let tree = the_tree().unwrap().id;
        let at = words[0] % (1 << 42) / 256 * 256;
        let (record_at, record) = (words[1], words[2]);
        let sent = Sent { tree, at, generation, role, record_at, record, again: false };
        assert!(sent.take(Kind::Lock).is_err());
        sent.forget(Kind::Lock);
    }
}
