//! The descriptors of calls and of results, which travel beside slots and rings: given to the worker that has begun the
//! call, taken from the one that sends a result. The messages are in `protocol::post`.
//!
//! Until a worker has begun a call, its descriptors are in the custody of whoever holds the call: the ledger. A call
//! that is dropped, or fails before it began, closes them; a claim that is given back keeps them for the next worker.

use crate::custody::Attachments;
use crate::error::{Error, Result};
use crate::pool::desk::{Desk, Placed};
use crate::pool::engine::{Engine, Link, lock};
use crate::protocol::post::{self, Address, Mail, Parcel, Part};
use crate::transport::board::{State, Word};
use std::collections::{HashMap, VecDeque};
use std::io;

/// What a worker has sent ahead of its replies: for each call, the parcels of its results in their order.
#[derive(Debug, Default)]
pub(super) struct Mailbox(HashMap<Address, VecDeque<Parcel>>);

impl Mailbox {
    /// Takes a part of a parcel in, for a call that has so many results to come.
    fn keep(&mut self, of: Address, part: Part, results: usize) -> io::Result<()> {
        let parcels = self.0.entry(of).or_default();
        let unfinished = parcels.back().is_some_and(|parcel| !parcel.is_whole());
        if part.is_of_nothing() {
            // The sender could not send the rest, and says so in its reply.
            parcels.pop_back_if(|_| unfinished);
            return Ok(());
        }
        if !unfinished {
            if parcels.len() >= results {
                return Err(io::ErrorKind::InvalidData.into());
            }
            parcels.push_back(Parcel::default());
        }
        parcels.back_mut().map_or(Ok(()), |parcel| parcel.add(part).map(drop))
    }

    /// The descriptors of the next reply to this call that has some.
    pub(super) fn open(&mut self, of: Address) -> Result<Attachments> {
        let parcel = self.0.get_mut(&of).and_then(|p| p.pop_front_if(|parcel| parcel.is_whole()));
        let parcel = parcel.ok_or_else(|| io::ErrorKind::UnexpectedEof.into());
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
        let mut desk = lock(&self.desk);
        // A call that may be run again needs them again.
        let attachments = match self.begun(&mut desk, link, of) {
            None => Attachments::default(),
            Some(Placed { call, .. }) if call.terms.retries > 0 => call.attachments.try_clone()?,
            Some(Placed { call, .. }) => call.attachments.take_descriptors(),
        };
        drop(desk);
        post::send(link.child.post(), of, attachments, false).or_else(|_| {
            // The system does not carry so many: an empty parcel says that they are lost.
            post::send(link.child.post(), of, Attachments::default(), false)
        })
    }

    fn keep(&self, link: &mut Link, of: Address, part: Part) -> io::Result<()> {
        let mut desk = lock(&self.desk);
        let results = self.begun(&mut desk, link, of).map(|placed| placed.call.owner.results());
        drop(desk);
        // What is for none of its calls is closed here.
        results.map_or(Ok(()), |results| link.mail.keep(of, part, results))
    }

    /// The call of this address, if the worker has begun it.
    fn begun<'d>(&self, desk: &'d mut Desk, link: &Link, of: Address) -> Option<&'d mut Placed> {
        let placed = desk.ledger.call(of.slot, of.generation)?;
        let Word { state, worker, .. } = self.board.read(usize::try_from(of.slot).ok()?);
        (state == State::Running && worker == link.number).then_some(placed)
    }
}
