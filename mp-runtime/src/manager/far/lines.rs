//! Connections of this process to a server elsewhere: those that nobody uses, those of threads that have locks there, and one more
//! when there is none. What is said over them is for `far`.

use crate::error::{Error, ErrorKind, Result};
use crate::manager::far::frame::{self, HELLO, method};
use crate::manager::far::lease::Left;
use crate::manager::far::{Remote, lock};
use crate::manager::wire::{self, Message, Reader};
use crate::socket::Client;
use crate::sys::{own, random};
use std::collections::HashMap;
use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::Duration;

/// More connections than these are not kept while nobody uses them.
const IDLE: usize = 64;

/// One connection, and which server it leads to.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) client: Client,
    pub(super) server: u64,
    /// How many locks it has there, for the thread that uses it.
    pub(super) owned: u32,
}

impl Line {
    /// Whether its other side is gone: nothing is under way, so nothing can come.
    fn is_stale(&self) -> bool {
        self.client.poll(Duration::ZERO).unwrap_or(true)
    }
}

/// Those of one way.
#[derive(Debug, Default)]
pub(super) struct Lines {
    server: Option<u64>,
    /// By what the server knows that several connections are of one client.
    client: Option<[u8; 16]>,
    idle: Vec<Line>,
    /// Of threads that have locks: a lock is its connection's.
    kept: HashMap<ThreadId, Line>,
    /// References that are to be given back.
    due: Vec<Left>,
    /// The process that all of it is of, by its forks.
    forks: u32,
}

impl Lines {
    pub(super) fn server(&self) -> Option<u64> {
        self.server
    }

    /// Says which server is expected.
    pub(super) fn expect(&mut self, server: u64) {
        self.server = Some(server);
    }

    /// In a forked copy of the process that had them they are of no use.
    fn own(&mut self) {
        if self.forks != own::forks() || self.client.is_none() {
            let server = self.server;
            *self = Self { server, forks: own::forks(), ..Self::default() };
        }
    }

    /// Those references that no other process of this program has any more.
    fn take_due(&mut self, server: u64) -> Vec<Left> {
        let (held, due) = std::mem::take(&mut self.due).into_iter().partition(Left::is_held);
        self.due = held;
        due.into_iter().filter(|left: &Left| left.server == server && left.granted > 0).collect()
    }
}

impl Remote {
    /// A connection for one call of this thread's.
    pub(super) fn take(self: &Arc<Self>) -> Result<Line> {
        let mut lines = lock(&self.lines);
        lines.own();
        if let Some(line) = lines.kept.remove(&thread::current().id()) {
            drop(lines);
            if line.is_stale() {
                let text = "the connection is gone by which this thread had a lock";
                return Err(self.gone(Error::new(ErrorKind::Disconnected, text)));
            }
            return Ok(line);
        }
        let mut stale = Vec::new();
        while let Some(line) = lines.idle.pop() {
            if !line.is_stale() {
                return Ok(line);
            }
            stale.push(line);
        }
        drop(lines);
        self.open()
    }

    /// Keeps a connection for the next call; one by which there are locks for this thread's.
    pub(super) fn put_back(&self, line: Line) {
        let lines = lock(&self.lines);
        if lines.forks != own::forks() || lines.server != Some(line.server) {
            return;
        }
        drop(lines);
        if self.settle(&line).is_err() {
            return;
        }
        let mut lines = lock(&self.lines);
        if line.owned > 0 {
            lines.kept.insert(thread::current().id(), line);
        } else if lines.idle.len() < IDLE {
            lines.idle.push(line);
        }
    }

    /// Gives references back by that connection.
    pub(super) fn settle(&self, line: &Line) -> Result<()> {
        let due = lock(&self.lines).take_due(line.server);
        if due.is_empty() { Ok(()) } else { tell(line, &due) }
    }

    /// Gives references back, now if there is a connection that nobody uses, and else with the next that is free.
    pub(super) fn send_back(&self, left: Left) {
        let mut lines = lock(&self.lines);
        if lines.forks != own::forks() {
            return;
        }
        lines.due.push(left);
        let idle = lines.idle.pop();
        drop(lines);
        if let Some(line) = idle {
            self.put_back(line);
        }
    }

    /// Opens one more connection.
    pub(super) fn open(self: &Arc<Self>) -> Result<Line> {
        let (server, line) = {
            let mut lines = lock(&self.lines);
            lines.own();
            let client = match lines.client {
                Some(client) => client,
                None => {
                    let random = random::bytes::<16>();
                    let random =
                        random.map_err(|error| Error::io("a number for a client", error))?;
                    *lines.client.insert(random)
                }
            };
            (lines.server, client)
        };
        let (client, greeting) = self.greet(line).map_err(|error| match server {
            // There was one before, which may be just about to end.
            Some(_) if !matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Io) => {
                self.absent(error)
            }
            _ => error,
        })?;
        let mut lines = lock(&self.lines);
        match lines.server {
            Some(known) if known != greeting && !self.terms.reconnects => {
                let text = "another server is there now";
                let error = Error::new(ErrorKind::Disconnected, text);
                drop(lines);
                return Err(self.absent(error));
            }
            Some(known) if known != greeting => {
                lines.idle.clear();
                lines.due.clear();
                lock(&self.leases).retain(|_, lease| lease.strong_count() > 0);
            }
            _ => {}
        }
        lines.server = Some(greeting);
        Ok(Line { client, server: greeting, owned: 0 })
    }

    fn absent(&self, error: Error) -> Error {
        let text = format!("the manager's server at {} has ended", self.address);
        Error::with_source(ErrorKind::Disconnected, text, error)
    }

    /// Connects, and says who this is; which server answers.
    fn greet(&self, own: [u8; 16]) -> Result<(Client, u64)> {
        let mut builder = Client::builder().timeout(self.terms.timeout);
        if self.terms.any_user {
            builder = builder.any_user();
        }
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.terms.tls {
            builder = builder.tls(tls.clone());
        }
        let client = builder.connect(&self.address, self.key())?;
        client.send_bytes(&[&HELLO[..], &own].concat()).map_err(|error| self.gone(error))?;
        let answer = client.recv_bytes_timeout(self.terms.timeout);
        let answer = answer.map_err(|error| match error.kind() {
            ErrorKind::Empty => {
                let text =
                    format!("who listens at {} does not answer as a manager does", self.address);
                Error::new(ErrorKind::Timeout, text)
            }
            _ => self.gone(error),
        })?;
        let mut reader = Reader::new(&answer);
        wire::read_status(&mut reader)?;
        Ok((client, reader.u64()?))
    }
}

/// Gives references back by that connection.
fn tell(line: &Line, due: &[Left]) -> Result<()> {
    let mut request = Message::request(0, 0, method::RELEASE);
    request.u64(due.len() as u64);
    for left in due {
        request.u64(left.number).u64(left.granted);
    }
    line.client.send_bytes(&frame::finish(request.bytes, 0, &[]))
}
