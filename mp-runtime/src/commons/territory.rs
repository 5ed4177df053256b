//! Memory for objects. A process takes it from territories of its own, and keeps count of them in memory of its own: what
//! a death interrupts there is nobody else's concern. What an object is, is in `head`.

use super::directory;
use super::head::{self, Head, LENGTH};
use super::tree::{self, TERRITORY, Tree};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::own;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What small objects are cut from.
pub(super) const SLAB: usize = 1 << 16;
const SMALLEST: usize = head::ALIGN;
const CLASSES: usize = 5;
const PAGE: usize = 4096;
/// After so many objects more, or so many bytes, it is time to look which ones others have freed.
const OFTEN: usize = 1 << 10;
const MUCH: usize = 1 << 25;
/// How many dead processes' territories are swept at a time, and how many are looked at for such.
const SWEPT_AT_ONCE: usize = 4;
const LOOKED_AT: usize = 64;

static STATE: Mutex<State> = Mutex::new(State::NEW);

/// What this process has.
struct State {
    /// The count of forks at which this was so: a copy has nothing.
    forks: u32,
    /// Free ranges of pages, by where they begin.
    ranges: BTreeMap<usize, usize>,
    /// Free places for small objects, by size.
    small: [Vec<usize>; CLASSES],
    /// How large each object is, by where it is.
    objects: BTreeMap<usize, usize>,
    bytes: usize,
    /// How much there may be before the next look.
    look_at: (usize, usize),
}

impl State {
    const NEW: Self = Self {
        forks: 0,
        ranges: BTreeMap::new(),
        small: [const { Vec::new() }; CLASSES],
        objects: BTreeMap::new(),
        bytes: 0,
        look_at: (OFTEN, MUCH),
    };
}

fn state() -> MutexGuard<'static, State> {
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    if state.forks != own::forks() {
        *state = State { forks: own::forks(), ..State::NEW };
    }
    state
}

/// A place for an object of so many bytes, and its head; all zero, and with memory behind it.
pub(super) fn allocate(tree: &'static Tree, len: usize) -> Result<usize> {
    tree::own()?;
    let refused = || {
        let text = format!("an object of {len} bytes is more than processes can share");
        Error::new(ErrorKind::InvalidArgument, text)
    };
    let size = len.checked_add(LENGTH).ok_or_else(refused)?;
    let class = (0..CLASSES).find(|class| SMALLEST << class >= size);
    let size = match class {
        Some(class) => SMALLEST << class,
        None => size.checked_next_multiple_of(PAGE).ok_or_else(refused)?,
    };
    let mut state = state();
    let mut full = Vec::new();
    if state.objects.len() >= state.look_at.0 || state.bytes >= state.look_at.1 {
        full = state.look(tree);
    }
    let at = match class {
        Some(class) => state.small(tree, class, &mut full)?,
        None => state.pages(tree, size, directory::ALONE, &mut full)?,
    };
    state.objects.insert(at, size);
    state.bytes += size;
    drop(state);
    if let Some(count) = tree.objects(territory_of(at)) {
        count.fetch_add(1, AcqRel);
    }
    full.into_iter().for_each(|head| head.free_if_unheld(tree));
    Ok(at)
}

/// Takes back a place whose object is over, if it is one of this process's.
pub(super) fn reclaim(tree: &Tree, at: usize) {
    let own = tree.owner(territory_of(at)).is_some_and(|owner| {
        tree::own_if_any().is_some_and(|own| owner.load(Relaxed) == own.get())
    });
    if own {
        let mut state = state();
        // Another thread may have done so, and have made something new there.
        if Head::is_over(tree, at) {
            state.give_back(tree, at);
        }
    }
}

/// Counts an object out that was at this place; false if there can be none.
pub(super) fn count_out(tree: &Tree, at: usize) -> bool {
    tree.objects(territory_of(at)).is_some_and(|count| {
        // A count that was scribbled over may be anything, but not less than none.
        let _ = count.fetch_update(AcqRel, Relaxed, |count| count.checked_sub(1));
        true
    })
}

/// Whether a range lies within territories as one object's may.
pub(super) fn holds(at: usize, end: usize) -> bool {
    let territory = usize::try_from(TERRITORY).unwrap_or(usize::MAX);
    let starts = at.is_multiple_of(PAGE) && at >= territory;
    let first = at % territory == directory::LENGTH;
    starts && end > at && (end - at <= territory || first)
}

fn territory_of(at: usize) -> u32 {
    u32::try_from(at as u64 / TERRITORY).unwrap_or(u32::MAX)
}

impl State {
    fn small(&mut self, tree: &'static Tree, class: usize, full: &mut Vec<Head>) -> Result<usize> {
        if self.small[class].is_empty() {
            let size = SMALLEST << class;
            let slab = self.pages(tree, SLAB, directory::slab_of(size), full)?;
            self.small[class].extend((0..SLAB / size).rev().map(|index| slab + index * size));
        }
        let at = self.small[class].pop().expect("there are some, or a slab was cut");
        let zeroes = [0; PAGE];
        tree.shared().write(at, &zeroes[..SMALLEST << class]);
        Ok(at)
    }

    /// A range of pages, zero and with memory behind it, for what the mark says.
    fn pages(
        &mut self,
        tree: &'static Tree,
        size: usize,
        mark: u8,
        full: &mut Vec<Head>,
    ) -> Result<usize> {
        let fitting = |ranges: &BTreeMap<usize, usize>| {
            ranges
                .iter()
                .filter(|(_, len)| **len >= size)
                .min_by_key(|(_, len)| **len)
                .map(|(at, _)| *at)
        };
        let at = match fitting(&self.ranges) {
            Some(at) => at,
            None => {
                self.claim(tree, size, full)?;
                fitting(&self.ranges).ok_or_else(|| no_room(size))?
            }
        };
        let len = self.ranges.remove(&at).expect("found there");
        if len > size {
            self.ranges.insert(at + size, len - size);
        }
        let reserved = tree.memory().reserve(at as u64, size as u64);
        if let Err(error) = reserved.and_then(|()| directory::mark(tree, at, mark)) {
            self.add_range(at, size);
            return Err(Error::io(
                format!("no memory for {size} bytes that processes share"),
                error,
            ));
        }
        Ok(at)
    }

    /// Takes a territory, or as many in a row as are needed: a dead process's, or a new one.
    fn claim(&mut self, tree: &'static Tree, size: usize, full: &mut Vec<Head>) -> Result<()> {
        let own = tree::own()?.get();
        let length = usize::try_from(TERRITORY).unwrap_or(usize::MAX);
        let needed = size.checked_add(directory::LENGTH).map(|size| size.div_ceil(length));
        let needed = needed.and_then(|needed| u32::try_from(needed).ok());
        let needed = needed.ok_or_else(|| no_room(size))?;
        let last = tree.last_territory();
        let claimed = last.load(Relaxed).min(tree.territories() - 1);
        let mut adopted = || {
            // A look at some each time, so that memory comes back before there is no other.
            [1, SWEPT_AT_ONCE].into_iter().find_map(|count| {
                sweep(tree, claimed, own, count, full);
                (1..=claimed).find(|t| adopt(tree, *t, own))
            })
        };
        if let Some(territory) = (needed == 1).then(&mut adopted).flatten() {
            let at = territory as usize * length + directory::LENGTH;
            self.add_range(at, length - directory::LENGTH);
            return Ok(());
        }
        let claimed = last.fetch_update(AcqRel, Relaxed, |last| {
            let end = last.checked_add(needed)?;
            (end < tree.territories()).then_some(end)
        });
        let first = claimed.map_err(|_| no_room(size))? + 1;
        for territory in first..first + needed {
            if let Some(owner) = tree.owner(territory) {
                // What is no process's number is taken over by none: only the first counts objects.
                owner.store(if territory == first { own } else { u32::MAX }, Relaxed);
            }
        }
        // Those that were claimed one by one stay apart: only a large object lies in several.
        let at = first as usize * length + directory::LENGTH;
        self.ranges.insert(at, needed as usize * length - directory::LENGTH);
        Ok(())
    }

    fn add_range(&mut self, at: usize, len: usize) {
        let length = usize::try_from(TERRITORY).unwrap_or(usize::MAX);
        let (mut at, mut len) = (at, len);
        if let Some((before, size)) = self.ranges.range(..at).next_back().map(|(b, s)| (*b, *s))
            && before + size == at
            && !at.is_multiple_of(length)
        {
            self.ranges.remove(&before);
            (at, len) = (before, size + len);
        }
        if let Some(size) = self.ranges.get(&(at + len)).copied()
            && !(at + len).is_multiple_of(length)
        {
            self.ranges.remove(&(at + len));
            len += size;
        }
        self.ranges.insert(at, len);
    }

    fn give_back(&mut self, tree: &Tree, at: usize) {
        let Some(size) = self.objects.remove(&at) else { return };
        self.bytes -= size;
        match (0..CLASSES).find(|class| SMALLEST << class == size) {
            Some(class) => self.small[class].push(at),
            None => {
                // What cannot be given back would not be zero for the next one, nor may what becomes of it
                // be taken for an object.
                let unmarked = directory::mark(tree, at, directory::NOTHING);
                if unmarked.and_then(|()| tree.memory().discard(at as u64, size as u64)).is_ok() {
                    self.add_range(at, size);
                }
            }
        }
    }

    /// Takes back what others have freed, or have held when they died; gives what has contents, which
    /// may have been held so.
    fn look(&mut self, tree: &'static Tree) -> Vec<Head> {
        let mut full = Vec::new();
        let places: Vec<usize> = self.objects.keys().copied().collect();
        for at in places {
            match Head::present(tree, at) {
                Some(head) if head.contents(tree).is_some() => full.push(head),
                Some(head) => drop(head.end_if_unheld(tree)),
                None => {}
            }
            if Head::is_over(tree, at) {
                self.give_back(tree, at);
            }
        }
        self.look_at = ((2 * self.objects.len()).max(OFTEN), (2 * self.bytes).max(MUCH));
        full
    }
}

/// Takes over the territory of a dead process in which nothing is left.
fn adopt(tree: &Tree, territory: u32, own: u32) -> bool {
    let (Some(owner), Some(objects)) = (tree.owner(territory), tree.objects(territory)) else {
        return false;
    };
    let was = owner.load(Acquire);
    let Some(number) = tree::Number::from_raw(was) else { return false };
    objects.load(Acquire) == 0
        && !tree::is_alive(number)
        && owner.compare_exchange(was, own, AcqRel, Relaxed).is_ok()
        && tree.memory().discard(u64::from(territory) * TERRITORY, TERRITORY).is_ok()
}

/// Ends what nobody holds any more in so many territories of dead processes. What has contents is given
/// back in `full`.
fn sweep(tree: &'static Tree, last: u32, own: u32, count: usize, full: &mut Vec<Head>) {
    let mut left = count;
    // Each process begins elsewhere, so that all are looked at in turn.
    let all = (0..last).map(|index| 1 + own.wrapping_add(index) % last).take(LOOKED_AT);
    for territory in all.filter(|t| tree.objects(*t).is_some_and(|n| n.load(Relaxed) != 0)) {
        let Some(owner) = tree.owner(territory) else { return };
        let was = owner.load(Acquire);
        let dead = tree::Number::from_raw(was).is_some_and(|number| !tree::is_alive(number));
        // As its owner, since another one would make objects there meanwhile.
        if !dead || owner.compare_exchange(was, own, AcqRel, Relaxed).is_err() {
            continue;
        }
        for at in directory::places(tree, territory) {
            match Head::present(tree, at) {
                Some(head) if head.contents(tree).is_some() => full.push(head),
                Some(head) => drop(head.end_if_unheld(tree)),
                None => {}
            }
        }
        let _ = owner.compare_exchange(own, was, AcqRel, Relaxed);
        left -= 1;
        if left == 0 {
            return;
        }
    }
}

fn no_room(size: usize) -> Error {
    let text = format!("no room for {size} bytes in the memory that processes share");
    Error::new(ErrorKind::Io, text)
}
