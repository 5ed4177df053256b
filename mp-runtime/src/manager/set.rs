//! `SetProxy`: a set that a manager's server keeps: a dictionary without values.
#![expect(clippy::missing_errors_doc, reason = "the type says it for all its methods")]

use crate::error::Result;
use crate::manager::dict::{DictEntries, DictProxy};
use crate::manager::proxy::Proxy;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;

/// A set in a manager's server, which any number of processes use at once, in `HashSet`'s words.
///
/// Made by [`Manager::set`](crate::Manager::set). Handles, steps and when two elements are the same are as a
/// [`DictProxy`](crate::DictProxy)'s. For what takes two sets, get one: `one.to_set()?.union(&other.to_set()?)`.
///
/// # Errors
///
/// All methods: `Disconnected` if the server has ended, `Encode` or `Decode` if an element does not travel.
///
/// # Examples
///
/// ```
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let manager = mp::Manager::new()?;
///     let seen = manager.set()?;
///     assert!(seen.insert("one".to_owned())?);
///     assert!(!seen.insert("one".to_owned())?);
///     assert!(seen.contains(&"one".to_owned())?);
///     Ok(())
/// }
/// ```
pub struct SetProxy<T>(DictProxy<T, ()>);

impl<T> SetProxy<T> {
    pub(super) fn of(proxy: Proxy) -> Self {
        Self(DictProxy::of(proxy))
    }

    /// How many elements it has.
    pub fn len(&self) -> Result<usize> {
        self.0.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> Result<bool> {
        self.0.is_empty()
    }

    /// Takes all elements out.
    pub fn clear(&self) -> Result<()> {
        self.0.clear()
    }

    /// Whether both are handles on one set.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.is_same(&other.0)
    }
}

impl<T: Serialize + DeserializeOwned + Eq + Hash + 'static> SetProxy<T> {
    /// Adds an element; says whether it is new.
    pub fn insert(&self, element: T) -> Result<bool> {
        self.0.insert(element, ()).map(|old| old.is_none())
    }

    /// Takes an element out; says whether it was there.
    pub fn remove(&self, element: &T) -> Result<bool> {
        self.0.remove(element).map(|old| old.is_some())
    }

    /// Whether it has that element.
    pub fn contains(&self, element: &T) -> Result<bool> {
        self.0.contains_key(element)
    }

    /// Adds all of these in one step.
    pub fn extend(&self, elements: impl IntoIterator<Item = T>) -> Result<()> {
        self.0.extend(elements.into_iter().map(|element| (element, ())))
    }

    /// Takes some element out.
    pub fn pop(&self) -> Result<Option<T>> {
        self.0.pop_item().map(|entry| entry.map(|(element, ())| element))
    }

    /// All elements, as they are at one moment.
    pub fn to_set(&self) -> Result<HashSet<T>> {
        self.0.keys().map(|keys| keys.into_iter().collect())
    }

    /// Its elements, some at a time, as [`DictProxy::iter`](crate::DictProxy::iter).
    pub fn iter(&self) -> impl Iterator<Item = Result<T>> {
        let entries: DictEntries<'_, T, ()> = self.0.iter();
        entries.map(|entry| entry.map(|(element, ())| element))
    }
}

impl<T> Clone for SetProxy<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// The content, as it is at one moment, or why it cannot be had.
impl<T: Serialize + DeserializeOwned + Eq + Hash + fmt::Debug + 'static> fmt::Debug
    for SetProxy<T>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.keys() {
            Ok(elements) => f.debug_set().entries(elements).finish(),
            Err(error) => write!(f, "{{{error}}}"),
        }
    }
}

impl<T> Serialize for SetProxy<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for SetProxy<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DictProxy::deserialize(deserializer).map(Self)
    }
}
