//! Where the results of many calls arrive that were made as one: in parts as the workers send them, in order or not. How
//! items are sent out is in `feed`, what users see in `map`.

use crate::codec::{Aside, Items, Kind};
use crate::custody::Attachments;
use crate::error::{Error, Result};
use crate::pool::bell::{Awaited, Bell, Told};
use crate::pool::completion::{Completion, Outcome};
use crate::pool::engine::{Engine, lock};
use crate::transport::bytes::Bytes;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// Outcomes of items that stand side by side in the input.
#[derive(Debug)]
pub(super) struct Part {
    /// Which item is the first.
    pub(super) first: u64,
    pub(super) count: u32,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    /// Values, as [`codec::Sequence`](crate::codec::Sequence) writes them, behind this many other bytes.
    Values(Bytes, usize, Attachments),
    /// Each item's error.
    Error(Error),
}

/// Sends the next items of a batch when some have come; gives its outcome, once.
pub(super) trait Driver: Send + Sync {
    fn advance(&self, engine: &Engine, gather: &Arc<Gather>) -> Option<(Arc<Completion>, Outcome)>;
}

/// Shared by whoever wants the results and the pool.
pub(super) struct Gather {
    pub(super) task: &'static str,
    ordered: bool,
    bell: Bell,
    state: Mutex<State>,
    driver: OnceLock<Arc<dyn Driver>>,
}

#[derive(Default)]
struct State {
    parts: BTreeMap<u64, Part>,
    /// The next item to be taken, if they are taken in order.
    next: u64,
    /// How many items have come.
    arrived: u64,
    /// What running them has taken, as far as workers told, and how many items that were.
    measured: (u64, Duration),
    /// Nobody wants what is still to come.
    unwanted: bool,
}

impl Gather {
    pub(super) fn new(task: &'static str, ordered: bool) -> Arc<Self> {
        let (bell, state, driver) = (Bell::default(), Mutex::default(), OnceLock::new());
        Arc::new(Self { task, ordered, bell, state, driver })
    }

    /// Who is to be told of parts, if nobody waits for them.
    pub(super) fn driver(&self) -> Option<&Arc<dyn Driver>> {
        self.driver.get()
    }

    pub(super) fn set_driver(&self, driver: Arc<dyn Driver>) {
        // A gather is made for one batch, which sets one.
        let _ = self.driver.set(driver);
    }

    /// Takes a part in. Whoever is to be told of it beside those who wait here.
    pub(super) fn deliver(&self, part: Part, took: Option<Duration>) -> Option<Told> {
        let mut dropped = None;
        let change = || {
            let mut state = lock(&self.state);
            state.arrived += u64::from(part.count);
            if let (Some(took), Content::Values(..)) = (took, &part.content) {
                state.measured.0 += u64::from(part.count);
                state.measured.1 += took;
            }
            if state.unwanted {
                dropped = Some(part);
                return None;
            }
            let next = self.ordered.then_some(state.next);
            let awaited = next.is_none_or(|next| next == part.first);
            state.parts.insert(part.first, part);
            awaited.then_some(())
        };
        let told = self.bell.ring(change).map(|((), told)| told);
        // Its descriptors are closed where no lock is held.
        drop(dropped);
        told
    }

    /// The next part, if it is there.
    pub(super) fn take(&self) -> Option<Part> {
        let mut state = lock(&self.state);
        let first = *state.parts.keys().next()?;
        if self.ordered && first != state.next {
            return None;
        }
        let part = state.parts.remove(&first)?;
        state.next = first + u64::from(part.count);
        Some(part)
    }

    /// How many items have come.
    pub(super) fn arrived(&self) -> u64 {
        lock(&self.state).arrived
    }

    /// How long one item takes, from what workers told since this was last asked.
    pub(super) fn pace(&self) -> Option<Duration> {
        let (items, took) = std::mem::take(&mut lock(&self.state).measured);
        let items = u32::try_from(items).unwrap_or(u32::MAX);
        (items > 0).then(|| took / items)
    }

    /// Whether nobody wants what is still to come.
    pub(super) fn is_unwanted(&self) -> bool {
        lock(&self.state).unwanted
    }

    /// Drops what has come and what is still to come.
    pub(super) fn abandon(&self) {
        let mut state = lock(&self.state);
        state.unwanted = true;
        let parts = std::mem::take(&mut state.parts);
        drop(state);
        drop(parts);
    }
}

impl Awaited for Arc<Gather> {
    fn is_ready(&self) -> bool {
        let state = lock(&self.state);
        let first = state.parts.keys().next();
        first.is_some_and(|first| !self.ordered || *first == state.next)
    }

    fn bell(&self) -> &Bell {
        &self.bell
    }

    fn address(&self) -> usize {
        Arc::as_ptr(self).addr()
    }
}

impl Part {
    /// The descriptors of handles in its values.
    pub(super) fn attachments(&self) -> &Attachments {
        const NONE: &Attachments = &Attachments::NONE;
        match &self.content {
            Content::Values(_, _, attachments) => attachments,
            Content::Error(_) => NONE,
        }
    }

    /// Appends all values to `to`, up to the first error.
    pub(super) fn append<R: DeserializeOwned>(
        &self,
        attachments: Attachments,
        to: &mut Vec<R>,
    ) -> Result<()> {
        let (bytes, at) = match &self.content {
            Content::Error(error) => return Err(error.clone()),
            Content::Values(bytes, at, _) => (bytes, *at),
        };
        let mut items = Items::new(bytes.get(at..).unwrap_or_default(), attachments);
        let mut aside = Aside::default();
        to.reserve(usize::try_from(self.count).unwrap_or(0));
        for _ in 0..self.count {
            to.push(items.next(&mut aside).unwrap_or_else(|| Err(missing()))?);
        }
        Ok(())
    }
}

/// The outcomes in a part, one after the other.
pub(super) struct Outcomes {
    part: Part,
    /// Of what kind the values are, and how far they have been taken.
    kind: Option<Kind>,
    at: usize,
    taken: u32,
}

impl Outcomes {
    pub(super) fn new(part: Part) -> Self {
        let (kind, at) = match &part.content {
            Content::Values(bytes, at, _) => {
                let bytes = bytes.get(*at..).unwrap_or_default();
                let items = Items::new(bytes, Attachments::default());
                (items.kind(), at + bytes.len() - items.rest())
            }
            Content::Error(_) => (None, 0),
        };
        Self { part, kind, at, taken: 0 }
    }

    /// How many there are in all.
    pub(super) fn count(&self) -> u64 {
        u64::from(self.part.count)
    }

    // In line, since an outcome that goes through memory is waited for longer than it takes to be read.
    #[inline(always)]
    pub(super) fn next<R: DeserializeOwned>(&mut self) -> Option<Result<R>> {
        if self.taken == self.part.count {
            return None;
        }
        self.taken += 1;
        let Content::Values(bytes, _, attachments) = &mut self.part.content else {
            return Some(Err(self.error()));
        };
        let bytes = bytes.get(self.at..).unwrap_or_default();
        let mut items = Items::rest_of(self.kind, bytes, std::mem::take(attachments));
        let value = items.next(&mut Aside::default()).unwrap_or_else(|| Err(missing()));
        self.at += bytes.len() - items.rest();
        let left = items.into_attachments();
        if self.taken < self.part.count {
            *attachments = left;
        }
        Some(value)
    }

    #[cold]
    fn error(&self) -> Error {
        match &self.part.content {
            Content::Error(error) => error.clone(),
            Content::Values(..) => missing(),
        }
    }

    /// Appends all values to `to`, up to the first error.
    pub(super) fn append<R: DeserializeOwned>(mut self, to: &mut Vec<R>) -> Result<()> {
        let attachments = match &mut self.part.content {
            Content::Values(_, _, attachments) => std::mem::take(attachments),
            Content::Error(_) => Attachments::default(),
        };
        self.part.append(attachments, to)
    }
}

#[cold]
fn missing() -> Error {
    use crate::error::ErrorKind;
    Error::new(ErrorKind::Decode, "a worker sent fewer results than it announced")
}
