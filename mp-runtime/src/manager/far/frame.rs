//! What goes over the socket between a manager's server and a client elsewhere, as bytes: a call as at the door, and beside it
//! the numbers of the objects in its values. What is called is for both sides.
//!
//! ```text
//! hello:   "mp-mgr 1" | the client, 16 bytes           its answer: 0 | the server's number
//! request: how many numbers | object | method | arguments | numbers
//! answer:  how many numbers 4 | locks that the connection has 4 | numbers | 0, or what went wrong | the rest
//! ```

use crate::error::{Error, ErrorKind, Result};
use crate::manager::wire::Reader;
use crate::socket::MESSAGE_MAX;

/// What a client says first, with the format's version.
pub(in crate::manager) const HELLO: &[u8; 8] = b"mp-mgr 1";

/// The methods of the server itself that only clients elsewhere call.
pub(in crate::manager) mod method {
    /// Gives references back; it has no answer.
    pub(in crate::manager) const RELEASE: u16 = 32;
}

/// The methods of queues and locks, which other clients use without the server.
pub(in crate::manager) mod direct {
    pub(in crate::manager) const PUT: u16 = 1;
    pub(in crate::manager) const GET: u16 = 2;
    pub(in crate::manager) const LEN: u16 = 3;
    pub(in crate::manager) const CAPACITY: u16 = 4;
    pub(in crate::manager) const TASK_DONE: u16 = 5;
    pub(in crate::manager) const JOIN: u16 = 6;
    pub(in crate::manager) const CLOSE: u16 = 7;
    pub(in crate::manager) const ACQUIRE: u16 = 8;
    pub(in crate::manager) const RELEASE: u16 = 9;
    pub(in crate::manager) const IS_TAKEN: u16 = 10;
    pub(in crate::manager) const FREE: u16 = 11;
    pub(in crate::manager) const SET: u16 = 12;
    pub(in crate::manager) const CLEAR: u16 = 13;
    pub(in crate::manager) const IS_SET: u16 = 14;
    pub(in crate::manager) const WAIT: u16 = 15;
    pub(in crate::manager) const NOTIFY: u16 = 16;
    pub(in crate::manager) const ABORT: u16 = 17;
    pub(in crate::manager) const RESET: u16 = 18;
    pub(in crate::manager) const IS_BROKEN: u16 = 19;
    pub(in crate::manager) const WAITING: u16 = 20;
    pub(in crate::manager) const PARTIES: u16 = 21;
}

/// Where in a request the object stands.
const OBJECT: std::ops::Range<usize> = 8..16;

/// Makes a frame of a request as it was written for the door.
pub(in crate::manager) fn finish(mut request: Vec<u8>, object: u64, numbers: &[u64]) -> Vec<u8> {
    if let Some(count) = request.first_chunk_mut() {
        *count = (numbers.len() as u64).to_le_bytes();
    }
    if let Some(place) = request.get_mut(OBJECT) {
        place.copy_from_slice(&object.to_le_bytes());
    }
    numbers.iter().for_each(|number| request.extend_from_slice(&number.to_le_bytes()));
    request
}

fn malformed() -> Error {
    let text = "what came is no call of a manager's, or no answer to one";
    Error::new(ErrorKind::Remote, text)
}

/// Sees that the other side will take it: else that would end the connection, and with the last one go a client's objects.
///
/// # Errors
///
/// `Encode` if it is too long.
pub(in crate::manager) fn expect_fit(frame: &[u8]) -> Result<()> {
    let len = frame.len();
    if len > MESSAGE_MAX {
        let text = format!(
            "{len} bytes are too many for a call of a manager of another program, or for its answer: at most \
             {MESSAGE_MAX} go at once"
        );
        return Err(Error::new(ErrorKind::Encode, text));
    }
    Ok(())
}

fn read_numbers(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect()
}

/// A request as it has come.
#[derive(Debug)]
pub(in crate::manager) struct Request<'a> {
    pub(in crate::manager) object: u64,
    pub(in crate::manager) method: u16,
    pub(in crate::manager) arguments: &'a [u8],
    pub(in crate::manager) numbers: Vec<u64>,
}

impl<'a> Request<'a> {
    pub(in crate::manager) fn read(frame: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(frame);
        let (count, object, method) = (reader.len()?, reader.u64()?, reader.u16()?);
        let rest = reader.rest();
        let numbers = count.checked_mul(8).and_then(|len| rest.len().checked_sub(len));
        let (arguments, numbers) = rest.split_at(numbers.ok_or_else(malformed)?);
        Ok(Self { object, method, arguments, numbers: read_numbers(numbers) })
    }
}

/// An answer as it has come.
#[derive(Debug)]
pub(in crate::manager) struct Answer<'a> {
    /// How many locks the thread has that serves this connection.
    pub(in crate::manager) owned: u32,
    pub(in crate::manager) numbers: Vec<u64>,
    pub(in crate::manager) body: &'a [u8],
}

impl<'a> Answer<'a> {
    pub(in crate::manager) fn read(frame: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(frame);
        let (count, owned) = (reader.u32()?, reader.u32()?);
        let rest = reader.rest();
        let len = usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(8);
        let (numbers, body) = rest.split_at_checked(len).ok_or_else(malformed)?;
        Ok(Self { owned, numbers: read_numbers(numbers), body })
    }

    pub(in crate::manager) fn write(&self) -> Vec<u8> {
        let mut frame = Vec::with_capacity(8 + 8 * self.numbers.len() + self.body.len());
        let count = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        frame.extend_from_slice(&count.to_le_bytes());
        frame.extend_from_slice(&self.owned.to_le_bytes());
        self.numbers.iter().for_each(|number| frame.extend_from_slice(&number.to_le_bytes()));
        frame.extend_from_slice(self.body);
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Request, finish};

    #[test]
    fn requests_and_answers_come_as_they_were() {
        let written = [&[0; 16][..], &7_u16.to_le_bytes(), b"arguments"].concat();
        let frame = finish(written, 9, &[1, 2]);
        let read = Request::read(&frame).unwrap();
        assert_eq!((read.object, read.method, read.arguments), (9, 7, &b"arguments"[..]));
        assert_eq!(read.numbers, [1, 2]);
        let frame = Answer { owned: 3, numbers: vec![0, 5], body: b"body" }.write();
        let read = Answer::read(&frame).unwrap();
        assert_eq!((read.owned, read.body), (3, &b"body"[..]));
        assert_eq!(read.numbers, [0, 5]);
    }

    #[test]
    fn counts_that_are_made_up_are_refused() {
        let request =
            |count: u64| Request::read(&[&count.to_le_bytes()[..], &[0; 18]].concat()).is_ok();
        assert!(request(0) && request(1));
        assert!(!request(2) && !request(u64::MAX) && !request(1 << 61));
        assert!(Request::read(&[0; 17]).is_err());
        let answer =
            |count: u32| Answer::read(&[&count.to_le_bytes()[..], &[0; 12]].concat()).is_ok();
        assert!(answer(1) && !answer(2) && !answer(u32::MAX));
    }
}
