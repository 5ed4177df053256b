//! How an answer says whether all went well, and what did not. What else it says is in `wire`.

use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, RemotePanic, Result};
use crate::manager::wire::{Message, Reader};
use crate::protocol::message::PanicReport;

/// What an answer begins with if all is well.
pub(super) const OK: u8 = 0;
const CODES: [(u8, ErrorKind); 13] = [
    (1, ErrorKind::InvalidArgument),
    (2, ErrorKind::NotFound),
    (3, ErrorKind::Broken),
    (4, ErrorKind::Encode),
    // Of queues and locks, for those who cannot reach them.
    (32, ErrorKind::Full),
    (33, ErrorKind::Empty),
    (34, ErrorKind::Closed),
    (35, ErrorKind::NotOwner),
    (36, ErrorKind::Unsupported),
    (37, ErrorKind::Disconnected),
    (38, ErrorKind::Truncated),
    (39, ErrorKind::Decode),
    (40, ErrorKind::AlreadyExists),
];
const REMOTE: u8 = 5;
const PANICKED: u8 = 6;
/// The error follows, whole.
const WHOLE: u8 = 7;

/// What a call of a method gives that is not there.
pub(super) fn no_method(number: u16) -> Error {
    Error::new(ErrorKind::Remote, format!("the object has no method {number}"))
}

/// Makes an answer of what went wrong.
pub(super) fn write_error(message: &mut Message, error: &Error) {
    let known = CODES.iter().find(|(_, kind)| *kind == error.kind());
    message.bytes.clear();
    message.attachments = Attachments::NONE;
    message.u8(known.map_or(REMOTE, |(code, _)| *code)).text(&error.to_string());
}

/// Makes an answer of a panic in `what`, on the server of that name.
pub(super) fn write_panic(message: &mut Message, what: &str, report: PanicReport, server: &str) {
    let PanicReport { message: text, location, backtrace } = report;
    message.bytes.clear();
    message.attachments = Attachments::NONE;
    message.u8(PANICKED).text(what).text(server).text(&text).text(&location);
    message.text(&backtrace.unwrap_or_default());
}

/// Makes an answer of an error with all that it has: of a task, which may have panicked or been killed.
pub(super) fn write_whole(message: &mut Message, error: &Error) {
    write_error(message, error);
    let mut whole = Message::default();
    if whole.u8(WHOLE).value(error).is_ok() {
        *message = whole;
    }
}

fn read_panic(answer: &mut Reader<'_>) -> Result<Error> {
    let (what, server) = (answer.text()?, answer.text()?.to_owned());
    let (text, location) = (answer.text()?.to_owned(), answer.text()?.to_owned());
    let backtrace = Some(answer.text()?.to_owned()).filter(|text| !text.is_empty());
    let panic = RemotePanic::new(text, location, backtrace, server);
    Ok(Error::panicked(&format!("method {what}"), panic))
}

/// The error that an answer is, if it is one.
pub(super) fn read_status(answer: &mut Reader<'_>) -> Result<()> {
    match answer.u8()? {
        OK => Ok(()),
        PANICKED => Err(read_panic(answer)?),
        WHOLE => Err(answer.value()?),
        code => {
            let known = CODES.iter().find(|(number, _)| *number == code);
            let kind = known.map_or(ErrorKind::Remote, |(_, kind)| *kind);
            Err(Error::new(kind, answer.text()?))
        }
    }
}
