//! Records before which something is to be done for the reader's sake: one that finds the writer dead in the middle of that
//! has the record all the same. How records lie in the ring is in its own file.

use super::turns::Turns;
use super::{CAPACITY, KIND_BITS, Reader, Record, Writer, progress};
use std::io;

/// In place of how many bytes a record of no parts has: it is whole, and not there yet.
const INTENDED: usize = 0xf_ffff;

impl Writer {
    /// As [`push`](Self::push), or [`push_whole`](Self::push_whole); `before` is called when nothing but this
    /// process's death can keep the reader from having the record.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push); then it was not called.
    pub(crate) fn push_with(
        &mut self,
        tag: [u32; 2],
        whole: bool,
        body: &[u8],
        before: &mut dyn FnMut(),
    ) -> io::Result<()> {
        self.put(tag, u32::from(!whole) << KIND_BITS, body, Some(before))
    }

    #[cold]
    pub(super) fn intend(&self, before: &mut dyn FnMut()) {
        let word = progress(self.tail, 0, INTENDED);
        self.mapping.note(word);
        before();
    }
}

impl Reader {
    /// The record that was whole, and not there yet, when the writer died. For a ring that was read to its
    /// end, whose writer is gone.
    pub(crate) fn pop_intended(&mut self) -> Option<Record> {
        let word = self.mapping.noted();
        if word != progress(self.head, 0, INTENDED) {
            return None;
        }
        self.pop(CAPACITY).ok()
    }
}
