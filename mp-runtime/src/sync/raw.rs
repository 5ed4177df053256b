//! The lock's word: how one is taken, given back, and taken over from a dead owner. Guards and errors are in `lock` and
//! `rlock`.
//!
//! ```text
//! word    bit 31: someone may sleep      bits 30..0: the owner's process, 0 for nobody
//! holder  the owner's process and thread, which its thread writes and takes away again
//! hungry  not 0: someone has waited for long, and wants to be let in
//! ```
//!
//! **Order.** Taking is an Acquire exchange and giving back a Release swap of the one word, so what one owner has written
//! the next one sees. A dead owner has made no such swap: there the kernel's own locks, through which its death is asked
//! for, put its stores before ours. `holder` is read only to ask "is it me?", and only my thread writes that answer, so
//! its order among other words does not matter; process and thread lie in one word, since a new owner's process beside
//! the thread number of a dead one would be a lie.
//!
//! **Sleeping.** A waiter sets bit 31 and sleeps while the word is as it then was; whoever gives the lock back swaps
//! the word, and if the bit was set wakes one. The kernel compares and sleeps in one step, so there is no moment between in
//! which the wake-up could be missed. One that has slept takes the lock *with* the bit, since others may sleep on.
//! A wake-up that dies with its receiver leaves the word free and others asleep: they look by the clock.
//!
//! **Barging** is allowed: whoever finds the word free has it, so that an owner that comes back at once need not wait
//! for a sleeper to be up, which takes five thousand times as long as the lock. So that nobody starves, one that
//! has waited for 10 ms says so, and who gives the lock back then waits until it has come, a millisecond at most.

use crate::sync::me::Me;
use crate::sync::word::{Long, Patience, Woken, Word};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

const WAITERS: u32 = 1 << 31;
const OWNER: u32 = !WAITERS;

/// What a wait for a lock has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The lock is the caller's; `owner_died`: it was not given back, its owner has died.
    Taken { owner_died: bool },
    /// The time was over.
    TimedOut,
    /// The calling thread has it already, and would wait for itself.
    Mine,
}

/// The words of one lock.
#[derive(Debug)]
pub(crate) struct RawLock<'a, W: Word> {
    pub(crate) word: &'a W,
    pub(crate) holder: &'a W::Long,
    pub(crate) hunger: Hunger<'a, W>,
}

impl<W: Word> RawLock<'_, W> {
    /// Takes it if nobody alive has it.
    #[inline]
    pub(crate) fn try_take(&self, me: &Me<'_>) -> Option<Outcome> {
        let taken = match self.word.exchange(0, me.number(), Acquire) {
            Ok(_) => Ok(false),
            Err(seen) => self.owner().try_take_over(me, seen, 0),
        };
        taken.ok().map(|died| self.taken(me, died))
    }

    /// Takes it, waiting while somebody alive has it.
    #[inline]
    pub(crate) fn take(&self, me: &Me<'_>, patience: impl FnOnce() -> Patience) -> Outcome {
        match self.word.exchange(0, me.number(), Acquire) {
            Ok(_) => self.taken(me, false),
            Err(_) => self.take_slowly(me, &mut patience()),
        }
    }

    /// Gives it back; `false` if the calling thread does not have it.
    #[inline]
    pub(crate) fn give_back(&self, me: &Me<'_>) -> bool {
        let mine = self.is_mine(me);
        if mine {
            self.let_go();
        }
        mine
    }

    /// As [`give_back`](Self::give_back), for a caller that is known to have taken it: then a `holder` that is nonsense
    /// does not keep it locked. Not if another thread of this process has it.
    #[inline]
    pub(crate) fn give_back_surely(&self, me: &Me<'_>) {
        let holder = self.holder.load(Relaxed);
        let other = holder != me.holder() && holder >> 32 == u64::from(me.number());
        if self.word.load(Relaxed) & OWNER == me.number() && !other {
            self.let_go();
        }
    }

    /// Leaves it, if the calling thread has it, as one leaves it that dies: for somebody who has died elsewhere.
    pub(crate) fn abandon(&self, me: &Me<'_>) {
        if !self.is_mine(me) {
            return;
        }
        self.holder.store(0, Relaxed);
        let mut seen = self.word.load(Relaxed);
        // No process has that number. Only sleepers change the word meanwhile.
        while let Err(now) = self.word.exchange(seen, seen | OWNER, Release) {
            seen = now;
        }
        if seen & WAITERS != 0 {
            self.word.wake(1);
        }
    }

    /// Whether the calling thread has it.
    #[inline]
    pub(crate) fn is_mine(&self, me: &Me<'_>) -> bool {
        self.word.load(Relaxed) & OWNER == me.number() && self.holder.load(Relaxed) == me.holder()
    }

    /// Whether anybody has it, be it a dead process.
    pub(crate) fn is_taken(&self) -> bool {
        self.word.load(Relaxed) & OWNER != 0
    }

    #[inline]
    fn taken(&self, me: &Me<'_>, owner_died: bool) -> Outcome {
        self.holder.store(me.holder(), Relaxed);
        Outcome::Taken { owner_died }
    }

    #[cold]
    fn take_slowly(&self, me: &Me<'_>, patience: &mut Patience) -> Outcome {
        if patience.is_endless() && self.is_mine(me) {
            return Outcome::Mine;
        }
        let mut announced = false;
        let taken = self.owner().take_slowly(me, patience, |patience| {
            announced = announced || W::is_hungry(patience) && self.hunger.announce();
        });
        let outcome = taken.map_or(Outcome::TimedOut, |died| self.taken(me, died));
        if announced {
            self.hunger.sated();
        }
        outcome
    }

    #[inline]
    fn let_go(&self) {
        self.holder.store(0, Relaxed);
        if self.owner().let_go() {
            self.let_in();
        }
    }

    #[inline]
    fn owner(&self) -> Owner<'_, W> {
        Owner(self.word)
    }

    #[cold]
    fn let_in(&self) {
        self.word.wake(1);
        self.hunger.yield_to();
    }
}

/// The first of the words alone, which is a lock for those who never take it twice and let go of it soon.
#[derive(Debug)]
pub(crate) struct Owner<'a, W: Word>(pub(crate) &'a W);

impl<W: Word> Owner<'_, W> {
    /// Takes it if nobody has it, dead or alive.
    #[inline]
    pub(crate) fn try_take(&self, number: u32) -> bool {
        self.0.exchange(0, number, Acquire).is_ok()
    }

    /// Whose it is, if it is somebody's.
    pub(crate) fn number(&self) -> Option<u32> {
        Some(self.0.load(Relaxed) & OWNER).filter(|number| *number != 0)
    }

    /// Takes it from nobody, or from a dead owner and says so, or gives what the word was when its owner was alive;
    /// `flag`: with the bit, since others may sleep.
    fn try_take_over(&self, me: &Me<'_>, mut seen: u32, flag: u32) -> Result<bool, u32> {
        loop {
            let owner = seen & OWNER;
            if me.sees_alive(owner) {
                return Err(seen);
            }
            match self.0.exchange(seen, me.number() | flag | seen & WAITERS, Acquire) {
                Ok(_) => return Ok(owner != 0),
                Err(now) => seen = now,
            }
        }
    }

    /// Takes it, waiting while somebody alive has it; gives whether it was a dead one's, or none if the time was over.
    /// `slept` is called after each sleep.
    #[cold]
    pub(crate) fn take_slowly(
        &self,
        me: &Me<'_>,
        patience: &mut Patience,
        mut slept: impl FnMut(&Patience),
    ) -> Option<bool> {
        let mut flag = 0;
        loop {
            W::spin(|| self.number().is_none());
            let seen = match self.try_take_over(me, self.0.load(Relaxed), flag) {
                Ok(died) => return Some(died),
                Err(seen) => seen,
            };
            let flagged = seen | WAITERS;
            if seen != flagged && self.0.exchange(seen, flagged, Relaxed).is_err() {
                continue;
            }
            if self.0.sleep(flagged, patience) == Woken::TimedOut {
                return None;
            }
            flag = WAITERS;
            slept(patience);
        }
    }

    /// Gives it back; whether somebody may sleep for it.
    #[inline]
    pub(crate) fn let_go(&self) -> bool {
        self.0.swap(0, Release) & WAITERS != 0
    }
}

/// Says that someone has waited for long, so that who comes and goes lets it pass.
///
/// Only a hint: a mark that its owner's death has left costs the next one a millisecond.
#[derive(Debug)]
pub(crate) struct Hunger<'a, W: Word>(pub(crate) &'a W);

impl<W: Word> Hunger<'_, W> {
    /// Whether the mark is now the caller's, and not somebody else's.
    pub(crate) fn announce(&self) -> bool {
        self.0.exchange(0, 1, Relaxed).is_ok()
    }

    /// Takes the caller's mark away.
    pub(crate) fn sated(&self) {
        self.0.store(0, Relaxed);
        self.0.wake(u32::MAX);
    }

    /// Waits until one that has said so has come, if there is one.
    pub(crate) fn yield_to(&self) {
        let mark = self.0.load(Relaxed);
        if mark != 0 && !self.0.pause(mark) {
            // It is dead, or stopped, and must not slow down everyone else.
            let _ = self.0.exchange(mark, 0, Relaxed);
        }
    }
}
