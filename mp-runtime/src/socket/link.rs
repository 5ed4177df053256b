//! A stream of messages: whole ones in, whole ones out, by any threads, with deadlines. Who is at the other end is for
//! the callers.

use crate::error::{Error, ErrorKind, Result};
use crate::socket::frame::{self, Incoming};
use crate::socket::turns::Turns;
use crate::sys::clock::Deadline;
use crate::sys::{poll, socket, stream};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Link {
    socket: OwnedFd,
    closed: AtomicBool,
    most: usize,
    reader: Turns<Reader>,
    writer: Turns<Writer>,
}

#[derive(Debug)]
struct Reader {
    incoming: Incoming,
    /// Nobody knows any more where a message begins.
    lost: bool,
}

#[derive(Debug)]
struct Writer {
    /// A message was left off in the middle.
    cut: bool,
}

impl Link {
    /// A stream on which messages of at most so many bytes are received.
    pub(super) fn new(socket: OwnedFd, most: usize) -> Self {
        Self {
            socket,
            closed: AtomicBool::new(false),
            most,
            reader: Turns::new(Reader { incoming: Incoming::new(most), lost: false }),
            writer: Turns::new(Writer { cut: false }),
        }
    }

    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// The longest message that is received.
    #[cfg(feature = "serde-pickle")]
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// The same, if nothing is half received or sent.
    ///
    /// # Errors
    ///
    /// If something is, or the connection is closed: then another process could not go on.
    pub(super) fn limit_between_messages(&self) -> Result<usize> {
        self.check()?;
        let now = Deadline::after(Duration::ZERO);
        let whole = self.writer.take(now, |writer| !writer.cut);
        let unread = self.reader.take(now, |reader| !reader.lost && !reader.incoming.is_begun());
        match (whole, unread) {
            (Some(true), Some(true)) => Ok(self.most),
            _ => {
                let text = "a connection cannot be sent on in the middle of a message";
                Err(Error::new(ErrorKind::Encode, text))
            }
        }
    }

    /// The next message; none if the deadline has passed. What has come of one until then is kept for the
    /// next call.
    pub(super) fn receive(&self, deadline: Option<Deadline>) -> Result<Option<Vec<u8>>> {
        let receive = |reader: &mut Reader| loop {
            self.check()?;
            if reader.lost {
                let text = "nothing more can be received: an earlier message was none, or too long";
                return Err(Error::new(ErrorKind::Broken, text));
            }
            match stream::receive(self.socket(), reader.incoming.room()?) {
                Ok(0) => return Err(self.end(reader)),
                Ok(count) => match reader.incoming.came(count) {
                    Ok(None) => {}
                    Ok(Some(message)) => return Ok(Some(message)),
                    Err(error) => {
                        reader.lost = true;
                        return Err(error);
                    }
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let readable = poll::is_readable(self.socket(), deadline)
                        .map_err(|error| Error::io("waiting for a message", error))?;
                    if !readable {
                        return Ok(None);
                    }
                }
                Err(error) if is_gone(&error) => return Err(self.end(reader)),
                Err(error) => return Err(Error::io("a message could not be received", error)),
            }
        };
        self.reader.take(deadline, receive).unwrap_or(Ok(None))
    }

    /// What it means that nothing more comes.
    fn end(&self, reader: &mut Reader) -> Error {
        if let Err(closed) = self.check() {
            return closed;
        }
        if reader.incoming.is_begun() {
            reader.incoming.restart();
            let text = "the other end was closed in the middle of a message";
            return Error::new(ErrorKind::Truncated, text);
        }
        gone()
    }

    /// Sends a message, which is of two parts.
    ///
    /// # Errors
    ///
    /// `Timeout` if the deadline has passed; if a part of the message was under way by then, nothing more can be
    /// sent.
    pub(super) fn send(&self, body: &[u8], deadline: Option<Deadline>) -> Result<()> {
        let (head, head_len) = frame::head(body.len());
        let whole = head_len + body.len();
        let send = |writer: &mut Writer| {
            let mut sent = 0;
            while sent < whole {
                self.check()?;
                if writer.cut {
                    let text = "nothing more can be sent: an earlier message took too long, and was cut off";
                    return Err(Error::new(ErrorKind::Broken, text));
                }
                let parts =
                    [&head[sent.min(head_len)..head_len], &body[sent.saturating_sub(head_len)..]];
                match stream::send(self.socket(), parts) {
                    Ok(count) => sent += count,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        let writable = poll::is_writable(self.socket(), deadline)
                            .map_err(|error| Error::io("waiting to send a message", error))?;
                        if !writable {
                            writer.cut = sent > 0;
                            if writer.cut {
                                stream::end_sending(self.socket());
                            }
                            return Err(late());
                        }
                    }
                    Err(error) if is_gone(&error) => {
                        self.check()?;
                        return Err(gone());
                    }
                    Err(error) => return Err(Error::io("a message could not be sent", error)),
                }
            }
            Ok(())
        };
        self.writer.take(deadline, send).unwrap_or_else(|| Err(late()))
    }

    /// Whether a receiver would not wait, or not after the deadline.
    pub(super) fn poll(&self, deadline: Option<Deadline>) -> Result<bool> {
        self.check()?;
        let readable = poll::is_readable(self.socket(), deadline);
        let readable = readable.map_err(|error| Error::io("waiting for a message", error))?;
        self.check()?;
        Ok(readable)
    }

    /// Wakes whoever waits here, and tells the other end.
    pub(super) fn close(&self) {
        self.closed.store(true, Release);
        socket::shut_down(self.socket());
    }

    fn check(&self) -> Result<()> {
        if self.closed.load(Acquire) {
            return Err(Error::new(ErrorKind::Closed, "the connection is closed"));
        }
        Ok(())
    }
}

fn gone() -> Error {
    Error::new(ErrorKind::Disconnected, "the other end of the connection is gone")
}

fn late() -> Error {
    Error::new(ErrorKind::Timeout, "the other end did not take the message in time")
}

/// Whether an error says that the other side is not there any more.
pub(super) fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, TimedOut};
    // The last: of a host that has not answered for long.
    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | TimedOut
    )
}
