//! `Loan` and `Lent`: messages that are written and read where they lie. Which process has which block is in `lane`; here
//! is what makes references of it. Where users get them is in `faces`, and in `future` for those who do not wait themselves.
#![expect(unsafe_code, reason = "reads and writes plain data in place")]

mod faces;
mod future;

pub use future::Lending;

use crate::channel::beside;
use crate::channel::future::Sending;
use crate::channel::ground::Head;
use crate::channel::handle::Way;
use crate::channel::lane::{At, Kind, Lane, Room, Sink, Until, Words, lent_size};
use crate::channel::message;
use crate::channel::one_way::unsent;
use crate::channel::unsent::TrySendError;
use crate::commons::{self, Block, BlockAt, Hold};
use crate::error::{Error, ErrorKind, Result};
use crate::shared::Plain;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use zerocopy::IntoBytes;

/// Where the blocks lie, and end, of which this process has references: a peer that scribbles over a lane could make
/// it give one block twice.
static IN_USE: Mutex<BTreeMap<usize, usize>> = Mutex::new(BTreeMap::new());

/// A block that this process has to itself, as far as others go by the rules; given back when it is dropped.
struct Place {
    hold: Hold,
    lane: usize,
    room: Room,
    /// Set until it belongs to the lane.
    is_own: bool,
    /// Whether there are references here, or could be.
    in_use: bool,
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the memory is mapped for as long as the process lives, and what a thread may do with it goes by borrows of
// the guard that this is in.
unsafe impl Send for Place {}
// SAFETY: as above: a `&` gives only reads.
unsafe impl Sync for Place {}

impl Place {
    fn new(hold: &Hold, lane: usize, room: Room) -> Result<Self> {
        let At { offset, generation } = room.at;
        let found = Block::open(BlockAt { offset, generation });
        let place = found.and_then(|block| {
            let bytes = block.len();
            let start = block.pointer(0, bytes);
            enter(start, bytes).then_some((start, bytes))
        });
        let Some((start, bytes)) = place else {
            let text =
                "the memory of the queue or channel was overwritten by a process that has it";
            return Err(Error::new(ErrorKind::Broken, text));
        };
        Ok(Self { hold: hold.clone(), lane, room, is_own: true, in_use: true, start, bytes })
    }

    fn lane(&self) -> Lane<Head<'_>> {
        Lane::new(Head::of(&self.hold, self.lane))
    }

    /// Notes that there are no references here any more: before anyone else can have it, be it another thread.
    fn leave(&mut self) {
        if std::mem::take(&mut self.in_use) {
            let mut in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
            in_use.remove(&self.start.addr().get());
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
        // A copy of the process made by fork has nothing to give back.
        let own = commons::own_if_any().is_some_and(|own| own.get() == self.room.owner());
        if own && self.is_own {
            self.lane().give_back(self.room);
        }
    }
}

/// Notes that this process has references there; false if it has some already.
fn enter(start: NonNull<u8>, bytes: usize) -> bool {
    let at = start.addr().get();
    let end = at.saturating_add(bytes);
    let mut in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
    let is_free = in_use.range(..end).next_back().is_none_or(|(_, before)| *before <= at);
    if is_free {
        in_use.insert(at, end);
    }
    is_free
}

/// A message that is being written where its receiver reads it: a `&mut [T]`, of which [`send`](Self::send) makes a
/// message. Dropped, it is no message.
///
/// What is in it first is what an earlier message has left there, or zeros.
#[must_use = "it is sent by `send`, and else given back"]
pub struct Loan<'a, T> {
    way: Way<'a>,
    kind: Kind,
    place: Place,
    len: usize,
    of: PhantomData<fn(T) -> T>,
}

impl<'a, T: Plain> Loan<'a, T> {
    /// Waits for a block to write `len` values into; none if `until` has passed.
    fn new(way: Way<'a>, kind: Kind, len: usize, until: Until) -> Result<Option<Self>> {
        const { assert_plain::<T>() };
        let bytes = len.checked_mul(size_of::<T>()).ok_or_else(|| {
            let text = format!("{len} values of {} bytes are more than memory has", size_of::<T>());
            Error::new(ErrorKind::InvalidArgument, text)
        })?;
        way.may_send()?;
        let lent = way.lane().lend(bytes, until, || way.still())?;
        let place = lent.map(|room| Place::new(way.handle.hold(), way.lane, room)).transpose()?;
        Ok(place.map(|place| Self { way, kind, place, len, of: PhantomData }))
    }

    /// Makes it shorter: the message is the first `len` values. No shorter than that, it stays as it is.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Sends what was written, without a copy. In the queue or channel it takes its turn among other messages.
    ///
    /// # Errors
    ///
    /// As the sending of values that are not loans. The memory is given back then.
    pub fn send(mut self) -> Result<()> {
        self.put(Until::Ever).map(drop)
    }

    /// As [`send`](Self::send), without waiting for room.
    ///
    /// # Errors
    ///
    /// With the loan: `Full` if there is no room; else as `send`.
    pub fn try_send(mut self) -> Result<(), TrySendError<Self>> {
        unsent(self.put(Until::Now), self)
    }

    /// As [`send`](Self::send), waiting for room for so long at most.
    ///
    /// # Errors
    ///
    /// With the loan: `Full` if there was no room until then; else as `send`.
    pub fn send_timeout(mut self, timeout: Duration) -> Result<(), TrySendError<Self>> {
        unsent(self.put(Until::after(timeout)), self)
    }

    /// As [`send`](Self::send), for any executor: the future waits for room. Dropped before it is ready, it has sent
    /// nothing, and given the memory back.
    ///
    /// # Errors
    ///
    /// As `send`, from the future; and [`Io`](ErrorKind::Io) if the thread could not be started that waits
    /// in its place.
    pub fn send_async(mut self) -> Sending<'a>
    where
        T: 'a,
    {
        let (way, size) = (self.way, lent_size(self.len * size_of::<T>()));
        let attempt = move || {
            // One more poll of a future that is ready puts nothing.
            let sent = !self.place.is_own || self.put(Until::Now)?;
            Ok(sent.then_some(()))
        };
        Sending::by(way, size, attempt)
    }

    /// Puts it; it is the lane's if that is true, and still this process's if not.
    fn put(&mut self, until: Until) -> Result<bool> {
        let Self { way, kind, place, len, .. } = self;
        way.may_send()?;
        let (room, bytes) = (place.room, *len * size_of::<T>());
        // Before it can be received, be it by another thread here.
        let leave = || place.leave();
        let sent = way.lane().put_lent(*kind, room, bytes, until, leave, || way.still())?;
        place.is_own &= !sent;
        Ok(sent)
    }
}

/// Refuses types that have no place in a block, when this is compiled.
const fn assert_plain<T>() {
    assert!(size_of::<T>() > 0, "a type whose values have no bytes");
    assert!(align_of::<T>() <= Hold::ALIGNMENT, "a type with more alignment than blocks have");
}

impl<T: Plain> Deref for Loan<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: as in `deref_mut`.
        unsafe { std::slice::from_raw_parts(self.place.start.as_ptr().cast(), self.len) }
    }
}

impl<T: Plain> DerefMut for Loan<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: so many values lie there (the block was asked for with as many bytes), aligned as every block is,
        // mapped for as long as the process lives; any bytes are a value. The block is this process's alone as far as
        // everybody goes by the lane's words, of this process no other guard has it (`IN_USE`), and this one is borrowed.
        unsafe { std::slice::from_raw_parts_mut(self.place.start.as_ptr().cast(), self.len) }
    }
}

impl<T> fmt::Debug for Loan<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loan").field("len", &self.len).finish_non_exhaustive()
    }
}

/// A message that is read where it lies: a `&[T]`. Its memory is used for other messages when it is dropped.
///
/// It is there however its queue or channel fares meanwhile. A message that was not sent by a loan is
/// copied into it.
pub struct Lent<T>(Where<T>);

enum Where<T> {
    There(Place, usize),
    Copied(Vec<T>),
}

/// Keeps what has a block of its own, and copies the rest.
struct InPlace<T> {
    copied: Vec<T>,
    /// How many bytes a message has that are no whole values.
    uneven: Option<usize>,
}

impl<T: Plain> Sink for InPlace<T> {
    fn accept(&mut self, _: Kind, block: &impl Words, at: usize, len: usize) -> Result<()> {
        if !len.is_multiple_of(size_of::<T>()) {
            self.uneven = Some(len);
            return Ok(());
        }
        let count = len / size_of::<T>();
        self.copied.clear();
        self.copied.try_reserve_exact(count).map_err(|_| {
            Error::io("no memory for the next message", io::ErrorKind::OutOfMemory.into())
        })?;
        self.copied.extend((0..count).map(|_| T::new_zeroed()));
        block.read(at, self.copied.as_mut_bytes());
        Ok(())
    }

    fn keeps(&self) -> bool {
        true
    }

    fn seize(&mut self, wire: &[u8]) {
        beside::seize(wire);
    }
}

impl<T: Plain> Lent<T> {
    /// Takes the next message of that kind, waiting for it; none if `until` has passed.
    fn take(
        way: Way<'_>,
        kind: Kind,
        until: Until,
        still: impl FnMut() -> Result<()>,
    ) -> Result<Option<Self>> {
        const { assert_plain::<T>() };
        way.handle.may_receive()?;
        let mut sink = InPlace { copied: Vec::new(), uneven: None };
        let open = |room| Place::new(way.handle.hold(), way.lane, room);
        let taken = message::take_lent(&way.lane(), kind, &mut sink, until, open, still)?;
        let Some(lent) = taken else { return Ok(None) };
        let InPlace { copied, uneven } = sink;
        let (place, len) = match (lent, uneven) {
            (None, None) => return Ok(Some(Self(Where::Copied(copied)))),
            (None, Some(len)) => return Err(no_whole_values::<T>(len)),
            (Some((place, len)), _) => (place, len),
        };
        if !len.is_multiple_of(size_of::<T>()) || len > place.bytes {
            return Err(no_whole_values::<T>(len));
        }
        Ok(Some(Self(Where::There(place, len / size_of::<T>()))))
    }
}

fn no_whole_values<T>(len: usize) -> Error {
    let text = format!(
        "cannot decode [{}]: the message has {len} bytes, which are no whole values",
        std::any::type_name::<T>()
    );
    Error::new(ErrorKind::Decode, text)
}

impl<T: Plain> Deref for Lent<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Where::Copied(values) => values,
            // SAFETY: so many values lie there, as was checked when it was taken, aligned as every block is, mapped for
            // as long as the process lives; any bytes are a value. Nobody who goes by the lane's words writes them
            // before this is dropped, and of this process no loan has them (`IN_USE`).
            Where::There(place, len) => unsafe {
                std::slice::from_raw_parts(place.start.as_ptr().cast(), *len)
            },
        }
    }
}

impl<T: Plain + fmt::Debug> fmt::Debug for Lent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
