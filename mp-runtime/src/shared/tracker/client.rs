//! What a process tells its tree's tracker, and how it finds or starts it. Which blocks there are is for `block`.

use super::{Message, Named};
use crate::error::{Error, Result};
use crate::helper::{Helper, is_gone};
use crate::sys::clock::Deadline;
use crate::sys::{named, poll, socket};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many trackers that die of one message are enough.
const TRIES: u32 = 3;

static CLIENT: Mutex<Client> = Mutex::new(Client { connection: None, made: Vec::new() });

struct Client {
    connection: Option<OwnedFd>,
    /// What this process has made and not removed.
    made: Vec<Named>,
}

/// Makes a block the tree's own, to be removed at its end. Call it before the block has its name.
///
/// # Errors
///
/// If there is no tracker and none can be started.
pub(crate) fn made(named: &Named) -> Result<()> {
    let mut client = client();
    let doing = || format!("the tracker of shared memory block {:?}", named.name);
    client.made.push(named.clone());
    let told = client.tell(named);
    if told.is_err() {
        client.made.retain(|made| made != named);
    }
    told.map_err(|error| match error.downcast::<Error>() {
        Ok(error) => Error::with_source(error.kind(), doing(), error),
        Err(error) => Error::io(doing(), error),
    })
}

/// Takes that back, for a block that has no name any more, or never got it.
pub(crate) fn gone(named: &Named) {
    let mut client = client();
    client.made.retain(|made| made != named);
    if client.connection.is_none() {
        // Made by another process of the tree, perhaps; where there is no tracker nobody is to be told.
        client.connection = Helper::Tracker.find().ok();
    }
    // One that was killed has forgotten it anyway.
    let _ = client.send(&Message::Gone(named.clone()));
}

/// Says, in a main program, that it has come to its end: what is left is removed, and told of, before
/// this returns.
pub(crate) fn finish(deadline: Option<Deadline>) {
    let mut client = client();
    if client.connection.is_none() {
        client.connection = Helper::Tracker.find().ok();
    }
    if client.send(&Message::End).is_ok()
        && let Some(connection) = client.connection.take()
    {
        // Readable when the other end is gone. There is nobody left to tell of an error.
        let _ = poll::is_readable(connection.as_fd(), deadline);
    }
}

fn client() -> MutexGuard<'static, Client> {
    // Nothing here panics while it holds the lock.
    CLIENT.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Client {
    /// Tells of one more block; a tracker that has been killed is replaced, and told of all.
    fn tell(&mut self, named: &Named) -> io::Result<()> {
        let mut tried = 0;
        loop {
            let is_known = self.connection.is_some();
            if !is_known {
                self.connection = Some(Helper::Tracker.find_or_start()?);
            }
            let message = Message::Made(named.clone());
            let told = if tried == 0 { self.send(&message) } else { self.tell_all(named) };
            match told {
                Err(error) if is_gone(&error) && tried < TRIES => {}
                other => return other,
            }
            self.connection = None;
            tried += 1;
            if is_known {
                let text =
                    "mp: the tracker of named shared memory was killed; another one is started\n";
                let _ = io::stderr().write_all(text.as_bytes());
            }
        }
    }

    /// As [`tell`](Self::tell), to one who knows nothing; the newest has no name yet.
    fn tell_all(&mut self, newest: &Named) -> io::Result<()> {
        self.made.retain(|made| made == newest || named::is_there(&made.name, made.id));
        self.made.iter().try_for_each(|made| self.send(&Message::Made(made.clone())))
    }

    fn send(&self, message: &Message) -> io::Result<()> {
        let connection = self.connection.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        socket::send::<OwnedFd>(connection.as_fd(), &message.write(), &[], true)
    }
}
