//! What a manager's clients and its server say to each other, as bytes. What it means is for both sides.
//!
//! A request: the link by which the answer is awaited, the object, the method, and its arguments. An answer: 0, or what went
//! wrong, and the rest. A value lies there with its length and how many objects it holds, which are beside the message in
//! the same order. Each side may be wrong about the other, so all reading is checked.

use crate::codec;
use crate::commons::Hold;
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use crate::manager::far::lease::Lease;
use crate::manager::far::travel::{self, Cargo};
pub(super) use crate::manager::status::{
    OK, no_method, read_status, write_error, write_panic, write_whole,
};
use crate::protocol::message::TaskKey;
use crate::task::registry::{self, Entry};
use serde::de::DeserializeOwned;
use serde::ser::Serialize;
use std::any::type_name;
use std::sync::Arc;
use std::time::Duration;
use std::vec;

/// The methods of the server itself, which is object 0.
pub(super) mod method {
    pub(in crate::manager) const HELLO: u16 = 1;
    pub(in crate::manager) const BYE: u16 = 2;
    pub(in crate::manager) const CREATE: u16 = 3;
    pub(in crate::manager) const COUNT: u16 = 4;
    pub(in crate::manager) const LOOK: u16 = 5;
    pub(in crate::manager) const REAP: u16 = 6;
    pub(in crate::manager) const SHUTDOWN: u16 = 7;
    pub(in crate::manager) const UPDATE: u16 = 8;
    /// An object by its number, with what its maker got.
    pub(in crate::manager) const RESOLVE: u16 = 20;
    pub(in crate::manager) const PUBLISH: u16 = 21;
    pub(in crate::manager) const UNPUBLISH: u16 = 22;
    pub(in crate::manager) const LOOKUP: u16 = 23;
}

/// The kinds of objects.
pub(super) mod kind {
    pub(in crate::manager) const MAP: u8 = 1;
    pub(in crate::manager) const LIST: u8 = 2;
    /// Made by another object, whose number follows, and belongs to that.
    pub(in crate::manager) const PART: u8 = 3;
    pub(in crate::manager) const POOL: u8 = 4;
    /// What a part of a map is: made as all parts are, and its own kind then.
    pub(in crate::manager) const WATCHER: u8 = 5;
    /// Those that lie in the commons; the server has a handle as others do.
    pub(in crate::manager) const QUEUE: u8 = 16;
    pub(in crate::manager) const BOUNDED_QUEUE: u8 = 17;
    pub(in crate::manager) const LOCK: u8 = 18;
    pub(in crate::manager) const RLOCK: u8 = 19;
    pub(in crate::manager) const SEMAPHORE: u8 = 20;
    pub(in crate::manager) const BOUNDED_SEMAPHORE: u8 = 21;
    pub(in crate::manager) const EVENT: u8 = 22;
    pub(in crate::manager) const CONDITION: u8 = 23;
    pub(in crate::manager) const CONDITION_WITH_LOCK: u8 = 24;
    pub(in crate::manager) const BARRIER: u8 = 25;
    /// Of a class of the user's, which is named behind it.
    pub(in crate::manager) const CUSTOM: u8 = 100;
}

/// The methods of maps.
pub(super) mod map {
    pub(in crate::manager) const GET: u16 = 1;
    pub(in crate::manager) const INSERT: u16 = 2;
    pub(in crate::manager) const REMOVE: u16 = 3;
    pub(in crate::manager) const CONTAINS: u16 = 4;
    pub(in crate::manager) const LEN: u16 = 5;
    pub(in crate::manager) const CLEAR: u16 = 6;
    pub(in crate::manager) const GET_OR_INSERT: u16 = 7;
    pub(in crate::manager) const EXTEND: u16 = 8;
    pub(in crate::manager) const POP: u16 = 9;
    pub(in crate::manager) const REPLACE: u16 = 10;
    pub(in crate::manager) const ALL: u16 = 11;
    pub(in crate::manager) const CHUNK: u16 = 12;
    pub(in crate::manager) const ADD: u16 = 13;
    pub(in crate::manager) const GET_MANY: u16 = 14;
    pub(in crate::manager) const REMOVE_MANY: u16 = 15;
}

/// The methods of lists.
pub(super) mod list {
    pub(in crate::manager) const GET: u16 = 1;
    pub(in crate::manager) const SET: u16 = 2;
    pub(in crate::manager) const PUSH: u16 = 3;
    pub(in crate::manager) const POP: u16 = 4;
    pub(in crate::manager) const INSERT: u16 = 5;
    pub(in crate::manager) const REMOVE: u16 = 6;
    pub(in crate::manager) const LEN: u16 = 7;
    pub(in crate::manager) const CLEAR: u16 = 8;
    pub(in crate::manager) const EXTEND: u16 = 9;
    pub(in crate::manager) const RANGE: u16 = 10;
    pub(in crate::manager) const REVERSE: u16 = 11;
    pub(in crate::manager) const SWAP: u16 = 12;
    pub(in crate::manager) const TRUNCATE: u16 = 13;
    pub(in crate::manager) const FIND: u16 = 14;
    pub(in crate::manager) const TALLY: u16 = 15;
    pub(in crate::manager) const REPLACE: u16 = 16;
    pub(in crate::manager) const ALL: u16 = 17;
    pub(in crate::manager) const REPLACE_ALL: u16 = 18;
    pub(in crate::manager) const ADD: u16 = 19;
}

/// The methods of those who watch.
pub(super) mod watcher {
    pub(in crate::manager) const FETCH: u16 = 1;
}

/// The methods of pools, and then what begins something that ends later, with an outcome.
pub(super) mod pool {
    pub(in crate::manager) const CLOSE: u16 = 1;
    pub(in crate::manager) const RESIZE: u16 = 2;
    pub(in crate::manager) const START: u8 = 1;
    pub(in crate::manager) const CALL: u8 = 2;
    pub(in crate::manager) const MAP: u8 = 3;
    pub(in crate::manager) const JOIN: u8 = 4;
    pub(in crate::manager) const TERMINATE: u8 = 5;
    pub(in crate::manager) const KILL: u8 = 6;
}

/// The methods of outcomes.
pub(super) mod outcome {
    pub(in crate::manager) const GET: u16 = 1;
    pub(in crate::manager) const CANCEL: u16 = 2;
    pub(in crate::manager) const CANCEL_RUNNING: u16 = 3;
    pub(in crate::manager) const RUNNING: u16 = 4;
}

/// How what a task changes is found and put back: as a map's entry, which may be none, or as a list's.
pub(super) const OPTIONAL: u8 = 1;
pub(super) const PLAIN: u8 = 0;
/// Beside one of them: the task's result is not only the value.
pub(super) const WITH_RESULT: u8 = 2;

/// The link of those who await no answer.
pub(super) const NO_LINK: u64 = 0;

/// A request or an answer that is being written.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub(super) bytes: Vec<u8>,
    pub(super) attachments: Attachments,
    /// Of one that goes to a server elsewhere.
    pub(super) far: Option<Box<Cargo>>,
    /// How long such a server waits at most before it answers.
    pub(super) within: Option<Duration>,
}

impl Message {
    pub(super) fn request(link: u64, object: u64, method: u16) -> Self {
        let mut message = Self { bytes: Vec::with_capacity(128), ..Self::default() };
        message.u64(link).u64(object);
        message.bytes.extend_from_slice(&method.to_le_bytes());
        message
    }

    /// Says which link a request came by.
    pub(super) fn set_link(&mut self, link: u64) {
        if let Some(head) = self.bytes.first_chunk_mut() {
            *head = link.to_le_bytes();
        }
    }

    pub(super) fn u8(&mut self, number: u8) -> &mut Self {
        self.bytes.push(number);
        self
    }

    pub(super) fn u64(&mut self, number: u64) -> &mut Self {
        self.bytes.extend_from_slice(&number.to_le_bytes());
        self
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.u64(text.len() as u64).bytes.extend_from_slice(text.as_bytes());
        self
    }

    /// Says which task is meant.
    pub(super) fn task(&mut self, key: &TaskKey<'_>) -> &mut Self {
        let TaskKey { name, type_name, file, line, column } = *key;
        self.text(name).text(type_name).text(file).u64(line.into()).u64(column.into())
    }

    /// Adds a value of the caller's.
    pub(super) fn value<T: Serialize + 'static>(&mut self, value: &T) -> Result<&mut Self> {
        self.encoded(type_name::<T>(), |bytes, attachments| {
            codec::encode_value(value, bytes, attachments)
        })
    }

    /// Adds a value that `encode` appends; `name` is its type's.
    pub(super) fn encoded(
        &mut self,
        name: &str,
        encode: impl FnOnce(&mut Vec<u8>, &mut Attachments) -> Result<()>,
    ) -> Result<&mut Self> {
        let start = self.bytes.len();
        let beside = |of: &Self| of.far.as_ref().map_or(of.attachments.objects(), |far| far.len());
        let before = beside(self);
        self.bytes.extend_from_slice(&[0; 12]);
        let Self { bytes, attachments, far, .. } = self;
        let done = travel::encoding(far, || encode(bytes, attachments));
        done.inspect_err(|_| self.bytes.truncate(start))?;
        if self.attachments.has_descriptors() {
            let text = format!(
                "cannot encode {name}: a manager's server keeps no descriptors; send them with a task or a message"
            );
            return Err(Error::new(ErrorKind::Encode, text));
        }
        let len = (self.bytes.len() - start - 12) as u64;
        if self.far.is_some() && self.attachments.objects() > 0 {
            return Err(travel::stays(name));
        }
        let objects = u32::try_from(beside(self) - before).unwrap_or(u32::MAX);
        self.bytes[start..start + 8].copy_from_slice(&len.to_le_bytes());
        self.bytes[start + 8..start + 12].copy_from_slice(&objects.to_le_bytes());
        Ok(self)
    }

    /// Adds some things, and how many they are.
    pub(super) fn many<I: IntoIterator>(
        &mut self,
        items: I,
        mut add: impl FnMut(&mut Self, I::Item) -> Result<()>,
    ) -> Result<()> {
        let at = self.bytes.len();
        self.u64(0);
        let mut count = 0_u64;
        for item in items {
            add(self, item)?;
            count += 1;
        }
        self.bytes[at..at + 8].copy_from_slice(&count.to_le_bytes());
        Ok(())
    }

    /// Adds a value that is kept as bytes.
    pub(super) fn kept(&mut self, bytes: &[u8], holds: &[Hold]) -> Result<&mut Self> {
        self.u64(bytes.len() as u64);
        let objects = u32::try_from(holds.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&objects.to_le_bytes());
        self.bytes.extend_from_slice(bytes);
        for hold in holds {
            self.attachments.hold(hold)?;
        }
        Ok(self)
    }
}

/// A request or an answer that is being read.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    /// What is beside an answer of a server elsewhere.
    beside: Option<vec::IntoIter<Option<Arc<Lease>>>>,
}

fn malformed() -> Error {
    Error::new(
        ErrorKind::Remote,
        "a message between a manager's server and its client is malformed",
    )
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, beside: None }
    }

    /// An answer of a server elsewhere, and the objects beside it.
    pub(super) fn with(bytes: &'a [u8], beside: Vec<Option<Arc<Lease>>>) -> Self {
        Self { bytes, beside: Some(beside.into_iter()) }
    }

    /// The first of those, which stands for no value.
    pub(super) fn lease(&mut self) -> Option<Arc<Lease>> {
        self.beside.as_mut()?.next()?
    }

    /// The objects beside what is not yet read.
    pub(super) fn leases(&self) -> &[Option<Arc<Lease>>] {
        self.beside.as_ref().map_or(&[], |beside| beside.as_slice())
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(len).ok_or_else(malformed)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| malformed())
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn len(&mut self) -> Result<usize> {
        self.u64().map(|len| usize::try_from(len).unwrap_or(usize::MAX))
    }

    pub(super) fn text(&mut self) -> Result<&'a str> {
        let len = self.len()?;
        std::str::from_utf8(self.take(len)?).map_err(|_| malformed())
    }

    /// The task that is meant.
    pub(super) fn task(&mut self) -> Result<&'static Entry> {
        let (name, type_name, file) = (self.text()?, self.text()?, self.text()?);
        let mut number = || self.u64().map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        let (line, column) = (number()?, number()?);
        let key = TaskKey { name, type_name, file, line, column };
        let entry = registry::table()?.find(&key)?;
        if entry.is_internal() {
            return Err(registry::unknown(name));
        }
        Ok(entry)
    }

    /// A value's bytes, and how many objects it holds.
    pub(super) fn kept(&mut self) -> Result<(&'a [u8], usize)> {
        let (bytes, objects) = self.raw()?;
        self.beside.iter_mut().for_each(|beside| beside.by_ref().take(objects).for_each(drop));
        Ok((bytes, objects))
    }

    fn raw(&mut self) -> Result<(&'a [u8], usize)> {
        let (len, objects) = (self.len()?, self.u32()?);
        Ok((self.take(len)?, usize::try_from(objects).unwrap_or(usize::MAX)))
    }

    /// Decodes a value's bytes by `decode`.
    pub(super) fn value_by<R>(&mut self, decode: impl FnOnce(&'a [u8]) -> Result<R>) -> Result<R> {
        let (bytes, objects) = self.raw()?;
        let Some(beside) = &mut self.beside else { return decode(bytes) };
        let own = beside.take(objects).collect();
        travel::decoding(own, || decode(bytes))
    }

    pub(super) fn value<T: DeserializeOwned + 'static>(&mut self) -> Result<T> {
        self.value_by(|bytes| codec::decode_value(bytes, Attachments::NONE))
    }

    /// All that is left.
    pub(super) fn rest(self) -> &'a [u8] {
        self.bytes
    }

    pub(super) fn flag(&mut self) -> Result<bool> {
        self.u8().map(|flag| flag != 0)
    }

    /// A value that may be there.
    pub(super) fn option<T: DeserializeOwned + 'static>(&mut self) -> Result<Option<T>> {
        self.flag()?.then(|| self.value()).transpose()
    }

    /// The bytes of a value that may be there.
    pub(super) fn raw_option(&mut self) -> Result<Option<Vec<u8>>> {
        if !self.flag()? {
            return Ok(None);
        }
        match self.kept()? {
            (_, 1..) if self.beside.is_some() => Err(travel::has_proxies()),
            (bytes, _) => Ok(Some(bytes.to_vec())),
        }
    }
}
