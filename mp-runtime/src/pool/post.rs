//! The descriptors of calls and of results, which travel beside slots and rings: given to the worker that has begun the
//! call, taken from the one that sends a result. The messages are in `protocol::post`.
//!
//! Until a worker has begun a call, its descriptors are in the custody of whoever holds the call: the ledger. A call
//! that is dropped, or fails before it began, closes them; a claim that is given back keeps them for the next worker.

use crate::custody::Attachments;
use crate::error::{Error, Result};
use crate::pool::engine::{Engine, Link, lock};
use crate::protocol::post::{self, Address, Mail, Parcel, Part};
use crate::transport::board::{State, Word};
use std::collections::HashMap;
use std::io;

/// What a worker has sent ahead of its replies.
#[derive(Debug, Default)]
pub(super) struct Mailbox(HashMap<Address, Parcel>);

impl Mailbox {
    /// The descriptors of the reply to this call.
    pub(super) fn open(&mut self, of: Address) -> Result<Attachments> {
        let parcel = self.0.remove(&of).ok_or_else(|| io::ErrorKind::UnexpectedEof.into());
        parcel
            .and_then(Parcel::open)
            .map_err(|error| Error::io("taking the handles in the result of a task", error))
    }

    /// Forgets what came for a call that is over.
    pub(super) fn clear(&mut self, of: Address) {
        if !self.0.is_empty() {
            self.0.remove(&of);
        }
    }
}

impl Engine {
    /// Reads what a worker has sent, and answers what it asks for; false once nothing more will come.
    pub(super) fn read_post(&self, worker: u32) -> bool {
        let mut links = lock(&self.rings);
        let link = links.iter_mut().find(|link| link.number == worker);
        link.is_none_or(|link| self.read_post_of(link))
    }

    pub(super) fn read_post_of(&self, link: &mut Link) -> bool {
        loop {
            let done = match post::receive(link.child.post(), false) {
                Ok(Mail::Nothing) => return true,
                Ok(Mail::End) => return false,
                Ok(Mail::Ask(of)) => self.answer(link, of),
                Ok(Mail::Part(of, part)) => self.keep(link, of, part),
                Ok(Mail::Leave) => {
                    link.leaving = true;
                    self.control.raise();
                    Ok(())
                }
                Err(error) => Err(error),
            };
            if done.is_err() {
                link.malformed = true;
                self.control.raise();
                return false;
            }
        }
    }

    /// Hands over the descriptors of the call that a worker has begun.
    fn answer(&self, link: &Link, of: Address) -> io::Result<()> {
        let mut attachments = Attachments::default();
        let slot = usize::try_from(of.slot).unwrap_or(usize::MAX);
        let mut desk = lock(&self.desk);
        if let Some(placed) = desk.ledger.call(of.slot, of.generation)
            && let Word { state: State::Running, worker, .. } = self.board.read(slot)
            && worker == link.number
        {
            // A call that may be run again needs them again.
            attachments = match placed.call.terms.retries {
                0 => std::mem::take(&mut placed.call.attachments),
                _ => placed.call.attachments.try_clone()?,
            };
        }
        drop(desk);
        post::send(link.child.post(), of, attachments, false).or_else(|_| {
            // The system does not carry so many: an empty parcel says that they are lost.
            post::send(link.child.post(), of, Attachments::default(), false)
        })
    }

    fn keep(&self, link: &mut Link, of: Address, part: Part) -> io::Result<()> {
        if lock(&self.desk).ledger.call(of.slot, of.generation).is_some() {
            link.mail.0.entry(of).or_default().add(part)?;
        }
        Ok(())
    }
}
