//! Values that tasks change: each call on a thread, those for one value one after the other, and the new value put by the
//! door, as a client would, if nobody else has put another one meanwhile. Who calls is `manager::change`.

use crate::channel::{Encoded, Sender};
use crate::codec;
use crate::commons::Hold;
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use crate::identity;
use crate::manager::change;
use crate::manager::server::store::Arguments;
use crate::manager::server::threads::Threads;
use crate::manager::session::Session;
use crate::manager::wire::{self, Message, list, map};
use crate::protocol::message::Reply;
use crate::task::registry::Entry;
use crate::task::run::{Left, caught};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So often a task is called, each time because somebody else was faster: perhaps it is itself who puts values there.
const TRIES: usize = 1000;

/// All that are under way.
pub(super) struct Updates(Arc<Shared>);

struct Shared {
    turns: Mutex<HashMap<Place, VecDeque<Call>>>,
    threads: Threads,
    session: Arc<Session>,
    ended: AtomicBool,
}

/// A value of an object: its key or index, as requests have it.
type Place = (u64, Vec<u8>);

/// A call that is to be answered.
struct Call {
    task: &'static Entry,
    optional: bool,
    with_result: bool,
    arguments: Vec<u8>,
    /// Objects in the arguments, until these are decoded.
    _holds: Vec<Hold>,
    to: Arc<Sender<Encoded>>,
}

/// A value's bytes, and what holds the objects in it.
type Value = (Vec<u8>, Vec<Hold>);

/// What a task has made of one.
struct Made {
    value: Option<Value>,
    /// What the caller gets, if not that.
    result: Option<Vec<u8>>,
}

impl Updates {
    pub(super) fn new(threads: Threads, session: Arc<Session>) -> Self {
        let (turns, ended) = (Mutex::default(), AtomicBool::new(false));
        Self(Arc::new(Shared { turns, threads, session, ended }))
    }

    /// Has a value changed as soon as those have been that were asked for before; that answers.
    pub(super) fn begin(&self, mut call: Arguments<'_>, to: Arc<Sender<Encoded>>) -> Result<()> {
        let (object, form) = (call.reader.u64()?, call.reader.u8()?);
        let task = call.reader.task()?;
        let arguments = call.reader.kept()?.0.to_vec();
        let (place, holds) = call.into_parts();
        let has = |bit| form & bit != 0;
        let (optional, with_result) = (has(wire::OPTIONAL), has(wire::WITH_RESULT));
        let call = Call { task, optional, with_result, arguments, _holds: holds, to };
        let place = (object, place);
        let mut turns = self.0.turns();
        if let Some(waiting) = turns.get_mut(&place) {
            waiting.push_back(call);
            return Ok(());
        }
        let claim = self.0.threads.claim()?;
        turns.insert(place.clone(), VecDeque::new());
        drop(turns);
        let shared = Arc::clone(&self.0);
        claim.spend(move || shared.serve(&place, call));
        Ok(())
    }

    /// Lets no further one begin.
    pub(super) fn end(&self) {
        self.0.ended.store(true, Relaxed);
        self.0.turns().values_mut().for_each(VecDeque::clear);
    }
}

impl Shared {
    fn turns(&self) -> MutexGuard<'_, HashMap<Place, VecDeque<Call>>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a call, and those for the same value that have come meanwhile.
    fn serve(&self, place: &Place, mut call: Call) {
        loop {
            let mut answer = Message::default();
            answer.u8(wire::OK);
            let changed = change::inside(place.0, &place.1, || self.change(place, &call));
            if let Err(error) = changed.and_then(|made| made.write(call.optional, &mut answer)) {
                wire::write_whole(&mut answer, &error);
            }
            let to = Arc::clone(&call.to);
            // What it holds is let go of when the caller goes on.
            drop(call);
            super::send(&to, answer);
            let mut turns = self.turns();
            let next = turns.get_mut(place).and_then(VecDeque::pop_front);
            match next.filter(|_| !self.ended.load(Relaxed)) {
                Some(next) => call = next,
                None => {
                    turns.remove(place);
                    return;
                }
            }
        }
    }

    /// Changes the value until nobody else was faster, and gives what it is then.
    fn change(&self, place: &Place, call: &Call) -> Result<Made> {
        let (get, replace) = match call.optional {
            true => (map::GET, map::REPLACE),
            false => (list::GET, list::REPLACE),
        };
        let mut request = self.request(place, get);
        let mut now = self.session.call(request, |answer, rest| {
            let bytes = answer.raw_option()?;
            bytes.map(|bytes| rest.holds().map(|holds| (bytes, holds))).transpose()
        })?;
        for _ in 0..TRIES {
            let made = call.run(now.as_ref())?;
            request = self.request(place, replace);
            for (value, holds) in [(&now, false), (&made.value, true)] {
                if call.optional {
                    request.u8(value.is_some().into());
                }
                if let Some((bytes, own)) = value {
                    request.kept(bytes, if holds { own } else { &[] })?;
                }
            }
            let other = self.session.call(request, |answer, rest| {
                if answer.flag()? {
                    return Ok(None);
                }
                let bytes = match call.optional {
                    true => answer.raw_option()?,
                    false => Some(answer.kept()?.0.to_vec()),
                };
                let value = bytes.map(|bytes| rest.holds().map(|holds| (bytes, holds)));
                value.transpose().map(Some)
            })?;
            match other {
                None => return Ok(made),
                Some(other) => now = other,
            }
        }
        let text = format!("another value was put there while the task ran, {TRIES} times");
        Err(Error::new(ErrorKind::Broken, text))
    }

    fn request(&self, (object, place): &Place, method: u16) -> Message {
        let mut request = Message::request(0, *object, method);
        request.bytes.extend_from_slice(place);
        request
    }
}

impl Made {
    /// Adds what the caller gets, as the codec writes it.
    fn write(&self, optional: bool, answer: &mut Message) -> Result<()> {
        if let Some(result) = &self.result {
            return answer.kept(result, &[]).map(drop);
        }
        let tag: &[u8] = if optional { &[self.value.is_some().into()] } else { &[] };
        let (bytes, holds) = match &self.value {
            Some((bytes, holds)) => (&bytes[..], &holds[..]),
            None => (&[][..], &[][..]),
        };
        answer.kept(&[tag, bytes].concat(), holds).map(drop)
    }
}

impl Call {
    /// What the task makes of a value.
    fn run(&self, now: Option<&Value>) -> Result<Made> {
        let mut arguments = Vec::new();
        match now {
            Some((bytes, _)) => {
                // As the codec writes what may be none.
                arguments.extend(self.optional.then_some(1));
                arguments.extend_from_slice(bytes);
            }
            None if self.optional => arguments.push(0),
            None => {
                let text = "there is nothing at that index";
                return Err(Error::new(ErrorKind::InvalidArgument, text));
            }
        }
        arguments.extend_from_slice(&self.arguments);
        let mut left = Left::default();
        // It catches panics of the task itself.
        let done = caught(|| (self.task.runner())(&arguments, Attachments::NONE, &mut left));
        if let Err(report) = done {
            left.replace(&Reply::Panicked(report));
        }
        let server = &identity::current().name;
        let reply = Reply::parse(&left.reply)?.into_result(self.task.key().name, server)?;
        if left.attachments.has_descriptors() {
            let text = "a manager's server keeps no descriptors, which the value of a task has";
            return Err(Error::new(ErrorKind::Encode, text));
        }
        let (result, value) = match self.with_result {
            true => codec::split(reply).map(|(result, value)| (Some(result.to_vec()), value))?,
            false => (None, reply),
        };
        let bytes = match (self.optional, value) {
            (false, bytes) | (true, [1, bytes @ ..]) => bytes.to_vec(),
            (true, _) => return Ok(Made { value: None, result }),
        };
        let holds = left.attachments.sent().filter_map(|(kind, sent)| sent.keep(kind)).collect();
        Ok(Made { value: Some((bytes, holds)), result })
    }
}

#[cfg(test)]
mod tests {
    use crate::error::ErrorKind;
    use crate::manager::wire::{Message, Reader};
    use crate::protocol::message::TaskKey;

    #[test]
    fn a_task_that_is_not_there_is_an_error() {
        let (name, type_name) = ("stranger::task", "stranger::task");
        let key = TaskKey { name, type_name, file: "stranger.rs", line: 7, column: 1 };
        let mut request = Message::default();
        request.task(&key);
        let error = Reader::new(&request.bytes).task().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownTask);
        assert!(error.to_string().contains("unknown task stranger::task"), "{error}");
        let cut = &request.bytes[..request.bytes.len() - 1];
        assert_eq!(Reader::new(cut).task().unwrap_err().kind(), ErrorKind::Remote);
    }
}
