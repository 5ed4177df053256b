//! Values as items of a lane: their bytes, what is attached to them, and the way back. User code runs here, with no lock held.

use crate::channel::beside::{Attached, Rest, forget, seize};
use crate::channel::ground::Head;
use crate::channel::lane::{Entry, Kind, Lane, Room, Sink, Until, Words};
use crate::codec;
use crate::custody::Attachments;
use crate::custody::store::client as store;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::scratch::Scratch;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::{Any, TypeId, type_name};
use std::cell::RefCell;
use std::io;

/// The bytes of a value.
pub(super) const TYPED: Kind = 1;
/// Bytes that were sent as such.
pub(super) const BYTES: Kind = 2;

thread_local! {
    static SCRATCH: RefCell<Scratch> = const { RefCell::new(Scratch::new()) };
}

/// A buffer that is kept for the next use.
struct Buffer(Vec<u8>);

impl Buffer {
    #[inline]
    fn take() -> Self {
        // At a thread's end there is none any more.
        Self(SCRATCH.try_with(|scratch| scratch.borrow_mut().take()).unwrap_or_default())
    }
}

impl Drop for Buffer {
    #[inline]
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.0);
        let _ = SCRATCH.try_with(|scratch| scratch.borrow_mut().put_back(bytes));
    }
}

impl Sink for Buffer {
    #[inline]
    fn accept(&mut self, _: Kind, block: &impl Words, at: usize, len: usize) -> Result<()> {
        copy(block, at, len, &mut self.0)
    }

    fn seize(&mut self, wire: &[u8]) {
        seize(wire);
    }
}

/// The bytes of an item, copied.
struct Whole(Vec<u8>);

impl Sink for Whole {
    fn accept(&mut self, _: Kind, block: &impl Words, at: usize, len: usize) -> Result<()> {
        copy(block, at, len, &mut self.0)
    }

    fn seize(&mut self, wire: &[u8]) {
        seize(wire);
    }
}

#[inline]
fn copy(block: &impl Words, at: usize, len: usize, to: &mut Vec<u8>) -> Result<()> {
    to.clear();
    to.try_reserve_exact(len).map_err(|_| {
        Error::io("no memory for the next message", io::ErrorKind::OutOfMemory.into())
    })?;
    block.append(at, len, to);
    Ok(())
}

/// Puts a value; false if `until` has passed.
#[inline]
pub(super) fn put<T: Serialize + 'static>(
    lane: &Lane<Head<'_>>,
    value: &T,
    until: Until,
    still: impl FnMut() -> Result<()>,
) -> Result<bool> {
    if let Some(bytes) = (value as &dyn Any).downcast_ref::<Vec<u8>>() {
        return lane.put(
            &Entry { kind: TYPED, wire: &[], body: bytes, lent: None },
            until,
            || (),
            still,
        );
    }
    let mut buffer = Buffer::take();
    let mut attachments = Attachments::NONE;
    codec::encode_with(value, &mut buffer.0, &mut attachments)?;
    if attachments.is_empty() {
        return lane.put(
            &Entry { kind: TYPED, wire: &[], body: &buffer.0, lent: None },
            until,
            || (),
            still,
        );
    }
    put_attached(lane, &buffer.0, attachments, until, still)
}

/// Puts a value with handles in it.
#[cold]
fn put_attached(
    lane: &Lane<Head<'_>>,
    body: &[u8],
    attachments: Attachments,
    until: Until,
    still: impl FnMut() -> Result<()>,
) -> Result<bool> {
    Attached::new(attachments)?.put(lane, body, until, still)
}

/// A value that is to be put as soon as there is room.
pub(super) struct Encoded {
    body: Vec<u8>,
    attached: Option<Attached>,
}

impl Encoded {
    pub(super) fn new<T: Serialize + 'static>(value: T) -> Result<Self> {
        let mut value = Some(value);
        if let Some(bytes) = (&mut value as &mut dyn Any).downcast_mut::<Option<Vec<u8>>>() {
            return Ok(Self { body: bytes.take().unwrap_or_default(), attached: None });
        }
        let (mut body, mut attachments) = (Vec::new(), Attachments::NONE);
        codec::encode_with(&value.expect("put there just now"), &mut body, &mut attachments)?;
        let attached = (!attachments.is_empty()).then(|| Attached::new(attachments)).transpose()?;
        Ok(Self { body, attached })
    }

    /// How many bytes it takes in a lane.
    pub(super) fn size(&self) -> usize {
        let wire = self.attached.as_ref().map_or(&[][..], |attached| &attached.wire);
        // What no block can hold is refused when it is put.
        Entry { kind: TYPED, wire, body: &self.body, lent: None }.size().unwrap_or(0)
    }

    /// Puts it; false if there is no room.
    pub(super) fn put(
        &mut self,
        lane: &Lane<Head<'_>>,
        still: impl FnMut() -> Result<()>,
    ) -> Result<bool> {
        let Self { body, attached } = self;
        match attached {
            Some(attached) => attached.put(lane, body, Until::Now, still),
            None => lane.put(
                &Entry { kind: TYPED, wire: &[], body, lent: None },
                Until::Now,
                || (),
                still,
            ),
        }
    }
}

/// Takes a value; none if `until` has passed.
#[inline]
pub(super) fn take<T: DeserializeOwned + 'static>(
    lane: &Lane<Head<'_>>,
    until: Until,
    still: impl FnMut() -> Result<()>,
) -> Result<Option<T>> {
    if TypeId::of::<T>() == TypeId::of::<Vec<u8>>() {
        let mut whole = Whole(Vec::new());
        let Some(taken) = lane.take(&mut whole, until, still)? else { return Ok(None) };
        expect(taken.kind, TYPED, type_name::<T>())?;
        let mut bytes = Some(whole.0);
        let value = (&mut bytes as &mut dyn Any).downcast_mut::<Option<T>>();
        return Ok(value.and_then(Option::take));
    }
    let mut buffer = Buffer::take();
    let Some(taken) = lane.take(&mut buffer, until, still)? else { return Ok(None) };
    if taken.wire.is_empty() {
        expect(taken.kind, TYPED, type_name::<T>())?;
        return codec::decode_with(&buffer.0, Attachments::NONE).map(Some);
    }
    // What the value does not take of it is forgotten, however this ends.
    let mut rest = Rest::of(&taken.wire);
    expect(taken.kind, TYPED, type_name::<T>())?;
    let attachments = match rest.0.kept.take() {
        Some((id, total)) => store::take(id, total)?,
        None => Attachments::NONE,
    };
    codec::decode_with(&buffer.0, attachments).map(Some)
}

/// Puts the bytes of a value that was encoded with these attachments, none of which is a descriptor.
#[inline]
pub(super) fn put_encoded(
    lane: &Lane<Head<'_>>,
    body: &[u8],
    attachments: Attachments,
    until: Until,
    still: impl FnMut() -> Result<()>,
) -> Result<bool> {
    if attachments.is_empty() {
        return lane.put(&Entry { kind: TYPED, wire: &[], body, lent: None }, until, || (), still);
    }
    put_attached(lane, body, attachments, until, still)
}

/// Takes the bytes of a value, and what holds its objects until it is decoded.
#[inline]
pub(super) fn take_encoded(
    lane: &Lane<Head<'_>>,
    buffer: &mut Vec<u8>,
    until: Until,
    still: impl FnMut() -> Result<()>,
) -> Result<Option<Rest>> {
    let mut whole = Whole(std::mem::take(buffer));
    let taken = lane.take(&mut whole, until, still);
    *buffer = whole.0;
    let Some(taken) = taken? else { return Ok(None) };
    let rest = if taken.wire.is_empty() { Rest::default() } else { Rest::of(&taken.wire) };
    expect(taken.kind, TYPED, "a value")?;
    Ok(Some(rest))
}

pub(super) fn put_bytes(
    lane: &Lane<Head<'_>>,
    bytes: &[u8],
    until: Until,
    still: impl FnMut() -> Result<()>,
) -> Result<bool> {
    lane.put(&Entry { kind: BYTES, wire: &[], body: bytes, lent: None }, until, || (), still)
}

/// Takes bytes, into a sink that says how.
pub(super) fn take_bytes(
    lane: &Lane<Head<'_>>,
    sink: &mut impl Sink,
    until: Until,
    still: impl FnMut() -> Result<()>,
) -> Result<bool> {
    let Some(taken) = lane.take(sink, until, still)? else { return Ok(false) };
    forget(&taken.wire);
    expect(taken.kind, BYTES, "bytes")?;
    Ok(true)
}

/// Takes bytes of that kind, into a sink that keeps those which have a block of their own; `open` is given that.
pub(super) fn take_lent<R>(
    lane: &Lane<Head<'_>>,
    kind: Kind,
    sink: &mut impl Sink,
    until: Until,
    open: impl FnOnce(Room) -> Result<R>,
    still: impl FnMut() -> Result<()>,
) -> Result<Option<Option<(R, usize)>>> {
    let Some(taken) = lane.take(sink, until, still)? else { return Ok(None) };
    forget(&taken.wire);
    let lent = taken.lent.map(|(room, len)| open(room).map(|open| (open, len))).transpose()?;
    expect(taken.kind, kind, "bytes in place")?;
    Ok(Some(lent))
}

/// Bytes as they come, or as many as there may be.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    pub(super) bytes: Vec<u8>,
    pub(super) most: Option<usize>,
    /// How long an item was that is longer.
    pub(super) longer: Option<usize>,
}

impl Sink for Bytes {
    fn accept(&mut self, _: Kind, block: &impl Words, at: usize, len: usize) -> Result<()> {
        if self.most.is_some_and(|most| len > most) {
            self.longer = Some(len);
            return Ok(());
        }
        copy(block, at, len, &mut self.bytes)
    }

    fn seize(&mut self, wire: &[u8]) {
        seize(wire);
    }
}

/// Bytes into memory of the caller's; the whole of them aside if they are too many.
#[derive(Debug)]
pub(super) struct Into<'a> {
    pub(super) buffer: &'a mut [u8],
    pub(super) len: usize,
    pub(super) whole: Option<Vec<u8>>,
}

impl Sink for Into<'_> {
    fn accept(&mut self, kind: Kind, block: &impl Words, at: usize, len: usize) -> Result<()> {
        self.len = len;
        match self.buffer.get_mut(..len) {
            Some(buffer) if kind == BYTES => block.read(at, buffer),
            _ => copy(block, at, len, self.whole.insert(Vec::new()))?,
        }
        Ok(())
    }

    fn seize(&mut self, wire: &[u8]) {
        seize(wire);
    }
}

fn expect(kind: Kind, expected: Kind, name: &str) -> Result<()> {
    if kind == expected {
        return Ok(());
    }
    let came = if kind == BYTES { "bytes that were sent as such" } else { "a value" };
    Err(Error::new(ErrorKind::Decode, format!("cannot decode {name}: the message is {came}")))
}
