//! `SharedSlice`: values that were written once, for any number of processes to read in place. What keeps them from
//! being written is `sys::sealed`.
#![expect(unsafe_code, reason = "reads plain data in place")]

use crate::custody::Fd;
use crate::error::{Error, Result};
use crate::shared::plain::Plain;
use crate::sys::sealed::Sealed;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use zerocopy::IntoBytes;

/// The boundaries at which the system maps memory.
const PAGE: usize = 4096;

/// Values to be read by other processes without a copy: made once, sent any number of times, and a `&[T]` wherever it
/// comes to.
///
/// Nobody can change it after it was made, its maker neither. Its memory is given back when the last handle
/// of any process is gone; each handle takes a descriptor. Each receipt maps it anew, some 50 µs: many small tasks of one
/// pool get it once, by [`PoolBuilder::shared`](crate::PoolBuilder::shared).
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn sum(values: mp::SharedSlice<f64>, from: usize, to: usize) -> f64 {
///     values[from..to].iter().sum()
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let values = mp::SharedSlice::new(vec![0.5; 1000])?;
///     let pool = mp::Pool::new(2)?;
///     let parts = (0..4).map(|part| (values.clone(), part * 250, (part + 1) * 250));
///     assert_eq!(pool.starmap(sum, parts)?.iter().sum::<f64>(), 500.0);
///     Ok(())
/// }
/// ```
pub struct SharedSlice<T>(Arc<Sealed>, PhantomData<T>);

impl<T: Plain> SharedSlice<T> {
    /// Copies the values to where all processes can read them.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io) if there is no memory.
    pub fn new(values: impl AsRef<[T]>) -> Result<Self> {
        const {
            assert!(
                size_of::<T>() > 0 && align_of::<T>() <= PAGE,
                "values that have no place in a page"
            )
        };
        let bytes = values.as_ref().as_bytes();
        let io = |error| Error::io(format!("a shared slice of {} bytes", bytes.len()), error);
        Ok(Self(Arc::new(Sealed::make(bytes).map_err(io)?), PhantomData))
    }
}

impl<T: Plain> Deref for SharedSlice<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        let bytes = self.0.bytes();
        if bytes.is_empty() {
            return &[];
        }
        let len = bytes.len() / size_of::<T>();
        // SAFETY: so many whole values lie there, at the start of a page and so aligned (both were checked when
        // this was made), any bytes are a value of plain data, and nobody changes them.
        unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), len) }
    }
}

impl<T: Plain> AsRef<[T]> for SharedSlice<T> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

impl<'a, T: Plain> IntoIterator for &'a SharedSlice<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T> Clone for SharedSlice<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0), PhantomData)
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for SharedSlice<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: Plain> Serialize for SharedSlice<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (Fd::new(self.0.as_fd()), self.0.bytes().len() as u64).serialize(serializer)
    }
}

impl<'de, T: Plain> Deserialize<'de> for SharedSlice<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (file, len) = <(Fd<OwnedFd>, u64)>::deserialize(deserializer)?;
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if size_of::<T>() == 0 || !len.is_multiple_of(size_of::<T>()) || align_of::<T>() > PAGE {
            return Err(D::Error::custom("a shared slice holds values of another type"));
        }
        let sealed = Sealed::open(file.into_inner(), len);
        let sealed =
            sealed.map_err(|error| D::Error::custom(format!("a shared slice: {error}")))?;
        Ok(Self(Arc::new(sealed), PhantomData))
    }
}
