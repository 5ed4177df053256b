//! The lock of one side of a lane: a word that holds its owner's number, and a bit for those who wait. An owner that has
//! died is found by whoever wants the lock, and is the reason why only what can be left at any instruction is done under it.

use super::Until;
use super::ground::{Ground, Heads};
use super::patience::Patience;
use crate::error::Result;
use crate::sys::clock::Deadline;
use crate::sys::futex;
use std::hint;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::thread;

/// Somebody may be asleep.
const WAITERS: u32 = 1 << 31;
/// How often to look before sleeping: what is done under it takes a tenth of a microsecond.
const LOOKS: u32 = 100;
/// How often after that, with a yield between two looks: its owner may need this core.
const YIELDS: u32 = 20;

/// The lock, held until it is dropped.
pub(super) struct Latched<'a, H: Heads> {
    head: &'a H,
    at: usize,
    /// Whether the one who held it before died with it.
    pub(super) owner_died: bool,
}

impl<H: Heads> Drop for Latched<'_, H> {
    #[inline]
    fn drop(&mut self) {
        let word = self.head.u32(self.at);
        if word.swap(0, Release) & WAITERS != 0 {
            // A wake that fails costs a sleeper its patience at most.
            let _ = futex::wake(word, 1);
        }
    }
}

/// Takes the lock at `at`; none if it was not to be had in time.
#[inline]
pub(super) fn latch<G: Ground>(
    ground: &G,
    at: usize,
    until: Until,
) -> Result<Option<Latched<'_, G::Head>>> {
    let own = ground.own()?;
    let head = ground.head();
    if head.u32(at).compare_exchange(0, own, Acquire, Relaxed).is_ok() {
        return Ok(Some(Latched { head, at, owner_died: false }));
    }
    let owner_died = wait(ground, head.u32(at), own, until.for_lock());
    Ok(owner_died.map(|owner_died| Latched { head, at, owner_died }))
}

/// Waits for it and takes it; gives whether it was a dead one's, or none if `deadline` has passed.
#[cold]
fn wait<G: Ground>(
    ground: &G,
    word: &AtomicU32,
    own: u32,
    deadline: Option<Deadline>,
) -> Option<bool> {
    let mut patience = Patience::new();
    let mut looks = 0;
    // Whoever has slept does not know whether others still do.
    let mut mark = 0;
    let take = |seen, new| word.compare_exchange(seen, new, Acquire, Relaxed).is_ok();
    loop {
        let seen = word.load(Relaxed);
        let owner = seen & !WAITERS;
        if owner == 0 {
            if take(seen, own | mark | seen & WAITERS) {
                return Some(false);
            }
            continue;
        }
        looks += 1;
        if looks < LOOKS {
            hint::spin_loop();
            continue;
        }
        if looks < LOOKS + YIELDS {
            thread::yield_now();
            continue;
        }
        if !ground.is_alive(owner) {
            if take(seen, own | WAITERS) {
                return Some(true);
            }
            continue;
        }
        if deadline.is_some_and(Deadline::has_passed) {
            return None;
        }
        if seen & WAITERS == 0 && !take(seen, seen | WAITERS) {
            continue;
        }
        futex::wait(word, owner | WAITERS, patience.next(deadline));
        mark = WAITERS;
        looks = LOOKS;
    }
}

/// Whether somebody who is dead holds it: died in the middle of something.
pub(super) fn is_abandoned<G: Ground>(ground: &G, at: usize) -> bool {
    let owner = ground.head().u32(at).load(Relaxed) & !WAITERS;
    owner != 0 && !ground.is_alive(owner)
}
