//! Parts of one width put into the open record with a store each, where it is known beforehand that they have room. Each
//! is safe from the writer's death at once, as with `add`.

use super::{CAPACITY, HEADER, MOST_PARTS, Open, PARTS, SIZE, Writer, offset, size};

/// Room for some parts of one width.
pub(crate) struct Room<'w> {
    writer: &'w mut Writer,
    /// Where in the ring the next part goes.
    at: usize,
    width: usize,
    parts: u32,
    len: usize,
    /// How many parts are in the record when there is no more room.
    most: u32,
}

impl Writer {
    /// Room for up to `most` parts that are `width` bytes each, if the record can take one where the ring does
    /// not turn.
    pub(crate) fn room(&mut self, width: usize, most: u32) -> Option<Room<'_>> {
        let Open { parts, len } = self.open?;
        let at = offset(self.tail + (HEADER + len) as u64);
        let bytes = PARTS.saturating_sub(len).min(SIZE - at);
        let fit = u32::try_from(bytes.checked_div(width)?).unwrap_or(u32::MAX);
        let most = parts + most.min(fit).min(MOST_PARTS - parts);
        if most == parts {
            return None;
        }
        let end = len + (most - parts) as usize * width;
        self.wait_until_read((self.tail + size(end)).saturating_sub(CAPACITY));
        Some(Room { writer: self, at, width, parts, len, most })
    }
}

impl Room<'_> {
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.parts == self.most
    }

    /// Adds a part; `false` if there is no room, or if it is of another width.
    #[inline]
    pub(crate) fn add(&mut self, part: &[u8]) -> bool {
        if self.is_full() || part.len() != self.width {
            return false;
        }
        self.writer.mapping.write(super::DATA + self.at, part);
        self.at += part.len();
        self.len += part.len();
        self.parts += 1;
        self.writer.note(Open { parts: self.parts, len: self.len });
        true
    }
}
