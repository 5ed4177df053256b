//! The list that a server keeps; values are equal if their bytes are.

use super::store::{Arguments, Stored, write_option};
use super::{Object, number};
use crate::error::{Error, ErrorKind, Result};
use crate::manager::wire::{Message, list as method};

/// A part of all that is there ends after so many bytes.
const CHUNK: usize = 64 << 10;

#[derive(Debug, Default)]
pub(super) struct List {
    values: Vec<Stored>,
    /// Counts changes.
    version: u64,
}

impl Object for List {
    fn call(&mut self, method: u16, call: &mut Arguments<'_>, to: &mut Message) -> Result<()> {
        match method {
            method::GET => return write_option(self.values.get(call.reader.len()?), to),
            method::LEN => drop(to.u64(self.values.len() as u64)),
            method::RANGE => return self.range(call, to),
            method::FIND => {
                let value = call.key()?;
                let found = self.values.iter().position(|other| other.bytes() == value);
                to.u8(found.is_some().into()).u64(found.unwrap_or(0) as u64);
            }
            method::TALLY => {
                let value = call.key()?;
                to.u64(self.values.iter().filter(|other| other.bytes() == value).count() as u64);
            }
            method::ALL => {
                to.u64(self.version).u64(self.values.len() as u64);
                return self.values.iter().try_for_each(|value| value.write(to));
            }
            _ => {
                self.change(method, call, to)?;
                self.version += 1;
            }
        }
        Ok(())
    }
}

impl List {
    fn change(&mut self, method: u16, call: &mut Arguments<'_>, to: &mut Message) -> Result<()> {
        match method {
            method::SET => {
                let (index, value) = (call.reader.len()?, call.value()?);
                let old = std::mem::replace(self.at(index)?, value);
                return old.write(to);
            }
            method::PUSH => self.values.push(call.value()?),
            method::POP => return write_option(self.values.pop().as_ref(), to),
            method::INSERT => {
                let (index, value) = (call.reader.len()?, call.value()?);
                if index > self.values.len() {
                    return Err(self.outside(index));
                }
                self.values.insert(index, value);
            }
            method::REMOVE => {
                let index = call.reader.len()?;
                self.at(index)?;
                return self.values.remove(index).write(to);
            }
            method::CLEAR => self.values.clear(),
            method::EXTEND => self.values.append(&mut values(call)?),
            method::REVERSE => self.values.reverse(),
            method::SWAP => {
                let (one, other) = (call.reader.len()?, call.reader.len()?);
                self.at(one)?;
                self.at(other)?;
                self.values.swap(one, other);
            }
            method::TRUNCATE => self.values.truncate(call.reader.len()?),
            method::REPLACE => {
                let (index, expected, value) = (call.reader.len()?, call.key()?, call.value()?);
                let now = self.at(index)?;
                let fits = now.bytes() == expected;
                to.u8(fits.into());
                if !fits {
                    return now.write(to);
                }
                *now = value;
            }
            method::ADD => {
                let (index, code) = (call.reader.len()?, call.reader.u8()?);
                let now = self.at(index)?;
                let (was, sum) = number::add(code, Some(now.bytes()), call.key()?)?;
                *now = Stored::plain(sum);
                to.kept(&was, &[])?;
            }
            method::REPLACE_ALL => {
                let version = call.reader.u64()?;
                let fits = version == self.version;
                to.u8(fits.into());
                if fits {
                    self.values = values(call)?;
                }
            }
            other => return Err(super::no_method(other)),
        }
        Ok(())
    }

    fn at(&mut self, index: usize) -> Result<&mut Stored> {
        if index >= self.values.len() {
            return Err(self.outside(index));
        }
        Ok(&mut self.values[index])
    }

    fn outside(&self, index: usize) -> Error {
        let text = format!("index {index} is not in a list of {}", self.values.len());
        Error::new(ErrorKind::InvalidArgument, text)
    }

    /// Some values from an index on.
    fn range(&self, call: &mut Arguments<'_>, to: &mut Message) -> Result<()> {
        let (from, end) = (call.reader.len()?, call.reader.len()?);
        for value in self.values.iter().take(end).skip(from) {
            if to.bytes.len() > CHUNK {
                break;
            }
            to.u8(1);
            value.write(to)?;
        }
        to.u8(0);
        Ok(())
    }
}

fn values(call: &mut Arguments<'_>) -> Result<Vec<Stored>> {
    (0..call.reader.len()?).map(|_| call.value()).collect()
}
