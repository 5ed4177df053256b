//! Memory for objects. A process takes it from territories of its own, and keeps count of them in memory of its own: what
//! a death interrupts there is nobody else's concern. What an object is, is in `head`.

use super::head::{self, Head, LENGTH};
use super::notes;
use super::tree::{self, TERRITORY, Tree};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::own;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What small objects are cut from.
const SLAB: usize = 1 << 16;
const SMALLEST: usize = head::ALIGN;
const CLASSES: usize = 5;
const PAGE: usize = 4096;
/// After so many objects more, or so many bytes, it is time to look which ones others have freed.
const OFTEN: usize = 1 << 10;
const MUCH: usize = 1 << 25;
/// And after so many children have ended.
const DEATHS: u32 = 16;

/// What owns a territory in which an object only goes on: no process, so that none takes it over.
const MORE: u32 = u32::MAX;

static STATE: Mutex<State> = Mutex::new(State::NEW);
/// How many children have ended that nobody has looked after yet.
static ENDED: AtomicU32 = AtomicU32::new(0);

/// Notes that a child has ended, which may have left objects.
pub(crate) fn one_has_ended() {
    ENDED.fetch_add(1, Relaxed);
}

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
    /// The pages of notes that have memory behind them.
    notes: BTreeSet<usize>,
    /// What had contents when its maker was found dead: to be looked at without the lock.
    full: Vec<Head>,
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
        notes: BTreeSet::new(),
        full: Vec::new(),
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
    if state.objects.len() >= state.look_at.0
        || state.bytes >= state.look_at.1
        || ENDED.load(Relaxed) >= DEATHS
    {
        state.look(tree);
    }
    let at = match class {
        Some(class) => state.small(tree, class)?,
        None => state.pages(tree, size)?,
    };
    state.objects.insert(at, size);
    state.bytes += size;
    notes::add(tree, at);
    let full = std::mem::take(&mut state.full);
    drop(state);
    if !full.is_empty() {
        empty(tree, full);
    }
    Ok(at)
}

/// Frees what dead processes have left that has contents, and takes back what those were.
fn empty(tree: &'static Tree, full: Vec<Head>) {
    full.into_iter().for_each(|head| head.free_if_unheld(tree));
    let mut state = state();
    state.bury_others(tree);
    state.count();
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

/// Whether a range may be one object's, as far as others than its head tell: no other one is in it.
pub(super) fn holds(tree: &Tree, at: usize, end: usize) -> bool {
    let territory = usize::try_from(TERRITORY).unwrap_or(usize::MAX);
    if !at.is_multiple_of(PAGE) || at < territory || end <= at || end as u64 > tree.len() {
        return false;
    }
    let (first, last) = (territory_of(at), territory_of(end - 1));
    let is_more = |t| tree.owner(t).is_some_and(|owner| owner.load(Relaxed) == MORE);
    let within =
        first == last || at % territory == notes::LENGTH && (first + 1..=last).all(is_more);
    within && notes::has_none_between(tree, at, end.min((first as usize + 1) * territory))
}

fn territory_of(at: usize) -> u32 {
    u32::try_from(at as u64 / TERRITORY).unwrap_or(u32::MAX)
}

impl State {
    fn small(&mut self, tree: &'static Tree, class: usize) -> Result<usize> {
        if self.small[class].is_empty() {
            let slab = self.pages(tree, SLAB)?;
            let size = SMALLEST << class;
            self.small[class].extend((0..SLAB / size).rev().map(|index| slab + index * size));
        }
        let at = self.small[class].pop().expect("there are some, or a slab was cut");
        let zeroes = [0; PAGE];
        tree.shared().write(at, &zeroes[..SMALLEST << class]);
        Ok(at)
    }

    /// A range of pages, zero and with memory behind it.
    fn pages(&mut self, tree: &'static Tree, size: usize) -> Result<usize> {
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
                self.claim(tree, size)?;
                fitting(&self.ranges).ok_or_else(|| no_room(size))?
            }
        };
        let len = self.ranges.remove(&at).expect("found there");
        if len > size {
            self.ranges.insert(at + size, len - size);
        }
        let reserved = tree.memory().reserve(at as u64, size as u64);
        if let Err(error) = reserved.and_then(|()| self.reserve_notes(tree, at, size)) {
            self.add_range(at, size);
            return Err(Error::io(
                format!("no memory for {size} bytes that processes share"),
                error,
            ));
        }
        Ok(at)
    }

    /// Takes memory for the notes of a range: of a slab, many; of more, for where it begins.
    fn reserve_notes(&mut self, tree: &Tree, at: usize, size: usize) -> io::Result<()> {
        for page in notes::pages(at, size.min(SLAB)) {
            if !self.notes.contains(&page) {
                tree.memory().reserve(page as u64, PAGE as u64)?;
                self.notes.insert(page);
            }
        }
        Ok(())
    }

    /// Takes a territory, or as many in a row as are needed: a dead process's, or a new one.
    fn claim(&mut self, tree: &'static Tree, size: usize) -> Result<()> {
        let own = tree::own()?.get();
        let length = usize::try_from(TERRITORY).unwrap_or(usize::MAX);
        let needed = size.checked_add(notes::LENGTH).map_or(usize::MAX, |all| all.div_ceil(length));
        let needed = u32::try_from(needed).map_err(|_| no_room(size))?;
        let last = tree.last_territory();
        if needed == 1
            && let Some(territory) = tree.claimed().find(|t| adopt(tree, *t, own, &mut self.full))
        {
            self.add_range(territory as usize * length + notes::LENGTH, length - notes::LENGTH);
            return Ok(());
        }
        let claimed = last.fetch_update(AcqRel, Relaxed, |last| {
            let end = last.checked_add(needed)?;
            (end < tree.territories()).then_some(end)
        });
        let first = claimed.map_err(|_| no_room(size))? + 1;
        for territory in first..first + needed {
            if let Some(owner) = tree.owner(territory) {
                owner.store(if territory == first { own } else { MORE }, Relaxed);
            }
        }
        // Those that were claimed one by one stay apart: only a large object lies in several.
        let begin = first as usize * length + notes::LENGTH;
        self.ranges.insert(begin, needed as usize * length - notes::LENGTH);
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
        notes::remove(tree, at);
        match (0..CLASSES).find(|class| SMALLEST << class == size) {
            Some(class) => self.small[class].push(at),
            None => {
                // What cannot be given back would not be zero for the next one.
                if tree.memory().discard(at as u64, size as u64).is_ok() {
                    self.add_range(at, size);
                }
            }
        }
    }

    /// Takes back what others have freed, or have held when they died, and ends what makers who have died have
    /// left.
    fn look(&mut self, tree: &'static Tree) {
        let places: Vec<usize> = self.objects.keys().copied().collect();
        for at in places {
            bury(tree, at, &mut self.full);
            if Head::is_over(tree, at) {
                self.give_back(tree, at);
            }
        }
        ENDED.store(0, Relaxed);
        self.bury_others(tree);
        self.count();
    }

    /// Ends what dead processes have left in territories of their own, and gives the memory of those back that are empty.
    fn bury_others(&mut self, tree: &'static Tree) {
        let Ok(own) = tree::own() else { return };
        for territory in tree.claimed().filter(|territory| notes::are_used(tree, *territory)) {
            let was = dead_owner(tree, territory);
            if was.is_some()
                && adopt(tree, territory, own.get(), &mut self.full)
                && let (Some(was), Some(owner)) = (was, tree.owner(territory))
            {
                // Another process may need it more than this one.
                owner.store(was, Release);
            }
        }
    }

    /// Sets how much there may be before the next look.
    fn count(&mut self) {
        self.look_at = ((2 * self.objects.len()).max(OFTEN), (2 * self.bytes).max(MUCH));
    }
}

/// Ends what is at a place if nobody holds it. What has contents, which are objects in turn, comes later.
fn bury(tree: &'static Tree, at: usize, full: &mut Vec<Head>) {
    match Head::present(tree, at) {
        Some(head) if head.contents(tree).is_some() => full.push(head),
        Some(head) => drop(head.end_if_unheld(tree)),
        None => {}
    }
}

/// Who has made objects in a territory, if that process is dead.
fn dead_owner(tree: &Tree, territory: u32) -> Option<u32> {
    let owner = tree.owner(territory)?.load(Acquire);
    tree::Number::from_raw(owner).filter(|number| !tree::is_alive(*number)).map(|_| owner)
}

/// Takes over the territory of a dead process, if nothing is left there when what nobody holds is ended.
fn adopt(tree: &'static Tree, territory: u32, own: u32, full: &mut Vec<Head>) -> bool {
    let (Some(was), Some(owner)) = (dead_owner(tree, territory), tree.owner(territory)) else {
        return false;
    };
    let mut is_empty = true;
    for at in notes::all(tree, territory) {
        bury(tree, at, full);
        is_empty &= !Head::is_anything(tree, at);
    }
    is_empty
        && owner.compare_exchange(was, own, AcqRel, Relaxed).is_ok()
        && tree.memory().discard(u64::from(territory) * TERRITORY, TERRITORY).is_ok()
}

fn no_room(size: usize) -> Error {
    let text = format!("no room for {size} bytes in the memory that processes share");
    Error::new(ErrorKind::Io, text)
}
