//! The lock of one side of a lane: the word of a lock of `sync`, without what that knows of threads. An owner that has
//! died is found by whoever wants the lock, and is the reason why only what can be left at any instruction is done under it.

use super::Until;
use super::ground::{Ground, Heads};
use crate::error::Result;
use crate::sync::{Me, Owner, Patience, Word};

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
        if Owner(word).let_go() {
            // A wake that fails costs a sleeper its patience at most.
            word.wake(1);
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
    if Owner(head.u32(at)).try_take(own) {
        return Ok(Some(Latched { head, at, owner_died: false }));
    }
    let owner_died = wait(ground, at, own, until);
    Ok(owner_died.map(|owner_died| Latched { head, at, owner_died }))
}

/// Waits for it and takes it; gives whether it was a dead one's, or none if it took too long.
#[cold]
fn wait<G: Ground>(ground: &G, at: usize, own: u32, until: Until) -> Option<bool> {
    let is_alive = |number| ground.is_alive(number);
    let mut patience = Patience::until(until.for_lock());
    Owner(ground.head().u32(at)).take_slowly(&Me::new(own, 0, &is_alive), &mut patience, |_| ())
}

/// Whether somebody who is dead holds it: died in the middle of something.
pub(super) fn is_abandoned<G: Ground>(ground: &G, at: usize) -> bool {
    Owner(ground.head().u32(at)).number().is_some_and(|owner| !ground.is_alive(owner))
}
