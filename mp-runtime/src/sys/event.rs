//! A counter that can be waited for by poll: how one thread calls another out of a poll. Not shared with children.

use crate::sys::beside_standard;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

/// Raised by any thread; readable until it is lowered.
#[derive(Debug)]
pub(crate) struct Event(File);

impl Event {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let fd = beside_standard(EventFd::from_value_and_flags(0, flags)?.into())?;
        Ok(Self(fd.into()))
    }

    pub(crate) fn raise(&self) {
        // A full counter (EAGAIN) is as readable as one more: nothing is lost.
        let _ = (&self.0).write(&1_u64.to_ne_bytes());
    }

    pub(crate) fn lower(&self) {
        // Not raised (EAGAIN) is what is wanted.
        while let Err(io::ErrorKind::Interrupted) =
            (&self.0).read(&mut [0; 8]).map_err(|error| error.kind())
        {}
    }
}

impl AsFd for Event {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
