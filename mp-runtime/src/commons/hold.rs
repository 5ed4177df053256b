//! Having an object for as long as one wants, and giving it to others in messages.

use super::head::{self, Head, LENGTH, Record};
use super::territory;
use super::tree::{self, Number, Tree};
use super::{Kind, Role};
use crate::error::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, OnceLock};

static LOOK_AFTER_READERS: OnceLock<fn()> = OnceLock::new();

/// Says what looks whether those are alive who are to read messages that are under way from here.
pub(crate) fn look_after_readers_by(look: fn()) {
    // A second call says the same.
    let _ = LOOK_AFTER_READERS.set(look);
}

/// A process's hold on an object: the object is there while any process has one, or a message with
/// one is under way. A clone is the same hold.
#[derive(Clone, Debug)]
pub(crate) struct Hold(Arc<Held>);

#[derive(Debug)]
struct Held {
    tree: &'static Tree,
    head: Head,
    len: usize,
    kind: Kind,
    role: Role,
    record: Record,
    /// Who has it: a copy of this process made by fork has not.
    number: Number,
}

/// A hold as a message carries it. It may have been made up: taking it is what checks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(super) tree: u32,
    pub(super) at: u64,
    pub(super) generation: u32,
    pub(super) role: u8,
    pub(super) record_at: u64,
    pub(super) record: u64,
    /// Whether taking it leaves the record, for those who take it again.
    pub(super) again: bool,
}

/// A message's hold on an object until it is taken. Dropped, it lets go of it, if it was not taken.
#[derive(Debug)]
pub(crate) struct Transit {
    tree: &'static Tree,
    head: Head,
    record: Record,
    number: Number,
}

impl Hold {
    /// Makes an object of `len` zero bytes, with memory behind them.
    ///
    /// # Errors
    ///
    /// If there is no memory or no room for it.
    pub(crate) fn new(kind: Kind, role: Role, len: usize) -> Result<Self> {
        let tree = tree::the_tree()?;
        let number = tree::own()?;
        let at = territory::allocate(tree, len)?;
        let word = head::record_word(role, false, Some(number));
        let (head, record) = head::make(tree, at, len, kind, word);
        Ok(Self(Arc::new(Held { tree, head, len, kind, role, record, number })))
    }

    fn enter(tree: &'static Tree, head: Head, len: usize, kind: Kind, role: Role) -> Result<Self> {
        let number = tree::own()?;
        let record = head.register(tree, head::record_word(role, false, Some(number)))?;
        Ok(Self(Arc::new(Held { tree, head, len, kind, role, record, number })))
    }

    /// The same object in another part.
    pub(crate) fn as_role(&self, role: Role) -> Result<Self> {
        let Held { tree, head, len, kind, .. } = *self.0;
        Self::enter(tree, head, len, kind, role)
    }

    /// How many bytes it has.
    pub(crate) fn len(&self) -> usize {
        self.0.len
    }

    pub(crate) fn kind(&self) -> Kind {
        self.0.kind
    }

    pub(crate) fn role(&self) -> Role {
        self.0.role
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0.head == other.0.head
    }

    /// Whether a living process, or a message under way, holds it in that part.
    pub(crate) fn has_holder(&self, role: Role) -> bool {
        self.has_holder_beside(role, None)
    }

    /// As [`has_holder`](Self::has_holder), this hold and its clones aside.
    pub(crate) fn has_other_holder(&self, role: Role) -> bool {
        self.has_holder_beside(role, Some(self.0.record.at))
    }

    fn has_holder_beside(&self, role: Role, own: Option<usize>) -> bool {
        let held = |messages| self.0.head.is_held_beside(self.0.tree, role, own, messages);
        if held(false) {
            return true;
        }
        if !held(true) {
            return false;
        }
        // Whoever waits here may be the one who would have noticed that a reader is gone.
        LOOK_AFTER_READERS.get().into_iter().for_each(|look| look());
        held(true)
    }

    /// Gives its part up, and keeps the memory.
    pub(crate) fn resign(&self) {
        let Held { tree, record, number, .. } = *self.0;
        if tree::own_if_any() == Some(number) {
            let place = tree.shared().u64(record.at);
            let resigned = head::of_role(record.word, Role::NONE);
            let _ = place.compare_exchange(record.word, resigned, SeqCst, Relaxed);
        }
    }

    /// Whether that was done.
    pub(crate) fn has_resigned(&self) -> bool {
        let Held { tree, record, .. } = *self.0;
        tree.shared().u64(record.at).load(SeqCst) != record.word
    }

    /// The word at `at`.
    ///
    /// # Panics
    ///
    /// If it is out of range or not aligned: an offset never comes from a peer unchecked.
    #[inline]
    pub(crate) fn u32(&self, at: usize) -> &AtomicU32 {
        self.0.tree.shared().u32(self.place(at, 4))
    }

    /// As [`u32`](Self::u32).
    #[inline]
    pub(crate) fn u64(&self, at: usize) -> &AtomicU64 {
        self.0.tree.shared().u64(self.place(at, 8))
    }

    /// `N` words in a row from `at` on.
    ///
    /// # Panics
    ///
    /// As [`u32`](Self::u32).
    #[inline]
    pub(crate) fn u64s<const N: usize>(&self, at: usize) -> &[AtomicU64; N] {
        self.0.tree.shared().u64s(self.place(at, 8 * N))
    }

    /// As [`u64s`](Self::u64s).
    #[inline]
    pub(crate) fn u32s<const N: usize>(&self, at: usize) -> &[AtomicU32; N] {
        self.0.tree.shared().u32s(self.place(at, 4 * N))
    }

    /// Copies what lies at `at`. A peer may be writing: check before use.
    ///
    /// # Panics
    ///
    /// As [`u32`](Self::u32).
    pub(crate) fn read(&self, at: usize, bytes: &mut [u8]) {
        self.0.tree.shared().read(self.place(at, bytes.len()), bytes);
    }

    /// Copies `bytes` to `at`.
    ///
    /// # Panics
    ///
    /// As [`u32`](Self::u32).
    pub(crate) fn write(&self, at: usize, bytes: &[u8]) {
        self.0.tree.shared().write(self.place(at, bytes.len()), bytes);
    }

    /// Where `len` bytes at `at` lie, as long as this is held. They are aligned as [`ALIGNMENT`](Self::ALIGNMENT)
    /// says if `at` is.
    ///
    /// # Panics
    ///
    /// As [`u32`](Self::u32).
    pub(crate) fn pointer(&self, at: usize, len: usize) -> NonNull<u8> {
        self.0.tree.shared().pointer(self.place(at, len), len)
    }

    /// Writes the word of this number, counted from the object's head on, as a peer might.
    #[cfg(fuzzing)]
    pub(crate) fn scribble(&self, number: usize, word: u64) {
        let place = self.0.tree.shared().u64(self.0.head.at + 8 * number.min(23));
        place.store(word, Relaxed);
    }

    /// How an object's bytes are aligned.
    pub(crate) const ALIGNMENT: usize = LENGTH;

    #[inline]
    fn place(&self, at: usize, len: usize) -> usize {
        let end = at.checked_add(len);
        assert!(end.is_some_and(|end| end <= self.0.len), "offset {at} is out of range");
        self.0.head.at + LENGTH + at
    }

    /// Gives the object to a message. `again`: it can be taken many times, until the transit is dropped.
    pub(crate) fn send(&self, again: bool) -> Result<(Sent, Transit)> {
        let Held { tree, head, role, .. } = *self.0;
        let number = tree::own()?;
        let record = head.register(tree, head::record_word(role, true, Some(number)))?;
        let sent = Sent {
            tree: tree.id,
            at: head.at as u64,
            generation: head.generation,
            role: role.0,
            record_at: record.at as u64,
            record: record.word,
            again,
        };
        Ok((sent, Transit { tree, head, record, number }))
    }
}

impl Sent {
    /// Takes the object out of a message.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is none of that kind; whatever a message says, nothing else is done.
    pub(crate) fn take(&self, kind: Kind) -> Result<Hold> {
        let tree = tree::the_tree()?;
        if self.tree != tree.id {
            let text = "an object that other processes share: its handle comes from another program's processes";
            return Err(Error::new(ErrorKind::NotFound, text));
        }
        let (head, len) =
            head::find(tree, self.at, self.generation, kind).ok_or_else(head::gone)?;
        let role = Role(self.role & 0xf);
        if role.0 == 0 {
            return Err(head::gone());
        }
        let hold = Hold::enter(tree, head, len, kind, role)?;
        if !self.again {
            self.clear(tree, head);
        }
        Ok(hold)
    }

    /// As [`take`](Self::take), of a message that is kept: while the hold is, the message can be read
    /// any number of times. None if there is no such object.
    pub(crate) fn keep(&self, kind: Kind) -> Option<Hold> {
        let hold = Self { again: false, ..*self }.take(kind);
        // There is no memory for one holder more.
        hold.inspect_err(|_| self.forget(kind)).ok()
    }

    /// Lets go of the object of a message that nobody will take.
    pub(crate) fn forget(&self, kind: Kind) {
        let Ok(tree) = tree::the_tree() else { return };
        if let Some((head, _)) = head::find(tree, self.at, self.generation, kind)
            && self.tree == tree.id
        {
            self.clear(tree, head);
            head.free_if_unheld(tree);
        }
    }

    /// Makes the message's hold this process's, who is about to take it out of where others find it. A dead process may
    /// have been about to do that before.
    pub(crate) fn seize(&self, kind: Kind) {
        let (Ok(tree), Ok(number)) = (tree::the_tree(), tree::own()) else { return };
        if self.tree == tree.id
            && let Some((head, _)) = head::find(tree, self.at, self.generation, kind)
        {
            head.seize_named(tree, self.record_at, self.record, number);
        }
    }

    fn clear(&self, tree: &'static Tree, head: Head) {
        let word = self.record;
        let own = head::of_process(word, tree::own_if_any());
        for word in [word, head::of_process(word, None), own] {
            head.clear_named(tree, self.record_at, word);
        }
    }
}

impl Transit {
    /// Leaves the object to the message, for which another process answers, or nobody does: whoever takes
    /// it, or forgets it, ends that.
    pub(crate) fn let_go(self, to: Option<Number>) {
        let this = ManuallyDrop::new(self);
        let place = this.tree.shared().u64(this.record.at);
        let word = head::of_process(this.record.word, to);
        let _ = place.compare_exchange(this.record.word, word, SeqCst, Relaxed);
    }
}

impl Drop for Transit {
    fn drop(&mut self) {
        if tree::own_if_any() == Some(self.number) && head::clear(self.tree, self.record) {
            self.head.free_if_unheld(self.tree);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if tree::own_if_any() == Some(self.number) {
            if !head::clear(self.tree, self.record) {
                let resigned = head::of_role(self.record.word, Role::NONE);
                head::clear(self.tree, Record { word: resigned, ..self.record });
            }
            self.head.free_if_unheld(self.tree);
        }
    }
}
