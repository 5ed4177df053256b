//! A connection in its handshake: messages go to `auth` and back, without waiting. Who waits for the bytes, and how long,
//! is for `connect` and `reception`.

use crate::error::{Error, ErrorKind, Result};
use crate::identity::AuthKey;
use crate::socket::auth::{Digests, Handshake, MESSAGE_MAX, Side};
use crate::socket::frame::{self, Incoming};
use crate::socket::link::is_gone;
use crate::sys::stream;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

#[derive(Debug)]
pub(super) struct Guest {
    socket: OwnedFd,
    handshake: Handshake,
    incoming: Incoming,
}

impl Guest {
    /// Begins with the other side of `socket`.
    pub(super) fn new(socket: OwnedFd, key: AuthKey, side: Side, digests: Digests) -> Result<Self> {
        let handshake = Handshake::new(key, side, digests);
        let mut this = Self { socket, handshake, incoming: Incoming::new(MESSAGE_MAX) };
        if let Some(message) = this.handshake.begin()? {
            this.send(&message)?;
        }
        Ok(this)
    }

    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub(super) fn into_socket(self) -> OwnedFd {
        self.socket
    }

    /// Goes on with what has come; true once each side has shown that it has the key. Nothing is read beyond
    /// the handshake.
    ///
    /// # Errors
    ///
    /// `Authentication` if the other side has another key, or does not speak like this; `Disconnected` if it is gone.
    pub(super) fn go_on(&mut self) -> Result<bool> {
        loop {
            match stream::receive(self.socket.as_fd(), self.incoming.room()?) {
                Ok(0) => return Err(gone()),
                Ok(count) => {
                    let message = self.incoming.came(count).map_err(|error| {
                        let text = "what the other side sent is no handshake";
                        Error::with_source(ErrorKind::Authentication, text, error)
                    })?;
                    if let Some(message) = message
                        && self.heed(&message)?
                    {
                        return Ok(true);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if is_gone(&error) => return Err(gone()),
                Err(error) => return Err(Error::io("a handshake", error)),
            }
        }
    }

    fn heed(&mut self, message: &[u8]) -> Result<bool> {
        match self.handshake.receive(message) {
            Ok(step) => {
                if let Some(message) = step.send {
                    self.send(&message)?;
                }
                Ok(step.done)
            }
            Err(refusal) => {
                if let Some(message) = refusal.send {
                    // Whether it hears that or not, it is not let in.
                    let _ = self.send(message);
                }
                Err(refusal.error)
            }
        }
    }

    /// All that a handshake sends fits into an empty socket: one without room is of somebody who does not read.
    fn send(&self, message: &[u8]) -> Result<()> {
        let (head, len) = frame::head(message.len());
        match stream::send(self.socket.as_fd(), [&head[..len], message]) {
            Ok(sent) if sent == len + message.len() => Ok(()),
            Err(error) if is_gone(&error) => Err(gone()),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                Err(Error::io("a handshake", error))
            }
            _ => Err(Error::new(ErrorKind::Timeout, "the other side does not read the handshake")),
        }
    }
}

fn gone() -> Error {
    let text = "the other side went before the handshake was over: it may have another key, admit no other user, or \
                have no room";
    Error::new(ErrorKind::Disconnected, text)
}
