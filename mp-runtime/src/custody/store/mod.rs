//! The custodian: a small process that keeps the descriptors of messages which nobody has taken yet, such as those in
//! queues. Their sender may be gone by then, and their receiver is not known before. This file has what is said to it;
//! `client` is who says it, `server` the process itself. How it is started is for `process`.
//!
//! One serves all processes of a tree; there is none before the first descriptor goes into a message of that kind. Who puts
//! waits until it has them, so that whoever finds the message finds them too.
//!
//! ```text
//! | kind | id | total |     a word of 32 bits, one of 64, one of 32; little-endian; beside them, descriptors
//! ```

pub(crate) mod client;
pub(crate) mod server;

/// What a message is about; the same to and from the custodian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Keep these, or some of them, under this id; answered by the same when all have come.
    Keep,
    /// Give those of this id; answered by the same, in parts.
    Take,
    /// Close those of this id.
    Drop,
    /// The program has come to its end by itself.
    End,
    /// There are none of this id, or they could not be kept.
    Lost,
}

const LENGTH: usize = 16;
const KINDS: [Kind; 5] = [Kind::Keep, Kind::Take, Kind::Drop, Kind::End, Kind::Lost];

fn message(kind: Kind, id: u64, total: usize) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes[..4].copy_from_slice(&(kind as u32).to_le_bytes());
    bytes[4..12].copy_from_slice(&id.to_le_bytes());
    bytes[12..].copy_from_slice(&u32::try_from(total).unwrap_or(u32::MAX).to_le_bytes());
    bytes
}

/// None for what nobody sends.
fn parse(bytes: &[u8; LENGTH]) -> Option<(Kind, u64, usize)> {
    let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
    let kind = *KINDS.get(usize::try_from(word(0)).ok()?)?;
    let id = u64::from(word(8)) << 32 | u64::from(word(4));
    let total = usize::try_from(word(12)).ok()?;
    (total <= super::MOST).then_some((kind, id, total))
}

#[cfg(test)]
mod tests {
    use super::{KINDS, message, parse};

    #[test]
    fn messages_read_as_they_were_written() {
        for kind in KINDS {
            let sent = message(kind, u64::MAX - 5, 9);
            assert_eq!(parse(&sent), Some((kind, u64::MAX - 5, 9)));
        }
        assert_eq!(parse(&[9; 16]), None);
        assert_eq!(parse(&message(KINDS[0], 1, usize::MAX)), None);
    }
}
