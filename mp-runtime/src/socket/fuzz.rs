//! What the fuzzers do with any bytes as messages on a stream and as the other side of a handshake. Built for them only.

use crate::socket::auth::{Digests, Handshake, MESSAGE_MAX, Side};
use crate::socket::frame::{Incoming, head};

/// The longest message here, so that the fuzzer finds longer ones.
const MOST: usize = 200;

/// The messages in `bytes`, which come in pieces, and whether they ended in an error.
fn messages(
    mut bytes: &[u8],
    most: usize,
    mut piece: impl FnMut() -> usize,
) -> (Vec<Vec<u8>>, bool) {
    let mut incoming = Incoming::new(most);
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let Ok(room) = incoming.room() else { return (messages, true) };
        assert!(!room.is_empty());
        let count = room.len().min(piece().max(1)).min(bytes.len());
        room[..count].copy_from_slice(&bytes[..count]);
        bytes = &bytes[count..];
        match incoming.came(count) {
            Ok(message) => messages.extend(message),
            Err(_) => return (messages, true),
        }
    }
    (messages, false)
}

/// A stream that comes in pieces holds what it holds at once, and what was read is written the same.
pub(crate) fn frames(bytes: &[u8]) {
    let (seed, bytes) = bytes.split_at(bytes.len().min(4));
    let mut pieces = seed.iter().cycle();
    let whole = messages(bytes, MOST, || usize::MAX);
    assert_eq!(whole, messages(bytes, MOST, || pieces.next().copied().unwrap_or(1).into()));
    let mut again = Vec::new();
    for message in &whole.0 {
        assert!(message.len() <= MOST);
        let (head, len) = head(message.len());
        again.extend_from_slice(&head[..len]);
        again.extend_from_slice(message);
    }
    assert_eq!(messages(&again, MOST, || usize::MAX), (whole.0, false));
}

/// A side that gets anything, but for messages that begin with `!`, in whose place comes what a right other side
/// would say. It lets in only one whom it has heard say all of that.
pub(crate) fn handshake(bytes: &[u8]) {
    let (first, bytes) = bytes.split_at(bytes.len().min(1));
    let flags = first.first().copied().unwrap_or(0);
    let (side, other) = match flags & 1 {
        0 => (Side::Listener, Side::Client),
        _ => (Side::Client, Side::Listener),
    };
    let digests = if flags & 2 == 0 { Digests::Sha256 } else { Digests::Md5Too };
    let mut one = Handshake::new("secret".into(), side, digests);
    let mut right = Handshake::new("secret".into(), other, Digests::Sha256);
    let (Ok(said), Ok(mut answer)) = (one.begin(), right.begin()) else { return };
    if let Some(said) = said {
        answer = right.receive(&said).ok().and_then(|step| step.send);
    }
    let mut rights = 0;
    for message in messages(bytes, MESSAGE_MAX, || usize::MAX).0 {
        let message = match message.first() {
            Some(b'!') => {
                rights += 1;
                answer.take().unwrap_or_default()
            }
            _ => message,
        };
        let Ok(step) = one.receive(&message) else { return };
        assert!(!step.done || rights >= 1, "it let somebody in who never had the key");
        if step.done {
            return;
        }
        if let Some(said) = step.send {
            assert!(said.len() <= MESSAGE_MAX);
            answer = right.receive(&said).ok().and_then(|step| step.send);
        }
    }
}
