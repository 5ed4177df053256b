//! Values of one type in an object of the commons: what `Value`, `Array` and their raw kin have in common. Who may touch them
//! when is for those.
//!
//! What has a lock begins with a word that says which process has a guard. The lock keeps others away, but whoever has it
//! can also give it back under a guard; then this word does.
#![expect(unsafe_code, reason = "gives references to atomics that processes share")]

use crate::commons::{self, Hold, Kind, Number, Role};
use crate::custody;
use crate::error::{Error, ErrorKind, Result};
use crate::shared::plain::{Atomic, Plain, Shareable};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use zerocopy::IntoBytes;

/// Where the word is of which process has a guard, in what has a lock.
const GUARD: usize = 0;

/// Where the values of such an object begin.
fn place_in<T>(kind: Kind) -> usize {
    match kind {
        Kind::Value | Kind::Array => align_of::<T>().max(8),
        _ => 0,
    }
}

fn is_alive(number: u32) -> bool {
    Number::from_raw(number).is_some_and(commons::is_alive)
}

fn given_back() -> Error {
    let text = "the lock of this shared value was given back while a guard had it";
    Error::new(ErrorKind::InvalidArgument, text)
}

/// A handle on some values.
pub(super) struct Cells<T> {
    hold: Hold,
    /// How many values there are, and where they begin.
    len: usize,
    at: usize,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Cells<T> {
    fn clone(&self) -> Self {
        Self { hold: self.hold.clone(), len: self.len, at: self.at, of: PhantomData }
    }
}

impl<T: Shareable> Cells<T> {
    /// Makes `len` values all of whose bytes are zero.
    pub(super) fn zeroed(kind: Kind, len: usize) -> Result<Self> {
        const {
            assert!(size_of::<T>() > 0, "a type whose values have no bytes");
            assert!(
                align_of::<T>() <= Hold::ALIGNMENT,
                "a type with more alignment than objects have"
            );
        }
        let at = place_in::<T>(kind);
        let bytes = len.checked_mul(size_of::<T>()).and_then(|bytes| bytes.checked_add(at));
        let bytes = bytes.ok_or_else(|| {
            let text = format!("{len} values of {} bytes are more than memory has", size_of::<T>());
            Error::new(ErrorKind::InvalidArgument, text)
        })?;
        Ok(Self { hold: Hold::new(kind, Role::ANY, bytes)?, len, at, of: PhantomData })
    }

    /// Makes values that are these.
    pub(super) fn of(kind: Kind, values: &mut [T]) -> Result<Self> {
        let cells = Self::zeroed(kind, values.len())?;
        cells.hold.write(cells.at, values.as_mut_bytes());
        Ok(cells)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The first value, for as long as this is there; aligned.
    pub(super) fn start(&self) -> NonNull<T> {
        self.hold.pointer(self.at, self.len * size_of::<T>()).cast()
    }

    /// Makes others that have what these have now.
    pub(super) fn copy(&self, kind: Kind) -> Result<Self> {
        let copy = Self::zeroed(kind, self.len())?;
        let mut bytes = vec![0; self.len * size_of::<T>()];
        self.hold.read(self.at, &mut bytes);
        copy.hold.write(copy.at, &bytes);
        Ok(copy)
    }

    pub(super) fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        custody::serialize_hold(&self.hold, serializer)
    }

    /// Takes a handle on any number of values, or on this number.
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        kind: Kind,
        len: Option<usize>,
        deserializer: D,
    ) -> Result<Self, D::Error> {
        let hold = custody::deserialize_hold(kind, deserializer)?;
        let at = place_in::<T>(kind);
        let bytes = hold.len().checked_sub(at).filter(|bytes| {
            let fits = size_of::<T>() > 0 && align_of::<T>() <= Hold::ALIGNMENT;
            fits && bytes.is_multiple_of(size_of::<T>())
        });
        let found = bytes.map(|bytes| bytes / size_of::<T>());
        match found.filter(|found| len.is_none_or(|len| len == *found)) {
            Some(len) => Ok(Self { hold, len, at, of: PhantomData }),
            None => Err(D::Error::custom("the handle is on shared values of another type")),
        }
    }

    /// Notes that this process, which has the lock, has a guard now.
    ///
    /// # Errors
    ///
    /// If somebody else has one.
    pub(super) fn enter(&self) -> Result<()> {
        let own = commons::own()?.get();
        let word = self.hold.u32(GUARD);
        let Err(other) = word.compare_exchange(0, own, Acquire, Relaxed) else { return Ok(()) };
        if is_alive(other) || word.compare_exchange(other, own, Acquire, Relaxed).is_err() {
            return Err(given_back());
        }
        Ok(())
    }

    /// Looks, for this process, which has the lock and copies only, whether anybody has a guard.
    ///
    /// # Errors
    ///
    /// As [`enter`](Self::enter).
    pub(super) fn pass(&self) -> Result<()> {
        match self.hold.u32(GUARD).load(Acquire) {
            0 => Ok(()),
            other if is_alive(other) => Err(given_back()),
            _ => Ok(()),
        }
    }

    /// Notes that it has none any more, before it gives the lock back.
    pub(super) fn leave(&self) {
        self.hold.u32(GUARD).store(0, Release);
    }

    fn check(&self, at: usize, len: usize) -> Result<Range<usize>> {
        let end = at.checked_add(len).filter(|end| *end <= self.len());
        end.map(|end| at..end).ok_or_else(|| {
            let text = format!("{len} values at {at} are not all in an array of {}", self.len());
            Error::new(ErrorKind::InvalidArgument, text)
        })
    }
}

impl<T: Plain> Cells<T> {
    /// Copies values from `at` on into all of `values`. Another process may be writing them.
    pub(super) fn read(&self, at: usize, values: &mut [T]) -> Result<()> {
        let range = self.check(at, values.len())?;
        self.hold.read(self.at + range.start * size_of::<T>(), values.as_mut_bytes());
        Ok(())
    }

    pub(super) fn write(&self, at: usize, values: &[T]) -> Result<()> {
        let range = self.check(at, values.len())?;
        self.hold.write(self.at + range.start * size_of::<T>(), values.as_bytes());
        Ok(())
    }

    pub(super) fn get(&self, at: usize) -> Result<T> {
        let mut value = T::new_zeroed();
        self.read(at, std::slice::from_mut(&mut value))?;
        Ok(value)
    }

    pub(super) fn to_vec(&self) -> Vec<T> {
        let mut values: Vec<T> = (0..self.len()).map(|_| T::new_zeroed()).collect();
        self.hold.read(self.at, values.as_mut_bytes());
        values
    }
}

impl<T: Atomic> Cells<T> {
    pub(super) fn atomics(&self) -> &[T] {
        // SAFETY: so many lie there, mapped while `self` is borrowed, aligned as every object is; any bits are an
        // atomic, and nobody accesses those of such a handle in another way.
        unsafe { std::slice::from_raw_parts(self.start().as_ptr(), self.len()) }
    }
}

/// A handle on values behind a lock: on one, or on any number.
pub(super) struct Handle<C, const ONE: bool>(pub(super) C);

impl<T: Shareable, const ONE: bool> Serialize for Handle<&Cells<T>, ONE> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Shareable, const ONE: bool> Deserialize<'de> for Handle<Cells<T>, ONE> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (kind, len) = if ONE { (Kind::Value, Some(1)) } else { (Kind::Array, None) };
        Cells::deserialize(kind, len, deserializer).map(Self)
    }
}
