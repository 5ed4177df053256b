//! The file that all processes of a program share, the numbers by which they know each other in it, and who of them
//! lives. What lies in the file is for `territory` and `head`.
//!
//! ```text
//! 0     8              12               16     24      1 MiB: owners         2 MiB: objects        256 MiB
//! | MAGIC | last number | last territory | tree | .. | u32 of each territory | u32 of each territory | territory 1 | ..
//! ```
//!
//! The file is sparse and mapped once, whole, so that an object has one address in each process for as long as that
//! lives. A process holds the file's lock on the byte of its number: the kernel lets go of that when it ends, however
//! it ends.

use crate::error::{Error, ErrorKind, Result};
use crate::sys::memory::{Memory, Shared};
use crate::sys::{byte_lock, own, random};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The length of the file, if the limit on the length of files allows it. No memory is taken by it.
const WINDOW: u64 = 1 << 42;
/// What a process takes at a time to make objects in.
pub(super) const TERRITORY: u64 = 1 << 28;
const MAGIC: u64 = u64::from_le_bytes(*b"mp-commo");
const LAST_NUMBER: usize = 8;
const LAST_TERRITORY: usize = 12;
const TREE: usize = 16;
const OWNERS: usize = 1 << 20;
const MOST_NUMBERS: u32 = 1 << 31;

static THE_TREE: OnceLock<Tree> = OnceLock::new();
/// Our number and, above it, the count of forks at which it was taken.
static OWN: AtomicU64 = AtomicU64::new(0);
/// The number of the process that started this one; 0 if it has none.
static PARENT: AtomicU32 = AtomicU32::new(0);

/// The commons of this program.
#[derive(Debug)]
pub(super) struct Tree {
    memory: Memory,
    shared: Shared,
    /// Which tree it is; what was written by a process of another one is not for us.
    pub(super) id: u32,
    len: u64,
}

/// A process of the tree. None gets the number of another one, not of a dead one either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Number(u32);

impl Number {
    #[inline]
    pub(crate) fn get(self) -> u32 {
        self.0
    }

    /// The process that a word names; none if no process can have that number.
    #[inline]
    pub(crate) fn from_raw(raw: u32) -> Option<Self> {
        (raw != 0 && raw < MOST_NUMBERS).then_some(Self(raw))
    }
}

/// Takes over the file that the parent passed.
pub(crate) fn adopt(file: OwnedFd) -> io::Result<()> {
    let tree = Tree::open(Memory::from_fd(file))?;
    // A second call would come from a second bootstrap, and a process has one.
    let _ = THE_TREE.set(tree);
    Ok(())
}

/// The file, for a child to inherit.
///
/// # Errors
///
/// Where the system does not give one: the child can do without, if it uses none of this.
pub(crate) fn inherit() -> Result<BorrowedFd<'static>> {
    Ok(the_tree()?.memory.as_fd())
}

/// Notes the number of the process that started this one.
pub(crate) fn set_parent(number: u32) {
    PARENT.store(number, Ordering::Relaxed);
}

/// The process that started this one, if it has a number.
pub(crate) fn parent() -> Option<Number> {
    Number::from_raw(PARENT.load(Ordering::Relaxed))
}

pub(super) fn the_tree() -> Result<&'static Tree> {
    static MAKING: Mutex<()> = Mutex::new(());
    if let Some(tree) = THE_TREE.get() {
        return Ok(tree);
    }
    let making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if THE_TREE.get().is_none() {
        let io = |error| Error::io("the memory that processes share could not be set up", error);
        let _ = THE_TREE.set(Tree::new().map_err(io)?);
    }
    drop(making);
    Ok(THE_TREE.get().expect("set by us or by another thread"))
}

/// This process's number.
///
/// # Errors
///
/// If there is no memory to share, or 2³¹ processes have had one.
#[inline]
pub(crate) fn own() -> Result<Number> {
    let forks = own::forks();
    let word = OWN.load(Ordering::Relaxed);
    let (number, at) = split(word);
    match Number::from_raw(number) {
        Some(number) if at == forks => Ok(number),
        _ => take_number(forks),
    }
}

/// This process's number, if it has one.
pub(crate) fn own_if_any() -> Option<Number> {
    let (number, at) = split(OWN.load(Ordering::Relaxed));
    Number::from_raw(number).filter(|_| at == own::forks())
}

#[expect(clippy::cast_possible_truncation, reason = "two halves of a word")]
#[inline]
fn split(word: u64) -> (u32, u32) {
    (word as u32, (word >> 32) as u32)
}

#[cold]
fn take_number(forks: u32) -> Result<Number> {
    static TAKING: Mutex<()> = Mutex::new(());
    let tree = the_tree()?;
    let _taking = TAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let (number, at) = split(OWN.load(Ordering::Relaxed));
    if number != 0 && at == forks {
        return Ok(Number(number));
    }
    let io =
        |error| Error::io("this process could not be entered among those that share memory", error);
    loop {
        let next = tree.shared.u32(LAST_NUMBER).fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let Some(number) = Number::from_raw(next) else {
            let text =
                "no number is left for this process: the memory that processes share is spoilt";
            return Err(Error::new(ErrorKind::Broken, text));
        };
        // It could only be taken if somebody has scribbled over the count.
        if byte_lock::take(tree.memory.as_fd(), next).map_err(io)? {
            OWN.store(u64::from(forks) << 32 | u64::from(next), Ordering::Relaxed);
            return Ok(number);
        }
    }
}

/// Whether a process of the tree lives. Takes a system call, of a fifth of a microsecond.
pub(crate) fn is_alive(number: Number) -> bool {
    if own_if_any() == Some(number) {
        return true;
    }
    // Without a file there is no number; a failure of the call would come from the file itself.
    THE_TREE
        .get()
        .is_some_and(|tree| byte_lock::is_taken(tree.memory.as_fd(), number.0).unwrap_or(true))
}

impl Tree {
    fn new() -> io::Result<Self> {
        let memory = Memory::new("mp-commons")?;
        let len = memory.grow_up_to(WINDOW, TERRITORY)?;
        if len < 2 * TERRITORY {
            let text = format!(
                "the limit on the length of files (ulimit -f) is below {} bytes",
                2 * TERRITORY
            );
            return Err(io::Error::other(text));
        }
        let tree = Self::open_of_len(memory, len)?;
        let id = u64::from_le_bytes(random::bytes()?);
        tree.shared.u64(TREE).store(id, Ordering::Relaxed);
        tree.shared.u64(0).store(MAGIC, Ordering::Release);
        Ok(Self { id: fold(id), ..tree })
    }

    fn open(memory: Memory) -> io::Result<Self> {
        let len = memory.len()?;
        let tree = Self::open_of_len(memory, len.min(WINDOW))?;
        if tree.shared.u64(0).load(Ordering::Acquire) != MAGIC {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(tree)
    }

    fn open_of_len(memory: Memory, len: u64) -> io::Result<Self> {
        if len < TERRITORY {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let whole = usize::try_from(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let shared = Shared::map(&memory, 0, whole)?;
        let id = fold(shared.u64(TREE).load(Ordering::Relaxed));
        Ok(Self { memory, shared, id, len })
    }

    #[inline]
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// How long the file is.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn last_territory(&self) -> &AtomicU32 {
        self.shared.u32(LAST_TERRITORY)
    }

    /// How many territories the file has; that of number 0 holds the lists.
    pub(super) fn territories(&self) -> u32 {
        u32::try_from(self.len / TERRITORY).unwrap_or(u32::MAX)
    }

    /// The territories that were ever claimed.
    pub(super) fn claimed(&self) -> impl Iterator<Item = u32> {
        let last = self.last_territory().load(Ordering::Relaxed);
        1..=last.min(self.territories() - 1)
    }

    /// Who makes objects in a territory.
    pub(super) fn owner(&self, territory: u32) -> Option<&AtomicU32> {
        let at = usize::try_from(territory).ok()?;
        (territory < self.territories()).then(|| self.shared.u32(OWNERS + 4 * at))
    }
}

fn fold(id: u64) -> u32 {
    let (low, high) = split(id);
    low ^ high
}
