//! The tracker: a small process that removes the named blocks that a program leaves, also one that was killed. This file has
//! what is said to it; `client` is who says it, `server` the process itself. How it is started is for `process`.
//!
//! One tracker serves all processes of a tree. It is told of each block before that has its name, with the file that it is,
//! so that it never removes what is somebody else's.

pub(crate) mod client;
pub(crate) mod server;

use crate::shared::names;
use crate::sys::named::FileId;

/// A block by its name, and the file that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) id: FileId,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Message {
    /// The block is the tree's to remove.
    Made(Named),
    /// It is not any more.
    Gone(Named),
    /// The program has come to its end by itself.
    End,
}

/// Each message takes so many bytes: kind, device, inode, the name's length, the name.
const LENGTH: usize = 1 + 8 + 8 + 1 + names::LONGEST;

const MADE: u8 = 1;
const GONE: u8 = 2;
const END: u8 = 3;

impl Message {
    fn write(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        let (kind, named) = match self {
            Self::Made(named) => (MADE, Some(named)),
            Self::Gone(named) => (GONE, Some(named)),
            Self::End => (END, None),
        };
        bytes[0] = kind;
        let Some(Named { name, id }) = named else { return bytes };
        bytes[1..9].copy_from_slice(&id.device.to_le_bytes());
        bytes[9..17].copy_from_slice(&id.inode.to_le_bytes());
        // Longer ones are refused before they come here.
        let len = name.len().min(names::LONGEST);
        bytes[17] = u8::try_from(len).unwrap_or(u8::MAX);
        bytes[18..18 + len].copy_from_slice(&name.as_bytes()[..len]);
        bytes
    }

    /// None for what nobody sends.
    fn parse(bytes: &[u8; LENGTH]) -> Option<Self> {
        if bytes[0] == END {
            return Some(Self::End);
        }
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        let id = FileId { device: word(1), inode: word(9) };
        let name = bytes.get(18..18 + usize::from(bytes[17]))?;
        let name = std::str::from_utf8(name).ok()?.to_owned();
        names::check(&name).ok()?;
        let named = Named { name, id };
        match bytes[0] {
            MADE => Some(Self::Made(named)),
            GONE => Some(Self::Gone(named)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LENGTH, Message, Named};
    use crate::sys::named::FileId;

    #[test]
    fn messages_read_as_they_were_written() {
        let id = FileId { device: 3, inode: u64::MAX };
        for name in ["a".to_owned(), "ä".repeat(127)] {
            let named = Named { name, id };
            for message in [Message::Made(named.clone()), Message::Gone(named), Message::End] {
                assert_eq!(Message::parse(&message.write()), Some(message));
            }
        }
    }

    #[test]
    fn what_nobody_sends_is_refused() {
        let mut bytes = [0; LENGTH];
        assert_eq!(Message::parse(&bytes), None);
        bytes[0] = 1;
        assert_eq!(Message::parse(&bytes), None, "no name");
        (bytes[17], bytes[18]) = (1, b'/');
        assert_eq!(Message::parse(&bytes), None, "a path");
        bytes[18] = 0xff;
        assert_eq!(Message::parse(&bytes), None, "not UTF-8");
        bytes[0] = 9;
        bytes[18] = b'a';
        assert_eq!(Message::parse(&bytes), None, "no such kind");
    }
}
