//! What a child is told at its start: one file that it inherits, with who it is and what to run, the argument bytes
//! behind it, and room for the reply behind those. How the file gets there is for `process::launch`.
//!
//! ```text
//! 0        8         16           20      20+header    arguments_at          reply_at
//! | MAGIC  | VERSION | header len | header | (padding) | argument bytes | .. | reply len | reply |
//! ```
//!
//! The child writes the reply's length last, and the parent reads it when the child has ended.

use crate::codec;
use crate::error::{Error, ErrorKind, Result};
use crate::helper::Helper;
use crate::identity::{AuthKey, Tree};
use crate::protocol::message::{Reply, TaskKey};
use crate::sys::memory::Memory;
use crate::sys::surroundings::Surroundings;
use serde::{Deserialize, Serialize};

/// The environment variable that makes a program a child: the number of the bootstrap's descriptor.
/// Gone before user code runs.
pub(crate) const VARIABLE: &str = "MP_RS_CHILD";

const MAGIC: u64 = u64::from_le_bytes(*b"mp-child");
const VERSION: u64 = 1;
const HEADER_AT: u64 = 20;
/// A header holds names, and an environment at most; one beyond this is not ours.
const HEADER_MAX: u64 = 1 << 26;

/// Beside a reply's length: it is whole, and not there yet.
const INTENDED: u64 = 1 << 63;

/// Who a child is and what it runs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Bootstrap<'a> {
    /// The parent's table of tasks, as a number: equal in both, or they are different programs.
    pub(crate) fingerprint: u64,
    #[serde(borrow)]
    pub(crate) task: TaskKey<'a>,
    pub(crate) name: &'a str,
    pub(crate) path: &'a str,
    pub(crate) daemon: bool,
    pub(crate) pooled: bool,
    pub(crate) parent_pid: u32,
    pub(crate) parent_name: &'a str,
    pub(crate) parent_daemon: bool,
    /// What the parent is known by in the commons; 0 if it has no number.
    pub(crate) parent_number: u32,
    #[serde(with = "key")]
    pub(crate) authkey: AuthKey,
    /// The descriptor whose other end is the parent's life.
    pub(crate) lifeline: i32,
    /// The socket to the parent.
    pub(crate) post: i32,
    /// The file of the commons; none if it could not be made, or is there already.
    pub(crate) commons: Option<i32>,
    /// Those of the task's arguments.
    pub(crate) descriptors: Vec<i32>,
    /// Whether it is to start its own children by a fork server.
    pub(crate) forks: bool,
    /// Whether it is a fork server itself, and runs no task.
    pub(crate) serves: bool,
    /// With what it serves the whole tree, if it does; its only descriptor is the socket then.
    pub(crate) helps: Option<Helper>,
    pub(crate) tree: Tree,
    /// What becomes of its records, for `log`.
    pub(crate) log: &'a [u8],
    /// For one that is forked, not exec'd; its descriptors come in another way then.
    #[serde(borrow)]
    pub(crate) around: Option<Around<'a>>,
}

/// The one place where a key is written, for the child that inherits it.
mod key {
    use crate::identity::AuthKey;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(key: &AuthKey, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(key.as_bytes())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<AuthKey, D::Error> {
        <&[u8]>::deserialize(from).map(AuthKey::from)
    }
}

/// What a forked child takes over from the process that asked for it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Around<'a> {
    /// As `sys::surroundings` puts it into one block.
    #[serde(borrow)]
    pub(crate) environment: &'a [u8],
    pub(crate) surroundings: Surroundings,
    /// Whether it is to lead a process group of its own.
    pub(crate) leads_group: bool,
}

/// Where things lie in a bootstrap file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) arguments_at: u64,
    pub(crate) arguments_len: u64,
    pub(crate) reply_at: u64,
}

/// Makes the file that a child inherits.
pub(crate) fn write(bootstrap: &Bootstrap<'_>, arguments: &[u8]) -> Result<(Memory, Layout)> {
    let mut header = Vec::with_capacity(256);
    codec::encode(bootstrap, &mut header)?;
    let layout = layout(header.len() as u64, arguments.len() as u64);
    let mut head = Vec::with_capacity(usize::try_from(layout.arguments_at).unwrap_or(0));
    head.extend_from_slice(&MAGIC.to_le_bytes());
    head.extend_from_slice(&VERSION.to_le_bytes());
    head.extend_from_slice(&u32::try_from(header.len()).unwrap_or(u32::MAX).to_le_bytes());
    head.extend_from_slice(&header);
    let file = || -> std::io::Result<Memory> {
        let memory = Memory::new("mp-child")?;
        memory.write(0, &head)?;
        memory.write(layout.arguments_at - 8, &layout.arguments_len.to_le_bytes())?;
        memory.write(layout.arguments_at, arguments)?;
        Ok(memory)
    };
    let doing = || format!("a child's start needs {} bytes of memory", layout.reply_at);
    Ok((file().map_err(|error| Error::io(doing(), error))?, layout))
}

/// Reads the header of a file that was inherited: its bytes, for [`parse`], and the layout.
pub(crate) fn read(memory: &Memory) -> Result<(Vec<u8>, Layout)> {
    let io = |error| Error::io("the bootstrap could not be read", error);
    let mut head = [0; 20];
    memory.read(0, &mut head).map_err(io)?;
    let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| head[at + i]));
    if word(0) != MAGIC || word(8) != VERSION {
        let text = "the inherited descriptor is no bootstrap of this version of mp";
        return Err(Error::new(ErrorKind::Unsupported, text));
    }
    let len = u64::from(u32::from_le_bytes(std::array::from_fn(|i| head[16 + i])));
    let header = memory.read_vec(HEADER_AT, len.min(HEADER_MAX)).map_err(io)?;
    let mut arguments = [0; 8];
    memory.read(layout(len, 0).arguments_at - 8, &mut arguments).map_err(io)?;
    Ok((header, layout(len, u64::from_le_bytes(arguments))))
}

/// Understands the header that [`read`] gave.
pub(crate) fn parse(header: &[u8]) -> Result<Bootstrap<'_>> {
    codec::decode(header)
}

/// Leaves the task's reply for the parent.
pub(crate) fn write_reply(memory: &Memory, layout: Layout, reply: &[u8]) -> std::io::Result<()> {
    memory.write(layout.reply_at + 8, reply)?;
    memory.write(layout.reply_at, &(reply.len() as u64).to_le_bytes())
}

/// As [`write_reply`]; `before` is called when nothing but this process's death can keep the parent from having
/// the reply.
pub(crate) fn write_reply_with(
    memory: &Memory,
    layout: Layout,
    reply: &[u8],
    before: impl FnOnce(),
) -> std::io::Result<()> {
    memory.write(layout.reply_at + 8, reply)?;
    memory.write(layout.reply_at, &(reply.len() as u64 | INTENDED).to_le_bytes())?;
    before();
    memory.write(layout.reply_at, &(reply.len() as u64).to_le_bytes())
}

/// The reply that a child has left, if it left one. For a child that has ended.
pub(crate) fn read_reply(memory: &Memory, layout: Layout) -> std::io::Result<Option<Vec<u8>>> {
    match reply_len(memory, layout)? {
        0 => Ok(None),
        len if len & INTENDED != 0 => Ok(None),
        len => memory.read_vec(layout.reply_at + 8, len).map(Some),
    }
}

/// Whether a child has left a reply.
pub(crate) fn has_reply(memory: &Memory, layout: Layout) -> std::io::Result<bool> {
    Ok(!matches!(reply_len(memory, layout)?, 0 | INTENDED..))
}

/// A reply that may have objects in its value, and whether it is there or was only about to be.
pub(crate) fn read_objects(
    memory: &Memory,
    layout: Layout,
) -> std::io::Result<Option<(Vec<u8>, bool)>> {
    let len = reply_len(memory, layout)?;
    let (len, is_there) = (len & !INTENDED, len & INTENDED == 0);
    let mut first = [0];
    if len == 0 {
        return Ok(None);
    }
    memory.read(layout.reply_at + 8, &mut first)?;
    match Reply::may_have_objects(first[0]) {
        true => Ok(Some((memory.read_vec(layout.reply_at + 8, len)?, is_there))),
        false => Ok(None),
    }
}

fn reply_len(memory: &Memory, layout: Layout) -> std::io::Result<u64> {
    let mut len = [0; 8];
    if memory.len()? < layout.reply_at + 8 {
        return Ok(0);
    }
    memory.read(layout.reply_at, &mut len)?;
    Ok(u64::from_le_bytes(len))
}

fn layout(header: u64, arguments_len: u64) -> Layout {
    // On a page of its own, so that the child can map just the arguments.
    let arguments_at = (HEADER_AT + header + 8).next_multiple_of(4096);
    let reply_at = (arguments_at + arguments_len).next_multiple_of(8);
    Layout { arguments_at, arguments_len, reply_at }
}
