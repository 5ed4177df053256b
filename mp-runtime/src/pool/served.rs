//! Calls of which this process has only the bytes: those that the server of a manager takes for a pool of its own. Their
//! types are known where they are encoded, and where their values are decoded.

use crate::codec::{self, Items, Kind};
use crate::commons::Hold;
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use crate::pool::Pool;
use crate::pool::completion::{Completion, Outcome};
use crate::pool::desk::{Call, Terms};
use crate::pool::engine::Engine;
use crate::pool::gather::{Content, Gather, Part};
use crate::pool::handle::AsyncResult;
use crate::pool::map_async::{AsyncMap, Encoded};
use crate::pool::owner::Owner;
use crate::task::Task;
use crate::task::registry::Entry;
use std::sync::Arc;
use std::time::Duration;

/// What a call may take.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) timeout: Option<Duration>,
    pub(crate) retries: u32,
}

/// The items of a map, encoded one behind the other.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) bytes: Vec<u8>,
    pub(crate) count: u64,
    /// From which item on they lie behind their lengths, if not from the first.
    pub(crate) turn: Option<u64>,
    /// Of the items that hold handles, what is attached to them, by index.
    pub(crate) attached: Vec<(u64, Attachments)>,
}

/// A value's bytes, and what holds the objects in it.
pub(crate) type Value = (Vec<u8>, Vec<Hold>);

/// The handle of a call.
pub(crate) type Handle = AsyncResult<Value>;

impl Batch {
    /// Takes all items of an iterator of the user's.
    pub(crate) fn new<'a, T: Task>(items: impl Iterator<Item = T::Args<'a>>) -> Result<Self> {
        let Encoded { bytes, count, turn, mut attached, failure } = Encoded::new(items, true);
        attached.reverse();
        failure.map_or(Ok(Self { bytes, count, turn, attached }), Err)
    }

    /// The items as a pool takes them, if they are any: somebody else has written them.
    fn into_encoded(self) -> Result<Encoded> {
        let Self { bytes, count, turn, mut attached } = self;
        let mut items = Items::new(&bytes, Attachments::NONE);
        let first = turn.unwrap_or(count);
        let mut whole = first <= count && !bytes.is_empty();
        whole &= first == 0 || items.skip(first);
        if first < count {
            let rest = &bytes[bytes.len() - items.rest()..];
            items = Items::rest_of(Some(Kind::Measured), rest, Attachments::NONE);
            whole &= items.skip(count - first);
        }
        whole &= items.rest() == 0 && attached.is_sorted_by(|one, next| one.0 < next.0);
        whole &= attached.last().is_none_or(|(index, _)| *index < count);
        if !whole {
            let text = "the items of a map were not sent as they are to be";
            return Err(Error::new(ErrorKind::Remote, text));
        }
        attached.reverse();
        Ok(Encoded { bytes, count, turn, attached, failure: None })
    }
}

impl Pool {
    /// Gives a call to the workers.
    pub(crate) fn submit_encoded(
        &self,
        task: &'static Entry,
        mut arguments: Vec<u8>,
        holds: Vec<Hold>,
        limits: Limits,
    ) -> Handle {
        let engine = &self.engine;
        let completion = Completion::new(task.key().name, ());
        let terms = engine.terms(limits);
        let refused =
            engine.refuse_new().and_then(|()| Engine::check_limit(terms.limit)).and_then(|()| {
                let owner = Owner::Call(Arc::clone(&completion));
                let call = Call::new(task, owner, terms, Attachments::of_holds(holds));
                engine.accept(call, &mut arguments).map_err(|(_, error)| error)
            });
        match refused {
            Ok(()) => engine.board.wake(1),
            Err(error) => engine.refuse(&completion, error),
        }
        AsyncResult::new(completion, Arc::downgrade(engine), one)
    }

    /// Gives it the items of a map; the value is a list.
    pub(crate) fn map_encoded(&self, task: &'static Entry, items: Batch, limits: Limits) -> Handle {
        let engine = &self.engine;
        let completion = Completion::new(task.key().name, ());
        let terms = Terms { retries: 0, ..engine.terms(limits) };
        let begun = Engine::check_limit(terms.limit)
            .and_then(|()| items.into_encoded())
            .and_then(|encoded| engine.begin_map().map(|()| encoded));
        match begun {
            Err(error) => engine.refuse(&completion, error),
            Ok(encoded) => {
                let gather = Gather::new(task.key().name, true);
                let (own, size) = (Arc::clone(&completion), engine.size());
                let driver = AsyncMap::new(task, own, encoded, None, terms, size, false);
                engine.drive(&gather, driver);
            }
        }
        AsyncResult::new(completion, Arc::downgrade(engine), many)
    }
}

impl Engine {
    fn terms(&self, limits: Limits) -> Terms {
        Terms { limit: limits.timeout.or(self.terms.limit), retries: limits.retries }
    }
}

fn one(outcome: &Outcome) -> Result<Value> {
    let value = outcome.as_ref().map_err(Clone::clone)?;
    let attachments = value.attachments();
    let holds = attachments.map(holds).transpose()?.unwrap_or_default();
    Ok((value.bytes().to_vec(), holds))
}

/// The values of a list as the codec writes one.
fn many(outcome: &Outcome) -> Result<Value> {
    let parts = outcome.as_ref().map_err(Clone::clone)?.parts();
    let (mut bytes, mut held) = (Vec::new(), Vec::new());
    let count: u64 = parts.iter().map(|part| u64::from(part.count)).sum();
    codec::encode(&count, &mut bytes)?;
    for Part { count, content, .. } in parts {
        let (values, at, attachments) = match content {
            Content::Values(values, at, attachments) => (values, *at, attachments),
            Content::Error(error) => return Err(error.clone()),
        };
        held.append(&mut holds(attachments)?);
        let mut items = Items::new(values.get(at..).unwrap_or_default(), Attachments::NONE);
        for _ in 0..*count {
            if !items.next_alone(&mut bytes)? {
                let text = "a worker sent fewer results than it announced";
                return Err(Error::new(ErrorKind::Decode, text));
            }
        }
    }
    Ok((bytes, held))
}

fn holds(attachments: &Attachments) -> Result<Vec<Hold>> {
    if attachments.has_descriptors() {
        let text = "a manager's server hands on no descriptors, which the result of a task has";
        return Err(Error::new(ErrorKind::Encode, text));
    }
    Ok(attachments.holds().to_vec())
}

#[cfg(test)]
mod tests {
    use super::Batch;
    use crate::codec::Kind;
    use crate::custody::Attachments;

    fn is_whole(bytes: &[u8], count: u64, turn: Option<u64>, attached: &[u64]) -> bool {
        let attached = attached.iter().map(|index| (*index, Attachments::NONE)).collect();
        Batch { bytes: bytes.to_vec(), count, turn, attached }.into_encoded().is_ok()
    }

    #[test]
    fn items_that_are_none_are_refused() {
        let (numbers, measured) = (Kind::U16 as u8, Kind::Measured as u8);
        assert!(is_whole(&[measured], 0, None, &[]));
        assert!(is_whole(&[numbers, 1, 0, 2, 0], 2, None, &[0, 1]));
        assert!(is_whole(&[measured, 1, 7, 0, 2, 8, 9], 3, None, &[2]));
        assert!(is_whole(&[numbers, 1, 0, 2, 8, 9, 0], 3, Some(1), &[]));
        for (bytes, count, turn, attached) in [
            (&[][..], 0, None, &[][..]),
            (&[200, 1], 1, None, &[]),
            (&[numbers, 1, 0, 2], 2, None, &[]),
            (&[numbers, 1, 0, 2, 0], 1, None, &[]),
            (&[numbers, 1, 0], u64::MAX, None, &[]),
            (&[measured, 9, 7], 1, None, &[]),
            (&[measured, 1, 7], 2, None, &[]),
            (&[numbers, 1, 0, 2, 8, 9], 2, Some(3), &[]),
            (&[numbers, 1, 0, 2, 8], 2, Some(1), &[]),
            (&[numbers, 1, 0, 2, 0], 2, None, &[1, 0]),
            (&[numbers, 1, 0, 2, 0], 2, None, &[2]),
        ] {
            assert!(!is_whole(bytes, count, turn, attached), "{bytes:?} {count} {turn:?}");
        }
    }
}
