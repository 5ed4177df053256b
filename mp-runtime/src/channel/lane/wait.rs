//! Waiting for an item, or for room for one: trying, spinning, sleeping, and asking whether there is any sense in it.

use super::bell::Bell;
use super::count::Counts;
use super::ground::Ground;
use super::{ALL_DONE, DONE, ITEMS, Lane, closed};
use crate::error::Result;
use crate::sys::clock::Deadline;
use crate::transport::park::Spinner;
use crate::transport::sleeper::Looks;
use std::cell::RefCell;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

/// How long those wait for a lock who do not want to wait for items: its owner may be stopped.
const GRACE: Duration = Duration::from_secs(1);

/// How long to wait for an item, or for room for one.
#[derive(Clone, Copy, Debug)]
pub(in crate::channel) enum Until {
    Now,
    Then(Deadline),
    Ever,
}

impl Until {
    pub(in crate::channel) fn after(timeout: Duration) -> Self {
        if timeout.is_zero() {
            Self::Now
        } else {
            Deadline::after(timeout).map_or(Self::Ever, Self::Then)
        }
    }

    fn deadline(self) -> Option<Deadline> {
        match self {
            Self::Then(deadline) => Some(deadline),
            Self::Now | Self::Ever => None,
        }
    }

    fn has_passed(self) -> bool {
        match self {
            Self::Now => true,
            Self::Then(deadline) => deadline.has_passed(),
            Self::Ever => false,
        }
    }

    /// Until when to wait for a lock.
    pub(super) fn for_lock(self) -> Option<Deadline> {
        match self {
            Self::Ever => None,
            Self::Now => Deadline::after(GRACE),
            Self::Then(deadline) => Deadline::after(GRACE).map(|grace| grace.max(deadline)),
        }
    }
}

/// What an attempt has found.
pub(super) enum Attempt<R> {
    Done(R),
    /// Nothing to take, or no room; or the lock was not to be had in time.
    Not,
}

thread_local! {
    static SPINNER: RefCell<Spinner> = const { RefCell::new(Spinner::new()) };
}

impl<G: Ground> Lane<G> {
    /// Counts an item as done; false if all that were put are.
    pub(in crate::channel) fn done(&self) -> bool {
        let puts = self.ground.head().puts();
        let count = |done: u64| (done < puts).then(|| done + 1);
        let Ok(before) = self.u64(DONE).fetch_update(Release, Relaxed, count) else { return false };
        if before.wrapping_add(1) == puts {
            ALL_DONE.ring_all(self.ground.head());
        }
        true
    }

    /// Waits until all that were put are done; false if `until` has passed first.
    pub(in crate::channel) fn all_done(
        &self,
        until: Until,
        still: impl FnMut() -> Result<()>,
    ) -> Result<bool> {
        let ready = || self.u64(DONE).load(Acquire) == self.ground.head().puts();
        let look = || Ok(if ready() { Attempt::Done(()) } else { Attempt::Not });
        Ok(self.wait(ALL_DONE, until, look, ready, still)?.is_some())
    }

    /// Waits until there is something to take; false if `until` has passed first.
    pub(in crate::channel) fn poll(
        &self,
        until: Until,
        still: impl FnMut() -> Result<()>,
    ) -> Result<bool> {
        let look = || Ok(if self.is_empty() { Attempt::Not } else { Attempt::Done(()) });
        Ok(self.wait(ITEMS, until, look, || !self.is_empty(), still)?.is_some())
    }

    /// Tries until it succeeds. Between two attempts it spins, and then sleeps until rung.
    pub(super) fn wait<R>(
        &self,
        bell: Bell,
        until: Until,
        mut attempt: impl FnMut() -> Result<Attempt<R>>,
        ready: impl Fn() -> bool,
        mut still: impl FnMut() -> Result<()>,
    ) -> Result<Option<R>> {
        let mut looks = Looks::new();
        loop {
            if let Attempt::Done(done) = attempt()? {
                return Ok(Some(done));
            }
            if !matches!(until, Until::Now)
                && SPINNER.with_borrow_mut(|spinner| spinner.spin(&ready))
            {
                continue;
            }
            let mut senseless = None;
            let mut look = || {
                let sense = if self.is_closed() { Err(closed()) } else { still() };
                ready() || sense.map_err(|error| senseless = Some(error)).is_err()
            };
            if until.has_passed() {
                look();
            } else {
                bell.sleep(self.ground.head(), looks.next(until.deadline()), look);
                SPINNER.with_borrow_mut(Spinner::woken);
            }
            if let Some(error) = senseless {
                // What was there before there was no sense in waiting.
                return match attempt()? {
                    Attempt::Done(done) => Ok(Some(done)),
                    Attempt::Not => Err(error),
                };
            }
            if until.has_passed() {
                return match attempt()? {
                    Attempt::Done(done) => Ok(Some(done)),
                    Attempt::Not => Ok(None),
                };
            }
        }
    }
}
