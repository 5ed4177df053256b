//! The messages between a process and its fork server: orders, each with descriptors, and an answer to each. How a child
//! is forked is in `child::serve`, who asks in `process::server`.
//!
//! ```text
//! | kind | total | here |   an order's part: three words of 32 bits, little-endian; beside them, `here` descriptors
//! | what | value | 0 |      an answer
//! ```
//!
//! The descriptors of a [`Fork`](Kind::Fork): bootstrap, lifeline, post, standard output and error, working directory,
//! then those of the arguments. Of a [`Preload`](Kind::Preload): bootstrap, in which the reply is left, then the same.

use crate::custody;
use crate::sys::socket::{self, Received};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

const LENGTH: usize = 12;
const FORK: u32 = 1;
const PRELOAD: u32 = 2;
const FORKED: u32 = 3;
const LOADED: u32 = 4;
const THREADS: u32 = 5;
const REFUSED: u32 = 6;

/// How many descriptors a fork takes before those of the arguments.
pub(crate) const FIXED: usize = 6;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Fork,
    Preload,
}

/// One order, as it came.
#[derive(Debug)]
pub(crate) enum Order {
    Do(Kind, Vec<OwnedFd>),
    /// This process had no numbers for all of its descriptors.
    Cut,
    /// Nobody is left who could give orders.
    End,
}

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// This is the child's pid.
    Forked(u32),
    /// The task was run; its reply lies in the bootstrap.
    Loaded,
    /// The server has more than one thread.
    Threads,
    /// The system refused, with this error number.
    Refused(i32),
}

/// Gives an order.
pub(crate) fn order(
    socket: BorrowedFd<'_>,
    kind: Kind,
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let kind = match kind {
        Kind::Fork => FORK,
        Kind::Preload => PRELOAD,
    };
    for part in descriptors.chunks(socket::MOST) {
        let words = [kind, count(descriptors.len()), count(part.len())];
        socket::send(socket, &message(words), part, true)?;
    }
    Ok(())
}

/// Waits for the next order.
///
/// # Errors
///
/// `InvalidData` for what nobody sends.
pub(crate) fn take_order(socket: BorrowedFd<'_>) -> io::Result<Order> {
    let (mut descriptors, mut seen) = (Vec::new(), 0);
    loop {
        let part = match socket::receive::<LENGTH>(socket, true)? {
            Received::Message(part) => part,
            Received::End => return Ok(Order::End),
            Received::Nothing => continue,
        };
        let [kind, total, here] = words(&part.bytes);
        let kind = match kind {
            FORK => Kind::Fork,
            PRELOAD => Kind::Preload,
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        let whole = count(part.descriptors.len()) == here || part.cut;
        seen += here;
        descriptors.extend(part.descriptors);
        if !whole || here == 0 || seen > total || total > count(custody::MOST + FIXED) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if seen == total && descriptors.len() < usize::try_from(total).unwrap_or(usize::MAX) {
            return Ok(Order::Cut);
        }
        if seen == total {
            return Ok(Order::Do(kind, descriptors));
        }
    }
}

/// Answers an order.
pub(crate) fn answer(socket: BorrowedFd<'_>, answer: Answer) -> io::Result<()> {
    let (what, value) = match answer {
        Answer::Forked(pid) => (FORKED, pid),
        Answer::Loaded => (LOADED, 0),
        Answer::Threads => (THREADS, 0),
        Answer::Refused(number) => (REFUSED, number.unsigned_abs()),
    };
    socket::send::<OwnedFd>(socket, &message([what, value, 0]), &[], true)
}

/// Takes the answer, if one is there.
pub(crate) fn take_answer(socket: BorrowedFd<'_>) -> io::Result<Option<Answer>> {
    let Received::Message(answer) = socket::receive::<LENGTH>(socket, false)? else {
        return Ok(None);
    };
    Ok(Some(match words(&answer.bytes) {
        [FORKED, pid, 0] if pid != 0 => Answer::Forked(pid),
        [LOADED, 0, 0] => Answer::Loaded,
        [THREADS, 0, 0] => Answer::Threads,
        [REFUSED, number, 0] => Answer::Refused(i32::try_from(number).unwrap_or(0)),
        _ => return Err(io::ErrorKind::InvalidData.into()),
    }))
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn words(bytes: &[u8; LENGTH]) -> [u32; 3] {
    let (words, _) = bytes.as_chunks::<4>();
    std::array::from_fn(|at| words.get(at).copied().map_or(0, u32::from_le_bytes))
}

fn message(words: [u32; 3]) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    let (places, _) = bytes.as_chunks_mut::<4>();
    places.iter_mut().zip(words).for_each(|(place, word)| *place = word.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::{Answer, Kind, Order, answer, message, order, take_answer, take_order};
    use crate::sys::socket;
    use std::fs::File;
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

    #[test]
    fn an_order_comes_whole_and_so_does_its_answer() {
        let (one, other) = socket::pair().unwrap();
        let null = File::open("/dev/null").unwrap();
        for (kind, count) in [(Kind::Preload, 1), (Kind::Fork, 6), (Kind::Fork, 600)] {
            let descriptors: Vec<BorrowedFd<'_>> = (0..count).map(|_| null.as_fd()).collect();
            order(one.as_fd(), kind, &descriptors).unwrap();
            let Order::Do(came, descriptors) = take_order(other.as_fd()).unwrap() else {
                panic!("there is one");
            };
            assert_eq!((came, descriptors.len()), (kind, count));
        }
        assert_eq!(take_answer(one.as_fd()).unwrap(), None);
        for sent in [Answer::Forked(7), Answer::Loaded, Answer::Threads, Answer::Refused(11)] {
            answer(other.as_fd(), sent).unwrap();
            assert_eq!(take_answer(one.as_fd()).unwrap(), Some(sent));
        }
        drop(one);
        assert!(matches!(take_order(other.as_fd()).unwrap(), Order::End));
    }

    #[test]
    fn what_nobody_sends_is_an_error() {
        let (one, other) = socket::pair().unwrap();
        for words in [[9, 1, 1], [1, 1, 0], [1, 0, 1], [1, u32::MAX, 1], [1, 1, 1]] {
            socket::send::<OwnedFd>(one.as_fd(), &message(words), &[], false).unwrap();
            assert!(take_order(other.as_fd()).is_err(), "{words:?}");
        }
        for words in [[9, 1, 0], [3, 0, 0], [3, 1, 1], [4, 1, 0]] {
            socket::send::<OwnedFd>(one.as_fd(), &message(words), &[], false).unwrap();
            assert!(take_answer(other.as_fd()).is_err(), "{words:?}");
        }
    }
}
