//! A worker's way of sending the outcomes of a chunk's items: put together in the ring as they come, so that what is done
//! is safe from the worker's death, and published together. What a chunk is, is in `owner`.

use crate::child::post;
use crate::codec::Kind;
use crate::commons;
use crate::custody::Attachments;
use crate::protocol::message::{ITEMS_HEAD, Reply};
use crate::protocol::post::Address;
use crate::sys::clock;
use crate::task::run::Sink;
use crate::transport::board::Board;
use crate::transport::ring::{PARTS, Room, Writer};
use std::time::Duration;

/// How long outcomes may lie unpublished.
const PATIENCE: Duration = Duration::from_millis(1);
/// A value larger than this has a record of its own.
const LARGEST: usize = PARTS - ITEMS_HEAD;
/// The clock is asked after so many items at least.
const RARELY: u32 = 64;

pub(super) struct Results<'a> {
    ring: &'a mut Writer,
    board: &'a Board,
    of: Address,
    /// Whether a record is open, of what kind its values are, and since when.
    open: Option<Kind>,
    since: Duration,
    /// How many items were added since the clock was asked, and after how many it is asked next.
    unasked: u32,
    ask_after: u32,
    /// The seat whose clock is run for each item, if they have a limit of time.
    timed: Option<usize>,
}

impl<'a> Results<'a> {
    pub(super) fn new(
        ring: &'a mut Writer,
        board: &'a Board,
        of: Address,
        timed: Option<usize>,
    ) -> Self {
        let since = clock::now();
        Self { ring, board, of, open: None, since, unasked: 0, ask_after: 1, timed }
    }

    fn tag(&self) -> [u32; 2] {
        [self.of.slot, self.of.generation]
    }

    /// Publishes what was added.
    pub(super) fn close(&mut self) {
        if let Some(kind) = self.open.take() {
            let took = self.took();
            self.ring.close(&Reply::items_head(took, kind));
            self.board.announce();
        }
    }

    /// Nanoseconds since this was last asked.
    fn took(&mut self) -> u64 {
        let now = clock::now();
        let took = now.saturating_sub(self.since);
        self.since = now;
        u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
    }

    fn push(&mut self, body: &[u8]) {
        if let Err(error) = self.ring.push(self.tag(), body) {
            let text = format!("no memory for {} bytes of it: {error}", body.len());
            let mut reply = Vec::new();
            Reply::NotEncoded(&text).write(&mut reply);
            // A reply of this size lies in the ring itself, for which there is memory.
            let _ = self.ring.push(self.tag(), &reply);
        }
        self.board.announce();
    }

    fn look_at_the_clock(&mut self) {
        self.unasked = 0;
        if clock::now().saturating_sub(self.since) >= PATIENCE {
            self.close();
            self.ask_after = 1;
        } else {
            self.ask_after = (self.ask_after * 2).min(RARELY);
        }
    }
}

impl Sink for Results<'_> {
    fn is_timed(&self) -> bool {
        self.timed.is_some()
    }

    fn begin(&mut self) {
        if let Some(seat) = self.timed {
            self.board.start_clock(seat, clock::now());
        }
    }

    fn value(&mut self, kind: Kind, bytes: &[u8], attachments: Option<Attachments>) {
        self.put(kind, bytes, attachments);
        self.end();
    }

    fn room(&mut self, kind: Kind) -> Option<Room<'_>> {
        if self.timed.is_some() {
            return None;
        }
        if self.unasked >= self.ask_after {
            self.look_at_the_clock();
        }
        if self.open != Some(kind) {
            return None;
        }
        let most = self.ask_after - self.unasked;
        let room = self.ring.room(kind.width(), most)?;
        // As if it were used up: at worst the clock is asked early.
        self.unasked = self.ask_after;
        Some(room)
    }

    fn other(&mut self, reply: &Reply<'_>) {
        self.push_reply(reply);
        self.end();
    }
}

impl Results<'_> {
    #[inline]
    fn end(&self) {
        if let Some(seat) = self.timed {
            self.board.stop_clock(seat);
        }
    }

    #[inline]
    fn put(&mut self, kind: Kind, bytes: &[u8], attachments: Option<Attachments>) {
        if let Some(attachments) = attachments {
            self.close();
            if let Err(text) = self.put_attached(bytes, attachments) {
                self.push_reply(&Reply::NotEncoded(&text));
            }
            return;
        }
        if bytes.len() > LARGEST {
            self.close();
            let took = self.took();
            self.push(&[&Reply::items_head(took, kind), bytes].concat());
            return;
        }
        if !(self.open == Some(kind) && self.ring.add(bytes)) {
            self.close();
            self.ring.open(self.tag(), &Reply::items_head(0, kind));
            // There is room in an empty one.
            self.open = self.ring.add(bytes).then_some(kind);
        }
        self.unasked += 1;
        if self.unasked >= self.ask_after {
            self.look_at_the_clock();
        }
    }

    /// A value with handles in it, which has a record of its own.
    #[cold]
    fn put_attached(&mut self, value: &[u8], mut attachments: Attachments) -> Result<(), String> {
        let reply = Reply::attached_item(value, &attachments).map_err(|error| error.to_string())?;
        send_attached(self.ring, self.of, false, &reply, &mut attachments)?;
        self.board.announce();
        Ok(())
    }

    fn push_reply(&mut self, reply: &Reply<'_>) {
        self.close();
        let mut body = Vec::new();
        reply.write(&mut body);
        self.push(&body);
    }
}

/// Sends a value's reply and what is attached to it: descriptors ahead, and its objects are the parent's at the moment
/// at which it has the reply. Announce it after.
///
/// # Errors
///
/// Why not.
pub(super) fn send_attached(
    ring: &mut Writer,
    of: Address,
    whole: bool,
    reply: &[u8],
    attachments: &mut Attachments,
) -> Result<(), String> {
    if attachments.has_descriptors() {
        post::send(of, attachments.take_descriptors(), true)
            .map_err(|error| format!("the handles in it could not be sent: {error}"))?;
    }
    let no_memory = |error| format!("no memory for {} bytes of it: {error}", reply.len());
    let tag = [of.slot, of.generation];
    if attachments.has_objects() {
        let mut let_go = || attachments.let_go(commons::parent());
        return ring.push_with(tag, whole, reply, &mut let_go).map_err(no_memory);
    }
    if whole { ring.push_whole(tag, reply) } else { ring.push(tag, reply) }.map_err(no_memory)
}
