//! What is done with queues, locks and their kin for clients elsewhere, by the thread of their connection: it waits where they
//! wait, no longer than they are there, and has their locks.

use crate::channel::{Encoded, Queue};
use crate::commons::{self, Hold, Number};
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use crate::manager::far::frame::direct as method;
use crate::manager::gate::line::Reply;
use crate::manager::proxy::elsewhere;
use crate::manager::wire::{self, Message, Reader, kind};
use crate::sync::{
    self, Barrier, BoundedSemaphore, Condition, Event, Lock, LockGuard, RLock, Semaphore,
};
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::time::Duration;

/// Where in an answer with an item its bytes begin: behind that all is well, their count, and how many objects are in it.
const ITEM: usize = 1 + 8 + 4;

/// The server's own handle.
pub(super) enum Hand {
    Queue(Queue<Encoded>),
    Lock(Lock),
    RLock(RLock),
    Semaphore(Semaphore),
    BoundedSemaphore(BoundedSemaphore),
    Event(Event),
    Condition(Condition),
    Barrier(Barrier),
    /// Its event, which is waited for here; the changes are the server's.
    Watcher(Event),
    /// What is only for clients of the server's own program.
    Closed,
}

impl Hand {
    /// What an answer has of an object of that kind; none if the server does all of it.
    pub(super) fn read(of: u8, answer: &mut Reader<'_>) -> Result<Option<Self>> {
        Ok(Some(match of {
            kind::QUEUE | kind::BOUNDED_QUEUE => Self::Queue(answer.value()?),
            kind::LOCK => Self::Lock(answer.value()?),
            kind::RLOCK => Self::RLock(answer.value()?),
            kind::SEMAPHORE => Self::Semaphore(answer.value()?),
            kind::BOUNDED_SEMAPHORE => Self::BoundedSemaphore(answer.value()?),
            kind::EVENT => Self::Event(answer.value()?),
            kind::CONDITION | kind::CONDITION_WITH_LOCK => Self::Condition(answer.value()?),
            kind::BARRIER => Self::Barrier(answer.value()?),
            kind::WATCHER => Self::Watcher(answer.value()?),
            kind::MAP | kind::LIST | kind::CUSTOM => return Ok(None),
            _ => Self::Closed,
        }))
    }

    /// Adds the lock that this is, for a condition.
    pub(super) fn write_lock(&self, request: &mut Message) -> Result<()> {
        match self {
            Self::Lock(lock) => request.value(lock).map(drop),
            _ => Err(Error::new(ErrorKind::InvalidArgument, "the object is no lock")),
        }
    }

    /// Puts the item of an answer into the queue again.
    pub(super) fn take_back(&self, answer: &[u8], holds: &[Hold]) {
        if let (Self::Queue(queue), Some(item)) = (self, answer.get(ITEM..)) {
            queue.put_again(item, holds);
        }
    }

    /// Gives it back once, if this thread has it.
    fn release(&self) -> Result<()> {
        match self {
            Self::Lock(lock) => lock.release(),
            Self::RLock(lock) => lock.release(),
            Self::Condition(condition) => condition.its_lock().release(),
            Self::Semaphore(semaphore) => semaphore.release(),
            Self::BoundedSemaphore(semaphore) => semaphore.release(),
            _ => Err(wire::no_method(method::RELEASE)),
        }
    }

    /// Leaves it as one that dies does, if this thread has it.
    fn abandon(&self) {
        match self {
            Self::Lock(lock) => lock.abandon(),
            Self::RLock(lock) => lock.abandon(),
            Self::Condition(condition) => condition.its_lock().abandon(),
            _ => {}
        }
    }

    /// Whether who takes it has it then, so that it is given back at the client's end.
    fn has_owner(&self) -> bool {
        matches!(self, Self::Lock(_) | Self::RLock(_) | Self::Condition(_))
    }

    /// Whether both are ways to one lock.
    fn is_same(self: &Arc<Self>, other: &Arc<Self>) -> bool {
        fn lock(hand: &Hand) -> Option<&Lock> {
            match hand {
                Hand::Lock(lock) => Some(lock),
                Hand::Condition(condition) => Some(condition.its_lock()),
                _ => None,
            }
        }
        match (lock(self), lock(other)) {
            (Some(one), Some(other)) => one.is_same(other),
            _ => Arc::ptr_eq(self, other),
        }
    }
}

/// The locks that a connection's thread has, each as often as it was taken. When this is dropped, its client has died with
/// them: it would have given them back.
#[derive(Default)]
pub(super) struct Owned(Vec<Arc<Hand>>);

impl Owned {
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    fn remove(&mut self, hand: &Arc<Hand>) {
        if let Some(at) = self.0.iter().rposition(|other| other.is_same(hand)) {
            self.0.remove(at);
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.0.drain(..).for_each(|hand| hand.abandon());
    }
}

/// Who does it.
pub(super) struct Hands<'a>(pub(super) &'a mut Owned);

/// A time that a client gives, if it does.
fn timeout(reader: &mut Reader<'_>) -> Result<Option<Duration>> {
    Ok(reader.flag()?.then_some(()).map(|()| reader.u64()).transpose()?.map(Duration::from_nanos))
}

fn ok(write: impl FnOnce(&mut Message)) -> Result<Reply> {
    let mut answer = Message::default();
    answer.u8(wire::OK);
    write(&mut answer);
    Ok(Reply { body: answer.bytes, ..Reply::default() })
}

fn flag(value: bool) -> Result<Reply> {
    ok(|answer| {
        answer.u8(value.into());
    })
}

fn number(value: impl Into<u64>) -> Result<Reply> {
    let value = value.into();
    ok(|answer| {
        answer.u64(value);
    })
}

fn gone() -> Error {
    Error::new(ErrorKind::Disconnected, "the client is gone")
}

impl Hands<'_> {
    pub(super) fn call(
        &mut self,
        hand: &Arc<Hand>,
        of: u16,
        arguments: &[u8],
        attachments: Attachments,
    ) -> Result<Reply> {
        let mut reader = Reader::new(arguments);
        match &**hand {
            Hand::Queue(queue) => {
                let reply = queue_call(queue, of, reader, attachments)?;
                let from = (of == method::GET).then(|| Arc::clone(hand));
                Ok(Reply { from, ..reply })
            }
            Hand::Event(event) => event_call(event, of, &mut reader),
            Hand::Watcher(event) if of == method::WAIT => event_call(event, of, &mut reader),
            Hand::Barrier(barrier) => barrier_call(barrier, of, &mut reader),
            Hand::Watcher(_) => Err(wire::no_method(of)),
            Hand::Closed => Err(elsewhere()),
            Hand::Condition(condition) => match of {
                method::WAIT => wait(condition, timeout(&mut reader)?),
                method::NOTIFY => {
                    let count = reader.len()?;
                    with_guard(condition, |guard| condition.notify(guard, count))?;
                    ok(|_| ())
                }
                _ => self.lock_call(hand, of, &mut reader),
            },
            _ => self.lock_call(hand, of, &mut reader),
        }
    }

    fn lock_call(&mut self, hand: &Arc<Hand>, of: u16, reader: &mut Reader<'_>) -> Result<Reply> {
        match of {
            method::ACQUIRE => self.acquire(hand, timeout(reader)?),
            method::RELEASE => {
                hand.release()?;
                self.0.remove(hand);
                ok(|_| ())
            }
            method::IS_TAKEN => match &**hand {
                Hand::Lock(lock) => flag(lock.is_locked()),
                Hand::RLock(lock) => flag(lock.is_locked()),
                _ => Err(wire::no_method(of)),
            },
            method::FREE => match &**hand {
                Hand::Semaphore(semaphore) => number(semaphore.value()),
                Hand::BoundedSemaphore(semaphore) => number(semaphore.value()),
                _ => Err(wire::no_method(of)),
            },
            other => Err(wire::no_method(other)),
        }
    }

    /// Takes a lock or a permit; answers whether it did, and whether its last owner has died.
    fn acquire(&mut self, hand: &Arc<Hand>, time: Option<Duration>) -> Result<Reply> {
        let own = commons::own()?;
        let taken = match &**hand {
            Hand::Lock(lock) => lock.lock_while(own, time)?.map(kept(LockGuard::owner_died)),
            Hand::Condition(condition) => {
                condition.its_lock().lock_while(own, time)?.map(kept(LockGuard::owner_died))
            }
            Hand::RLock(lock) => {
                lock.lock_while(own, time)?.map(kept(sync::RLockGuard::owner_died))
            }
            Hand::Semaphore(semaphore) => semaphore.lock_while(own, time)?.map(kept(|_| false)),
            Hand::BoundedSemaphore(semaphore) => {
                semaphore.lock_while(own, time)?.map(kept(|_| false))
            }
            _ => return Err(wire::no_method(method::ACQUIRE)),
        };
        let gone_now = sync::is_abandoned();
        if taken.is_some() && gone_now {
            hand.release()?;
        }
        if gone_now {
            return Err(gone());
        }
        if taken.is_some() && hand.has_owner() {
            self.0.0.push(Arc::clone(hand));
        }
        ok(|answer| {
            answer.u8(taken.is_some().into()).u8(taken.unwrap_or(false).into());
        })
    }
}

/// Lets a guard's lock stay taken, and says something of the guard first.
fn kept<G>(ask: impl Fn(&G) -> bool) -> impl Fn(G) -> bool {
    move |guard| ask(&ManuallyDrop::new(guard))
}

fn queue_call(
    queue: &Queue<Encoded>,
    of: u16,
    mut reader: Reader<'_>,
    attachments: Attachments,
) -> Result<Reply> {
    let still = || if sync::is_abandoned() { Err(gone()) } else { Ok(()) };
    match of {
        method::PUT => {
            let time = timeout(&mut reader)?;
            match queue.put_encoded_while(reader.rest(), attachments, time, still)? {
                true => ok(|_| ()),
                false => Err(Error::new(ErrorKind::Full, "there is no room in the queue")),
            }
        }
        method::GET => {
            let time = timeout(&mut reader)?;
            let mut body = vec![];
            let rest = queue.get_encoded_while(&mut body, time, still)?;
            if sync::is_abandoned() {
                // Nobody is there to have it.
                if !rest.has_descriptors() {
                    queue.put_again(&body, &rest.holds().unwrap_or_default());
                }
                return Err(gone());
            }
            let objects = u32::try_from(rest.len()).unwrap_or(u32::MAX);
            let mut answer = Message::default();
            answer.u8(wire::OK).u64(body.len() as u64);
            answer.bytes.extend_from_slice(&objects.to_le_bytes());
            answer.bytes.append(&mut body);
            Ok(Reply { body: answer.bytes, rest, from: None })
        }
        method::LEN => number(queue.len() as u64),
        method::CAPACITY => number(queue.capacity().map_or(0, |items| items as u64)),
        method::TASK_DONE => queue.task_done().and_then(|()| ok(|_| ())),
        method::JOIN => flag(queue.join_while(timeout(&mut reader)?, still)?),
        method::CLOSE => {
            queue.close_all();
            ok(|_| ())
        }
        other => Err(wire::no_method(other)),
    }
}

fn event_call(event: &Event, of: u16, reader: &mut Reader<'_>) -> Result<Reply> {
    match of {
        method::SET => event.set(),
        method::CLEAR => event.clear(),
        method::IS_SET => return flag(event.is_set()),
        method::WAIT => return flag(event.wait_while(commons::own()?, timeout(reader)?)),
        other => return Err(wire::no_method(other)),
    }
    ok(|_| ())
}

fn barrier_call(barrier: &Barrier, of: u16, reader: &mut Reader<'_>) -> Result<Reply> {
    match of {
        method::WAIT => return number(barrier.wait_while(commons::own()?, timeout(reader)?)?),
        method::ABORT => barrier.abort()?,
        method::RESET => barrier.reset()?,
        method::IS_BROKEN => return flag(barrier.broken()),
        method::WAITING => return number(barrier.n_waiting()),
        method::PARTIES => return number(barrier.parties()),
        other => return Err(wire::no_method(other)),
    }
    ok(|_| ())
}

/// Does something with the lock that this thread has.
fn with_guard<R>(
    condition: &Condition,
    f: impl FnOnce(&mut LockGuard<'_>) -> Result<R>,
) -> Result<R> {
    let mut guard = ManuallyDrop::new(condition.its_lock().own_guard()?);
    f(&mut guard)
}

fn wait(condition: &Condition, time: Option<Duration>) -> Result<Reply> {
    let own: Number = commons::own()?;
    let (told, owner_died) = with_guard(condition, |guard| {
        let told = condition.wait_while(own, guard, time)?;
        Ok((told, guard.owner_died()))
    })?;
    if told && sync::is_abandoned() {
        // The notification is for somebody who is there.
        with_guard(condition, |guard| condition.notify(guard, 1))?;
    }
    ok(|answer| {
        answer.u8(told.into()).u8(owner_died.into());
    })
}
