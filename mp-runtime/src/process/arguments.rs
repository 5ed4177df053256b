//! A process's arguments between its making and its start: their bytes, and the descriptors of handles in them.

use crate::codec::To;
use crate::custody::Attachments;
use crate::error::{Error, Result};
use crate::task::Task;
use std::os::fd::{AsFd, BorrowedFd};

/// The arguments as they travel.
#[derive(Default)]
pub(super) struct Arguments {
    bytes: Vec<u8>,
    attachments: Attachments,
    /// The descriptors have gone to the child.
    gone: bool,
}

impl Arguments {
    pub(super) fn encode<T: Task>(arguments: &T::Args<'_>) -> Result<Self> {
        let mut this = Self::default();
        T::__encode(arguments, To::new(&mut this.bytes, &mut this.attachments))?;
        Ok(this)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.attachments.descriptors().map(AsFd::as_fd).collect()
    }

    /// The descriptors are the child's from now on: whoever waits for the last copy of one to be closed
    /// waits for the child alone. Gives what holds the objects until the child has them, or has ended.
    pub(super) fn hand_over(&mut self) -> Attachments {
        self.gone = !self.attachments.is_empty();
        std::mem::take(&mut self.attachments).take_objects()
    }

    /// Copies of the descriptors, to be used here; none if they have gone to the child.
    pub(super) fn copies(&self) -> Option<Result<Attachments>> {
        if self.gone {
            return None;
        }
        let io = |error| Error::io("the handles in the arguments could not be copied", error);
        Some(self.attachments.try_clone().map_err(io))
    }
}
