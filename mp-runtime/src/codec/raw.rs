//! Runs of elements that are as many bytes each, whatever their value: bytes, bools and floats,
//! moved in blocks. How a single value is written is in `encode`.

use super::Fault;
use super::encode::{Form, Target};
use super::writer::Writer;
use serde::Serialize;

/// How many bytes room is made for at once: few enough to stay in the nearest cache.
const BLOCK: usize = 4096;

/// Writes a block of `items`, at most `left`, as long as they are raw values of `N` bytes; gives
/// their number.
///
/// An element that turns out to be something else is still written, and ends the run: nothing
/// depends on the guess but speed. Where the type has one form only, as a number has, the question
/// for it is gone from the machine code, and what remains is a copy.
#[inline]
pub(super) fn run<const N: usize, I>(
    target: &mut Target<'_>,
    levels: u32,
    items: &mut I,
    left: usize,
) -> Result<usize, Fault>
where
    I: Iterator,
    I::Item: Serialize,
{
    target.writer.reserve(left.saturating_mul(N));
    let (slots, _) = target.writer.ahead(left.min(BLOCK / N) * N).as_chunks_mut::<N>();
    let mut filled = 0;
    let mut other = Vec::new();
    let mut others = 0;
    for slot in slots {
        let Some(item) = items.next() else { break };
        let mut aside = Target {
            writer: Writer::new(&mut other),
            empties: target.empties,
            attachments: target.attachments.as_deref_mut(),
        };
        match item.serialize(aside.keeping(levels))? {
            Form::Kept { bits, len } if len == N => {
                *slot = *bits.to_le_bytes().first_chunk().expect("N is 1, 4 or 8");
                filled += 1;
                continue;
            }
            Form::Kept { bits, len } => aside.writer.slice(&bits.to_le_bytes()[..len]),
            _ => {}
        }
        let end = aside.writer.len();
        target.empties = aside.empties;
        other.truncate(end);
        others = 1;
        break;
    }
    target.writer.advance(filled * N);
    target.writer.slice(&other);
    Ok(filled + others)
}

#[cfg(test)]
mod tests {
    use crate::codec::{decode_with, encode_with};
    use crate::custody::{Attachments, Fd};
    use serde::{Serialize, Serializer};
    use std::fs::File;

    /// A byte, or a handle: two forms of one type, in one sequence.
    enum Mixed {
        Byte(u8),
        Handle(Fd<File>),
    }

    impl Serialize for Mixed {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self {
                Self::Byte(byte) => serializer.serialize_u8(*byte),
                Self::Handle(fd) => fd.serialize(serializer),
            }
        }
    }

    #[test]
    fn a_handle_that_ends_a_run_of_bytes_is_attached() {
        let handle = || Mixed::Handle(File::open("/dev/null").unwrap().into());
        let items = [Mixed::Byte(7), Mixed::Byte(200), handle(), Mixed::Byte(9), handle()];
        let mut bytes = Vec::new();
        let mut attachments = Attachments::default();
        encode_with(&items[..], &mut bytes, &mut attachments).unwrap();
        assert_eq!(attachments.len(), 2);
        // The length of the sequence stands before it.
        type Read = (u8, u8, u8, Fd<File>, u8, Fd<File>);
        let read: Read = decode_with(&bytes, attachments).unwrap();
        assert_eq!((read.0, read.1, read.2, read.4), (5, 7, 200, 9));
    }
}
