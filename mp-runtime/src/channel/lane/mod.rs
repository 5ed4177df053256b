//! The lane: a queue of items in memory that processes share, for any number of producers and consumers (two locks, after
//! Michael and Scott, 1996). What the items are, and who may use it, is for the faces of `channel`.
//!
//! A producer writes an item where nobody finds it, and then counts it: that one store is the put. A consumer copies an
//! item out, notes where it stands then, and counts it: that one store is the take. So whoever dies at any instruction
//! has done all or nothing of either, and the next one who takes the dead one's lock goes on from there.
//!
//! Nothing that is read here is believed: every place and length is checked, and what makes no sense is
//! [`ErrorKind::Broken`].

mod bell;
mod chain;
mod count;
mod entry;
mod ground;
mod latch;
mod loans;
mod wait;

#[cfg(test)]
mod tests;

pub(super) use bell::Bell;
pub(super) use entry::{Entry, Kind};
pub(super) use ground::{At, Ground, Heads, Words};
pub(super) use loans::{RETURNED, Room, lent_size};
pub(super) use wait::Until;

use crate::error::{Error, ErrorKind, Result};
use count::Counts;
use latch::latch;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use wait::Attempt;

/// How many bytes a lane takes beside its blocks.
pub(super) const LEN: usize = 1536;

// What producers write. A line of the cache is 64 bytes, and two neighbours are fetched together.
const PUT_LOCK: usize = 0;
/// What producers last knew of how many items, and bytes of them, consumers have taken.
const KNOWN_TAKES: usize = 8;
const KNOWN_BYTES: usize = 16;
/// A block that is about to be in the chain.
const PENDING: usize = 24;
/// The number of the item that is being written, or was the last.
const WRITING: usize = 40;
const TAIL: usize = 64;
/// How many items were put, and the sleep of those who wait for one.
const PUTS: usize = 256;
pub(super) const ITEMS: Bell = Bell::at(264);
// What consumers write.
const TAKE_LOCK: usize = 384;
/// What consumers last knew of how many items were put.
const KNOWN_PUTS: usize = 392;
/// Up to which take the blocks that were left have been seen to.
const RETIRED: usize = 400;
const HEAD: usize = 408;
/// How many were taken, and the sleep of those who wait for room.
const TAKES: usize = 512;
pub(super) const ROOM: Bell = Bell::at(520);
// What both read, and seldom write.
const MOST_ITEMS: usize = 640;
const MOST_BYTES: usize = 648;
pub(super) const FIRST: usize = 656;
/// Set when nothing more is to be put by anyone.
const CLOSED: usize = 672;
const SHARED: usize = 680;
const DEPARTED: usize = 688;
/// Blocks that were read to their end, for producers: filled in by consumers, taken by producers.
const SPARES_AT: usize = 704;
const SPARES: usize = 4;
/// How many items are done, and the sleep of those who wait for all of them.
const DONE: usize = 768;
const ALL_DONE: Bell = Bell::at(776);

/// A block larger than this is given back at once.
const LARGEST_SPARE: usize = (1 << 20) + (64 << 10);

/// A lane, on its ground.
#[derive(Debug)]
pub(super) struct Lane<G> {
    ground: G,
}

/// Where the bytes of an item that is taken go.
pub(super) trait Sink {
    /// Copies what it wants of the `len` bytes at `at`; an error leaves the item where it is.
    fn accept(&mut self, kind: Kind, block: &impl Words, at: usize, len: usize) -> Result<()>;

    /// Whether it reads an item in place that has a block of its own, and gives that back afterwards.
    fn keeps(&self) -> bool {
        false
    }

    /// Makes what is attached to it this process's, so that it goes with that from now on; called just
    /// before the item is taken.
    fn seize(&mut self, wire: &[u8]);
}

/// An item whose bytes are in the sink.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) kind: Kind,
    pub(super) wire: Vec<u8>,
    /// The block that the sink keeps, and how many of its bytes are the item.
    pub(super) lent: Option<(Room, usize)>,
}

impl<G: Ground> Lane<G> {
    #[inline]
    pub(super) fn new(ground: G) -> Self {
        Self { ground }
    }

    /// Sets limits, 0 for none, before anyone else has the lane.
    pub(super) fn set_limits(&self, items: u64, bytes: u64) {
        self.u64(MOST_ITEMS).store(items, Relaxed);
        self.u64(MOST_BYTES).store(bytes, Release);
    }

    #[inline]
    fn u64(&self, word: usize) -> &AtomicU64 {
        self.ground.head().u64(word)
    }

    /// How many items were ever put.
    pub(super) fn puts(&self) -> u64 {
        self.ground.head().puts()
    }

    /// How many items are there to be taken.
    pub(super) fn len(&self) -> u64 {
        let takes = self.ground.head().takes();
        self.ground.head().puts().saturating_sub(takes)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        let takes = self.ground.head().takes();
        self.ground.head().puts() == takes
    }

    /// Whether as many items are there as there may be.
    pub(super) fn is_full(&self) -> bool {
        let most = self.u64(MOST_ITEMS).load(Relaxed);
        most != 0 && self.len() >= most
    }

    pub(super) fn most_items(&self) -> u64 {
        self.u64(MOST_ITEMS).load(Relaxed)
    }

    /// Has all later puts fail, and takes too once nothing is left.
    pub(super) fn close(&self) {
        self.u64(CLOSED).store(1, Release);
        self.ring_all();
    }

    /// Wakes all who wait, so that they ask again whether there is any sense in it.
    pub(super) fn ring_all(&self) {
        ITEMS.ring_all(self.ground.head());
        ROOM.ring_all(self.ground.head());
        ALL_DONE.ring_all(self.ground.head());
        RETURNED.ring_all(self.ground.head());
    }

    /// Notes that the lane has more than one handle, or had.
    pub(super) fn share(&self) {
        self.u64(SHARED).store(1, Relaxed);
    }

    pub(super) fn is_shared(&self) -> bool {
        self.u64(SHARED).load(Relaxed) != 0
    }

    /// Notes that a handle is gone, and has all who wait look whether others are left.
    pub(super) fn depart(&self) {
        self.u64(DEPARTED).fetch_add(1, Release);
        self.ring_all();
    }

    /// How many handles are gone that could say so.
    pub(super) fn departed(&self) -> u64 {
        self.u64(DEPARTED).load(Acquire)
    }

    /// As [`Bell::announce`], for those who wait beside other things: on its word.
    pub(super) fn announce(&self, bell: Bell) -> u32 {
        bell.announce(self.ground.head())
    }

    /// Wakes another one who waits for the same.
    pub(super) fn pass_on(&self, bell: Bell) {
        bell.ring(self.ground.head());
    }

    pub(super) fn is_closed(&self) -> bool {
        self.u64(CLOSED).load(Acquire) != 0
    }

    /// Whether a producer has died with an item half written; true once for each.
    pub(super) fn has_cut_off(&self) -> bool {
        if !latch::is_abandoned(&self.ground, PUT_LOCK) {
            return false;
        }
        let Ok(Some(latched)) = latch(&self.ground, PUT_LOCK, Until::Now) else {
            return false;
        };
        let puts = self.ground.head().puts();
        // What is wrong here is for the next producer to find.
        let _ = self.recover_pending(puts);
        latched.owner_died && self.u64(WRITING).load(Relaxed) == puts.wrapping_add(1)
    }

    /// Puts an item, waiting for room; false if `until` has passed. Where it waits, `still` says
    /// whether there is any sense in it, by an error that becomes this call's. `commit` is called once,
    /// when it is there: whoever takes it may be faster.
    pub(super) fn put(
        &self,
        entry: &Entry<'_>,
        until: Until,
        mut commit: impl FnMut(),
        still: impl FnMut() -> Result<()>,
    ) -> Result<bool> {
        let size = entry.size().ok_or_else(chain::too_large)?;
        let put = || self.try_put(entry, size, until, &mut commit);
        let ready = || self.has_room(entry.weight(size));
        Ok(self.wait(ROOM, until, put, ready, still)?.is_some())
    }

    /// Takes an item, waiting for one; none if `until` has passed. For `still` see [`put`](Self::put);
    /// its error comes when nothing is left.
    pub(super) fn take(
        &self,
        sink: &mut impl Sink,
        until: Until,
        still: impl FnMut() -> Result<()>,
    ) -> Result<Option<Taken>> {
        let take = || self.try_take(sink, until);
        self.wait(ITEMS, until, take, || !self.is_empty(), still)
    }

    /// Takes all that is there and drops it; `forget` is given what was attached.
    pub(super) fn drain(&self, nowhere: &mut impl Sink, mut forget: impl FnMut(&[u8])) {
        while let Ok(Some(taken)) = self.take(nowhere, Until::Now, || Ok(())) {
            forget(&taken.wire);
        }
    }

    /// Gives all memory back, of a lane that was drained and that nobody will use again.
    pub(super) fn dissolve(&self) {
        let latch = |lock| latch(&self.ground, lock, Until::Now);
        let (Ok(Some(taking)), Ok(Some(_putting))) = (latch(TAKE_LOCK), latch(PUT_LOCK)) else {
            return;
        };
        let (puts, takes) = (self.ground.head().puts(), self.ground.head().takes());
        if taking.owner_died {
            // What is wrong there is lost in any case.
            let _ = self.recover_left(takes);
        }
        if puts == takes {
            self.free_all(puts, takes);
        }
    }

    /// Whether an item that weighs so many bytes has room, as far as can be seen without the lock.
    pub(super) fn has_room(&self, size: usize) -> bool {
        let puts = self.ground.head().puts();
        // Whoever then tries finds out what is wrong.
        self.tail(puts).is_ok_and(|tail| self.has_room_behind(puts, tail.bytes, size))
    }

    #[inline]
    fn has_room_behind(&self, puts: u64, bytes: u64, size: usize) -> bool {
        let most_items = self.u64(MOST_ITEMS).load(Relaxed);
        let most_bytes = self.u64(MOST_BYTES).load(Relaxed);
        if most_items == 0 && most_bytes == 0 {
            return true;
        }
        let fits = |takes: u64, taken: u64| {
            let inside = bytes.wrapping_sub(taken).saturating_add(size as u64);
            let empty = puts == takes;
            (most_items == 0 || puts.wrapping_sub(takes) < most_items)
                && (most_bytes == 0 || empty || inside <= most_bytes)
        };
        // Less was taken when that was noted than now.
        if fits(self.u64(KNOWN_TAKES).load(Relaxed), self.u64(KNOWN_BYTES).load(Relaxed)) {
            return true;
        }
        let takes = self.ground.head().takes();
        let taken = self.bytes_taken(takes);
        self.u64(KNOWN_TAKES).store(takes, Relaxed);
        self.u64(KNOWN_BYTES).store(taken, Relaxed);
        fits(takes, taken)
    }

    fn try_put(
        &self,
        entry: &Entry<'_>,
        size: usize,
        until: Until,
        commit: &mut impl FnMut(),
    ) -> Result<Attempt<()>> {
        let Some(latched) = latch(&self.ground, PUT_LOCK, until)? else {
            return Ok(Attempt::Not);
        };
        let puts = self.ground.head().puts();
        if latched.owner_died {
            self.recover_pending(puts)?;
        }
        if self.is_closed() {
            return Err(closed());
        }
        let tail = self.tail(puts)?;
        if !self.has_room_behind(puts, tail.bytes, entry.weight(size)) {
            return Ok(Attempt::Not);
        }
        self.u64(WRITING).store(puts.wrapping_add(1), Relaxed);
        self.append(entry, size, puts, tail)?;
        // A loan's word says which put it belongs to before that is there; what holds objects is the message's after.
        if entry.lent.is_some() {
            commit();
        }
        self.ground.head().count_put(puts);
        if entry.lent.is_none() {
            commit();
        }
        self.settle_pending();
        drop(latched);
        ITEMS.ring(self.ground.head());
        Ok(Attempt::Done(()))
    }

    fn try_take(&self, sink: &mut impl Sink, until: Until) -> Result<Attempt<Taken>> {
        let known = self.u64(KNOWN_PUTS).load(Relaxed);
        if known <= self.u64(TAKES).load(Relaxed) && self.is_empty() {
            return Ok(Attempt::Not);
        }
        let Some(latched) = latch(&self.ground, TAKE_LOCK, until)? else {
            return Ok(Attempt::Not);
        };
        let takes = self.ground.head().takes();
        if latched.owner_died {
            self.recover_left(takes)?;
        }
        if self.u64(KNOWN_PUTS).load(Relaxed) <= takes {
            let puts = self.ground.head().puts();
            self.u64(KNOWN_PUTS).store(puts, Relaxed);
            if puts == takes {
                return Ok(Attempt::Not);
            }
        }
        let (place, block, item) = self.front(takes)?;
        let lent = self.accept(sink, &block, item, takes)?;
        let (at, len) = item.wire;
        let mut wire = vec![0; len];
        block.read(at, &mut wire);
        if len != 0 {
            sink.seize(&wire);
        }
        self.step_over(takes, place, item, lent.map_or(0, |(_, len)| len));
        self.ground.head().count_take(takes);
        self.retire(place.left);
        self.u64(RETIRED).store(takes.wrapping_add(1), Relaxed);
        drop(latched);
        if self.u64(MOST_ITEMS).load(Relaxed) | self.u64(MOST_BYTES).load(Relaxed) != 0 {
            ROOM.ring(self.ground.head());
        }
        Ok(Attempt::Done(Taken { kind: item.kind, wire, lent: self.kept(sink, lent) }))
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the queue was closed for everyone")
}

/// What is said of memory in which somebody else has written.
fn broken() -> Error {
    Error::new(
        ErrorKind::Broken,
        "the memory of the queue or channel was overwritten by a process that has it",
    )
}
