//! A connection in its handshake: messages go to `auth` and back, without waiting. Who waits for the bytes, and how long,
//! is for `connect` and `reception`.

use crate::error::{Error, ErrorKind, Result};
use crate::identity::AuthKey;
use crate::socket::auth::{Digests, Handshake, MESSAGE_MAX, Side};
use crate::socket::carrier::Carrier;
use crate::socket::frame::{self, Incoming};
use crate::socket::link::is_gone;
#[cfg(feature = "tls")]
use crate::socket::tls;
use std::io;
use std::os::fd::BorrowedFd;

#[derive(Debug)]
pub(super) struct Guest {
    carrier: Carrier,
    handshake: Handshake,
    incoming: Incoming,
}

impl Guest {
    /// Begins with the other side of `carrier`. Where that has a handshake of its own, what is said here waits for it.
    pub(super) fn new(
        carrier: Carrier,
        key: AuthKey,
        side: Side,
        digests: Digests,
    ) -> Result<Self> {
        let handshake = Handshake::new(key, side, digests);
        let mut this = Self { carrier, handshake, incoming: Incoming::new(MESSAGE_MAX) };
        if let Some(message) = this.handshake.begin()? {
            this.send(&message)?;
        }
        this.flush()?;
        Ok(this)
    }

    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.carrier.socket()
    }

    pub(super) fn into_carrier(self) -> Carrier {
        self.carrier
    }

    /// Goes on with what has come; true once each side has shown that it has the key. Nothing is read beyond
    /// the handshake.
    ///
    /// # Errors
    ///
    /// `Authentication` if the other side has another key, or does not speak like this; `Disconnected` if it is gone.
    pub(super) fn go_on(&mut self) -> Result<bool> {
        loop {
            let due = self.incoming.due();
            match self.carrier.receive(self.incoming.room()?, due) {
                Ok(0) => return Err(gone()),
                Ok(count) => {
                    let message = self.incoming.came(count).map_err(|error| {
                        let text = match self.carrier.is_sealed() {
                            true => "what the other side sent is no handshake",
                            false => "what the other side sent is no handshake: it may want TLS",
                        };
                        Error::with_source(ErrorKind::Authentication, text, error)
                    })?;
                    if let Some(message) = message
                        && self.heed(&message)?
                    {
                        return Ok(true);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.flush()?;
                    return Ok(false);
                }
                Err(error) => return Err(failed(error)),
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
        match self.carrier.send([&head[..len], message]) {
            Ok(sent) if sent == len + message.len() => self.flush(),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(failed(error)),
            _ => Err(does_not_read()),
        }
    }

    fn flush(&self) -> Result<()> {
        if self.carrier.flush().map_err(failed)? { Ok(()) } else { Err(does_not_read()) }
    }
}

fn does_not_read() -> Error {
    Error::new(ErrorKind::Timeout, "the other side does not read the handshake")
}

fn failed(error: io::Error) -> Error {
    #[cfg(feature = "tls")]
    if let Some(text) = tls::explain(&error) {
        return Error::with_source(ErrorKind::Authentication, text, error);
    }
    if is_gone(&error) || error.kind() == io::ErrorKind::UnexpectedEof {
        return gone();
    }
    Error::io("a handshake", error)
}

fn gone() -> Error {
    let text = "the other side went before the handshake was over: it may have another key, admit no other user, or \
                have no room";
    Error::new(ErrorKind::Disconnected, text)
}
