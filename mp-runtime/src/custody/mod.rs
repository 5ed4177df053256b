//! Descriptors that travel inside values: who keeps them between the writer of a value and its reader, and how a handle
//! inside a value and the codec find each other. How the bytes look is in `codec`, who carries them is for `process`
//! and `pool`.
//!
//! A handle serialises as a newtype struct of the name [`MARK`]. Our encoder knows the name: it takes the descriptor
//! that the handle has [`lend`]ed, puts it among the value's [`Attachments`], and writes its index. Any other
//! serialiser goes on to the content, which refuses. The way back is the same: our decoder takes the descriptor of that
//! index and [`hand`]s it over; with any other nothing was handed over, and the handle says so.
//!
//! Descriptors belong to whoever holds the value. They are copied when it is encoded, so that the writer keeps its own,
//! and closed wherever the value is dropped: unencoded, unsent, unread or half read.

mod fd;

pub use fd::Fd;

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// The name of the newtype struct that a handle is.
pub(crate) const MARK: &str = "mp::Handle";

/// The most handles that one value can hold.
pub(crate) const MOST: usize = 16_384;

thread_local! {
    /// What a handle that is being serialised lends, until our encoder takes it.
    static LENT: Cell<Option<OwnedFd>> = const { Cell::new(None) };
    /// What our decoder has taken for the handle that is being deserialised.
    static HANDED: Cell<Option<OwnedFd>> = const { Cell::new(None) };
}

/// The descriptors that travel with one value's bytes.
#[derive(Debug, Default)]
pub(crate) struct Attachments(Vec<Option<OwnedFd>>);

impl Attachments {
    pub(crate) const NONE: Self = Self(Vec::new());

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds one and gives its index; `None` if the value holds too many.
    pub(crate) fn add(&mut self, descriptor: OwnedFd) -> Option<usize> {
        if self.0.len() >= MOST {
            return None;
        }
        self.0.push(Some(descriptor));
        Some(self.0.len() - 1)
    }

    /// Drops all but the first few.
    #[inline]
    pub(crate) fn truncate(&mut self, len: usize) {
        if self.0.len() > len {
            self.0.truncate(len);
        }
    }

    /// The one of this index, once.
    pub(crate) fn take(&mut self, index: u64) -> Option<OwnedFd> {
        self.0.get_mut(usize::try_from(index).ok()?)?.take()
    }

    /// Those that were not taken, to be sent.
    pub(crate) fn into_descriptors(self) -> Vec<OwnedFd> {
        self.0.into_iter().flatten().collect()
    }

    /// Those that were not taken.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = &OwnedFd> {
        self.0.iter().flatten()
    }

    /// Copies for one more reader of the same bytes.
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        let copy = |kept: &Option<OwnedFd>| match kept {
            Some(fd) => fd.as_fd().try_clone_to_owned().map(Some),
            None => Ok(None),
        };
        self.0.iter().map(copy).collect::<io::Result<_>>().map(Self)
    }
}

impl From<Vec<OwnedFd>> for Attachments {
    fn from(descriptors: Vec<OwnedFd>) -> Self {
        Self(descriptors.into_iter().map(Some).collect())
    }
}

/// What the handle lends that is being serialised on this thread.
pub(crate) fn lent() -> Option<OwnedFd> {
    LENT.take()
}

/// Gives `descriptor` to the handle that is being deserialised on this thread.
pub(crate) fn hand(descriptor: OwnedFd) {
    HANDED.set(Some(descriptor));
}

/// Lends `descriptor` to our encoder, should it be the one that `serialise` calls.
fn lend<R>(descriptor: OwnedFd, serialise: impl FnOnce() -> R) -> R {
    LENT.set(Some(descriptor));
    let done = serialise();
    drop(lent());
    done
}
