//! `SharedMemory`: a block of memory that has a name. Which files those are is in `sys::named`, who removes them when the
//! program has ended is the tracker.
#![expect(
    unsafe_code,
    reason = "gives slices of shared memory to those who promise that nobody writes it"
)]

use crate::custody::MISSING;
use crate::error::{Error, ErrorKind, Result};
use crate::identity;
use crate::shared::names;
use crate::shared::tracker::{Named, client};
use crate::sys::memory::{Memory, Shared};
use crate::sys::named::{self, FileId};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64};

/// So many names at random that are all taken are enough.
const TRIES: u32 = 16;

/// A block of memory with a name, by which any process of this user can attach it, of this program or
/// another, in Rust, Python (`multiprocessing.shared_memory`) or C (`shm_open`).
///
/// As an argument, a result or a part of one it travels by its name, whatever its size; the receiver
/// sees what is written.
///
/// Dropping a handle detaches it. The block stays until somebody calls [`unlink`](Self::unlink); what a
/// program has made and not unlinked is removed when its main process and all others have ended, however
/// they ended: by a small process, the tracker, that is started with the first block.
///
/// Any process may write at any time: [`read`](Self::read) and [`write`](Self::write) copy, and what was
/// read is to be checked before it is believed.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn shout(block: mp::SharedMemory) {
///     let mut text = block.to_vec();
///     text.make_ascii_uppercase();
///     block.write(0, &text).expect("as long as it was");
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let block = mp::SharedMemory::create(None, 5)?;
///     block.write(0, b"hello")?;
///     mp::spawn(shout, block.clone())?.result()?;
///     assert_eq!(block.to_vec(), b"HELLO");
///     block.unlink()
/// }
/// ```
#[derive(Clone)]
pub struct SharedMemory(Arc<Block>);

struct Block {
    named: Named,
    mapping: Shared,
    len: usize,
}

impl SharedMemory {
    /// Makes a block of `len` zero bytes, with this name or, given none, with a fresh one.
    ///
    /// The memory is taken at once: where there is too little, this is an error, and no later access
    /// is one.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if a block has that name;
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) if `len` is zero, or the name is empty, too long,
    /// or has a slash or a NUL; [`Io`](ErrorKind::Io) if there is no room;
    /// [`Unsupported`](ErrorKind::Unsupported) in a program that has not called `mp::init`.
    ///
    /// # Examples
    ///
    /// ```
    /// #[mp::main]
    /// fn main() -> mp::Result<()> {
    ///     let block = mp::SharedMemory::create(Some("mp-doc-create"), 512)?;
    ///     let error = mp::SharedMemory::create(Some("mp-doc-create"), 512).unwrap_err();
    ///     assert_eq!(error.kind(), mp::ErrorKind::AlreadyExists);
    ///     block.unlink()
    /// }
    /// ```
    pub fn create(name: Option<&str>, len: usize) -> Result<Self> {
        if len == 0 {
            let text = "a shared memory block has at least one byte";
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        name.map_or(Ok(()), names::check)?;
        let io = |error| Error::io(format!("a shared memory block of {len} bytes"), error);
        let tree = identity::tree().map_err(io)?;
        let (memory, id) = named::make(len as u64).map_err(io)?;
        let mut tries = 1..=TRIES;
        loop {
            let fresh = || names::fresh(tree).map_err(io);
            let chosen = name.map_or_else(fresh, |name| Ok(name.to_owned()))?;
            let named = Named { name: chosen, id };
            client::made(&named)?;
            match named::link(&memory, &named.name) {
                Ok(()) => return Self::map(named, &memory, len).map_err(io),
                Err(error) => {
                    client::gone(&named);
                    if error.kind() != io::ErrorKind::AlreadyExists {
                        return Err(io(error));
                    }
                    if name.is_some() || tries.next().is_none() {
                        return Err(exists(&named.name));
                    }
                }
            }
        }
    }

    /// Attaches the block of that name, whoever made it: all of it, as long as it was made.
    ///
    /// It stays its maker's: nothing that happens to this program removes it, but
    /// [`unlink`](Self::unlink).
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if there is none; [`InvalidArgument`](ErrorKind::InvalidArgument)
    /// for a name that none can have, or a block without a byte, which its maker has not filled yet;
    /// [`Io`](ErrorKind::Io) if it is another user's.
    ///
    /// # Examples
    ///
    /// ```
    /// #[mp::main]
    /// fn main() -> mp::Result<()> {
    ///     let block = mp::SharedMemory::create(None, 64)?;
    ///     let same = mp::SharedMemory::attach(block.name())?;
    ///     same.write(60, &[1, 2, 3, 4])?;
    ///     assert_eq!(block.to_vec()[60..], [1, 2, 3, 4]);
    ///     block.unlink()
    /// }
    /// ```
    pub fn attach(name: &str) -> Result<Self> {
        names::check(name)?;
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => {
                let text = format!("there is no shared memory block {name:?}");
                Error::new(ErrorKind::NotFound, text)
            }
            _ => Error::io(format!("attaching the shared memory block {name:?}"), error),
        };
        let (memory, id) = named::find(name).map_err(failed)?;
        let len = usize::try_from(memory.len().map_err(failed)?).unwrap_or(usize::MAX);
        if len == 0 {
            let text = format!("the shared memory block {name:?} has no byte");
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        Self::map(Named { name: name.to_owned(), id }, &memory, len).map_err(failed)
    }

    /// As [`attach`](Self::attach), and makes the block this program's own: it is removed when this program
    /// has ended, however it ended, if nobody has unlinked it by then.
    ///
    /// For a block whose maker hands it over, since it ends first.
    ///
    /// # Errors
    ///
    /// As [`attach`](Self::attach) and [`create`](Self::create).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// #[mp::main]
    /// fn main() -> mp::Result<()> {
    ///     let block = mp::SharedMemory::attach_tracked("psm_12ab34cd")?; // made by a Python program
    ///     println!("{} bytes", block.len());
    ///     Ok(())
    /// }
    /// ```
    pub fn attach_tracked(name: &str) -> Result<Self> {
        let block = Self::attach(name)?;
        client::made(&block.0.named)?;
        Ok(block)
    }

    fn map(named: Named, memory: &Memory, len: usize) -> io::Result<Self> {
        let mapping = Shared::map(memory, 0, len)?;
        Ok(Self(Arc::new(Block { named, mapping, len })))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.named.name
    }

    /// How many bytes it has.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a block has at least one byte")]
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// Copies the bytes from `at` on into all of `bytes`. Another process may be writing them: what comes
    /// may be half of one write and half of another.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) if the block ends before that.
    pub fn read(&self, at: usize, bytes: &mut [u8]) -> Result<()> {
        self.check(at, bytes.len())?;
        self.0.mapping.read(at, bytes);
        Ok(())
    }

    /// Copies `bytes` to `at`.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) if the block ends before that; nothing is written.
    pub fn write(&self, at: usize, bytes: &[u8]) -> Result<()> {
        self.check(at, bytes.len())?;
        self.0.mapping.write(at, bytes);
        Ok(())
    }

    /// A copy of all bytes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.0.len];
        self.0.mapping.read(0, &mut bytes);
        bytes
    }

    /// The four bytes at `at` as a number that processes can change together.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) if `at` is no multiple of four, or the block ends
    /// before that.
    pub fn atomic_u32(&self, at: usize) -> Result<&AtomicU32> {
        self.check_aligned(at, size_of::<AtomicU32>())?;
        Ok(self.0.mapping.u32(at))
    }

    /// As [`atomic_u32`](Self::atomic_u32), of eight bytes.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) if `at` is no multiple of eight, or the block ends
    /// before that.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::Ordering::Relaxed;
    ///
    /// #[mp::main]
    /// fn main() -> mp::Result<()> {
    ///     let block = mp::SharedMemory::create(None, 16)?;
    ///     block.atomic_u64(8)?.fetch_add(7, Relaxed);
    ///     assert_eq!(block.to_vec()[8], 7);
    ///     block.unlink()
    /// }
    /// ```
    pub fn atomic_u64(&self, at: usize) -> Result<&AtomicU64> {
        self.check_aligned(at, size_of::<AtomicU64>())?;
        Ok(self.0.mapping.u64(at))
    }

    /// The bytes, in place.
    ///
    /// # Safety
    ///
    /// - No process writes any of the bytes while the slice is used, in whatever way.
    /// - No process makes the file shorter meanwhile.
    #[must_use]
    pub unsafe fn as_slice(&self) -> &[u8] {
        // SAFETY: mapped for as long as `self` is borrowed; that nobody writes is the contract.
        unsafe { std::slice::from_raw_parts(self.start(), self.0.len) }
    }

    /// The bytes, in place and to be written.
    ///
    /// # Safety
    ///
    /// - No process reads or writes any of the bytes while the slice is used, in whatever way, also not
    ///   through another handle of this process.
    /// - No process makes the file shorter meanwhile.
    #[must_use]
    pub unsafe fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`; that nobody else has them is the contract.
        unsafe { std::slice::from_raw_parts_mut(self.start(), self.0.len) }
    }

    /// Takes the block's name away: nobody can attach it any more, and its memory is given back when the
    /// last handle of any process is gone. Handles that are there go on.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if the block has no name any more, since somebody has done this.
    pub fn unlink(&self) -> Result<()> {
        let Named { name, id } = &self.0.named;
        let done = match named::remove(name, *id).map_err(|error| (error.kind(), error)) {
            Ok(()) => Ok(()),
            Err((io::ErrorKind::NotFound, _)) => {
                let text = format!("the shared memory block {name:?} was unlinked before");
                Err(Error::new(ErrorKind::NotFound, text))
            }
            Err((_, error)) => {
                let doing = format!("unlinking the shared memory block {name:?}");
                return Err(Error::io(doing, error));
            }
        };
        client::gone(&self.0.named);
        done
    }

    fn start(&self) -> *mut u8 {
        self.0.mapping.pointer(0, self.0.len).as_ptr()
    }

    fn check(&self, at: usize, len: usize) -> Result<()> {
        if at.checked_add(len).is_some_and(|end| end <= self.0.len) {
            return Ok(());
        }
        let text = format!("{len} bytes at {at} are not all in a block of {}", self.0.len);
        Err(Error::new(ErrorKind::InvalidArgument, text))
    }

    fn check_aligned(&self, at: usize, len: usize) -> Result<()> {
        if !at.is_multiple_of(len) {
            let text = format!("a number of {len} bytes cannot stand at {at}");
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        self.check(at, len)
    }
}

fn exists(name: &str) -> Error {
    let text = format!("there is a shared memory block {name:?} already");
    Error::new(ErrorKind::AlreadyExists, text)
}

impl fmt::Debug for SharedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedMemory")
            .field("name", &self.name())
            .field("len", &self.len())
            .finish()
    }
}

impl Serialize for SharedMemory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.0.named.name, self.0.named.id).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SharedMemory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (name, id) = <(String, FileId)>::deserialize(deserializer)?;
        let missing = || {
            let text = format!("{MISSING}the shared memory block {name:?} was unlinked");
            D::Error::custom(text)
        };
        match Self::attach(&name) {
            Ok(block) if block.0.named.id == id => Ok(block),
            // The name is another block's by now.
            Ok(_) => Err(missing()),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(missing()),
            Err(error) => Err(D::Error::custom(format!("{error:?}"))),
        }
    }
}
