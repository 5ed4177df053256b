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

//!
//! An object of the `commons` needs no descriptor. Its handle serialises as a newtype struct of the name [`SHARED`], and
//! is written as the words that find it; what holds the object meanwhile is among the attachments of whoever
//! writes the message, until that is read or dropped.

mod fd;
mod object;
pub(crate) mod store;

pub use fd::Fd;
pub(crate) use object::{SHARED, deserialize_hold, lent_hold, serialize_hold};

use crate::commons::{Hold, Kind, Number, Sent, Transit};
use crate::error::Result;
use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// The name of the newtype struct that a handle is.
pub(crate) const MARK: &str = "mp::Handle";

/// The most handles that one value can hold.
pub(crate) const MOST: usize = 16_384;

/// How the error of a handle begins that stands for something which is there no more. An error of
/// serde's is text and nothing else.
pub(crate) const MISSING: &str = "not found: ";

thread_local! {
    /// What a handle that is being serialised lends, until our encoder takes it.
    static LENT: Cell<Option<OwnedFd>> = const { Cell::new(None) };
    /// What our decoder has taken for the handle that is being deserialised.
    static HANDED: Cell<Option<OwnedFd>> = const { Cell::new(None) };
}

/// The descriptors that travel with one value's bytes, and what holds the objects that it names.
#[derive(Debug, Default)]
pub(crate) struct Attachments {
    descriptors: Vec<Option<OwnedFd>>,
    /// Few values have any, and calls are many.
    objects: Option<Box<Objects>>,
    /// Whether the bytes may be read many times, each time with these.
    again: bool,
}

/// What holds the objects of a value.
#[derive(Debug, Default)]
struct Objects {
    /// While it is under way from here.
    sent: Vec<Held>,
    /// While it is kept here.
    kept: Vec<Hold>,
}

#[derive(Debug)]
struct Held {
    kind: Kind,
    sent: Sent,
    transit: Transit,
}

/// How much there was at some time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attached {
    descriptors: usize,
    objects: usize,
}

impl Attached {
    pub(crate) const NOTHING: Self = Self { descriptors: 0, objects: 0 };
}

impl Attachments {
    pub(crate) const NONE: Self = Self { descriptors: Vec::new(), objects: None, again: false };

    /// For bytes that are read many times, until these are dropped.
    pub(crate) fn for_many() -> Self {
        Self { again: true, ..Self::NONE }
    }

    /// For a value that has come and is kept: its objects are there as long as these. What a message says
    /// of them may be made up.
    pub(crate) fn keeping(sent: &[(Kind, Sent)]) -> Self {
        let kept: Vec<_> = sent.iter().filter_map(|(kind, sent)| sent.keep(*kind)).collect();
        Self::of_holds(kept)
    }

    /// The same, where it is known what holds the objects.
    pub(crate) fn of_holds(kept: Vec<Hold>) -> Self {
        let objects = Objects { sent: Vec::new(), kept };
        Self { objects: (!objects.kept.is_empty()).then(|| Box::new(objects)), ..Self::NONE }
    }

    /// What holds the objects of a value that is kept.
    pub(crate) fn holds(&self) -> &[Hold] {
        self.objects.as_ref().map_or(&[], |objects| &objects.kept)
    }

    /// Adds those of a value that lies behind this one.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.descriptors.append(&mut other.descriptors);
        if let Some(mut more) = other.objects.take() {
            let objects = self.objects.get_or_insert_default();
            objects.sent.append(&mut more.sent);
            objects.kept.append(&mut more.kept);
        }
    }

    /// Whether the value has no handles at all.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.descriptors.is_empty() && self.objects.is_none()
    }

    /// Whether the value's reader needs more than its bytes.
    #[inline]
    pub(crate) fn has_descriptors(&self) -> bool {
        !self.descriptors.is_empty()
    }

    /// Whether there are objects in the value.
    #[inline]
    pub(crate) fn has_objects(&self) -> bool {
        self.objects.is_some()
    }

    pub(crate) fn len(&self) -> usize {
        self.descriptors.len()
    }

    /// How many objects it has.
    #[inline]
    pub(crate) fn objects(&self) -> usize {
        self.objects.as_ref().map_or(0, |objects| objects.sent.len())
    }

    #[inline]
    pub(crate) fn attached(&self) -> Attached {
        Attached { descriptors: self.descriptors.len(), objects: self.objects() }
    }

    /// Adds one and gives its index; `None` if the value holds too many.
    pub(crate) fn add(&mut self, descriptor: OwnedFd) -> Option<usize> {
        if self.descriptors.len() >= MOST {
            return None;
        }
        self.descriptors.push(Some(descriptor));
        Some(self.descriptors.len() - 1)
    }

    /// Adds what holds an object while the message is under way; gives what the message says of it.
    pub(crate) fn hold(&mut self, hold: &Hold) -> Result<Sent> {
        let (sent, transit) = hold.send(self.again)?;
        let held = Held { kind: hold.kind(), sent, transit };
        self.objects.get_or_insert_default().sent.push(held);
        Ok(sent)
    }

    /// Drops all but what there was.
    #[inline]
    pub(crate) fn cut(&mut self, to: Attached) {
        if self.descriptors.len() > to.descriptors {
            self.descriptors.truncate(to.descriptors);
        }
        if let Some(objects) = &mut self.objects {
            objects.sent.truncate(to.objects);
        }
    }

    /// The one of this index, once.
    pub(crate) fn take(&mut self, index: u64) -> Option<OwnedFd> {
        self.descriptors.get_mut(usize::try_from(index).ok()?)?.take()
    }

    /// Takes the descriptors, and leaves what holds objects.
    pub(crate) fn take_descriptors(&mut self) -> Self {
        Self { descriptors: std::mem::take(&mut self.descriptors), ..Self::NONE }
    }

    /// Takes what holds objects, and leaves the descriptors.
    pub(crate) fn take_objects(&mut self) -> Self {
        Self { objects: self.objects.take(), ..Self::NONE }
    }

    /// These descriptors, and those objects.
    pub(crate) fn with(self, objects: Self) -> Self {
        Self { objects: objects.objects, ..self }
    }

    /// What the message says of the objects, for those who may have to forget it.
    pub(crate) fn sent(&self) -> impl Iterator<Item = (Kind, Sent)> {
        let objects = self.objects.iter().flat_map(|objects| &objects.sent);
        objects.map(|held| (held.kind, held.sent))
    }

    /// Leaves the objects to the message, which is on its way whatever becomes of this process; its reader
    /// answers for them if that is known.
    pub(crate) fn let_go(&mut self, reader: Option<Number>) {
        let objects = self.objects.take().map_or_else(Vec::new, |objects| objects.sent);
        objects.into_iter().for_each(|held| held.transit.let_go(reader));
    }

    /// Those that were not taken, to be sent.
    pub(crate) fn into_descriptors(self) -> Vec<OwnedFd> {
        self.descriptors.into_iter().flatten().collect()
    }

    /// Those that were not taken.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = &OwnedFd> {
        self.descriptors.iter().flatten()
    }

    /// Copies of the descriptors for one more reader of the same bytes.
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        let copy = |kept: &Option<OwnedFd>| match kept {
            Some(fd) => fd.as_fd().try_clone_to_owned().map(Some),
            None => Ok(None),
        };
        let descriptors = self.descriptors.iter().map(copy).collect::<io::Result<_>>()?;
        Ok(Self { descriptors, ..Self::NONE })
    }
}

impl From<Vec<OwnedFd>> for Attachments {
    fn from(descriptors: Vec<OwnedFd>) -> Self {
        Self { descriptors: descriptors.into_iter().map(Some).collect(), ..Self::NONE }
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
