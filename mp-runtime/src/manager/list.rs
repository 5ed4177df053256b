//! `ListProxy`: a list that a manager's server keeps. What the server does is in `server::list`.
#![expect(clippy::missing_errors_doc, reason = "the type says it for all its methods")]

use crate::codec;
use crate::custody::Attachments;
use crate::error::Result;
use crate::manager::proxy::Proxy;
use crate::manager::wire::{Message, list as method};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};
use std::vec;

/// A list in a manager's server, which any number of processes use at once, in `Vec`'s words.
///
/// Made by [`Manager::list`](crate::Manager::list). Handles, steps, copies and managed objects inside are as a
/// [`DictProxy`](crate::DictProxy)'s. Values are equal if they are encoded alike.
///
/// # Errors
///
/// All methods: `Disconnected` if the server has ended, `Encode` or `Decode` if a value does not travel; those that take an
/// index and give no option: `InvalidArgument` if there is nothing at it.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn squares(list: mp::ListProxy<u64>, to: u64) -> mp::Result<()> {
///     list.extend((0..to).map(|n| n * n))
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let manager = mp::Manager::new()?;
///     let list = manager.list_from([100])?;
///     mp::spawn(squares, (list.clone(), 4))?.result()??;
///     assert_eq!(list.to_vec()?, [100, 0, 1, 4, 9]);
///     Ok(())
/// }
/// ```
pub struct ListProxy<T> {
    pub(super) proxy: Proxy,
    of: PhantomData<fn(T) -> T>,
}

impl<T> ListProxy<T> {
    pub(super) fn of(proxy: Proxy) -> Self {
        Self { proxy, of: PhantomData }
    }

    fn with_index(&self, method: u16, index: usize) -> Message {
        let mut request = self.proxy.request(method);
        request.u64(index as u64);
        request
    }

    /// How many values it has.
    pub fn len(&self) -> Result<usize> {
        self.proxy.ask(method::LEN, |answer| answer.len())
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> Result<bool> {
        self.len().map(|len| len == 0)
    }

    /// Takes all values out.
    pub fn clear(&self) -> Result<()> {
        self.proxy.ask(method::CLEAR, |_| Ok(()))
    }

    /// Turns the order round.
    pub fn reverse(&self) -> Result<()> {
        self.proxy.ask(method::REVERSE, |_| Ok(()))
    }

    /// Exchanges the values of two indices.
    pub fn swap(&self, one: usize, other: usize) -> Result<()> {
        let mut request = self.with_index(method::SWAP, one);
        request.u64(other as u64);
        self.proxy.call(request, |_| Ok(()))
    }

    /// Takes all values out but the first `len`.
    pub fn truncate(&self, len: usize) -> Result<()> {
        self.proxy.call(self.with_index(method::TRUNCATE, len), |_| Ok(()))
    }

    /// Whether both are handles on one list.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.proxy.is_same(&other.proxy)
    }
}

impl<T: Serialize + DeserializeOwned + 'static> ListProxy<T> {
    fn with_value(&self, method: u16, value: &T) -> Result<Message> {
        let mut request = self.proxy.request(method);
        request.value(value)?;
        Ok(request)
    }

    /// The value of an index, or none.
    pub fn get(&self, index: usize) -> Result<Option<T>> {
        self.proxy.call(self.with_index(method::GET, index), |answer| answer.option())
    }

    /// Puts a value in place of that of an index, which it gives.
    pub fn set(&self, index: usize, value: T) -> Result<T> {
        let mut request = self.with_index(method::SET, index);
        request.value(&value)?;
        self.proxy.call(request, |answer| answer.value())
    }

    /// Adds a value at the end.
    pub fn push(&self, value: T) -> Result<()> {
        self.proxy.call(self.with_value(method::PUSH, &value)?, |_| Ok(()))
    }

    /// Takes the last value out.
    pub fn pop(&self) -> Result<Option<T>> {
        self.proxy.ask(method::POP, |answer| answer.option())
    }

    /// Puts a value before that of an index, or at the end.
    pub fn insert(&self, index: usize, value: T) -> Result<()> {
        let mut request = self.with_index(method::INSERT, index);
        request.value(&value)?;
        self.proxy.call(request, |_| Ok(()))
    }

    /// Takes the value of an index out.
    pub fn remove(&self, index: usize) -> Result<T> {
        self.proxy.call(self.with_index(method::REMOVE, index), |answer| answer.value())
    }

    /// Adds all of these at the end, in one step.
    pub fn extend(&self, values: impl IntoIterator<Item = T>) -> Result<()> {
        let mut request = self.proxy.request(method::EXTEND);
        request.many(values, |request, value| request.value(&value).map(drop))?;
        self.proxy.call(request, |_| Ok(()))
    }

    /// Where such a value is first, or none.
    pub fn position(&self, value: &T) -> Result<Option<usize>> {
        self.proxy.call(self.with_value(method::FIND, value)?, |answer| {
            let found = answer.flag()?;
            Ok(Some(answer.len()?).filter(|_| found))
        })
    }

    /// Whether it has such a value.
    pub fn contains(&self, value: &T) -> Result<bool> {
        self.position(value).map(|position| position.is_some())
    }

    /// How many such values it has.
    pub fn count(&self, value: &T) -> Result<usize> {
        self.proxy.call(self.with_value(method::TALLY, value)?, |answer| answer.len())
    }

    /// All values, as they are at one moment.
    pub fn to_vec(&self) -> Result<Vec<T>> {
        self.proxy.ask(method::ALL, |answer| {
            answer.u64()?;
            (0..answer.len()?).map(|_| answer.value()).collect()
        })
    }

    /// Copies of the values of a range, as far as there are any; more than some ten thousand bytes may be of several
    /// moments.
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Result<Vec<T>> {
        let from = match range.start_bound() {
            Bound::Included(from) => *from,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let to = match range.end_bound() {
            Bound::Included(last) => last.saturating_add(1),
            Bound::Excluded(to) => *to,
            Bound::Unbounded => usize::MAX,
        };
        ListValues { list: self, part: Vec::new().into_iter(), at: from, to }.collect()
    }

    /// Puts `new` in place of the value of an index if that is `current` now; else an error with what it is.
    pub fn compare_exchange(&self, index: usize, current: &T, new: &T) -> Result<Result<(), T>> {
        let mut request = self.with_index(method::REPLACE, index);
        request.value(current)?.value(new)?;
        self.proxy
            .call(request, |answer| Ok(if answer.flag()? { Ok(()) } else { Err(answer.value()?) }))
    }

    /// Changes the value of an index by what it is, and gives what it is then. If others change it meanwhile, `change` is
    /// asked again.
    pub fn update(&self, index: usize, mut change: impl FnMut(T) -> T) -> Result<T> {
        let missing = || {
            let text = format!("index {index} is not in the list");
            crate::error::Error::new(crate::error::ErrorKind::InvalidArgument, text)
        };
        let get = self.with_index(method::GET, index);
        let mut bytes = self.proxy.call(get, |answer| answer.raw_option())?.ok_or_else(missing)?;
        loop {
            let new = change(codec::decode_value(&bytes, Attachments::NONE)?);
            let mut request = self.with_index(method::REPLACE, index);
            request.kept(&bytes, &[])?.value(&new)?;
            let now = self.proxy.call(request, |answer| {
                Ok(if answer.flag()? { None } else { Some(answer.kept()?.0.to_vec()) })
            })?;
            match now {
                None => return Ok(new),
                Some(now) => bytes = now,
            }
        }
    }

    /// Changes the whole list in one step: sorts it, takes out what is not wanted, or whatever else a `Vec` can do. If
    /// others change it meanwhile, `change` is asked again, with what there is then.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[mp::main]
    /// # fn main() -> mp::Result<()> {
    /// # let manager = mp::Manager::new()?;
    /// let list = manager.list_from([3, 1, 2])?;
    /// list.modify(|values| values.sort())?;
    /// assert_eq!(list.to_vec()?, [1, 2, 3]);
    /// # Ok(()) }
    /// ```
    pub fn modify<R>(&self, mut change: impl FnMut(&mut Vec<T>) -> R) -> Result<R> {
        loop {
            let (version, mut values) = self.proxy.ask(method::ALL, |answer| {
                let version = answer.u64()?;
                let values: Result<Vec<T>> = (0..answer.len()?).map(|_| answer.value()).collect();
                Ok((version, values?))
            })?;
            let changed = change(&mut values);
            let mut request = self.proxy.request(method::REPLACE_ALL);
            request.u64(version);
            request.many(values, |request, value| request.value(&value).map(drop))?;
            if self.proxy.call(request, |answer| answer.flag())? {
                return Ok(changed);
            }
        }
    }

    /// Its values, some at a time; it sees what is added meanwhile.
    #[must_use]
    pub fn iter(&self) -> ListValues<'_, T> {
        ListValues { list: self, part: Vec::new().into_iter(), at: 0, to: usize::MAX }
    }
}

/// The values of a [`ListProxy`], some of which are asked for at a time.
pub struct ListValues<'a, T> {
    list: &'a ListProxy<T>,
    part: vec::IntoIter<T>,
    at: usize,
    to: usize,
}

impl<T: Serialize + DeserializeOwned + 'static> Iterator for ListValues<'_, T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        if let Some(value) = self.part.next() {
            return Some(Ok(value));
        }
        let mut request = self.list.with_index(method::RANGE, self.at);
        request.u64(self.to as u64);
        let part = self.list.proxy.call(request, |answer| {
            let mut part = Vec::new();
            while answer.flag()? {
                part.push(answer.value()?);
            }
            Ok(part)
        });
        match part {
            Ok(part) => {
                self.at += part.len();
                self.part = part.into_iter();
                self.part.next().map(Ok)
            }
            Err(error) => {
                self.to = 0;
                Some(Err(error))
            }
        }
    }
}

impl<T> fmt::Debug for ListValues<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListValues").field("at", &self.at).finish_non_exhaustive()
    }
}

impl<T> Clone for ListProxy<T> {
    fn clone(&self) -> Self {
        Self::of(self.proxy.clone())
    }
}

/// The content, as it is at one moment, or why it cannot be had.
impl<T: Serialize + DeserializeOwned + fmt::Debug + 'static> fmt::Debug for ListProxy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_vec() {
            Ok(values) => f.debug_list().entries(values).finish(),
            Err(error) => write!(f, "[{error}]"),
        }
    }
}

impl<T> Serialize for ListProxy<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.proxy.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for ListProxy<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Proxy::deserialize(deserializer).map(Self::of)
    }
}
