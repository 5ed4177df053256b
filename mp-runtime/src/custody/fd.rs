//! `Fd`: anything made of one descriptor, as a part of values that travel. How it travels is in `custody`.

use crate::custody::{HANDED, MARK, lend};
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// A file, socket, pipe or any other descriptor that can be an argument, a result, or a part of
/// one at any depth.
///
/// The receiver gets a descriptor of its own for the same open file; the sender keeps its own, to
/// be dropped when it is not needed. What is never received is closed. A value can hold up to
/// 16,384 of them.
///
/// It travels between processes of `mp` only: serialising it for anything else is an error.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write, pipe};
///
/// #[mp::task]
/// fn shout(to: mp::Fd<std::io::PipeWriter>, text: &str) -> bool {
///     to.into_inner().write_all(text.to_uppercase().as_bytes()).is_ok()
/// }
///
/// #[mp::main]
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let (mut reader, writer) = pipe()?;
///     let process = mp::spawn(shout, (writer.into(), "hello"))?;
///     let mut heard = String::new();
///     reader.read_to_string(&mut heard)?; // to the end: nobody else has the other end now
///     assert_eq!(heard, "HELLO");
///     assert!(process.result()?);
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Fd<T = OwnedFd>(T);

impl<T> Fd<T> {
    /// Wraps `inner`, so that it can travel.
    pub fn new(inner: T) -> Self {
        Self(inner)
    }

    /// What was wrapped.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> From<T> for Fd<T> {
    fn from(inner: T) -> Self {
        Self(inner)
    }
}

impl<T> Deref for Fd<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Fd<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: AsFd> AsFd for Fd<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl<T: AsFd> AsRawFd for Fd<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl<T: AsFd> Serialize for Fd<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let copy = self.0.as_fd().try_clone_to_owned().map_err(|error| {
            S::Error::custom(format!("a descriptor in it could not be copied: {error}"))
        })?;
        lend(copy, || serializer.serialize_newtype_struct(MARK, &Elsewhere))
    }
}

/// What a serialiser that is not ours finds in a handle.
struct Elsewhere;

const ELSEWHERE: &str = "an mp::Fd travels only between processes of mp, as an argument or a result \
                         or in one: a descriptor means nothing in a file or to another program";

impl Serialize for Elsewhere {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom(ELSEWHERE))
    }
}

impl<'de, T: From<OwnedFd>> Deserialize<'de> for Fd<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let descriptor = deserializer.deserialize_newtype_struct(MARK, Handed)?;
        Ok(Self(descriptor.into()))
    }
}

struct Handed;

impl<'de> Visitor<'de> for Handed {
    type Value = OwnedFd;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a handle in a message between processes of mp")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, _: D) -> Result<OwnedFd, D::Error> {
        HANDED.take().ok_or_else(|| D::Error::custom(ELSEWHERE))
    }
}
