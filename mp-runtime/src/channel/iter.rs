//! The messages of a queue, channel or pipe, one after the other, until no more can come.

use crate::error::{ErrorKind, Result};
use std::fmt;

/// The messages that come, each waited for: it ends when no more can come, or the handle is closed.
///
/// A message that cannot be decoded is an error, and the next one follows it.
pub struct Messages<'a, T> {
    receive: Box<dyn FnMut() -> Result<T> + Send + 'a>,
    ended: bool,
}

impl<'a, T> Messages<'a, T> {
    pub(crate) fn new(receive: impl FnMut() -> Result<T> + Send + 'a) -> Self {
        Self { receive: Box::new(receive), ended: false }
    }
}

impl<T> Iterator for Messages<'_, T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        if self.ended {
            return None;
        }
        let message = (self.receive)();
        match message.as_ref().map_err(|error| error.kind()) {
            Err(ErrorKind::Closed | ErrorKind::Disconnected) => {
                self.ended = true;
                return None;
            }
            Ok(_) | Err(ErrorKind::Decode) => {}
            Err(_) => self.ended = true,
        }
        Some(message)
    }
}

impl<T> fmt::Debug for Messages<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages").field("ended", &self.ended).finish_non_exhaustive()
    }
}
