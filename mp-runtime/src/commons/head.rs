//! What lies before each object: what it is, whether it is there, and who holds it.
//!
//! ```text
//! 0     8      16     24      32                    128
//! | tag | kind | size | next | 12 records of holders | the object's own bytes
//! tag:    state 2 | generation 30 | registrations 32; of an object that is being freed, by whom 32
//! record: role 4 | under way 1 | process 31 | id 28; 0 where there is none; process 0: nobody's, until it is taken
//! ```
//!
//! A continuation of the records has a head, too, whose size and the word behind its kind are the name of the object whose
//! it is. It ends with that one.
//!
//! An object is there for as long as one of its records names a living process, or nobody. Whoever clears a record looks
//! whether it was the last: reads the tag, then all records, and frees the object only if the tag is still the same. Who
//! registers writes the record first and then counts in the tag, and has been held by another record meanwhile, which is
//! cleared afterwards. So of a registration that the look has missed, either the tag or that other record tells.

use super::tree::{self, Number, TERRITORY, Tree};
use super::{Kind, Role, contents, territory};
use crate::error::{Error, ErrorKind, Result};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64};

pub(super) const LENGTH: usize = 128;
/// Heads lie at multiples of this.
pub(super) const ALIGN: usize = 256;
const KIND: usize = 8;
/// Of a continuation: the generation of its object, and where that is.
const OF_GENERATION: usize = 12;
const OF: usize = 16;
const SIZE: usize = 16;
const NEXT: usize = 24;
const RECORDS: usize = 32;
const INLINE: usize = (LENGTH - RECORDS) / 8;
/// A continuation has records where an object has its bytes.
const MORE: usize = (ALIGN - RECORDS) / 8;
/// No list is longer than this, were every process to hold the object.
const MOST_CONTINUATIONS: usize = 1 << 14;

const LIVE: u64 = 1 << 62;
const FREEING: u64 = 2 << 62;
const FREED: u64 = 3 << 62;
const STATE: u64 = 3 << 62;
const COUNT: u64 = u32::MAX as u64;

/// Objects of which a freed one gives its pages back at once have so many bytes.
const LARGE: usize = 1 << 16;
const PAGE: usize = 4096;

/// Where an object is, and which of those that have been there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) at: usize,
    pub(super) generation: u32,
}

/// One entry of a list of holders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Where it stands.
    pub(super) at: usize,
    pub(super) word: u64,
}

/// The word of a record.
pub(super) fn record_word(role: Role, under_way: bool, process: Option<Number>) -> u64 {
    static IDS: AtomicU32 = AtomicU32::new(1);
    // That of another process is hardly the same, also where it is nobody's.
    let salt = tree::own_if_any().map_or(0, Number::get).wrapping_mul(0x9e37_79b1);
    let id = u64::from(IDS.fetch_add(1, Relaxed).wrapping_add(salt)) & 0xfff_ffff;
    let process = u64::from(process.map_or(0, Number::get));
    u64::from(role.0 & 0xf) << 60 | u64::from(under_way) << 59 | process << 28 | id
}

/// The same record with another process to answer for it, or nobody.
pub(super) fn of_process(word: u64, process: Option<Number>) -> u64 {
    word & !(0x7fff_ffff << 28) | u64::from(process.map_or(0, Number::get)) << 28
}

/// The same record in another part.
pub(super) fn of_role(word: u64, role: Role) -> u64 {
    word & !(0xf << 60) | u64::from(role.0 & 0xf) << 60
}

fn process_of(word: u64) -> Option<Number> {
    Number::from_raw(u32::try_from(word >> 28 & 0x7fff_ffff).unwrap_or(0))
}

fn counts(word: u64, role: Option<Role>) -> bool {
    let alive = || process_of(word).is_none_or(tree::is_alive);
    word != 0 && role.is_none_or(|role| word >> 60 == u64::from(role.0)) && alive()
}

/// Whether this process answers for it, on behalf of a reader.
fn is_own_message(word: u64) -> bool {
    word >> 59 & 1 == 1 && process_of(word).is_some_and(|p| tree::own_if_any() == Some(p))
}

/// Makes a head in memory that is this process's own and zero, with one record.
pub(super) fn make(tree: &Tree, at: usize, size: usize, kind: Kind, word: u64) -> (Head, Record) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let shared = tree.shared();
    // Of one place and one process none comes twice before 2³⁰ objects; of two processes, hardly.
    let salt = tree::own_if_any().map_or(0, Number::get).wrapping_mul(0x9e37_79b1);
    let generation = COUNT.fetch_add(1, Relaxed).wrapping_add(salt) & 0x3fff_ffff;
    shared.u32(at + KIND).store(kind as u32, Relaxed);
    shared.u64(at + SIZE).store(size as u64, Relaxed);
    shared.u64(at + RECORDS).store(word, Relaxed);
    shared.u64(at).store(LIVE | u64::from(generation) << 32, Release);
    (Head { at, generation }, Record { at: at + RECORDS, word })
}

/// The object of a name that may say anything, if it is there; and how many bytes it has.
pub(super) fn find(tree: &Tree, at: u64, generation: u32, kind: Kind) -> Option<(Head, usize)> {
    let place = place(tree, at)?;
    let head = Head { at: place, generation };
    let shared = tree.shared();
    if !head.is_there(tree) || shared.u32(place + KIND).load(Relaxed) != kind as u32 {
        return None;
    }
    let size = shared.u64(place + SIZE).load(Relaxed);
    let fits = at.checked_add(LENGTH as u64)?.checked_add(size)? <= tree.len();
    fits.then_some((head, usize::try_from(size).ok()?))
}

/// A head's place, if one can be there.
fn place(tree: &Tree, at: u64) -> Option<usize> {
    let inside = at >= TERRITORY && at.checked_add(ALIGN as u64)? <= tree.len();
    let place = usize::try_from(at).ok()?;
    (inside && place.is_multiple_of(ALIGN)).then_some(place)
}

impl Head {
    fn tag(self, tree: &Tree) -> &AtomicU64 {
        tree.shared().u64(self.at)
    }

    fn is(self, tag: u64, state: u64) -> bool {
        tag & !COUNT == state | u64::from(self.generation) << 32
    }

    pub(super) fn is_there(self, tree: &Tree) -> bool {
        self.is(self.tag(tree).load(Acquire), LIVE)
    }

    /// Enters a holder.
    pub(super) fn register(self, tree: &'static Tree, word: u64) -> Result<Record> {
        let at = match self.enter(tree, word) {
            Some(at) => at,
            None => self.continue_list(tree, word)?,
        };
        let record = Record { at, word };
        if self.count(tree) {
            return Ok(record);
        }
        clear(tree, record);
        Err(gone())
    }

    /// Counts a registration; false if the object is gone.
    fn count(self, tree: &Tree) -> bool {
        let mut tag = self.tag(tree).load(Relaxed);
        while self.is(tag, LIVE) {
            let counted = tag & !COUNT | (tag + 1) & COUNT;
            match self.tag(tree).compare_exchange_weak(tag, counted, SeqCst, Relaxed) {
                Ok(_) => return true,
                Err(now) => tag = now,
            }
        }
        false
    }

    /// Has its first record be nobody's, who need not live; false if the object is gone.
    pub(super) fn keep(self, tree: &Tree) -> bool {
        let record = tree.shared().u64(self.at + RECORDS);
        let word = record.load(SeqCst);
        if word != 0 && process_of(word).is_none() {
            return self.is_there(tree);
        }
        let kept = record.compare_exchange(word, of_process(word, None), SeqCst, Relaxed).is_ok();
        word != 0 && kept && self.count(tree)
    }

    /// Writes a record in place of none, or of a dead process's.
    fn enter(self, tree: &Tree, word: u64) -> Option<usize> {
        let taken = |found: &mut dyn FnMut(u64) -> bool| {
            self.find_record(tree, &mut |at, now| {
                found(now)
                    && tree.shared().u64(at).compare_exchange(now, word, SeqCst, Relaxed).is_ok()
            })
        };
        taken(&mut |now| now == 0)
            .or_else(|| taken(&mut |now| process_of(now).is_some_and(|p| !tree::is_alive(p))))
    }

    /// Adds a continuation that begins with this record.
    fn continue_list(self, tree: &'static Tree, word: u64) -> Result<usize> {
        let more = territory::allocate(tree, ALIGN - LENGTH)?;
        tree.shared().u32(more + OF_GENERATION).store(self.generation, Relaxed);
        let (head, record) = make(tree, more, self.at, Kind::Holders, word);
        let mut last = self.at;
        for _ in 0..MOST_CONTINUATIONS {
            let next = tree.shared().u64(last + NEXT);
            match next.compare_exchange(0, more as u64, SeqCst, Acquire) {
                Ok(_) => return Ok(record.at),
                Err(next) => match place(tree, next) {
                    Some(next) => last = next,
                    None => break,
                },
            }
        }
        head.free(tree);
        Err(gone())
    }

    /// The place of the first record of which `found` says so.
    fn find_record(self, tree: &Tree, found: &mut dyn FnMut(usize, u64) -> bool) -> Option<usize> {
        let (mut part, mut count) = (self.at, INLINE);
        for _ in 0..MOST_CONTINUATIONS {
            for at in (0..count).map(|index| part + RECORDS + 8 * index) {
                if found(at, tree.shared().u64(at).load(SeqCst)) {
                    return Some(at);
                }
            }
            part = place(tree, tree.shared().u64(part + NEXT).load(Acquire))?;
            count = MORE;
        }
        None
    }

    /// Clears a record that somebody has named, if it is one of this object's list and that very one.
    pub(super) fn clear_named(self, tree: &Tree, at: u64, word: u64) {
        self.find_record(tree, &mut |place, _| {
            place as u64 == at && clear(tree, Record { at: place, word })
        });
    }

    /// Makes a record that somebody has named another process's: of its list, and the writer's, nobody's or that of one who has
    /// died.
    pub(super) fn seize_named(self, tree: &Tree, at: u64, word: u64, by: Number) {
        self.find_record(tree, &mut |place, now| {
            let may_be = |process| now == word || !tree::is_alive(process);
            place as u64 == at
                && of_process(now, None) == of_process(word, None)
                && process_of(now).is_none_or(may_be)
                && tree
                    .shared()
                    .u64(place)
                    .compare_exchange(now, of_process(word, Some(by)), SeqCst, Relaxed)
                    .is_ok()
        });
    }

    /// Whether anybody holds it.
    fn is_held(self, tree: &Tree) -> bool {
        self.find_record(tree, &mut |_, word| counts(word, None)).is_some()
    }

    /// Whether anybody holds it in that part by another record than the one at `own`; `messages` says whether those
    /// count that are under way from this process.
    pub(super) fn is_held_beside(
        self,
        tree: &Tree,
        role: Role,
        own: Option<usize>,
        messages: bool,
    ) -> bool {
        let holds = |at, word| {
            Some(at) != own && (messages || !is_own_message(word)) && counts(word, Some(role))
        };
        self.find_record(tree, &mut |at, word| holds(at, word)).is_some()
    }

    /// Frees the object if nobody holds it.
    pub(super) fn free_if_unheld(self, tree: &'static Tree) {
        if self.end_if_unheld(tree) {
            territory::reclaim(tree, self.at);
        }
    }

    /// As [`free_if_unheld`](Self::free_if_unheld), and leaves its place to whoever looks for it.
    pub(super) fn end_if_unheld(self, tree: &'static Tree) -> bool {
        let tag = self.tag(tree).load(SeqCst);
        let is_due = self.is(tag, LIVE) && !self.belongs(tree) && !self.is_held(tree);
        (is_due || self.is_left(tag)) && self.end(tree, tag)
    }

    /// Whether it is a continuation of a list whose object is there.
    fn belongs(self, tree: &Tree) -> bool {
        let shared = tree.shared();
        let of = || {
            let generation = shared.u32(self.at + OF_GENERATION).load(Relaxed);
            place(tree, shared.u64(self.at + OF).load(Relaxed)).map(|at| Self { at, generation })
        };
        shared.u32(self.at + KIND).load(Relaxed) == Kind::Holders as u32
            && of().is_some_and(|of| of.is(of.tag(tree).load(SeqCst), LIVE))
    }

    /// Whether somebody has died while freeing it.
    fn is_left(self, tag: u64) -> bool {
        let by = Number::from_raw(u32::try_from(tag & COUNT).unwrap_or(0));
        self.is(tag, FREEING) && by.is_some_and(|by| !tree::is_alive(by))
    }

    /// Frees the object, whoever holds it.
    pub(super) fn free(self, tree: &'static Tree) -> bool {
        let mut tag = self.tag(tree).load(SeqCst);
        // Registrations may go on meanwhile, but not for ever.
        for _ in 0..1 << 10 {
            if !self.is(tag, LIVE) {
                return false;
            }
            if self.end(tree, tag) {
                territory::reclaim(tree, self.at);
                return true;
            }
            tag = self.tag(tree).load(SeqCst);
        }
        false
    }

    /// Ends the object if its tag is still this one, and gives back what it has.
    fn end(self, tree: &'static Tree, tag: u64) -> bool {
        let Ok(by) = tree::own() else { return false };
        let ending = tag & !(STATE | COUNT) | FREEING | u64::from(by.get());
        if self.tag(tree).compare_exchange(tag, ending, SeqCst, Relaxed).is_err() {
            return false;
        }
        let shared = tree.shared();
        let mut next = place(tree, shared.u64(self.at + NEXT).load(Acquire));
        for _ in 0..MOST_CONTINUATIONS {
            let Some(part) = next else { break };
            next = place(tree, shared.u64(part + NEXT).load(Acquire));
            let tag = shared.u64(part).load(Relaxed);
            if tag & STATE != LIVE || shared.u32(part + KIND).load(Relaxed) != Kind::Holders as u32
            {
                break;
            }
            settle(tree, part, tag);
        }
        let size = usize::try_from(shared.u64(self.at + SIZE).load(Relaxed)).unwrap_or(0);
        if let Some(kind) = self.contents(tree) {
            contents::empty(tree, self, kind, size);
        }
        // Within one territory: what says otherwise was scribbled, and could take others' pages.
        let end = self.at.saturating_add(LENGTH).saturating_add(size);
        if size >= LARGE && territory::holds(tree, self.at, end) {
            let pages = self.at + PAGE;
            // Without this the memory comes back when its owner next looks.
            let _ = tree.memory().discard(pages as u64, (end - pages) as u64);
        }
        settle(tree, self.at, ending);
        true
    }

    /// Its kind, if it has contents that are to be emptied: with no lock held, since that frees objects.
    pub(super) fn contents(self, tree: &Tree) -> Option<Kind> {
        Kind::with_contents(tree.shared().u32(self.at + KIND).load(Relaxed))
    }

    /// Whether its owner may use its place again.
    pub(super) fn is_over(tree: &Tree, at: usize) -> bool {
        tree.shared().u64(at).load(Acquire) & STATE == FREED
    }

    /// Whether there is an object at this place, or what is left of one that is being freed.
    pub(super) fn is_anything(tree: &Tree, at: usize) -> bool {
        matches!(tree.shared().u64(at).load(Acquire) & STATE, LIVE | FREEING)
    }

    /// The object that is at this place now, if it is there, or was left half freed.
    pub(super) fn present(tree: &Tree, at: usize) -> Option<Self> {
        let tag = tree.shared().u64(at).load(Acquire);
        let generation = u32::try_from(tag >> 32).unwrap_or(0) & 0x3fff_ffff;
        let head = Self { at, generation };
        (tag & STATE == LIVE || head.is_left(tag)).then_some(head)
    }
}

/// Marks a place as free to be used again.
fn settle(tree: &Tree, at: usize, tag: u64) {
    let _ = tree.shared().u64(at).compare_exchange(tag, tag | FREED, SeqCst, Relaxed);
}

/// Clears a record, if it is still that one.
pub(super) fn clear(tree: &Tree, record: Record) -> bool {
    let place = tree.shared().u64(record.at);
    place.compare_exchange(record.word, 0, SeqCst, Relaxed).is_ok()
}

pub(super) fn gone() -> Error {
    let text = "an object that processes share is not there any more, since nobody has held it until its handle came, or \
                is one of another type";
    Error::new(ErrorKind::NotFound, text)
}
