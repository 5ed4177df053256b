//! What goes beside the bytes of a message: the objects and descriptors in its value, who has them until it is taken, and what
//! becomes of them if nobody does.

use crate::channel::ground::Head;
use crate::channel::lane::{Entry, Kind, Lane, Sink, Until, Words};
use crate::channel::message::TYPED;
use crate::codec;
use crate::commons::{Hold, Kind as Object, Sent};
use crate::custody::Attachments;
use crate::custody::store::client as store;
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;

/// What is beside an item's bytes, for whoever takes it or drops it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Beside {
    pub(super) objects: Vec<(Object, Sent)>,
    /// Under which number its descriptors are kept, and how many there are.
    pub(super) kept: Option<(u64, usize)>,
}

/// What goes beside a message, which has not gone yet.
pub(super) struct Attached {
    pub(super) wire: Vec<u8>,
    attachments: Attachments,
    /// Under which number its descriptors are kept.
    kept: Option<u64>,
}

impl Attached {
    pub(super) fn new(mut attachments: Attachments) -> Result<Self> {
        let descriptors = attachments.take_descriptors();
        let total = descriptors.len();
        let kept = if total == 0 { None } else { Some(store::keep(descriptors)?) };
        let mut this = Self { wire: Vec::new(), attachments, kept };
        let objects = this.attachments.sent().collect();
        let beside = Beside { objects, kept: kept.map(|id| (id, total)) };
        codec::encode(&beside, &mut this.wire)?;
        Ok(this)
    }

    pub(super) fn put(
        &mut self,
        lane: &Lane<Head<'_>>,
        body: &[u8],
        until: Until,
        still: impl FnMut() -> Result<()>,
    ) -> Result<bool> {
        let attachments = &mut self.attachments;
        // The message is there: it holds the objects from now on, unless somebody has taken it already. Until then they
        // are this process's, so that a message that it dies with holds nothing.
        let commit = || attachments.let_go(None);
        let put = lane.put(
            &Entry { kind: TYPED, wire: &self.wire, body, lent: None },
            until,
            commit,
            still,
        )?;
        if put {
            self.kept = None;
        }
        Ok(put)
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        if let Some(id) = self.kept {
            store::forget(id);
        }
    }
}

/// Where messages go that nobody wants.
struct Nowhere;

impl Sink for Nowhere {
    fn accept(&mut self, _: Kind, _: &impl Words, _: usize, _: usize) -> Result<()> {
        Ok(())
    }

    fn seize(&mut self, wire: &[u8]) {
        seize(wire);
    }
}

/// Takes all that is in a lane and drops it.
pub(super) fn drain(lane: &Lane<Head<'_>>) {
    lane.drain(&mut Nowhere, forget);
}

/// Makes what is beside an item this process's.
#[cold]
pub(super) fn seize(wire: &[u8]) {
    let beside: Beside = codec::decode(wire).unwrap_or_default();
    beside.objects.iter().for_each(|(kind, sent)| sent.seize(*kind));
}

/// What was beside an item and is of no more use, once the value is decoded.
#[derive(Debug, Default)]
pub(crate) struct Rest(pub(super) Beside);

impl Rest {
    /// Takes the objects that are in the value, in their order.
    pub(crate) fn holds(&self) -> Result<Vec<Hold>> {
        self.0.objects.iter().map(|(kind, sent)| sent.take(*kind)).collect()
    }

    /// Takes the first of them, and leaves the others to the value.
    pub(crate) fn first(&self) -> Result<Option<Hold>> {
        self.0.objects.first().map(|(kind, sent)| sent.take(*kind)).transpose()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.objects.is_empty() && self.0.kept.is_none()
    }

    /// How many objects there are.
    pub(crate) fn len(&self) -> usize {
        self.0.objects.len()
    }

    pub(crate) fn has_descriptors(&self) -> bool {
        self.0.kept.is_some()
    }

    /// What cannot be read was not written by us.
    pub(super) fn of(wire: &[u8]) -> Self {
        Self(codec::decode(wire).unwrap_or_default())
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        for (kind, sent) in self.0.objects.drain(..) {
            sent.forget(kind);
        }
        if let Some((id, _)) = self.0.kept {
            store::forget(id);
        }
    }
}

/// Lets go of what is beside an item: its objects may be queues that have items in turn, to
/// any depth: what is found in one while it is emptied waits here until that is done.
pub(super) fn forget(wire: &[u8]) {
    thread_local! {
        static DUE: RefCell<Option<Vec<Vec<u8>>>> = const { RefCell::new(None) };
    }
    if wire.is_empty() {
        return;
    }
    let first = DUE.try_with(|due| match &mut *due.borrow_mut() {
        Some(due) => {
            due.push(wire.to_vec());
            false
        }
        none => {
            *none = Some(Vec::new());
            true
        }
    });
    // At a thread's end there is no list any more: then the stack is it.
    if first == Ok(false) {
        return;
    }
    let mut next = wire.to_vec();
    loop {
        drop(Rest::of(&next));
        match DUE.try_with(|due| due.borrow_mut().as_mut().and_then(Vec::pop)) {
            Ok(Some(due)) => next = due,
            _ => break,
        }
    }
    let _ = DUE.try_with(|due| due.borrow_mut().take());
}
