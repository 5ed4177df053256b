//! Numbers that a manager's server adds to: which types, and the proxies' `fetch_add`. The sums are made in `server::number`.
#![expect(clippy::missing_errors_doc, reason = "the types say it for all their methods")]

use crate::error::Result;
use crate::manager::wire::{list, map};
use crate::manager::{ArrayProxy, DictProxy, ListProxy, ValueProxy};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::hash::Hash;

/// A number that a manager's server can add to: the integers, `f32` and `f64`. See [`DictProxy::fetch_add`].
///
/// Integers wrap around where their range ends, as atomics do.
pub trait Number: Serialize + DeserializeOwned + 'static {
    #[doc(hidden)]
    const __CODE: u8;
}

macro_rules! numbers {
    ($($name:ident: $number:ty = $code:literal),*) => {
        /// How the types are called on the wire.
        pub(super) mod code {
            $(pub(in crate::manager) const $name: u8 = $code;)*
        }

        $(impl Number for $number {
            const __CODE: u8 = code::$name;
        })*
    };
}

numbers!(
    U8: u8 = 1, U16: u16 = 2, U32: u32 = 3, U64: u64 = 4, U128: u128 = 5, USIZE: usize = 6,
    I8: i8 = 7, I16: i16 = 8, I32: i32 = 9, I64: i64 = 10, I128: i128 = 11, ISIZE: isize = 12,
    F32: f32 = 13, F64: f64 = 14
);

impl<K, V> DictProxy<K, V>
where
    K: Serialize + DeserializeOwned + Eq + Hash + 'static,
    V: Number,
{
    /// Adds to the value of a key, which is 0 if it has none, and gives what it was: one call, which the server does at once.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[mp::main]
    /// # fn main() -> mp::Result<()> {
    /// # let manager = mp::Manager::new()?;
    /// let words = manager.dict::<String, u64>()?;
    /// let (rose, was) = ("rose".to_owned(), words.fetch_add(&"rose".to_owned(), 2)?);
    /// assert_eq!((was, words.fetch_add(&rose, 1)?, words.get(&rose)?), (0, 2, Some(3)));
    /// # Ok(()) }
    /// ```
    pub fn fetch_add(&self, key: &K, more: V) -> Result<V> {
        let mut request = self.proxy().request(map::ADD);
        request.value(key)?.u8(V::__CODE).value(&more)?;
        self.proxy().call(request, |answer| answer.value())
    }
}

impl<T: Number> ListProxy<T> {
    /// Adds to the value of an index, and gives what it was: one call, which the server does at once.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[mp::main]
    /// # fn main() -> mp::Result<()> {
    /// # let manager = mp::Manager::new()?;
    /// let scores = manager.list_from([1.5, 2.0])?;
    /// assert_eq!((scores.fetch_add(0, 0.25)?, scores.to_vec()?), (1.5, vec![1.75, 2.0]));
    /// # Ok(()) }
    /// ```
    pub fn fetch_add(&self, index: usize, more: T) -> Result<T> {
        let mut request = self.proxy.request(list::ADD);
        request.u64(index as u64).u8(T::__CODE).value(&more)?;
        self.proxy.call(request, |answer| answer.value())
    }
}

impl<T: Number> ArrayProxy<T> {
    /// As [`ListProxy::fetch_add`].
    pub fn fetch_add(&self, index: usize, more: T) -> Result<T> {
        self.list().fetch_add(index, more)
    }
}

impl<T: Number> ValueProxy<T> {
    /// Adds to it, and gives what it was: one call, which the server does at once.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[mp::main]
    /// # fn main() -> mp::Result<()> {
    /// # let manager = mp::Manager::new()?;
    /// let next = manager.value(7_u64)?;
    /// assert_eq!((next.fetch_add(1)?, next.get()?), (7, 8));
    /// # Ok(()) }
    /// ```
    pub fn fetch_add(&self, more: T) -> Result<T> {
        self.list().fetch_add(0, more)
    }
}
