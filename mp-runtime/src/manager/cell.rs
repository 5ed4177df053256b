//! `ValueProxy` and `ArrayProxy`: lists whose length does not change.
#![expect(clippy::missing_errors_doc, reason = "the type says it for all its methods")]

use crate::error::Result;
use crate::manager::list::{ListProxy, ListValues};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::ops::RangeBounds;

/// A value in a manager's server, which any number of processes use at once.
///
/// Made by [`Manager::value`](crate::Manager::value). Handles and steps are as a [`DictProxy`](crate::DictProxy)'s. Numbers
/// and other plain data are quicker in an [`mp::Value`](crate::Value), which needs no server.
///
/// # Errors
///
/// All methods: `Disconnected` if the server has ended, `Encode` or `Decode` if the value does not travel.
///
/// # Examples
///
/// ```
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let manager = mp::Manager::new()?;
///     let title = manager.value("a run".to_owned())?;
///     title.update(|title| title + " of an hour")?;
///     assert_eq!(title.get()?, "a run of an hour");
///     Ok(())
/// }
/// ```
pub struct ValueProxy<T>(ListProxy<T>);

impl<T: Serialize + DeserializeOwned + 'static> ValueProxy<T> {
    pub(super) fn of(list: ListProxy<T>) -> Self {
        Self(list)
    }

    pub(super) fn list(&self) -> &ListProxy<T> {
        &self.0
    }

    /// A copy of the value.
    pub fn get(&self) -> Result<T> {
        self.0.get(0)?.ok_or_else(|| super::outside(0))
    }

    /// Puts another value in its place.
    pub fn set(&self, value: T) -> Result<()> {
        self.0.set(0, value).map(drop)
    }

    /// Puts another value in its place, and gives what it was.
    pub fn replace(&self, value: T) -> Result<T> {
        self.0.set(0, value)
    }

    /// Puts `new` in its place if it is `current` now; else an error with what it is.
    pub fn compare_exchange(&self, current: &T, new: &T) -> Result<Result<(), T>> {
        self.0.compare_exchange(0, current, new)
    }

    /// Changes it by what it is, and gives what it is then. If others change it meanwhile, `change` is asked again.
    pub fn update(&self, change: impl FnMut(T) -> T) -> Result<T> {
        self.0.update(0, change)
    }
}

/// Values in a row in a manager's server, as many as it was made of, which any number of processes use at once.
///
/// Made by [`Manager::array`](crate::Manager::array); else as a [`ListProxy`](crate::ListProxy). Numbers and other plain data
/// are quicker in an [`mp::Array`](crate::Array), which needs no server.
///
/// # Errors
///
/// All methods: `Disconnected` if the server has ended, `Encode` or `Decode` if a value does not travel; `InvalidArgument` if
/// there is nothing at an index.
pub struct ArrayProxy<T>(ListProxy<T>);

impl<T: Serialize + DeserializeOwned + 'static> ArrayProxy<T> {
    pub(super) fn of(list: ListProxy<T>) -> Self {
        Self(list)
    }

    pub(super) fn list(&self) -> &ListProxy<T> {
        &self.0
    }

    /// How many values it has.
    pub fn len(&self) -> Result<usize> {
        self.0.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> Result<bool> {
        self.0.is_empty()
    }

    /// A copy of the value of an index.
    pub fn get(&self, index: usize) -> Result<T> {
        self.0.get(index)?.ok_or_else(|| super::outside(index))
    }

    /// Puts a value in place of that of an index, which it gives.
    pub fn set(&self, index: usize, value: T) -> Result<T> {
        self.0.set(index, value)
    }

    /// Changes the value of an index, as [`ListProxy::update`](crate::ListProxy::update).
    pub fn update(&self, index: usize, change: impl FnMut(T) -> T) -> Result<T> {
        self.0.update(index, change)
    }

    /// Copies of the values of a range, as far as there are any.
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Result<Vec<T>> {
        self.0.slice(range)
    }

    /// All values, as they are at one moment.
    pub fn to_vec(&self) -> Result<Vec<T>> {
        self.0.to_vec()
    }

    /// Its values, some at a time.
    #[must_use]
    pub fn iter(&self) -> ListValues<'_, T> {
        self.0.iter()
    }
}

/// What both have in the same way.
macro_rules! cells {
    ($($cell:ident),*) => {$(
        impl<T> Clone for $cell<T> {
            fn clone(&self) -> Self {
                Self(self.0.clone())
            }
        }

        /// The content, as it is at one moment, or why it cannot be had.
        impl<T: Serialize + DeserializeOwned + fmt::Debug + 'static> fmt::Debug for $cell<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<T> Serialize for $cell<T> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        impl<'de, T> Deserialize<'de> for $cell<T> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                ListProxy::deserialize(deserializer).map(Self)
            }
        }
    )*};
}

cells!(ValueProxy, ArrayProxy);
