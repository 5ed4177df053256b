//! `RawValue` and `RawArray`: values in memory that processes share, without a lock. Those with one are in `value` and
//! `array`.

use crate::commons::Kind;
use crate::error::Result;
use crate::shared::cells::Cells;
use crate::shared::plain::{Atomic, Plain, Shareable};
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::ops::Deref;

/// A value that processes share, without a lock: of an atomic a `&`, of [plain](Plain) data copies, of which one may be half
/// of what two others were just writing.
///
/// Handles can be cloned, be arguments and results, or parts of them; each is another way to the same value. It is gone
/// with the last handle of any process. With a lock: [`Value`](crate::Value).
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
///
/// #[mp::task]
/// fn count(done: mp::RawValue<AtomicU64>) {
///     done.fetch_add(1, Relaxed);
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let done = mp::RawValue::new(AtomicU64::new(0))?;
///     let pool = mp::Pool::new(2)?;
///     pool.map(count, vec![done.clone(); 10])?;
///     assert_eq!(done.load(Relaxed), 10);
///     Ok(())
/// }
/// ```
pub struct RawValue<T>(Cells<T>);

impl<T: Shareable> RawValue<T> {
    /// Makes a value for processes to share.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) if there is no memory to share.
    pub fn new(value: T) -> Result<Self> {
        let mut value = value;
        Cells::of(Kind::RawValue, std::slice::from_mut(&mut value)).map(Self)
    }

    /// Makes another value that is what this one is now.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn copy(&self) -> Result<Self> {
        self.0.copy(Kind::RawValue).map(Self)
    }
}

impl<T: Plain> RawValue<T> {
    /// A copy of the value.
    #[must_use]
    pub fn get(&self) -> T {
        // There is exactly one.
        self.0.get(0).unwrap_or_else(|_| T::new_zeroed())
    }

    /// Replaces the value.
    pub fn set(&self, value: T) {
        // There is exactly one.
        let _ = self.0.write(0, std::slice::from_ref(&value));
    }
}

impl<T: Atomic> Deref for RawValue<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.atomics()[0]
    }
}

impl<T> Clone for RawValue<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for RawValue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawValue").finish_non_exhaustive()
    }
}

impl<T: Shareable> Serialize for RawValue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Shareable> Deserialize<'de> for RawValue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cells::deserialize(Kind::RawValue, Some(1), deserializer).map(Self)
    }
}

/// As [`RawValue`], many of them in a row: of atomics a slice, of [plain](Plain) data copies. With a lock:
/// [`Array`](crate::Array).
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn square(numbers: mp::RawArray<u64>, index: usize) -> mp::Result<()> {
///     let number = numbers.get(index)?;
///     numbers.set(index, number * number)
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let numbers = mp::RawArray::from_slice(&[1, 2, 3, 4])?;
///     let pool = mp::Pool::new(2)?;
///     pool.starmap(square, (0..4).map(|index| (numbers.clone(), index)))?; // each its own
///     assert_eq!(numbers.to_vec(), [1, 4, 9, 16]);
///     Ok(())
/// }
/// ```
pub struct RawArray<T>(Cells<T>);

impl<T: Shareable> RawArray<T> {
    /// Makes `len` values that are zero.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) if there is no memory to share; [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if
    /// there cannot be so many.
    pub fn zeroed(len: usize) -> Result<Self> {
        Cells::zeroed(Kind::RawArray, len).map(Self)
    }

    /// Makes another array that has what this one has now.
    ///
    /// # Errors
    ///
    /// As [`zeroed`](Self::zeroed).
    pub fn copy(&self) -> Result<Self> {
        self.0.copy(Kind::RawArray).map(Self)
    }
}

impl<T: Plain> RawArray<T> {
    /// Makes an array of these values.
    ///
    /// # Errors
    ///
    /// As [`zeroed`](Self::zeroed).
    pub fn from_slice(values: &[T]) -> Result<Self> {
        let array = Self::zeroed(values.len())?;
        array.write(0, values)?;
        Ok(array)
    }

    /// How many values it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    /// A copy of the value of this index.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if there is none.
    pub fn get(&self, index: usize) -> Result<T> {
        self.0.get(index)
    }

    /// Replaces the value of this index.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn set(&self, index: usize, value: T) -> Result<()> {
        self.0.write(index, std::slice::from_ref(&value))
    }

    /// Copies the values from `at` on into all of `values`.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if there are not so many.
    pub fn read(&self, at: usize, values: &mut [T]) -> Result<()> {
        self.0.read(at, values)
    }

    /// Copies `values` to `at`.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); nothing is written then.
    pub fn write(&self, at: usize, values: &[T]) -> Result<()> {
        self.0.write(at, values)
    }

    /// A copy of all values.
    #[must_use]
    pub fn to_vec(&self) -> Vec<T> {
        self.0.to_vec()
    }
}

impl<T: Atomic> Deref for RawArray<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.0.atomics()
    }
}

impl<T> Clone for RawArray<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for RawArray<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawArray").finish_non_exhaustive()
    }
}

impl<T: Shareable> Serialize for RawArray<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Shareable> Deserialize<'de> for RawArray<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cells::deserialize(Kind::RawArray, None, deserializer).map(Self)
    }
}
