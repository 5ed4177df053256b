//! Bytes that a parent has written once for all its children, mapped by each: never changed again, so that they can be
//! borrowed.
#![expect(unsafe_code, reason = "gives references to bytes that another process wrote")]

use crate::sys::memory::{Memory, View};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

/// A child's view of such bytes.
#[derive(Debug)]
pub(crate) struct Constant {
    view: View,
    len: usize,
}

impl Constant {
    /// Writes the bytes; what children get has no way to change them.
    pub(crate) fn create(bytes: &[u8]) -> io::Result<OwnedFd> {
        let memory = Memory::new("mp-constant")?;
        memory.write(0, bytes)?;
        memory.read_only()
    }

    /// Maps what [`create`](Self::create) gave in another process.
    pub(crate) fn map(file: BorrowedFd<'_>, len: usize) -> io::Result<Self> {
        Ok(Self { view: View::map(file, 0, len)?, len })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: they were written before this process had the file; whoever wrote them has closed
        // the only descriptor by which that can be done, and all others are for reading.
        unsafe { self.view.bytes(0, self.len) }.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Constant;
    use std::os::fd::AsFd;

    #[test]
    fn the_bytes_are_those_that_were_written() {
        for bytes in [&b"some"[..], &[7; 100_000]] {
            let file = Constant::create(bytes).unwrap();
            assert_eq!(Constant::map(file.as_fd(), bytes.len()).unwrap().bytes(), bytes);
            assert!(Constant::map(file.as_fd(), 1 << 20).is_err());
        }
    }
}
