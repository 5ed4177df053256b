//! Doors for the fuzzers of `fuzz/`, in builds for them only: each takes any bytes where another process could have written
//! them, and returns. What it finds is not looked at; it must not panic, hang or read where nothing is.

use crate::codec::{self, Aside};
use crate::commons::{Block, BlockAt, Hold, Kind, Role, Sent};
use crate::custody::{Attachments, Fd};
use crate::manager;
use crate::protocol::handshake as start;
use crate::protocol::message::Reply;
use crate::protocol::post::{self, Mail, Parcel};
use crate::socket::fuzz;
use crate::sys::memory::Memory;
use crate::sys::socket;
use crate::transport::board::Board;
use crate::transport::bytes::Bytes;
use crate::transport::ring::{self, Reader};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::LazyLock;
use std::sync::atomic::Ordering::Relaxed;

#[derive(Debug, Serialize, Deserialize)]
enum Tree {
    Leaf(i64),
    Pair(Box<(Self, Self)>),
    Named { name: String, items: Vec<Self> },
    Nothing,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "what counts is that it decodes or does not")]
struct Borrowing<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
    bytes: &'a [u8],
    number: Option<f64>,
}

fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) {
    let _ = black_box(codec::decode::<T>(bytes).is_ok());
}

/// A number within others: of a sequence of numbers it is decoded from its bytes.
#[derive(Debug, Serialize, Deserialize)]
struct Wrapped(Option<i16>);

/// The items of a sequence, of whatever kind the bytes say it is.
fn items<T: for<'x> Deserialize<'x>>(bytes: &[u8]) {
    let mut items = codec::Items::new(bytes, Attachments::default());
    let mut aside = Aside::default();
    while let Some(item) = items.next::<T>(&mut aside) {
        let _ = black_box(item.is_ok());
    }
}

/// Calls of a manager's objects from elsewhere, and answers to them.
pub fn calls(bytes: &[u8]) {
    manager::fuzz(bytes);
}

/// A value's bytes.
pub fn value(bytes: &[u8]) {
    decode::<Tree>(bytes);
    decode::<Borrowing<'_>>(bytes);
    decode::<BTreeMap<String, Vec<(u8, i128, char)>>>(bytes);
    decode::<Vec<()>>(bytes);
    decode::<Vec<Vec<u8>>>(bytes);
    decode::<(bool, f32, [u64; 3], Result<u8, String>)>(bytes);
    decode::<Vec<Fd<OwnedFd>>>(bytes);
    items::<(u32, Cow<'_, str>)>(bytes);
    items::<u64>(bytes);
    items::<f32>(bytes);
    items::<Wrapped>(bytes);
}

/// The reply of a task, and the file with which a child starts.
pub fn message(bytes: &[u8]) {
    if let Ok(reply) = Reply::parse(bytes) {
        let _ = black_box(reply.into_result("task", "worker").is_ok());
    }
    let mut reply = Bytes::from(bytes.to_vec());
    drop(black_box(Attachments::keeping(&Reply::take_objects(&mut reply))));
    if let Ok(memory) = Memory::with_len("fuzz", bytes.len() as u64)
        && memory.write(0, bytes).is_ok()
        && let Ok((header, layout)) = start::read(&memory)
    {
        let _ = black_box(start::parse(&header).is_ok());
        let _ = black_box(start::read_reply(&memory, layout).is_ok());
        let _ = black_box(start::read_objects(&memory, layout).is_ok());
    }
}

/// Messages on the socket between a child and its parent, of 20 bytes each.
pub fn mail(bytes: &[u8]) {
    let Ok((one, other)) = socket::pair() else { return };
    let mut parcel = Parcel::default();
    for message in bytes.chunks(20).take(64) {
        let null = std::fs::File::open("/dev/null").map(OwnedFd::from);
        let descriptors: Vec<_> = null.into_iter().take(usize::from(message[0] & 1)).collect();
        if socket::send(one.as_fd(), message, &descriptors, false).is_err() {
            return;
        }
        if let Ok(Mail::Part(_, part)) = post::receive(other.as_fd(), false)
            && parcel.add(part).is_ok_and(|whole| whole)
        {
            let _ = black_box(std::mem::take(&mut parcel).open().is_ok());
        }
    }
}

/// A ring of results, of which the writer has scribbled over the beginning and the first records.
pub fn ring(bytes: &[u8]) {
    let Ok(memory) = ring::create() else { return };
    let (control, records) = bytes.split_at(bytes.len().min(512));
    if memory.write(0, control).is_err() || memory.write(4096, records).is_err() {
        return;
    }
    let Ok(mut reader) = Reader::map(memory) else { return };
    while !reader.is_empty() && reader.pop_all(|record| _ = black_box(record.body.len())).is_ok() {}
    let _ = black_box((reader.pop_unfinished().is_some(), reader.pop_intended().is_some()));
}

/// The board of a pool, scribbled over by a worker.
pub fn board(bytes: &[u8]) {
    let Ok(memory) = Board::create() else { return };
    let len = memory.len().unwrap_or(0);
    let fits = usize::try_from(len).unwrap_or(0).min(bytes.len());
    let Ok(board) = Board::map(&memory) else { return };
    if memory.write(0, &bytes[..fits]).is_err() {
        return;
    }
    for slot in 0..8 {
        let word = board.read(slot);
        let _ = black_box(board.claim(slot, word, 3));
        let _ = black_box(board.begin(slot, word.generation, 3));
        let _ = black_box(board.withdraw(slot, word.generation));
    }
    for seat in 0..4 {
        let _ = black_box((board.work_of(seat), board.clock_of(seat), board.retires(seat)));
        board.clear_seat(seat);
    }
    let _ = black_box((board.any_filled(), board.any_parked()));
    board.wake_all(0..4);
}

/// An object that processes share, its head and its list of holders scribbled over; and its handle made up.
pub fn commons(bytes: &[u8]) {
    static WINDOW: LazyLock<Option<Hold>> =
        LazyLock::new(|| Hold::new(Kind::Array, Role::ANY, 64).ok());
    if WINDOW.is_none() {
        return;
    }
    let Ok(hold) = Hold::new(Kind::Lock, Role::ANY, 64) else { return };
    let Ok((sent, transit)) = hold.send(false) else { return };
    let Ok(block) = Block::new(64) else { return };
    let at = block.at();
    for (at, word) in bytes.chunks_exact(8).take(24).enumerate() {
        let word = u64::from_le_bytes(std::array::from_fn(|byte| word[byte]));
        // The head lies before the object.
        hold.scribble(at, word);
    }
    let _ = black_box((hold.has_holder(Role::ANY), hold.as_role(Role::SENDER).is_ok()));
    if let Ok(made_up) = codec::decode::<Sent>(bytes) {
        let _ = black_box(made_up.take(Kind::Lock).is_ok());
        drop(black_box(made_up.keep(Kind::Lock)));
        made_up.forget(Kind::Lock);
    }
    let _ = black_box(sent.take(Kind::Lock).is_ok());
    sent.forget(Kind::Lock);
    if let Some(word) = bytes.first_chunk::<8>() {
        let offset = u64::from_le_bytes(*word) & ((1 << 43) - 1);
        let _ = black_box(Block::open(BlockAt { offset, generation: at.generation }).is_some());
    }
    let _ = black_box(hold.u32(0).load(Relaxed));
    drop((hold, transit));
    block.free();
}

/// Messages between programs.
pub fn frames(bytes: &[u8]) {
    fuzz::frames(bytes);
}

/// The handshake between programs.
pub fn handshake(bytes: &[u8]) {
    fuzz::handshake(bytes);
}

/// A queue that a peer has scribbled over: which word, and what with, is in nine bytes each; then it is used.
pub fn lane(bytes: &[u8]) {
    crate::channel::fuzz(bytes);
}
