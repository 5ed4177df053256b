//! What a task's outcome is as bytes, and the names by which tasks are asked for. Not how outcomes come about.

use crate::codec::{self, Kind};
use crate::commons::{self, Sent};
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, RemotePanic, Result};
use crate::transport::bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::io;

/// A task by name and place: functions nested in two tests share a module path, and two versions
/// of one crate share all but the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct TaskKey<'a> {
    pub(crate) name: &'a str,
    pub(crate) type_name: &'a str,
    pub(crate) file: &'a str,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// A panic as the process that had it reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PanicReport {
    pub(crate) message: String,
    pub(crate) location: String,
    pub(crate) backtrace: Option<String>,
}

/// Why a process could not begin its task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hindrance {
    pub(crate) text: String,
    /// The system's error number, where it was the system that refused.
    pub(crate) system: Option<i32>,
}

/// A task's outcome. As bytes: one for the variant, then the value's own bytes, the report, or the text. Behind a value
/// with objects in it stands which these are, and how long that list is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply<'a> {
    /// The task returned; these are the value's bytes.
    Value(&'a [u8]),
    /// The same, and the value's descriptors travel beside them.
    Attached(&'a [u8]),
    Panicked(PanicReport),
    /// The task returned, and its value could not be encoded.
    NotEncoded(&'a str),
    /// The arguments could not be decoded.
    NotDecoded(&'a str),
    /// The same, since what a handle in them stands for is there no more.
    NotFound(&'a str),
    /// There is no such task.
    Unknown(&'a str),
    /// The process did not get as far as the task.
    NotBegun(Hindrance),
}

const VALUE: u8 = 0;
const PANICKED: u8 = 1;
const NOT_ENCODED: u8 = 2;
const NOT_DECODED: u8 = 3;
const UNKNOWN: u8 = 4;
const ATTACHED: u8 = 5;
const ITEMS: u8 = 6;
const NOT_BEGUN: u8 = 7;
const NOT_FOUND: u8 = 8;
/// Beside VALUE or ATTACHED: a list of objects follows.
const WITH_OBJECTS: u8 = 16;

/// Where the sequence of values of several items begins: behind the variant's byte and how long running them took.
pub(crate) const ITEMS_AT: usize = 9;
/// What stands before those values: this, and of what kind they are.
pub(crate) const ITEMS_HEAD: usize = ITEMS_AT + 1;

impl<'a> Reply<'a> {
    /// Appends a value's reply, the value encoded in place.
    pub(crate) fn write_value<T: Serialize + 'static>(
        value: &T,
        out: &mut Vec<u8>,
        attachments: &mut Attachments,
    ) -> Result<()> {
        let start = out.len();
        out.push(VALUE);
        codec::encode_value(value, out, attachments).inspect_err(|_| out.truncate(start))?;
        if attachments.is_empty() {
            return Ok(());
        }
        out[start] = Self::value_tag(attachments);
        write_objects(out, attachments).inspect_err(|_| out.truncate(start))
    }

    /// What stands before a value with these attachments.
    fn value_tag(attachments: &Attachments) -> u8 {
        let objects = if attachments.has_objects() { WITH_OBJECTS } else { 0 };
        let value = if attachments.has_descriptors() { ATTACHED } else { VALUE };
        value | objects
    }

    /// Appends this reply.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let (tag, bytes) = match self {
            Self::Value(bytes) => (VALUE, *bytes),
            Self::Attached(bytes) => (ATTACHED, *bytes),
            Self::NotEncoded(text) => (NOT_ENCODED, text.as_bytes()),
            Self::NotDecoded(text) => (NOT_DECODED, text.as_bytes()),
            Self::NotFound(text) => (NOT_FOUND, text.as_bytes()),
            Self::Unknown(text) => (UNKNOWN, text.as_bytes()),
            Self::Panicked(report) => {
                out.push(PANICKED);
                codec::encode(report, out).expect("three strings always encode");
                return;
            }
            Self::NotBegun(hindrance) => {
                out.push(NOT_BEGUN);
                codec::encode(hindrance, out).expect("a string and a number always encode");
                return;
            }
        };
        out.push(tag);
        out.extend_from_slice(bytes);
    }

    /// The reply to arguments that did not decode for this reason; `text` is the reason's.
    pub(crate) fn not_decoded(kind: ErrorKind, text: &'a str) -> Self {
        match kind {
            ErrorKind::NotFound => Self::NotFound(text),
            _ => Self::NotDecoded(text),
        }
    }

    /// What stands before the values of several items, which took `nanos` together.
    pub(crate) fn items_head(nanos: u64, kind: Kind) -> [u8; ITEMS_HEAD] {
        let mut head = [ITEMS; ITEMS_HEAD];
        head[1..ITEMS_AT].copy_from_slice(&nanos.to_le_bytes());
        head[ITEMS_AT] = kind as u8;
        head
    }

    /// How long they took, if these bytes are the values of several items.
    pub(crate) fn items_nanos(bytes: &[u8]) -> Option<u64> {
        let (tag, rest) = bytes.split_first()?;
        let nanos = rest.first_chunk().copied().map(u64::from_le_bytes)?;
        (*tag == ITEMS).then_some(nanos)
    }

    /// The reply of one item whose value has handles in it.
    pub(crate) fn attached_item(value: &[u8], attachments: &Attachments) -> Result<Vec<u8>> {
        let tag = Self::value_tag(attachments);
        let mut reply = [&[tag, Kind::Measured as u8], value].concat();
        write_objects(&mut reply, attachments)?;
        Ok(reply)
    }

    /// Takes what is said of the objects in a value off its reply, if there are any. What cannot be read is
    /// left to [`parse`](Self::parse).
    pub(crate) fn take_objects(reply: &mut Bytes) -> Vec<(commons::Kind, Sent)> {
        match objects(reply) {
            Some(Ok((objects, end))) => {
                let first = reply.first().map_or(VALUE, |tag| tag & !WITH_OBJECTS);
                reply.cut(end, first);
                objects
            }
            Some(Err(_)) | None => Vec::new(),
        }
    }

    /// Whether a reply that begins so may have objects in its value.
    pub(crate) fn may_have_objects(first: u8) -> bool {
        first & WITH_OBJECTS != 0
    }

    /// Whether these bytes are the reply of a task that panicked.
    pub(crate) fn is_panic(bytes: &[u8]) -> bool {
        bytes.first() == Some(&PANICKED)
    }

    /// Whether these bytes are the reply of a value whose descriptors travel beside it.
    pub(crate) fn is_attached(bytes: &[u8]) -> bool {
        bytes.first().is_some_and(|tag| tag & !WITH_OBJECTS == ATTACHED)
    }

    /// Reads what another process wrote.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let (tag, rest) = bytes.split_first().ok_or_else(|| malformed("it is empty"))?;
        let text = || std::str::from_utf8(rest).map_err(|_| malformed("its text is not UTF-8"));
        if let Some(objects) = objects(bytes) {
            let (_, end) = objects?;
            let value = bytes.get(1..end).unwrap_or_default();
            return Ok(if Self::is_attached(bytes) {
                Self::Attached(value)
            } else {
                Self::Value(value)
            });
        }
        Ok(match *tag {
            VALUE => Self::Value(rest),
            ATTACHED => Self::Attached(rest),
            PANICKED => Self::Panicked(codec::decode(rest)?),
            NOT_ENCODED => Self::NotEncoded(text()?),
            NOT_DECODED => Self::NotDecoded(text()?),
            NOT_FOUND => Self::NotFound(text()?),
            UNKNOWN => Self::Unknown(text()?),
            NOT_BEGUN => Self::NotBegun(codec::decode(rest)?),
            other => return Err(malformed(&format!("its first byte is {other}"))),
        })
    }

    /// The value's bytes, or the error that the caller gets; `task` and `worker` are names.
    pub(crate) fn into_result(self, task: &str, worker: &str) -> Result<&'a [u8]> {
        Err(match self {
            Self::Value(bytes) | Self::Attached(bytes) => return Ok(bytes),
            Self::Panicked(PanicReport { message, location, backtrace }) => {
                let panic = RemotePanic::new(message, location, backtrace, worker.to_owned());
                Error::panicked(&format!("task {task}"), panic)
            }
            Self::NotEncoded(text) => Error::new(
                ErrorKind::Encode,
                format!("the result of task {task} could not be sent back: {text}"),
            ),
            Self::NotDecoded(text) => Error::new(
                ErrorKind::Decode,
                format!("the arguments of task {task} did not decode in {worker}: {text}"),
            ),
            Self::NotFound(text) => Error::new(
                ErrorKind::NotFound,
                format!("the arguments of task {task} did not decode in {worker}: {text}"),
            ),
            Self::Unknown(text) => {
                let text = format!("{worker} could not begin task {task}: {text}");
                Error::new(ErrorKind::UnknownTask, text)
            }
            Self::NotBegun(Hindrance { text, system }) => {
                let text = format!("{worker} could not begin task {task}: {text}");
                match system {
                    Some(number) => Error::io(text, io::Error::from_raw_os_error(number)),
                    None => Error::new(ErrorKind::Unsupported, text),
                }
            }
        })
    }
}

/// Appends what is said of the objects of a value, if it has any.
fn write_objects(out: &mut Vec<u8>, attachments: &Attachments) -> Result<()> {
    if !attachments.has_objects() {
        return Ok(());
    }
    let start = out.len();
    let sent: Vec<_> = attachments.sent().collect();
    codec::encode(&sent, out)?;
    let len = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    out.extend_from_slice(&len.to_le_bytes());
    Ok(())
}

/// Objects, and where in a reply their list begins.
type Listed = (Vec<(commons::Kind, Sent)>, usize);

/// What is said of the objects in a value; none if its reply is not one with objects.
fn objects(reply: &[u8]) -> Option<Result<Listed>> {
    let tag = *reply.first()?;
    if tag != VALUE | WITH_OBJECTS && tag != ATTACHED | WITH_OBJECTS {
        return None;
    }
    let list = || {
        let (rest, len) = reply.split_last_chunk()?;
        let end = rest.len().checked_sub(usize::try_from(u32::from_le_bytes(*len)).ok()?)?;
        (end > 0).then(|| Some((codec::decode(rest.get(end..)?), end))).flatten()
    };
    Some(match list() {
        Some((objects, end)) => objects.map(|objects| (objects, end)),
        None => Err(malformed("its list of objects")),
    })
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::Decode, format!("malformed reply: {what}"))
}

#[cfg(test)]
mod tests {
    use super::{Hindrance, PanicReport, Reply};
    use crate::commons::{Hold, Kind, Role};
    use crate::custody::Attachments;
    use crate::error::ErrorKind;
    use crate::transport::bytes::Bytes;

    #[test]
    fn every_reply_reads_as_it_was_written() {
        let report = PanicReport { message: "m".into(), location: "f:1:2".into(), backtrace: None };
        for reply in [
            Reply::Value(b"xy"),
            Reply::Attached(b"xy"),
            Reply::Panicked(report),
            Reply::NotEncoded("a"),
            Reply::NotDecoded("b"),
            Reply::NotFound("e"),
            Reply::Unknown("c"),
            Reply::NotBegun(Hindrance { text: "d".into(), system: Some(24) }),
        ] {
            let mut bytes = Vec::new();
            reply.write(&mut bytes);
            assert_eq!(Reply::parse(&bytes).unwrap(), reply);
        }
    }

    #[test]
    fn objects_are_taken_off_a_reply() {
        let hold = Hold::new(Kind::Event, Role::ANY, 64).unwrap();
        let mut attachments = Attachments::default();
        let sent = attachments.hold(&hold).unwrap();
        let mut reply = Bytes::from(Reply::attached_item(b"xyz", &attachments).unwrap());
        assert_eq!(Reply::parse(&reply).unwrap(), Reply::Value(b"\0xyz"));
        assert_eq!(Reply::take_objects(&mut reply), [(Kind::Event, sent)]);
        assert_eq!(Reply::parse(&reply).unwrap(), Reply::Value(b"\0xyz"));
        assert!(Reply::take_objects(&mut reply).is_empty());
    }

    #[test]
    fn a_malformed_reply_is_an_error() {
        let lists: [&[u8]; 5] = [
            &[16],
            &[16, 0, 0, 0],
            &[16, 1, 0, 0, 0],
            &[16, 200, 1, 0, 0, 0],
            &[21, 0, 5, 0, 0, 0],
        ];
        for bytes in
            lists.into_iter().chain([&b""[..], &[9], &[1, 200], &[2, 0xff], &[17, 0, 0, 0, 0]])
        {
            assert_eq!(Reply::parse(bytes).unwrap_err().kind(), ErrorKind::Decode);
        }
    }
}
