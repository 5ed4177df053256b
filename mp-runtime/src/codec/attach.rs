//! What handles in a value that is being encoded attach to it. What they are is in `custody`.

use super::Fault;
use super::encode::Target;
use crate::commons::Sent;
use crate::custody::{self, Attached, Attachments};

impl Target<'_> {
    /// How much is attached so far.
    #[inline]
    pub(super) fn attached(&self) -> Attached {
        self.attachments.as_ref().map_or(Attached::NOTHING, |attachments| attachments.attached())
    }

    /// Takes back what is written from `start` on, and what was attached beyond that.
    #[inline]
    pub(super) fn cut(&mut self, start: usize, attached: Attached) {
        self.writer.cut(start);
        if let Some(attachments) = &mut self.attachments {
            attachments.cut(attached);
        }
    }

    /// What is attached so far, if anything.
    #[inline]
    pub(super) fn take_attachments(&mut self) -> Option<Attachments> {
        let attachments = self.attachments.as_deref_mut()?;
        (!attachments.is_empty()).then(|| std::mem::take(attachments))
    }

    /// Takes what a handle lends, and writes its index; false if it lends nothing.
    #[cold]
    pub(super) fn attach(&mut self) -> Result<bool, Fault> {
        let Some(descriptor) = custody::lent() else { return Ok(false) };
        let attachments = self.attachments.as_deref_mut().ok_or_else(Fault::no_attachments)?;
        let index = attachments.add(descriptor).ok_or_else(Fault::too_many_attachments)?;
        self.writer.varint(index as u64);
        Ok(true)
    }

    /// Takes the object that a handle lends; what is to be written of it, `None` if it lends none.
    #[cold]
    pub(super) fn hold(&mut self) -> Result<Option<Sent>, Fault> {
        let Some(hold) = custody::lent_hold() else { return Ok(None) };
        let attachments = self.attachments.as_deref_mut().ok_or_else(Fault::no_attachments)?;
        attachments.hold(&hold).map(Some).map_err(|error| Fault::new(error.to_string()))
    }
}
