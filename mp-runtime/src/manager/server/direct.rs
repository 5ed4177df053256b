//! Objects of the commons that a server keeps: each client uses its own handle of them, and only whether the server lives is the
//! server's. What clients may do with them is for their proxies.

use super::Object;
use super::store::Arguments;
use crate::channel::Queue;
use crate::codec;
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use crate::manager::wire::{Message, kind};
use crate::sync::{Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore};
use serde::Serialize;

/// The server's own handle.
struct Direct<H>(H);

impl<H: Serialize + 'static> Object for Direct<H> {
    fn call(&mut self, method: u16, _: &mut Arguments<'_>, _: &mut Message) -> Result<()> {
        Err(super::no_method(method))
    }

    fn hand_out(&self, answer: &mut Message) -> Result<()> {
        answer.value(&self.0).map(drop)
    }
}

/// Makes an object of that kind.
pub(super) fn make(of: u8, call: &mut Arguments<'_>) -> Result<Box<dyn Object>> {
    Ok(match of {
        kind::QUEUE => kept(Queue::<()>::new()?),
        kind::BOUNDED_QUEUE => kept(Queue::<()>::bounded(call.reader.len()?)?),
        kind::LOCK => kept(Lock::new()?),
        kind::RLOCK => kept(RLock::new()?),
        kind::SEMAPHORE => kept(Semaphore::new(call.reader.u32()?)?),
        kind::BOUNDED_SEMAPHORE => kept(BoundedSemaphore::new(call.reader.u32()?)?),
        kind::EVENT => kept(Event::new()?),
        kind::CONDITION => kept(Condition::new()?),
        kind::CONDITION_WITH_LOCK => {
            let lock: Lock = codec::decode_with(call.reader.kept()?.0, Attachments::NONE)?;
            kept(Condition::with_lock(&lock)?)
        }
        kind::BARRIER => kept(Barrier::new(call.reader.u32()?)?),
        other => {
            let text = format!("this server has no objects of kind {other}");
            return Err(Error::new(ErrorKind::Remote, text));
        }
    })
}

fn kept<H: Serialize + 'static>(handle: H) -> Box<dyn Object> {
    Box::new(Direct(handle))
}
