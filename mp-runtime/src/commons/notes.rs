//! Which places of a territory have objects, as its owner notes in the territory's first pages: after the owner's death
//! others find by them what is to be ended. What lies at a place is for `head`.
//!
//! One bit for each place where a head can lie; the first bits, of the notes themselves, are a count of the words in use.
//! Only the owner writes them. A place is noted when it is zero and before a head is made there, and the note goes when the
//! object is over: so a note means an object, or nothing, and never the middle of one.

use super::head::ALIGN;
use super::tree::{TERRITORY, Tree};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

const TERRITORY_LEN: usize = 1 << 28;
const _: () = assert!(TERRITORY_LEN as u64 == TERRITORY, "the same in two types");
/// How many bytes they take of each territory.
pub(super) const LENGTH: usize = TERRITORY_LEN / ALIGN / 8;
const PAGE: usize = 4096;
const WORDS: usize = LENGTH / 8;

/// The pages of the notes of so many bytes at `at`, and the one with the count.
pub(super) fn pages(at: usize, len: usize) -> impl Iterator<Item = usize> {
    let page = |at: usize| place(at).0 / PAGE * PAGE;
    let (first, last) = (page(at), page(at + len.saturating_sub(1)));
    [base(at)].into_iter().chain((first..=last).step_by(PAGE))
}

/// Notes that an object may be made at this place.
pub(super) fn add(tree: &Tree, at: usize) {
    let (word, bit) = place(at);
    let count = tree.shared().u64(base(at));
    let needed = (word - base(at)) / 8 + 1;
    let words = tree.shared().u64(word);
    words.store(words.load(Relaxed) | bit, Release);
    if count.load(Relaxed) < needed as u64 {
        count.store(needed as u64, Release);
    }
}

/// Notes that none is there.
pub(super) fn remove(tree: &Tree, at: usize) {
    let (word, bit) = place(at);
    let words = tree.shared().u64(word);
    words.store(words.load(Relaxed) & !bit, Release);
}

/// Whether anything was ever noted in a territory since it was empty.
pub(super) fn are_used(tree: &Tree, territory: u32) -> bool {
    tree.shared().u64(territory as usize * TERRITORY_LEN).load(Acquire) != 0
}

/// The places of a territory that are noted.
pub(super) fn all(tree: &Tree, territory: u32) -> Vec<usize> {
    let base = territory as usize * TERRITORY_LEN;
    let used = usize::try_from(tree.shared().u64(base).load(Acquire)).unwrap_or(usize::MAX);
    let mut places = Vec::new();
    for word in LENGTH / ALIGN / 64..used.min(WORDS) {
        let mut bits = tree.shared().u64(base + 8 * word).load(Acquire);
        while bits != 0 {
            places.push(base + (64 * word + bits.trailing_zeros() as usize) * ALIGN);
            bits &= bits - 1;
        }
    }
    places
}

/// Whether no place in the territory of `at` is noted behind that and before `end`.
pub(super) fn has_none_between(tree: &Tree, at: usize, end: usize) -> bool {
    let used = usize::try_from(tree.shared().u64(base(at)).load(Acquire)).unwrap_or(usize::MAX);
    let number = |at: usize| (at - base(at)) / ALIGN;
    let (first, last) = (number(at) + 1, number(end - 1));
    (first / 64..(last / 64 + 1).min(used.min(WORDS))).all(|word| {
        let mut bits = tree.shared().u64(base(at) + 8 * word).load(Relaxed);
        if word == first / 64 {
            bits &= u64::MAX << (first % 64);
        }
        if word == last / 64 {
            bits &= u64::MAX >> (63 - last % 64);
        }
        bits == 0
    })
}

fn base(at: usize) -> usize {
    at / TERRITORY_LEN * TERRITORY_LEN
}

/// The word and the bit of a place.
fn place(at: usize) -> (usize, u64) {
    let number = (at - base(at)) / ALIGN;
    (base(at) + number / 64 * 8, 1 << (number % 64))
}
