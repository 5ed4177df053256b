//! `Value`: one value in memory that processes share, behind a lock. Many in a row are in `array`.
#![expect(unsafe_code, reason = "gives a reference to shared memory to whoever has its lock")]

use crate::commons::Kind;
use crate::error::Result;
use crate::shared::cells::{Cells, Handle};
use crate::shared::plain::Plain;
use crate::sync::{Lock, LockGuard};
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::ops::{Deref, DerefMut};

/// A value that processes share, behind a lock: a counter, a record, any [plain](Plain) data.
///
/// Handles can be cloned, be arguments and results, or parts of them at any depth; each is another way to the same
/// value. It is gone with the last handle of any process.
///
/// Each [`get`](Self::get) and [`set`](Self::set) takes the lock for itself, so that what is between them is not safe from
/// others: to read and write in one, [`lock`](Self::lock) it. A process that dies with the lock leaves the value as it was at
/// that moment; [`ValueGuard::owner_died`] tells the next one.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn deposit(balance: mp::Value<i64>, amount: i64) {
///     *balance.lock().expect("not held by this thread") += amount;
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let balance = mp::Value::new(100)?;
///     let pool = mp::Pool::new(2)?;
///     pool.starmap(deposit, (1..=10).map(|amount| (balance.clone(), amount)))?;
///     assert_eq!(balance.get()?, 155);
///     Ok(())
/// }
/// ```
pub struct Value<T> {
    cells: Cells<T>,
    lock: Lock,
}

impl<T: Plain> Value<T> {
    /// Makes a value for processes to share, with a lock of its own.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) if there is no memory to share.
    pub fn new(value: T) -> Result<Self> {
        Self::with_lock(value, &Lock::new()?)
    }

    /// As [`new`](Self::new), with this lock, which others may use too.
    ///
    /// A thread that has the lock otherwise cannot use the value meanwhile, since it has one key only: to change several
    /// values under one lock, take a [`RawValue`](crate::RawValue) of each beside it.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> mp::Result<()> {
    /// # let _guard = mp::init();
    /// let lock = mp::Lock::new()?;
    /// let value = mp::Value::with_lock(2.5, &lock)?;
    /// let guard = lock.lock()?;
    /// assert_eq!(value.get().unwrap_err().kind(), mp::ErrorKind::InvalidArgument);
    /// drop(guard);
    /// assert_eq!(value.get()?, 2.5);
    /// # Ok(()) }
    /// ```
    pub fn with_lock(value: T, lock: &Lock) -> Result<Self> {
        let mut value = value;
        let cells = Cells::of(Kind::Value, std::slice::from_mut(&mut value))?;
        Ok(Self { cells, lock: lock.clone() })
    }

    /// A copy of the value.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if this thread has the lock: read through the guard.
    pub fn get(&self) -> Result<T> {
        let _guard = self.lock.lock()?;
        self.cells.pass()?;
        self.cells.get(0)
    }

    /// Replaces the value.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if this thread has the lock: write through the guard.
    pub fn set(&self, value: T) -> Result<()> {
        let _guard = self.lock.lock()?;
        self.cells.pass()?;
        self.cells.write(0, std::slice::from_ref(&value))
    }

    /// Takes the lock, waiting for it, for as long as the guard lives, which is the way to the value.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) if this thread has it already, and would wait for itself.
    pub fn lock(&self) -> Result<ValueGuard<'_, T>> {
        let guard = self.lock.lock()?;
        self.cells.enter()?;
        Ok(ValueGuard { value: self, guard })
    }

    /// The lock, for those who need it without the value.
    #[must_use]
    pub fn as_lock(&self) -> &Lock {
        &self.lock
    }

    /// Makes another value that is what this one is now, with a lock of its own.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get) and [`new`](Self::new).
    pub fn copy(&self) -> Result<Self> {
        Self::new(self.get()?)
    }
}

impl<T> Clone for Value<T> {
    fn clone(&self) -> Self {
        Self { cells: self.cells.clone(), lock: self.lock.clone() }
    }
}

impl<T> fmt::Debug for Value<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Value").field("lock", &self.lock).finish_non_exhaustive()
    }
}

impl<T: Plain> Serialize for Value<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (Handle::<_, true>(&self.cells), &self.lock).serialize(serializer)
    }
}

impl<'de, T: Plain> Deserialize<'de> for Value<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = <(Handle<Cells<T>, true>, Lock)>::deserialize(deserializer)?;
        let (Handle(cells), lock) = read;
        Ok(Self { cells, lock })
    }
}

/// Has the lock of a [`Value`], and is the way to it; dropping it gives the lock back.
#[must_use = "the lock is given back when the guard is dropped, so at once if it is not kept"]
pub struct ValueGuard<'a, T: Plain> {
    value: &'a Value<T>,
    guard: LockGuard<'a>,
}

impl<T: Plain> ValueGuard<'_, T> {
    /// Whether the lock was taken over from a process that has died with it: the value may be half changed. Only the first
    /// to take it after the death is told.
    #[must_use]
    pub fn owner_died(&self) -> bool {
        self.guard.owner_died()
    }
}

impl<T: Plain> Drop for ValueGuard<'_, T> {
    fn drop(&mut self) {
        self.value.cells.leave();
    }
}

impl<T: Plain> Deref for ValueGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: one value lies there, aligned, mapped while the handle is borrowed; any bytes are one. Whoever
        // goes by the rules writes it under the lock, which this guard has.
        unsafe { self.value.cells.start().as_ref() }
    }
}

impl<T: Plain> DerefMut for ValueGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above; and this guard is borrowed for as long as the reference lives.
        unsafe { self.value.cells.start().as_mut() }
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for ValueGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
