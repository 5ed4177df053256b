//! Channels of values that somebody else encodes: what the server of a manager and its clients speak over.

use crate::channel::beside::Rest;
use crate::channel::lane::Until;
use crate::channel::message;
use crate::channel::one_way::{Receiver, Sender};
use crate::commons::Role;
use crate::custody::Attachments;
use crate::error::Result;

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
