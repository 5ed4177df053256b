//! The dictionary that a server keeps; keys are equal if their bytes are.

use super::store::{Arguments, Stored, write_option};
use super::watchers::{Watcher, Watchers};
use super::{Object, number};
use crate::error::{Error, ErrorKind, Result};
use crate::manager::wire::{Message, map as method};
use indexmap::IndexMap;
use indexmap::map::Entry;
use std::cell::RefCell;
use std::rc::Rc;

/// A part of all that is there ends after so many bytes.
const CHUNK: usize = 64 << 10;

/// In place of a version: whatever is there.
const ANY: u64 = u64::MAX;

/// Shared with those who watch it.
#[derive(Debug, Default)]
pub(super) struct Map(Rc<RefCell<Entries>>);

impl Object for Map {
    fn call(&mut self, method: u16, call: &mut Arguments<'_>, to: &mut Message) -> Result<()> {
        self.0.borrow_mut().call(method, call, to)
    }

    fn part(&mut self, call: &mut Arguments<'_>) -> Result<Box<dyn Object>> {
        Ok(Box::new(Watcher::new(&self.0, call.key()?)?))
    }
}

#[derive(Debug, Default)]
pub(super) struct Entries {
    entries: IndexMap<Box<[u8]>, Stored>,
    /// Counts what changes places.
    version: u64,
    pub(super) watchers: Watchers,
}

impl Entries {
    pub(super) fn get(&self, key: &[u8]) -> Option<&Stored> {
        self.entries.get(key)
    }

    fn call(&mut self, method: u16, call: &mut Arguments<'_>, to: &mut Message) -> Result<()> {
        match method {
            method::GET => return write_option(self.entries.get(call.key()?), to),
            method::INSERT => {
                let (key, value) = (call.key()?, call.value()?);
                let old = self.insert(key, value);
                return write_option(old.as_ref(), to);
            }
            method::REMOVE => {
                let old = self.remove(call.key()?);
                return write_option(old.as_ref(), to);
            }
            method::CONTAINS => drop(to.u8(self.entries.contains_key(call.key()?).into())),
            method::LEN => drop(to.u64(self.entries.len() as u64)),
            method::CLEAR => {
                let watched = self.watchers.keys().filter(|key| self.entries.contains_key(*key));
                watched.for_each(|key| self.watchers.tell(key));
                self.version += 1;
                self.entries.clear();
            }
            method::GET_OR_INSERT => {
                let (key, value) = (call.key()?, call.value()?);
                if !self.entries.contains_key(key) {
                    self.insert(key, value);
                }
                return self.entries.get(key).map_or(Ok(()), |value| value.write(to));
            }
            method::EXTEND => {
                for _ in 0..call.reader.len()? {
                    let (key, value) = (call.key()?, call.value()?);
                    self.insert(key, value);
                }
            }
            method::POP => {
                let last = self.entries.pop();
                self.version += u64::from(last.is_some());
                to.u8(last.is_some().into());
                return last.map_or(Ok(()), |(key, value)| {
                    self.watchers.tell(&key);
                    to.kept(&key, &[])?;
                    value.write(to)
                });
            }
            method::REPLACE => return self.replace(call, to),
            method::ALL => {
                to.u64(self.entries.len() as u64);
                return self.entries.iter().try_for_each(|(key, value)| {
                    to.kept(key, &[])?;
                    value.write(to)
                });
            }
            method::CHUNK => return self.chunk(call, to),
            method::ADD => return self.add(call, to),
            method::GET_MANY => return self.many(method::GET, call, to),
            method::REMOVE_MANY => return self.many(method::REMOVE, call, to),
            other => return Err(super::no_method(other)),
        }
        Ok(())
    }

    /// The same for many keys.
    fn many(&mut self, method: u16, call: &mut Arguments<'_>, to: &mut Message) -> Result<()> {
        let count = call.reader.u64()?;
        to.u64(count);
        (0..count).try_for_each(|_| self.call(method, call, to))
    }

    fn add(&mut self, call: &mut Arguments<'_>, to: &mut Message) -> Result<()> {
        let (key, code) = (call.key()?, call.reader.u8()?);
        let now = self.entries.get(key).map(Stored::bytes);
        let (was, sum) = number::add(code, now, call.key()?)?;
        self.insert(key, Stored::plain(sum));
        to.kept(&was, &[]).map(drop)
    }

    fn insert(&mut self, key: &[u8], value: Stored) -> Option<Stored> {
        self.watchers.tell(key);
        match self.entries.entry(key.into()) {
            Entry::Occupied(mut entry) => Some(entry.insert(value)),
            Entry::Vacant(entry) => {
                entry.insert(value);
                self.version += 1;
                None
            }
        }
    }

    fn remove(&mut self, key: &[u8]) -> Option<Stored> {
        let old = self.entries.swap_remove(key);
        if old.is_some() {
            self.version += 1;
            self.watchers.tell(key);
        }
        old
    }

    /// Puts a value in place of an expected one, each of which may be none; answers what is there else.
    fn replace(&mut self, call: &mut Arguments<'_>, to: &mut Message) -> Result<()> {
        let key = call.key()?;
        let expected = if call.reader.u8()? != 0 { Some(call.key()?) } else { None };
        let value = if call.reader.u8()? != 0 { Some(call.value()?) } else { None };
        let now = self.entries.get(key);
        if now.map(Stored::bytes) != expected {
            to.u8(0);
            return write_option(now, to);
        }
        match value {
            Some(value) => drop(self.insert(key, value)),
            None => drop(self.remove(key)),
        }
        to.u8(1);
        Ok(())
    }

    /// Some entries from a place on, if those places are still as they were.
    fn chunk(&self, call: &mut Arguments<'_>, to: &mut Message) -> Result<()> {
        let (at, version) = (call.reader.len()?, call.reader.u64()?);
        if version != ANY && version != self.version {
            let text = "the dictionary was changed while it was iterated over: keys came or went";
            return Err(Error::new(ErrorKind::Broken, text));
        }
        to.u64(self.version);
        let mut end = at;
        for (key, value) in self.entries.iter().skip(at) {
            if to.bytes.len() > CHUNK {
                break;
            }
            end += 1;
            to.u8(1).kept(key, &[])?;
            value.write(to)?;
        }
        to.u8(0).u8(u8::from(end < self.entries.len()));
        Ok(())
    }
}
