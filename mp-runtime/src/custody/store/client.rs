//! What a process says to its tree's custodian, and how it finds or starts it.

use super::{Kind, LENGTH, message, parse};
use crate::custody::Attachments;
use crate::error::{Error, Result};
use crate::helper::{Helper, is_gone};
use crate::sys::clock::Deadline;
use crate::sys::{own, poll, random, socket};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So many custodians that die of one message are enough.
const TRIES: u32 = 3;
/// A custodian that does not answer for so long is stopped by somebody.
const PATIENCE: Duration = Duration::from_secs(10);

/// The connection, and the count of forks at which it was made.
static CONNECTION: Mutex<Option<(u32, OwnedFd)>> = Mutex::new(None);

/// Has descriptors kept until they are taken; gives their id.
///
/// # Errors
///
/// If there is no custodian and none can be started, or it can keep no more.
pub(crate) fn keep(attachments: Attachments) -> Result<u64> {
    let io = |error| Error::io("keeping the descriptors of a message", error);
    let id = u64::from_ne_bytes(random::bytes().map_err(io)?);
    let descriptors = attachments.into_descriptors();
    let kept = |socket: BorrowedFd<'_>| {
        for part in descriptors.chunks(socket::MOST) {
            socket::send(socket, &message(Kind::Keep, id, descriptors.len()), part, true)?;
        }
        match receive(socket)? {
            (Kind::Keep, answered, _) if answered == id => Ok(()),
            _ => Err(socket::no_numbers()),
        }
    };
    ask(true, kept).map_err(io)?;
    Ok(id)
}

/// Takes the descriptors of an id, `total` of them.
///
/// # Errors
///
/// If they are not there: taken already, or lost with a custodian that was killed.
pub(crate) fn take(id: u64, total: usize) -> Result<Attachments> {
    let taken = |socket: BorrowedFd<'_>| {
        socket::send::<OwnedFd>(socket, &message(Kind::Take, id, total), &[], true)?;
        let mut descriptors = Vec::new();
        let mut seen = 0;
        while seen < total {
            match receive(socket)? {
                (Kind::Take, answered, part) if answered == id && !part.is_empty() => {
                    seen += part.len();
                    descriptors.extend(part);
                }
                _ => return Err(io::ErrorKind::NotFound.into()),
            }
        }
        Ok(Attachments::from(descriptors))
    };
    let io = |error: io::Error| {
        let text = match error.kind() {
            io::ErrorKind::NotFound => {
                "the descriptors of a message are lost: their custodian was killed"
            }
            _ => "taking the descriptors of a message",
        };
        Error::io(text, error)
    };
    ask(false, taken).map_err(io)
}

/// Closes the descriptors of a message that nobody will take.
pub(crate) fn forget(id: u64) {
    // Without a custodian they are closed.
    let _ = ask(false, |socket| {
        socket::send::<OwnedFd>(socket, &message(Kind::Drop, id, 0), &[], true)
    });
}

/// Says, in a main program, that it has come to its end.
pub(crate) fn finish(deadline: Option<Deadline>) {
    let Ok(socket) = Helper::Custodian.find() else { return };
    *connection() = None;
    if socket::send::<OwnedFd>(socket.as_fd(), &message(Kind::End, 0, 0), &[], true).is_ok() {
        // Readable when the other end is gone. There is nobody left to tell of an error.
        let _ = poll::is_readable(socket.as_fd(), deadline);
    }
}

fn connection() -> MutexGuard<'static, Option<(u32, OwnedFd)>> {
    CONNECTION.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Speaks with the custodian; one that has been killed is replaced if it is to be `started`.
fn ask<R>(started: bool, speak: impl Fn(BorrowedFd<'_>) -> io::Result<R>) -> io::Result<R> {
    let mut connection = connection();
    let mut tried = 0;
    loop {
        let known = connection.take().filter(|(forks, _)| *forks == own::forks());
        let socket = match known {
            Some((_, socket)) => socket,
            None if started => Helper::Custodian.find_or_start()?,
            None => Helper::Custodian.find().map_err(|error| match error.kind() {
                io::ErrorKind::ConnectionRefused => io::ErrorKind::NotFound.into(),
                _ => error,
            })?,
        };
        match speak(socket.as_fd()) {
            Err(error) if is_gone(&error) && tried < TRIES => tried += 1,
            // What is left unread of an answer would be taken for the next one.
            Err(error) => return Err(error),
            Ok(answer) => {
                *connection = Some((own::forks(), socket));
                return Ok(answer);
            }
        }
    }
}

/// The next answer.
fn receive(socket: BorrowedFd<'_>) -> io::Result<(Kind, u64, Vec<OwnedFd>)> {
    if !poll::is_readable(socket, Deadline::after(PATIENCE))? {
        return Err(io::ErrorKind::TimedOut.into());
    }
    match socket::receive::<LENGTH>(socket, false)? {
        socket::Received::Message(answer) if answer.cut => Err(socket::no_numbers()),
        socket::Received::Message(answer) => {
            let (kind, id, _) = parse(&answer.bytes).ok_or(io::ErrorKind::InvalidData)?;
            Ok((kind, id, answer.descriptors))
        }
        _ => Err(io::ErrorKind::ConnectionReset.into()),
    }
}
