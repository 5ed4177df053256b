//! `DictProxy`: a dictionary that a manager's server keeps. What the server does is in `server::map`.
#![expect(clippy::missing_errors_doc, reason = "the type says it for all its methods")]

use crate::codec;
use crate::custody::Attachments;
use crate::error::Result;
use crate::manager::proxy::Proxy;
use crate::manager::wire::{Message, Reader, map as method};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::vec;

/// A dictionary in a manager's server, which any number of processes use at once, in `HashMap`'s words.
///
/// Made by [`Manager::dict`](crate::Manager::dict). A handle can be cloned, be an argument, a result or a message, part of
/// one, and a value in another managed object; each is another way to the same dictionary, which is gone with the last.
///
/// Each call is one step, which no other call comes between; two calls are two. To change a value by what it was,
/// [`update`](Self::update) it, or have the server do so: [`update_by`](Self::update_by) a task, or
/// [`fetch_add`](Self::fetch_add). What is got is a copy: changing it changes nothing here until it is put back. A managed object
/// as a value stays live.
///
/// Keys are the same if they are encoded alike, which those of the standard library's types are exactly if they are equal.
///
/// # Errors
///
/// All methods: `Disconnected` if the server has ended, `Encode` or `Decode` if a key or value does not travel.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn count(words: mp::DictProxy<String, u32>, text: &str) -> mp::Result<()> {
///     let add = |n: Option<u32>| Some(n.unwrap_or(0) + 1);
///     text.split(' ').try_for_each(|word| words.update(&word.to_owned(), add).map(drop))
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let manager = mp::Manager::new()?;
///     let words = manager.dict()?;
///     let pool = mp::Pool::new(2)?;
///     pool.starmap(count, [(words.clone(), "a rose is"), (words.clone(), "a rose")])?;
///     assert_eq!(words.get(&"rose".to_owned())?, Some(2));
///     assert_eq!(words.len()?, 3);
///     Ok(())
/// }
/// ```
pub struct DictProxy<K, V> {
    proxy: Proxy,
    of: PhantomData<fn() -> (K, V)>,
}

impl<K, V> DictProxy<K, V> {
    pub(super) fn of(proxy: Proxy) -> Self {
        Self { proxy, of: PhantomData }
    }

    pub(super) fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// How many entries it has.
    pub fn len(&self) -> Result<usize> {
        self.proxy.ask(method::LEN, |answer| answer.len())
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> Result<bool> {
        self.len().map(|len| len == 0)
    }

    /// Takes all entries out.
    pub fn clear(&self) -> Result<()> {
        self.proxy.ask(method::CLEAR, |_| Ok(()))
    }

    /// Whether both are handles on one dictionary.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.proxy.is_same(&other.proxy)
    }
}

impl<K, V> DictProxy<K, V>
where
    K: Serialize + DeserializeOwned + Eq + Hash + 'static,
    V: Serialize + DeserializeOwned + 'static,
{
    fn with_key(&self, method: u16, key: &K) -> Result<Message> {
        let mut request = self.proxy.request(method);
        request.value(key)?;
        Ok(request)
    }

    /// The value of a key, or none.
    pub fn get(&self, key: &K) -> Result<Option<V>> {
        self.proxy.call(self.with_key(method::GET, key)?, |answer| answer.option())
    }

    /// Puts a value, and gives the one that the key had.
    pub fn insert(&self, key: K, value: V) -> Result<Option<V>> {
        let mut request = self.with_key(method::INSERT, &key)?;
        request.value(&value)?;
        self.proxy.call(request, |answer| answer.option())
    }

    /// Takes the value of a key out.
    pub fn remove(&self, key: &K) -> Result<Option<V>> {
        self.proxy.call(self.with_key(method::REMOVE, key)?, |answer| answer.option())
    }

    /// Whether the key has a value.
    pub fn contains_key(&self, key: &K) -> Result<bool> {
        self.proxy.call(self.with_key(method::CONTAINS, key)?, |answer| answer.flag())
    }

    /// The value of a key; if it has none, this one is put first.
    pub fn get_or_insert(&self, key: K, value: V) -> Result<V> {
        let mut request = self.with_key(method::GET_OR_INSERT, &key)?;
        request.value(&value)?;
        self.proxy.call(request, |answer| answer.value())
    }

    /// Puts all of these entries in one step.
    pub fn extend(&self, entries: impl IntoIterator<Item = (K, V)>) -> Result<()> {
        let mut request = self.proxy.request(method::EXTEND);
        request
            .many(entries, |request, (key, value)| request.value(&key)?.value(&value).map(drop))?;
        self.proxy.call(request, |_| Ok(()))
    }

    /// The values of these keys, none for one that has none: all as they are at one moment, in one call.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[mp::main]
    /// # fn main() -> mp::Result<()> {
    /// # let manager = mp::Manager::new()?;
    /// let sizes = manager.dict_from([('a', 1), ('b', 2)])?;
    /// assert_eq!(sizes.get_many(&['b', 'x'])?, [Some(2), None]);
    /// assert_eq!(sizes.remove_many(&['b', 'x'])?, [Some(2), None]);
    /// # Ok(()) }
    /// ```
    pub fn get_many<'k>(&self, keys: impl IntoIterator<Item = &'k K>) -> Result<Vec<Option<V>>> {
        self.many(method::GET_MANY, keys)
    }

    /// Takes the values of these keys out, none for one that has none, in one step.
    pub fn remove_many<'k>(&self, keys: impl IntoIterator<Item = &'k K>) -> Result<Vec<Option<V>>> {
        self.many(method::REMOVE_MANY, keys)
    }

    fn many<'k>(
        &self,
        method: u16,
        keys: impl IntoIterator<Item = &'k K>,
    ) -> Result<Vec<Option<V>>> {
        let mut request = self.proxy.request(method);
        request.many(keys, |request, key| request.value(key).map(drop))?;
        self.proxy.call(request, |answer| (0..answer.len()?).map(|_| answer.option()).collect())
    }

    /// Takes some entry out.
    pub fn pop_item(&self) -> Result<Option<(K, V)>> {
        let entry = |answer: &mut Reader<'_>| Ok((answer.value()?, answer.value()?));
        self.proxy.ask(method::POP, |answer| answer.flag()?.then(|| entry(answer)).transpose())
    }

    /// Puts `new` as the key's value if it is `current` now, none of which may be a value; else an error with what it is.
    ///
    /// The inner error is no error of the call: somebody else was faster.
    pub fn compare_exchange(
        &self,
        key: &K,
        current: Option<&V>,
        new: Option<&V>,
    ) -> Result<Result<(), Option<V>>> {
        let mut request = self.with_key(method::REPLACE, key)?;
        for value in [current, new] {
            request.u8(value.is_some().into());
            value.map_or(Ok(()), |value| request.value(value).map(drop))?;
        }
        self.proxy
            .call(request, |answer| Ok(if answer.flag()? { Ok(()) } else { Err(answer.option()?) }))
    }

    /// Changes the value of a key by what it is, none if it has none, and gives what it is then. If others change it
    /// meanwhile, `change` is asked again.
    pub fn update(
        &self,
        key: &K,
        mut change: impl FnMut(Option<V>) -> Option<V>,
    ) -> Result<Option<V>> {
        let mut bytes =
            self.proxy.call(self.with_key(method::GET, key)?, |answer| answer.raw_option())?;
        loop {
            let current = bytes
                .as_deref()
                .map(|bytes| codec::decode_value(bytes, Attachments::NONE))
                .transpose()?;
            let new = change(current);
            let mut request = self.with_key(method::REPLACE, key)?;
            request.u8(bytes.is_some().into());
            bytes.as_deref().map_or(Ok(()), |bytes| request.kept(bytes, &[]).map(drop))?;
            request.u8(new.is_some().into());
            new.as_ref().map_or(Ok(()), |value| request.value(value).map(drop))?;
            let now = self.proxy.call(request, |answer| {
                if answer.flag()? { Ok(None) } else { answer.raw_option().map(Some) }
            })?;
            match now {
                None => return Ok(new),
                Some(now) => bytes = now,
            }
        }
    }

    /// All entries, as they are at one moment.
    pub fn to_map(&self) -> Result<HashMap<K, V>> {
        self.all(|answer| Ok((answer.value()?, answer.value()?)))
    }

    /// All keys, as they are at one moment.
    pub fn keys(&self) -> Result<Vec<K>> {
        self.all(|answer| {
            let key = answer.value()?;
            answer.kept()?;
            Ok(key)
        })
    }

    /// All values, as they are at one moment.
    pub fn values(&self) -> Result<Vec<V>> {
        self.all(|answer| {
            answer.kept()?;
            answer.value()
        })
    }

    fn all<I, C: FromIterator<I>>(&self, read: impl Fn(&mut Reader<'_>) -> Result<I>) -> Result<C> {
        self.proxy.ask(method::ALL, |answer| {
            let count = answer.len()?;
            (0..count).map(|_| read(answer)).collect()
        })
    }

    /// Its entries, some at a time, in no order that can be relied on.
    ///
    /// Values may change meanwhile; if keys come or go, the next entry is an error, `Broken`, and the last.
    #[must_use]
    pub fn iter(&self) -> DictEntries<'_, K, V> {
        DictEntries {
            dict: self,
            part: Vec::new().into_iter(),
            at: 0,
            version: u64::MAX,
            more: true,
        }
    }
}

/// The entries of a [`DictProxy`], some of which are asked for at a time.
pub struct DictEntries<'a, K, V> {
    dict: &'a DictProxy<K, V>,
    part: vec::IntoIter<(K, V)>,
    at: u64,
    version: u64,
    more: bool,
}

impl<K, V> DictEntries<'_, K, V>
where
    K: Serialize + DeserializeOwned + Eq + Hash + 'static,
    V: Serialize + DeserializeOwned + 'static,
{
    fn fetch(&mut self) -> Result<()> {
        self.more = false;
        let mut request = self.dict.proxy.request(method::CHUNK);
        request.u64(self.at).u64(self.version);
        let (version, part, more) = self.dict.proxy.call(request, |answer| {
            let (version, mut part) = (answer.u64()?, Vec::new());
            while answer.flag()? {
                part.push((answer.value()?, answer.value()?));
            }
            Ok((version, part, answer.flag()?))
        })?;
        self.at += part.len() as u64;
        (self.version, self.part, self.more) = (version, part.into_iter(), more);
        Ok(())
    }
}

impl<K, V> Iterator for DictEntries<'_, K, V>
where
    K: Serialize + DeserializeOwned + Eq + Hash + 'static,
    V: Serialize + DeserializeOwned + 'static,
{
    type Item = Result<(K, V)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.part.next() {
                return Some(Ok(entry));
            }
            if !self.more {
                return None;
            }
            if let Err(error) = self.fetch() {
                return Some(Err(error));
            }
        }
    }
}

impl<K, V> fmt::Debug for DictEntries<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DictEntries").field("at", &self.at).finish_non_exhaustive()
    }
}

impl<K, V> Clone for DictProxy<K, V> {
    fn clone(&self) -> Self {
        Self::of(self.proxy.clone())
    }
}

/// The content, as it is at one moment, or why it cannot be had.
impl<K, V> fmt::Debug for DictProxy<K, V>
where
    K: Serialize + DeserializeOwned + Eq + Hash + fmt::Debug + 'static,
    V: Serialize + DeserializeOwned + fmt::Debug + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.all::<(K, V), Vec<_>>(|answer| Ok((answer.value()?, answer.value()?))) {
            Ok(entries) => f.debug_map().entries(entries).finish(),
            Err(error) => write!(f, "{{{error}}}"),
        }
    }
}

impl<K, V> Serialize for DictProxy<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.proxy.serialize(serializer)
    }
}

impl<'de, K, V> Deserialize<'de> for DictProxy<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Proxy::deserialize(deserializer).map(Self::of)
    }
}
