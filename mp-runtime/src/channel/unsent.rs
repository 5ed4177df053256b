//! The error of a send that does not wait: with the value, which was not sent.

use crate::error::{Error, ErrorKind};
use std::fmt;

/// Why a value was not sent, with the value.
///
/// By `?` it turns into an [`Error`] of the same kind, and the value is dropped.
///
/// # Examples
///
/// ```
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let queue = mp::Queue::bounded(1)?;
///     queue.try_put("one".to_owned())?;
///     let error = queue.try_put("two".to_owned()).unwrap_err();
///     assert_eq!(error.kind(), mp::ErrorKind::Full);
///     assert_eq!(error.into_inner(), "two");
///     Ok(())
/// }
/// ```
#[non_exhaustive]
pub enum TrySendError<T> {
    /// There was no room for it in the time given.
    Full(T),
    /// The handle, or the whole of it, was closed.
    Closed(T),
    /// Nobody is left to receive it.
    Disconnected(T),
    /// Another error: it could not be encoded, say.
    Failed(T, Error),
}

impl<T> TrySendError<T> {
    pub(crate) fn new(value: T, error: Error) -> Self {
        match error.kind() {
            ErrorKind::Closed => Self::Closed(value),
            ErrorKind::Disconnected => Self::Disconnected(value),
            _ => Self::Failed(value, error),
        }
    }

    /// What class of error this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Full(_) => ErrorKind::Full,
            Self::Closed(_) => ErrorKind::Closed,
            Self::Disconnected(_) => ErrorKind::Disconnected,
            Self::Failed(_, error) => error.kind(),
        }
    }

    /// The value that was not sent.
    #[must_use]
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(value) | Self::Closed(value) | Self::Disconnected(value) => value,
            Self::Failed(value, _) => value,
        }
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("Full(..)"),
            Self::Closed(_) => f.write_str("Closed(..)"),
            Self::Disconnected(_) => f.write_str("Disconnected(..)"),
            Self::Failed(_, error) => write!(f, "Failed(.., {error:?})"),
        }
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("no room for it in the time given"),
            Self::Closed(_) => f.write_str("the queue or channel was closed"),
            Self::Disconnected(_) => f.write_str("nobody has the other end any more"),
            Self::Failed(_, error) => error.fmt(f),
        }
    }
}

impl<T> std::error::Error for TrySendError<T> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(_, error) => error.source(),
            _ => None,
        }
    }
}

impl<T> From<TrySendError<T>> for Error {
    fn from(error: TrySendError<T>) -> Self {
        match error {
            TrySendError::Failed(_, error) => error,
            other => Self::new(other.kind(), other.to_string()),
        }
    }
}
