//! The messages on the socket between a child and its parent: descriptors that belong to a value whose bytes travel
//! elsewhere. Which value, and who answers, is for `child` and `pool`.
//!
//! ```text
//! | kind | slot | generation | total | here |   five words of 32 bits, little-endian; beside them, the descriptors
//! ```
//!
//! A parcel of more descriptors than one message takes comes in several, in order.

use crate::custody::{self, Attachments};
use crate::sys::socket::{self, Received};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

const ASK: u32 = 1;
const PARCEL: u32 = 2;
const LEAVE: u32 = 3;
const LENGTH: usize = 20;

/// Which value: the slot and generation of a pool's call; zero for a process's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Address {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

/// One message, read and checked.
#[derive(Debug)]
pub(crate) enum Mail {
    /// A worker asks for the descriptors of the call that it has begun.
    Ask(Address),
    /// A part of a value's descriptors.
    Part(Address, Part),
    /// A worker has run its last task.
    Leave,
    /// No message is there now.
    Nothing,
    /// No message is there, and none will come.
    End,
}

/// What one message brings of a parcel.
#[derive(Debug)]
pub(crate) struct Part {
    total: usize,
    here: usize,
    descriptors: Vec<OwnedFd>,
}

/// A value's descriptors, as far as they have come.
#[derive(Debug, Default)]
pub(crate) struct Parcel {
    descriptors: Vec<OwnedFd>,
    seen: usize,
    /// How many there are to be, once the first part has said so.
    total: Option<usize>,
}

impl Part {
    /// Whether the parcel that it begins is empty: what was sent before it stays unfinished.
    pub(crate) fn is_of_nothing(&self) -> bool {
        self.total == 0
    }
}

impl Parcel {
    /// Adds what came next; true when that was the last part.
    ///
    /// # Errors
    ///
    /// If there is more than was announced, or something else.
    pub(crate) fn add(&mut self, part: Part) -> io::Result<bool> {
        self.seen += part.here;
        self.descriptors.extend(part.descriptors);
        let total = *self.total.get_or_insert(part.total);
        if total != part.total || self.seen > total {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(self.is_whole())
    }

    /// Whether all has come that was announced.
    pub(crate) fn is_whole(&self) -> bool {
        self.total == Some(self.seen)
    }

    /// The descriptors, if none was lost on the way.
    ///
    /// # Errors
    ///
    /// If this process had no numbers left for all of them.
    pub(crate) fn open(self) -> io::Result<Attachments> {
        if self.descriptors.len() < self.seen {
            return Err(socket::no_numbers());
        }
        Ok(self.descriptors.into())
    }
}

/// Asks the parent for the descriptors of a call.
pub(crate) fn ask(socket: BorrowedFd<'_>, of: Address) -> io::Result<()> {
    socket::send::<OwnedFd>(socket, &message(ASK, of, 0, 0), &[], true)
}

/// Tells the parent that this worker has run its last task.
pub(crate) fn leave(socket: BorrowedFd<'_>) -> io::Result<()> {
    socket::send::<OwnedFd>(socket, &message(LEAVE, Address::default(), 0, 0), &[], true)
}

/// Sends a value's descriptors; without waiting for the other side if `wait` is false.
pub(crate) fn send(
    socket: BorrowedFd<'_>,
    of: Address,
    attachments: Attachments,
    wait: bool,
) -> io::Result<()> {
    let descriptors = attachments.into_descriptors();
    let total = descriptors.len();
    if total == 0 {
        return socket::send::<OwnedFd>(socket, &message(PARCEL, of, 0, 0), &[], wait);
    }
    for part in descriptors.chunks(socket::MOST) {
        socket::send(socket, &message(PARCEL, of, total, part.len()), part, wait)?;
    }
    Ok(())
}

/// Takes the next message.
///
/// # Errors
///
/// `InvalidData` for one that nobody sends.
pub(crate) fn receive(socket: BorrowedFd<'_>, wait: bool) -> io::Result<Mail> {
    let message = match socket::receive::<LENGTH>(socket, wait)? {
        Received::Nothing => return Ok(Mail::Nothing),
        Received::End => return Ok(Mail::End),
        Received::Message(message) => message,
    };
    let (words, _) = message.bytes.as_chunks::<4>();
    let [kind, slot, generation, total, here] =
        std::array::from_fn(|at| words.get(at).copied().map_or(0, u32::from_le_bytes));
    let of = Address { slot, generation };
    let (total, here) = (to_usize(total), to_usize(here));
    let came = message.descriptors.len();
    let whole = came == here || message.cut && came < here;
    match kind {
        ASK if came == 0 => Ok(Mail::Ask(of)),
        LEAVE if came == 0 => Ok(Mail::Leave),
        PARCEL if whole && here <= total && total <= custody::MOST => {
            Ok(Mail::Part(of, Part { total, here, descriptors: message.descriptors }))
        }
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn to_usize(word: u32) -> usize {
    usize::try_from(word).unwrap_or(usize::MAX)
}

fn message(kind: u32, of: Address, total: usize, here: usize) -> [u8; LENGTH] {
    let count = |count| u32::try_from(count).unwrap_or(u32::MAX);
    let words = [kind, of.slot, of.generation, count(total), count(here)];
    let mut bytes = [0; LENGTH];
    let (places, _) = bytes.as_chunks_mut::<4>();
    places.iter_mut().zip(words).for_each(|(place, word)| *place = word.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::{Address, Mail, Parcel, ask, receive, send};
    use crate::custody::Attachments;
    use crate::sys::socket::{self, pair};
    use std::fs::File;
    use std::os::fd::{AsFd, OwnedFd};

    const OF: Address = Address { slot: 3, generation: 7 };

    fn nulls(count: usize) -> Attachments {
        let null = || OwnedFd::from(File::open("/dev/null").unwrap());
        (0..count).map(|_| null()).collect::<Vec<_>>().into()
    }

    #[test]
    fn a_parcel_of_several_messages_comes_whole() {
        let (one, other) = pair().unwrap();
        for count in [0, 1, 253, 254, 600] {
            send(one.as_fd(), OF, nulls(count), false).unwrap();
            let mut parcel = Parcel::default();
            loop {
                let Mail::Part(of, part) = receive(other.as_fd(), false).unwrap() else {
                    panic!("a part is missing");
                };
                assert_eq!(of, OF);
                if parcel.add(part).unwrap() {
                    break;
                }
            }
            assert_eq!(parcel.open().unwrap().len(), count);
            assert!(matches!(receive(other.as_fd(), false).unwrap(), Mail::Nothing));
        }
        ask(one.as_fd(), OF).unwrap();
        assert!(matches!(receive(other.as_fd(), false).unwrap(), Mail::Ask(OF)));
        drop(one);
        assert!(matches!(receive(other.as_fd(), false).unwrap(), Mail::End));
    }

    #[test]
    fn what_nobody_sends_is_an_error() {
        let (one, other) = pair().unwrap();
        let words = |words: [u32; 5]| words.map(u32::to_le_bytes).concat();
        for (bytes, descriptors) in [
            (words([9, 0, 0, 0, 0]), 0),
            (words([1, 0, 0, 0, 0]), 1),
            (words([2, 0, 0, 1, 2]), 2),
            (words([2, 0, 0, 2, 2]), 1),
            (words([2, 0, 0, u32::MAX, 1]), 1),
            (vec![2], 0),
        ] {
            let descriptors = nulls(descriptors).into_descriptors();
            socket::send(one.as_fd(), &bytes, &descriptors, false).unwrap();
            assert!(receive(other.as_fd(), false).is_err(), "{bytes:?}");
        }
    }
}
