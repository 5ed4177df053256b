//! What the server keeps of its clients' values: their bytes, and its own holds on the objects in them. It never decodes one.

use crate::commons::{Hold, Kind};
use crate::error::Result;
use crate::manager::wire::{Message, Reader};
use std::cell::RefCell;
use std::vec;

thread_local! {
    /// Managed objects that a value has let go of: nobody may have them any more.
    static DUE: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Where a managed object's memory says which of its server's objects it is.
pub(in crate::manager) const OBJECT: usize = 0;
/// And which server that is, and which process.
pub(in crate::manager) const SERVER: usize = 8;
pub(in crate::manager) const PROCESS: usize = 16;
/// And, once it has ended, that it has; but not if it was killed.
pub(in crate::manager) const ENDED: usize = 20;
pub(in crate::manager) const LEN: usize = 24;

/// One value.
#[derive(Debug, Default)]
pub(super) struct Stored {
    bytes: Box<[u8]>,
    /// Objects in it, which are there as long as the value is.
    holds: Vec<Hold>,
}

impl Stored {
    /// One without objects in it.
    pub(super) fn plain(bytes: Vec<u8>) -> Self {
        Self { bytes: bytes.into(), holds: Vec::new() }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn write(&self, answer: &mut Message) -> Result<()> {
        answer.kept(&self.bytes, &self.holds).map(drop)
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        let managed = self.holds.iter().filter(|hold| hold.kind() == Kind::Managed);
        DUE.with_borrow_mut(|due| due.extend(managed.map(object_of)));
    }
}

/// The number of a managed object.
pub(in crate::manager) fn object_of(hold: &Hold) -> u64 {
    hold.u64(OBJECT).load(std::sync::atomic::Ordering::Relaxed)
}

/// One of those objects, until there is none.
pub(super) fn next_due() -> Option<u64> {
    DUE.with_borrow_mut(Vec::pop)
}

/// The arguments of a call.
#[derive(Debug)]
pub(super) struct Arguments<'a> {
    pub(super) reader: Reader<'a>,
    holds: vec::IntoIter<Hold>,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(reader: Reader<'a>, holds: Vec<Hold>) -> Self {
        Self { reader, holds: holds.into_iter() }
    }

    /// Takes what is left of it.
    pub(super) fn split(&mut self) -> Self {
        let rest = std::mem::replace(&mut self.reader, Reader::new(&[]));
        Self { reader: rest, holds: std::mem::take(&mut self.holds) }
    }

    /// What is left of it, and the objects in that.
    pub(super) fn into_parts(self) -> (Vec<u8>, Vec<Hold>) {
        (self.reader.rest().to_vec(), self.holds.collect())
    }

    /// So many of the objects that follow.
    pub(super) fn holds(&mut self, count: usize) -> Vec<Hold> {
        self.holds.by_ref().take(count).collect()
    }

    /// The next value, to be kept.
    pub(super) fn value(&mut self) -> Result<Stored> {
        let (bytes, objects) = self.reader.kept()?;
        Ok(Stored { bytes: bytes.into(), holds: self.holds.by_ref().take(objects).collect() })
    }

    /// The next value, to be compared with others.
    pub(super) fn key(&mut self) -> Result<&'a [u8]> {
        let (bytes, objects) = self.reader.kept()?;
        self.holds.by_ref().take(objects).for_each(drop);
        Ok(bytes)
    }
}

/// Adds a value that may be there.
pub(super) fn write_option(value: Option<&Stored>, answer: &mut Message) -> Result<()> {
    answer.u8(value.is_some().into());
    value.map_or(Ok(()), |value| value.write(answer))
}
