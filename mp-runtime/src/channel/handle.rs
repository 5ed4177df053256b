//! What a process has of a queue, channel or pipe: its hold, in some part, on the memory where the lanes are; and what it
//! means when others give theirs up.

use crate::channel::beside;
use crate::channel::ground::Head;
use crate::channel::lane::{LEN, Lane};
use crate::channel::waiting::{Awaited, Waiting};
use crate::commons::{self, Contents, Hold, Kind, Role};
use crate::custody;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::clock;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserializer, Serializer};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};

/// After so many milliseconds, whoever sends without having to wait looks whether somebody is there.
const LOOK: u64 = 100;

/// One handle of an object with some lanes.
#[derive(Debug)]
pub(super) struct Handle {
    hold: Hold,
    closed: AtomicBool,
    /// Set after a message that was not what is expected.
    deaf: AtomicBool,
    /// When a sender last looked for receivers, in milliseconds, and how many handles were gone then.
    looked: AtomicU64,
    departed: AtomicU64,
}

impl Handle {
    pub(super) fn new(kind: Kind, role: Role) -> Result<Self> {
        Ok(Self::of(Hold::new(kind, role, LEN * lanes(kind))?))
    }

    fn of(hold: Hold) -> Self {
        begin();
        Self {
            hold,
            closed: AtomicBool::new(false),
            deaf: AtomicBool::new(false),
            looked: AtomicU64::new(0),
            departed: AtomicU64::new(0),
        }
    }

    /// A handle of the same object in a part that may be another.
    pub(super) fn in_part(&self, role: Role) -> Result<Self> {
        self.hold.as_role(role).map(Self::of)
    }

    #[inline]
    pub(super) fn lane(&self, number: usize) -> Lane<Head<'_>> {
        Lane::new(Head::of(&self.hold, number))
    }

    pub(super) fn hold(&self) -> &Hold {
        &self.hold
    }

    pub(super) fn role(&self) -> Role {
        self.hold.role()
    }

    fn lanes(&self) -> impl Iterator<Item = Lane<Head<'_>>> {
        (0..lanes(self.hold.kind())).map(|number| self.lane(number))
    }

    /// An error if this handle was closed.
    #[inline]
    pub(super) fn open(&self) -> Result<()> {
        if self.closed.load(Relaxed) { Err(closed()) } else { Ok(()) }
    }

    /// As [`open`](Self::open), for those who receive.
    #[inline]
    pub(super) fn may_receive(&self) -> Result<()> {
        if self.deaf.load(Relaxed) { Err(closed()) } else { self.open() }
    }

    pub(super) fn stop_receiving(&self) {
        self.deaf.store(true, Relaxed);
    }

    /// An error if this handle was closed, or nobody has the object in this part.
    pub(super) fn expect(&self, role: Role) -> Result<()> {
        self.open()?;
        if self.hold.has_holder(role) { Ok(()) } else { Err(disconnected()) }
    }

    /// As [`expect`](Self::expect), for one who waits for a message: if the last of those who could send one
    /// died in the middle of it, that is another error, once.
    pub(super) fn expect_from(&self, role: Role, lane: &Lane<Head<'_>>) -> Result<()> {
        let gone = self.expect(role);
        if gone.as_ref().is_err_and(|error| error.kind() == ErrorKind::Disconnected)
            && lane.has_cut_off()
        {
            let text = "a message was cut off: its sender ended in the middle of it";
            return Err(Error::new(ErrorKind::Truncated, text));
        }
        gone
    }

    /// As [`expect`](Self::expect), of others than this handle.
    pub(super) fn expect_other(&self, role: Role) -> Result<()> {
        self.open()?;
        if self.hold.has_other_holder(role) { Ok(()) } else { Err(disconnected()) }
    }

    /// As [`expect`](Self::expect), for those who call it often: it looks if a handle has gone, and
    /// else now and then, for those who went without a word.
    pub(super) fn expect_lately(&self, role: Role, lane: &Lane<Head<'_>>) -> Result<()> {
        self.open()?;
        let departed = lane.departed();
        let now = u64::try_from(clock::lately().as_millis()).unwrap_or(0);
        let recent = now.wrapping_sub(self.looked.load(Relaxed)) < LOOK;
        if recent && self.departed.load(Relaxed) == departed {
            return Ok(());
        }
        self.expect(role)?;
        self.departed.store(departed, Relaxed);
        self.looked.store(now, Relaxed);
        Ok(())
    }

    /// Gives up this handle's part; those who wait for it, here and elsewhere, are told.
    pub(super) fn close(&self) {
        if self.closed.swap(true, Release) {
            return;
        }
        self.hold.resign();
        self.lanes().for_each(|lane| lane.depart());
        let there = |role| self.hold.has_holder(role);
        let (senders, receivers) = (there(Role::SENDER), there(Role::RECEIVER));
        let anybody = there(Role::ANY) || senders || receivers;
        if !anybody || self.hold.kind() == Kind::Channel && !receivers {
            // Nobody can take what is there, nor will anybody be able to.
            self.lanes().for_each(|lane| {
                beside::drain(&lane);
                lane.free_loans();
            });
        }
    }

    pub(super) fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.closed.load(Acquire) {
            return Err(S::Error::custom("a handle in it was closed"));
        }
        self.lanes().for_each(|lane| lane.share());
        custody::serialize_hold(&self.hold, serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        kind: Kind,
        roles: &[Role],
        deserializer: D,
    ) -> Result<Self, D::Error> {
        let hold = custody::deserialize_hold(kind, deserializer)?;
        if !roles.contains(&hold.role()) || hold.len() < LEN * lanes(kind) {
            return Err(D::Error::custom("the handle in it is of another kind"));
        }
        Ok(Self::of(hold))
    }
}

impl Handle {
    /// Waiting for what comes by that lane.
    pub(super) fn incoming(&self, lane: usize, from: Role) -> Result<Waiting> {
        self.may_receive()?;
        Ok(self.waiting(lane, Awaited::Item, from, self.lane(lane).departed()))
    }

    /// Waiting for something of that lane that those can bring about who have the object in that part; since
    /// so many handles were gone.
    pub(super) fn waiting(&self, lane: usize, what: Awaited, by: Role, departed: u64) -> Waiting {
        Waiting { hold: self.hold.clone(), lane, what, by, departed }
    }
}

/// A lane of a handle, and who has its other end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way<'a> {
    pub(super) handle: &'a Handle,
    pub(super) lane: usize,
    pub(super) by: Role,
}

impl Way<'_> {
    pub(super) fn lane(&self) -> Lane<Head<'_>> {
        self.handle.lane(self.lane)
    }

    /// An error if there is no sense in sending, as far as is known without asking each time.
    pub(super) fn may_send(&self) -> Result<()> {
        match self.by {
            Role::ANY => self.handle.open(),
            role => self.handle.expect_lately(role, &self.lane()),
        }
    }

    /// An error if there is no sense in waiting. Others who have the object as this handle has it may never have
    /// been there: it may be used by several threads, as a reference.
    pub(super) fn still(&self) -> Result<()> {
        match self.by {
            Role::ANY if self.lane().is_shared() => self.handle.expect_other(Role::ANY),
            Role::ANY => self.handle.open(),
            role => self.handle.expect(role),
        }
    }
}

impl Clone for Handle {
    /// Counted by itself, unless there is no memory for that.
    fn clone(&self) -> Self {
        self.lanes().for_each(|lane| lane.share());
        let clone = self.in_part(self.role()).unwrap_or_else(|_| Self::of(self.hold.clone()));
        clone.closed.store(self.closed.load(Relaxed), Relaxed);
        clone
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

/// For every process, whether it has queues or not: the last that held one may have had it in a message.
pub(crate) fn begin() {
    commons::empty_by(empty);
}

/// Gives back what is in an object that nobody holds any more.
fn empty(_: Kind, contents: &Contents) {
    for lane in Head::all(contents).map(Lane::new) {
        beside::drain(&lane);
        lane.dissolve();
    }
}

fn lanes(kind: Kind) -> usize {
    if kind == Kind::Pipe { 2 } else { 1 }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "this handle was closed")
}

fn disconnected() -> Error {
    Error::new(ErrorKind::Disconnected, "nobody has the other end any more")
}
