//! Channels and queues of values that somebody else encodes: what the server of a manager and its clients speak over, and what it
//! does for clients elsewhere.

use crate::channel::beside::Rest;
use crate::channel::lane::Until;
use crate::channel::message;
use crate::channel::one_way::{Receiver, Sender};
use crate::channel::queue::{Queue, empty};
use crate::commons::{Hold, Role};
use crate::custody::Attachments;
use crate::error::Result;
use std::time::Duration;

/// The bytes of a value that is encoded and decoded elsewhere.
#[derive(Debug)]
pub(crate) enum Encoded {}

impl Sender<Encoded> {
    /// Sends bytes that were encoded with these attachments.
    ///
    /// # Errors
    ///
    /// As `send`; and what `still` gives, which is asked whenever there is no room for long.
    #[inline]
    pub(crate) fn send_encoded(
        &self,
        bytes: &[u8],
        attachments: Attachments,
        mut still: impl FnMut() -> Result<()>,
    ) -> Result<()> {
        let lane = self.handle.lane(0);
        self.handle.expect_lately(Role::RECEIVER, &lane)?;
        let expect = || self.handle.expect(Role::RECEIVER).and_then(|()| still());
        message::put_encoded(&lane, bytes, attachments, Until::Ever, expect).map(drop)
    }

    /// An error if nobody receives any more: then what was sent before may lie there for ever.
    pub(crate) fn expect_heard(&self) -> Result<()> {
        self.handle.expect(Role::RECEIVER)
    }

    /// As [`send_encoded`](Self::send_encoded), of plain bytes, without waiting; false if there is no room.
    pub(crate) fn try_send_encoded(&self, bytes: &[u8]) -> Result<bool> {
        let lane = self.handle.lane(0);
        let expect = || self.handle.expect(Role::RECEIVER);
        message::put_encoded(&lane, bytes, Attachments::NONE, Until::Now, expect)
    }
}

impl Receiver<Encoded> {
    /// Takes the next bytes into `buffer`, and what holds the objects in them.
    ///
    /// # Errors
    ///
    /// As `recv`; and what `still` gives, which is asked whenever nothing has come for long.
    #[inline]
    pub(crate) fn recv_encoded(
        &self,
        buffer: &mut Vec<u8>,
        mut still: impl FnMut() -> Result<()>,
    ) -> Result<Rest> {
        self.handle.open()?;
        let lane = self.handle.lane(0);
        let expect = || self.handle.expect_from(Role::SENDER, &lane).and_then(|()| still());
        let taken = message::take_encoded(&lane, buffer, Until::Ever, expect)?;
        // Until ever, so there is one.
        Ok(taken.unwrap_or_default())
    }
}

fn until(timeout: Option<Duration>) -> Until {
    timeout.map_or(Until::Ever, Until::after)
}

impl Queue<Encoded> {
    /// Puts an item that was encoded with these attachments; false if there was no room within so long. A wait ends with what
    /// `still` gives, which is asked whenever it looks again.
    ///
    /// # Errors
    ///
    /// As `put`.
    pub(crate) fn put_encoded_while(
        &self,
        item: &[u8],
        attachments: Attachments,
        timeout: Option<Duration>,
        still: impl Fn() -> Result<()>,
    ) -> Result<bool> {
        self.handle.open()?;
        message::put_encoded(&self.lane(), item, attachments, until(timeout), still)
    }

    /// Takes the next item into `buffer`, as [`put_encoded_while`](Self::put_encoded_while).
    ///
    /// # Errors
    ///
    /// As `get`; `Empty` if nothing has come within so long.
    pub(crate) fn get_encoded_while(
        &self,
        buffer: &mut Vec<u8>,
        timeout: Option<Duration>,
        still: impl Fn() -> Result<()>,
    ) -> Result<Rest> {
        self.handle.open()?;
        message::take_encoded(&self.lane(), buffer, until(timeout), still)?.ok_or_else(empty)
    }

    /// Puts an item at the end that was taken for somebody who is gone, as far as that can be.
    pub(crate) fn put_again(&self, item: &[u8], holds: &[Hold]) {
        let mut attachments = Attachments::NONE;
        if holds.iter().all(|hold| attachments.hold(hold).is_ok()) {
            let _ = message::put_encoded(&self.lane(), item, attachments, Until::Now, || Ok(()));
        }
    }
}
