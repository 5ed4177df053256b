//! Messages on a stream, as Python's multiprocessing frames them: the length, then the bytes. No descriptors here.
//!
//! The length is an `i32`, big-endian; where that is too small it is -1, and a `u64` follows.

use crate::error::{Error, ErrorKind, Result};
use std::io;

/// The length of a longest head.
const HEAD: usize = 12;
/// So many bytes of a message there is room for at once, until more have come.
const STEP: usize = 1 << 16;

/// What stands before a message of so many bytes.
pub(super) fn head(len: usize) -> ([u8; HEAD], usize) {
    let mut head = [0; HEAD];
    match i32::try_from(len) {
        Ok(short) => {
            head[..4].copy_from_slice(&short.to_be_bytes());
            (head, 4)
        }
        Err(_) => {
            head[..4].copy_from_slice(&(-1_i32).to_be_bytes());
            head[4..].copy_from_slice(&(len as u64).to_be_bytes());
            (head, HEAD)
        }
    }
}

/// A message on its way in. It asks for no byte beyond its own, so that what a socket has to be read is
/// what has not been received.
#[derive(Debug)]
pub(super) struct Incoming {
    most: usize,
    head: [u8; HEAD],
    head_have: usize,
    /// Known once the head is whole.
    len: Option<usize>,
    body: Vec<u8>,
    body_have: usize,
}

impl Incoming {
    /// For messages of at most so many bytes.
    pub(super) fn new(most: usize) -> Self {
        Self { most, head: [0; HEAD], head_have: 0, len: None, body: Vec::new(), body_have: 0 }
    }

    /// Whether a part of a message has come, and not all of it.
    pub(super) fn is_begun(&self) -> bool {
        self.head_have > 0
    }

    /// How many bytes it lacks, as far as that is known.
    pub(super) fn due(&self) -> usize {
        match self.len {
            Some(len) => len - self.body_have,
            None => self.head_end() - self.head_have,
        }
    }

    /// Forgets what has come of one.
    pub(super) fn restart(&mut self) {
        *self = Self::new(self.most);
    }

    /// Where the next bytes go; never empty.
    ///
    /// # Errors
    ///
    /// If there is no memory.
    pub(super) fn room(&mut self) -> Result<&mut [u8]> {
        let Some(len) = self.len else {
            let end = self.head_end();
            return Ok(&mut self.head[self.head_have..end]);
        };
        if self.body_have == self.body.len() {
            // A head may say anything: memory is taken as the bytes come.
            let more = self.body_have.max(STEP).min(len - self.body_have);
            self.body.try_reserve_exact(more).map_err(|_| {
                let text = format!("no memory for a message of {len} bytes");
                Error::io(text, io::ErrorKind::OutOfMemory.into())
            })?;
            self.body.resize(self.body_have + more, 0);
        }
        Ok(&mut self.body[self.body_have..])
    }

    /// Says that so many bytes were put into the [`room`](Self::room); the message, if it is whole.
    ///
    /// # Errors
    ///
    /// `Decode` if no message begins like this, `BufferTooShort` if it is longer than allowed. After either,
    /// nobody knows where the next message begins.
    pub(super) fn came(&mut self, count: usize) -> Result<Option<Vec<u8>>> {
        match self.len {
            Some(_) => self.body_have = (self.body_have + count).min(self.body.len()),
            None => {
                self.head_have = (self.head_have + count).min(HEAD);
                self.len = self.read_head()?;
            }
        }
        if self.len != Some(self.body_have) {
            return Ok(None);
        }
        let body = std::mem::take(&mut self.body);
        self.restart();
        Ok(Some(body))
    }

    fn short(&self) -> i32 {
        i32::from_be_bytes(std::array::from_fn(|at| self.head[at]))
    }

    fn head_end(&self) -> usize {
        if self.head_have >= 4 && self.short() == -1 { HEAD } else { 4 }
    }

    fn read_head(&self) -> Result<Option<usize>> {
        if self.head_have < self.head_end() {
            return Ok(None);
        }
        let len = match self.short() {
            -1 => u64::from_be_bytes(std::array::from_fn(|at| self.head[4 + at])),
            short => u64::try_from(short).map_err(|_| {
                let text = format!("what came is no message: its length would be {short}");
                Error::new(ErrorKind::Decode, text)
            })?,
        };
        match usize::try_from(len) {
            Ok(len) if len <= self.most => Ok(Some(len)),
            _ => {
                let most = self.most;
                let text =
                    format!("a message of {len} bytes came where at most {most} are allowed");
                Err(Error::new(ErrorKind::BufferTooShort, text))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Incoming, head};
    use crate::error::{ErrorKind, Result};

    /// The messages in `bytes`, which come in pieces of so many.
    fn messages(mut bytes: &[u8], piece: usize, most: usize) -> Result<Vec<Vec<u8>>> {
        let mut incoming = Incoming::new(most);
        let mut messages = Vec::new();
        while !bytes.is_empty() {
            let room = incoming.room()?;
            assert!(!room.is_empty());
            let count = room.len().min(piece).min(bytes.len());
            room[..count].copy_from_slice(&bytes[..count]);
            bytes = &bytes[count..];
            messages.extend(incoming.came(count)?);
        }
        assert!(!incoming.is_begun());
        Ok(messages)
    }

    fn framed(message: &[u8]) -> Vec<u8> {
        let (head, len) = head(message.len());
        [&head[..len], message].concat()
    }

    #[test]
    fn messages_come_whole_however_their_bytes_come() {
        let sent: Vec<Vec<u8>> =
            vec![vec![], b"a".to_vec(), vec![], vec![7; 200_000], b"bc".to_vec()];
        let bytes: Vec<u8> = sent.iter().flat_map(|message| framed(message)).collect();
        for piece in [1, 2, 3, 5, 4096, usize::MAX] {
            assert_eq!(messages(&bytes, piece, 200_000).unwrap(), sent);
        }
    }

    #[test]
    fn the_heads_are_those_of_python() {
        assert_eq!(framed(b"ab"), b"\0\0\0\x02ab");
        assert_eq!(head(0x7fff_ffff).0[..4], [0x7f, 0xff, 0xff, 0xff]);
        let (long, len) = head(0x8000_0000);
        assert_eq!(long[..len], *b"\xff\xff\xff\xff\0\0\0\0\x80\0\0\0");
        assert_eq!(messages(b"\xff\xff\xff\xff\0\0\0\0\0\0\0\x01x", 3, 9).unwrap(), [b"x"]);
    }

    #[test]
    fn what_is_no_message_or_too_long_is_refused() {
        let kind = |bytes: &[u8]| messages(bytes, 1, 9).unwrap_err().kind();
        assert_eq!(kind(b"\xff\xff\xff\xfe"), ErrorKind::Decode);
        assert_eq!(kind(b"\x80\0\0\0"), ErrorKind::Decode);
        assert_eq!(kind(b"GET / HTTP"), ErrorKind::BufferTooShort);
        assert_eq!(kind(b"\0\0\0\x0a"), ErrorKind::BufferTooShort);
        assert_eq!(kind(&[0xff; 12]), ErrorKind::BufferTooShort);
    }

    #[test]
    fn a_head_alone_takes_no_memory() {
        let mut incoming = Incoming::new(usize::MAX);
        incoming.room().unwrap().copy_from_slice(b"\x7f\xff\xff\xff");
        assert!(incoming.came(4).unwrap().is_none());
        assert_eq!(incoming.room().unwrap().len(), super::STEP);
    }
}
