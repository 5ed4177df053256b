//! A stream of messages: whole ones in, whole ones out, by any threads, with deadlines. Who is at the other end is for
//! the callers.

use crate::error::{Error, ErrorKind, Result};
use crate::socket::carrier::Carrier;
use crate::socket::frame::{self, Incoming};
use crate::socket::turns::Turns;
use crate::sys::clock::Deadline;
use crate::sys::{poll, socket};
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Link {
    carrier: Carrier,
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
    /// The end has come, and whoever received was told how.
    ended: bool,
}

#[derive(Debug)]
struct Writer {
    /// A message was left off in the middle.
    cut: bool,
}

impl Link {
    /// A stream on which messages of at most so many bytes are received.
    pub(super) fn new(carrier: Carrier, most: usize) -> Self {
        Self {
            carrier,
            closed: AtomicBool::new(false),
            most,
            reader: Turns::new(Reader { incoming: Incoming::new(most), lost: false, ended: false }),
            writer: Turns::new(Writer { cut: false }),
        }
    }

    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.carrier.socket()
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
    /// If something is, or the connection is closed or has TLS: then another process could not go on.
    pub(super) fn limit_between_messages(&self) -> Result<usize> {
        self.check()?;
        if self.carrier.is_sealed() {
            let text = "a connection with TLS stays in its process, since its keys do";
            return Err(Error::new(ErrorKind::Encode, text));
        }
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
            let due = reader.incoming.due();
            match self.carrier.receive(reader.incoming.room()?, due) {
                Ok(0) => return Err(self.end(reader, true)),
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
                Err(error) if is_gone(&error) || error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(self.end(reader, !self.carrier.is_sealed()));
                }
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    reader.lost = true;
                    let text = "what came is not what the other side has sent";
                    return Err(Error::with_source(ErrorKind::Decode, text, error));
                }
                Err(error) => return Err(Error::io("a message could not be received", error)),
            }
        };
        self.reader.take(deadline, receive).unwrap_or(Ok(None))
    }

    /// What it means that nothing more comes, as the other side has said or not.
    fn end(&self, reader: &mut Reader, said: bool) -> Error {
        if let Err(closed) = self.check() {
            return closed;
        }
        let begun = reader.incoming.is_begun();
        reader.incoming.restart();
        match std::mem::replace(&mut reader.ended, true) {
            false if begun => {
                let text = "the other end was closed in the middle of a message";
                Error::new(ErrorKind::Truncated, text)
            }
            false if !said => {
                let text = "the connection ended and the other side has not said so: it was killed, or somebody \
                            between the two has cut it off";
                Error::new(ErrorKind::Truncated, text)
            }
            _ => gone(),
        }
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
            // What is encrypted has to go: so there has to be room before.
            let mut awaits_room = self.carrier.is_sealed() && deadline.is_some();
            loop {
                self.check()?;
                if writer.cut {
                    let text = "nothing more can be sent: an earlier message took too long, and was cut off";
                    return Err(Error::new(ErrorKind::Broken, text));
                }
                let parts =
                    [&head[sent.min(head_len)..head_len], &body[sent.saturating_sub(head_len)..]];
                let step = match sent < whole {
                    _ if awaits_room => Ok(Step::Full),
                    true => self.carrier.send(parts).map(Step::Sent),
                    false => {
                        self.carrier.flush().map(|all| if all { Step::Done } else { Step::Full })
                    }
                };
                awaits_room = false;
                match step {
                    Ok(Step::Sent(count)) => sent += count,
                    Ok(Step::Done) => return Ok(()),
                    Ok(Step::Full) => self.await_room(writer, sent, deadline)?,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.await_room(writer, sent, deadline)?;
                    }
                    Err(error) => return Err(self.unsent(error)),
                }
            }
        };
        self.writer.take(deadline, send).unwrap_or_else(|| Err(late()))
    }

    fn await_room(
        &self,
        writer: &mut Writer,
        sent: usize,
        deadline: Option<Deadline>,
    ) -> Result<()> {
        let writable = poll::is_writable(self.socket(), deadline)
            .map_err(|error| Error::io("waiting to send a message", error))?;
        if writable {
            return Ok(());
        }
        writer.cut = sent > 0;
        if writer.cut {
            self.carrier.cut_off();
        }
        Err(late())
    }

    fn unsent(&self, error: io::Error) -> Error {
        if let Err(closed) = self.check() {
            return closed;
        }
        match error.kind() {
            _ if is_gone(&error) => gone(),
            io::ErrorKind::InvalidData => {
                let text = "nothing more can be sent: what came was not from the other side";
                Error::with_source(ErrorKind::Broken, text, error)
            }
            _ => Error::io("a message could not be sent", error),
        }
    }

    /// Whether a receiver would not wait, or not after the deadline.
    pub(super) fn poll(&self, deadline: Option<Deadline>) -> Result<bool> {
        self.check()?;
        if self.carrier.has_more() {
            return Ok(true);
        }
        let readable = poll::is_readable(self.socket(), deadline);
        let readable = readable.map_err(|error| Error::io("waiting for a message", error))?;
        self.check()?;
        Ok(readable)
    }

    /// Wakes whoever waits here, and tells the other end.
    pub(super) fn close(&self) {
        self.closed.store(true, Release);
        // Whoever is in the middle of a message has it cut off.
        self.writer.take(Deadline::after(Duration::ZERO), |writer| {
            if !writer.cut {
                self.carrier.say_end();
            }
        });
        socket::shut_down(self.socket());
    }

    fn check(&self) -> Result<()> {
        if self.closed.load(Acquire) {
            return Err(Error::new(ErrorKind::Closed, "the connection is closed"));
        }
        Ok(())
    }
}

/// What came of trying to send more of a message.
enum Step {
    Sent(usize),
    /// There is no room now.
    Full,
    Done,
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
