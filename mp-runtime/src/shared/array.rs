//! `Array`: many values in memory that processes share, behind a lock. One is in `value`.
#![expect(unsafe_code, reason = "gives a slice of shared memory to whoever has its lock")]

use crate::commons::Kind;
use crate::error::Result;
use crate::shared::cells::{Cells, Handle};
use crate::shared::plain::Plain;
use crate::sync::{Lock, LockGuard};
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::ops::{Deref, DerefMut};

/// Values in a row that processes share, behind one lock, of any [plain](Plain) data. As long as it was made.
///
/// Handles can be cloned, be arguments and results, or parts of them at any depth; each is another way to the same
/// values. They are gone with the last handle of any process.
///
/// The guard is a slice. Where each process has a part of its own, and none waits for another, a
/// [`RawArray`](crate::RawArray) needs no lock; to only read, a [`SharedSlice`](crate::SharedSlice).
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn running_sums(numbers: mp::Array<f64>) {
///     let mut numbers = numbers.lock().expect("not held by this thread");
///     for index in 1..numbers.len() {
///         numbers[index] += numbers[index - 1];
///     }
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let numbers = mp::Array::from_slice(&[1.0, 2.0, 3.0])?;
///     mp::spawn(running_sums, numbers.clone())?.result()?;
///     assert_eq!(*numbers.lock()?, [1.0, 3.0, 6.0]);
///     Ok(())
/// }
/// ```
pub struct Array<T> {
    cells: Cells<T>,
    lock: Lock,
}

impl<T: Plain> Array<T> {
    /// Makes an array of these values, with a lock of its own.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) if there is no memory to share.
    pub fn from_slice(values: &[T]) -> Result<Self> {
        let array = Self::zeroed(values.len())?;
        array.cells.write(0, values)?;
        Ok(array)
    }

    /// Makes an array of `len` values that are zero, with a lock of its own.
    ///
    /// # Errors
    ///
    /// As [`from_slice`](Self::from_slice); [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if there cannot be so
    /// many.
    pub fn zeroed(len: usize) -> Result<Self> {
        Self::zeroed_with_lock(len, &Lock::new()?)
    }

    /// As [`from_slice`](Self::from_slice), with this lock, which others may use too.
    ///
    /// A thread that has the lock otherwise cannot use the array meanwhile: to change several under one lock, take a
    /// [`RawArray`](crate::RawArray) of each beside it.
    ///
    /// # Errors
    ///
    /// As [`from_slice`](Self::from_slice).
    pub fn with_lock(values: &[T], lock: &Lock) -> Result<Self> {
        let array = Self::zeroed_with_lock(values.len(), lock)?;
        array.cells.write(0, values)?;
        Ok(array)
    }

    fn zeroed_with_lock(len: usize, lock: &Lock) -> Result<Self> {
        Ok(Self { cells: Cells::zeroed(Kind::Array, len)?, lock: lock.clone() })
    }

    /// How many values it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the lock, waiting for it, for as long as the guard lives, which is a slice of the values.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if this thread has it already, and would wait for itself.
    pub fn lock(&self) -> Result<ArrayGuard<'_, T>> {
        let guard = self.lock.lock()?;
        self.cells.enter()?;
        Ok(ArrayGuard { array: self, guard })
    }

    /// A copy of the value of this index.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if there is none, or this thread has the lock.
    pub fn get(&self, index: usize) -> Result<T> {
        let _guard = self.lock.lock()?;
        self.cells.pass()?;
        self.cells.get(index)
    }

    /// Replaces the value of this index.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn set(&self, index: usize, value: T) -> Result<()> {
        self.write(index, std::slice::from_ref(&value))
    }

    /// Copies the values from `at` on into all of `values`.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if there are not so many, or this thread has the lock.
    pub fn read(&self, at: usize, values: &mut [T]) -> Result<()> {
        let _guard = self.lock.lock()?;
        self.cells.pass()?;
        self.cells.read(at, values)
    }

    /// Copies `values` to `at`.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); nothing is written then.
    pub fn write(&self, at: usize, values: &[T]) -> Result<()> {
        let _guard = self.lock.lock()?;
        self.cells.pass()?;
        self.cells.write(at, values)
    }

    /// A copy of all values.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if this thread has the lock.
    pub fn to_vec(&self) -> Result<Vec<T>> {
        let _guard = self.lock.lock()?;
        self.cells.pass()?;
        Ok(self.cells.to_vec())
    }

    /// The lock, for those who need it without the values.
    #[must_use]
    pub fn as_lock(&self) -> &Lock {
        &self.lock
    }

    /// Makes another array that has what this one has now, with a lock of its own.
    ///
    /// # Errors
    ///
    /// As [`to_vec`](Self::to_vec) and [`zeroed`](Self::zeroed).
    pub fn copy(&self) -> Result<Self> {
        let lock = Lock::new()?;
        let _guard = self.lock.lock()?;
        self.cells.pass()?;
        Ok(Self { cells: self.cells.copy(Kind::Array)?, lock })
    }
}

impl<T> Clone for Array<T> {
    fn clone(&self) -> Self {
        Self { cells: self.cells.clone(), lock: self.lock.clone() }
    }
}

impl<T> fmt::Debug for Array<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Array").field("lock", &self.lock).finish_non_exhaustive()
    }
}

impl<T: Plain> Serialize for Array<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (Handle::<_, false>(&self.cells), &self.lock).serialize(serializer)
    }
}

impl<'de, T: Plain> Deserialize<'de> for Array<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = <(Handle<Cells<T>, false>, Lock)>::deserialize(deserializer)?;
        let (Handle(cells), lock) = read;
        Ok(Self { cells, lock })
    }
}

/// Has the lock of an [`Array`], and is the way to its values; dropping it gives the lock back.
#[must_use = "the lock is given back when the guard is dropped, so at once if it is not kept"]
pub struct ArrayGuard<'a, T: Plain> {
    array: &'a Array<T>,
    guard: LockGuard<'a>,
}

impl<T: Plain> ArrayGuard<'_, T> {
    /// Whether the lock was taken over from a process that has died with it: the values may be half changed. Only the first
    /// to take it after the death is told.
    #[must_use]
    pub fn owner_died(&self) -> bool {
        self.guard.owner_died()
    }
}

impl<T: Plain> Drop for ArrayGuard<'_, T> {
    fn drop(&mut self) {
        self.array.cells.leave();
    }
}

impl<T: Plain> Deref for ArrayGuard<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        let cells = &self.array.cells;
        // SAFETY: so many values lie there, aligned, mapped while the handle is borrowed; any bytes are one. Whoever
        // goes by the rules writes them under the lock, which this guard has.
        unsafe { std::slice::from_raw_parts(cells.start().as_ptr(), cells.len()) }
    }
}

impl<T: Plain> DerefMut for ArrayGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        let cells = &self.array.cells;
        // SAFETY: as above; and this guard is borrowed for as long as the slice lives.
        unsafe { std::slice::from_raw_parts_mut(cells.start().as_ptr(), cells.len()) }
    }
}

impl<T: Plain + PartialEq, const N: usize> PartialEq<[T; N]> for ArrayGuard<'_, T> {
    fn eq(&self, other: &[T; N]) -> bool {
        **self == *other
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for ArrayGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
