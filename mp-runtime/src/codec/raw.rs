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
