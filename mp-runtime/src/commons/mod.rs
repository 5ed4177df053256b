//! Memory that all processes of a program share, and what lies in it: small objects that any of them can hold, name in
//! a message and find again, with no descriptor of their own. What the objects are is for `sync`, `shared` and `channel`.
//!
//! `tree` is the file and who lives, `territory` takes memory from it, `head` says what an object is and who holds
//! it, `hold` and `block` are the two ways of having one.
//!
//! Nothing here trusts what it reads: any process may have scribbled over any of it. A word that makes no sense makes an
//! object that is gone.

mod block;
mod contents;
mod head;
mod hold;
mod notes;
mod territory;
mod tree;

#[cfg(test)]
mod tests;

pub(crate) use block::{Block, BlockAt};
pub(crate) use contents::{Contents, empty_by};
pub(crate) use hold::{Hold, Sent, Transit, look_after_readers_by};
pub(crate) use territory::one_has_ended;
pub(crate) use tree::{Number, adopt, inherit, is_alive, own, own_if_any, parent, set_parent};

use serde::{Deserialize, Serialize};

/// What an object is. One of another kind is not found under a handle's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u32)]
pub(crate) enum Kind {
    /// A continuation of a list of holders.
    Holders = 1,
    Block,
    Lock,
    RLock,
    Semaphore,
    BoundedSemaphore,
    Event,
    Condition,
    Barrier,
    Value,
    Array,
    RawValue,
    RawArray,
    Queue,
    Channel,
    Pipe,
    Managed,
}

impl Kind {
    /// The kind that a word says, if objects of it hold memory and other objects.
    fn with_contents(raw: u32) -> Option<Self> {
        [Self::Queue, Self::Channel, Self::Pipe].into_iter().find(|kind| *kind as u32 == raw)
    }
}

/// In what part a process holds an object: 1 to 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Role(u8);

impl Role {
    /// The part of objects that all use alike.
    pub(crate) const ANY: Self = Self(1);
    pub(crate) const SENDER: Self = Self(2);
    pub(crate) const RECEIVER: Self = Self(3);
    /// The part of those who had another and have resigned.
    const NONE: Self = Self(15);
}
