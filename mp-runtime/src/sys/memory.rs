//! Anonymous memory that processes share: files without a name, and mappings of them that are read and written by copy.
//! What lies at which offset is for `transport`.
#![expect(unsafe_code, reason = "maps memory that other processes write")]

use crate::sys::beside_standard;
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, FcntlArg, OFlag, SealFlag, fallocate, fcntl, open};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap, munmap};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::stat::{Mode, fstat};
use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64};

/// A file without a name, in memory.
#[derive(Debug)]
pub(crate) struct Memory(File);

impl Memory {
    /// Makes an empty file; `name` is what `/proc/PID/fd` and `maps` show. It can grow, and not
    /// shrink: a peer that cut it off would make every access here a SIGBUS.
    pub(crate) fn new(name: &str) -> io::Result<Self> {
        let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
        let sealed = flags | MFdFlags::from_bits_retain(libc::MFD_NOEXEC_SEAL);
        let fd = match memfd_create(name, sealed) {
            // Kernels before 6.3 do not know that flag.
            Err(Errno::EINVAL) => memfd_create(name, flags),
            other => other,
        }?;
        let fd = beside_standard(fd)?;
        fcntl(&fd, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_SHRINK))?;
        Ok(Self(File::from(fd)))
    }

    /// As [`new`](Self::new), of `len` zero bytes.
    pub(crate) fn with_len(name: &str, len: u64) -> io::Result<Self> {
        let memory = Self::new(name)?;
        memory.grow(len)?;
        Ok(memory)
    }

    /// Takes over a file made by another process.
    pub(crate) fn from_fd(fd: OwnedFd) -> Self {
        Self(File::from(fd))
    }

    /// Grows the file to at least `len` bytes; the new ones are zero and take no memory yet.
    pub(crate) fn grow(&self, len: u64) -> io::Result<()> {
        // Beyond this limit the kernel would not refuse but kill.
        let (limit, _) = getrlimit(Resource::RLIMIT_FSIZE)?;
        if len > limit {
            return Err(Errno::EFBIG.into());
        }
        if self.len()? < len { self.0.set_len(len) } else { Ok(()) }
    }

    /// Grows the file to `len` bytes, or as far as the limit on the length of files lets it, in steps
    /// of `step` bytes; gives how long it is then.
    pub(crate) fn grow_up_to(&self, len: u64, step: u64) -> io::Result<u64> {
        let (limit, _) = getrlimit(Resource::RLIMIT_FSIZE)?;
        let len = len.min(limit) / step * step;
        self.grow(len)?;
        Ok(len)
    }

    pub(crate) fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    /// How many bytes of memory it takes.
    #[cfg(test)]
    pub(crate) fn used(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.blocks().saturating_mul(512))
    }

    /// Copies `bytes` to `offset`, growing the file as needed.
    pub(crate) fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let end = offset.checked_add(bytes.len() as u64).ok_or(Errno::EFBIG)?;
        self.grow(end)?;
        self.0.write_all_at(bytes, offset)
    }

    /// Copies from `offset` into the whole of `bytes`. No mapping is involved, so that a peer can
    /// change what is read, but not make reading it fail in other ways than by an error.
    pub(crate) fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(bytes, offset)
    }

    /// As [`read`](Self::read), into a vector of `len` bytes; a length that the file does not hold
    /// is an error before any memory is taken.
    pub(crate) fn read_vec(&self, offset: u64, len: u64) -> io::Result<Vec<u8>> {
        let end = offset.checked_add(len).ok_or(io::ErrorKind::UnexpectedEof)?;
        let file = self.0.metadata()?;
        // What was never written takes no memory there, and would take some here.
        if end > file.len() || len > file.blocks().saturating_mul(512) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
        bytes.resize(len, 0);
        self.read(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// Takes memory for a range, so that a later store into a mapping of it cannot lack it.
    pub(crate) fn reserve(&self, offset: u64, len: u64) -> io::Result<()> {
        self.allocate(FallocateFlags::empty(), offset, len)
    }

    /// Gives the pages of a range back to the system; they read as zero from then on.
    pub(crate) fn discard(&self, offset: u64, len: u64) -> io::Result<()> {
        let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        self.allocate(flags, offset, len)
    }

    fn allocate(&self, flags: FallocateFlags, offset: u64, len: u64) -> io::Result<()> {
        let signed = |n| i64::try_from(n).map_err(|_| Errno::EFBIG);
        let (offset, len) = (signed(offset)?, signed(len)?);
        crate::sys::step();
        if len == 0 {
            return Ok(());
        }
        loop {
            match fallocate(&self.0, flags, offset, len) {
                Err(Errno::EINTR) => {}
                other => return Ok(other?),
            }
        }
    }

    /// A second descriptor of the same memory through which nobody can write or map it writable.
    pub(crate) fn read_only(&self) -> io::Result<OwnedFd> {
        let path = format!("/proc/self/fd/{}", self.0.as_raw_fd());
        let fd = open(path.as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
        beside_standard(fd)
    }
}

impl AsFd for Memory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// So many bytes are copied without a call.
const FEW: usize = 8;

/// A mapping of a [`Memory`] for reading and writing, shared with every process that has it.
///
/// A peer can write any of it at any time. So nothing here gives a reference to plain bytes: they
/// are copied in and out, and words are atomics.
#[derive(Debug)]
pub(crate) struct Shared(Region);

impl Shared {
    pub(crate) fn map(memory: &Memory, offset: u64, len: usize) -> io::Result<Self> {
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        Region::map(memory.as_fd(), offset, len, access).map(Self)
    }

    /// The word at `offset`.
    ///
    /// # Panics
    ///
    /// If it is out of range or not aligned: an offset never comes from a peer unchecked.
    #[inline]
    pub(crate) fn u32(&self, offset: usize) -> &AtomicU32 {
        self.0.u32(offset)
    }

    /// As [`u32`](Self::u32).
    #[inline]
    pub(crate) fn u64(&self, offset: usize) -> &AtomicU64 {
        self.0.u64(offset)
    }

    /// Where `len` bytes at `offset` lie. Whoever makes a reference of it answers for what peers do.
    ///
    /// # Panics
    ///
    /// If they are out of range.
    pub(crate) fn pointer(&self, offset: usize, len: usize) -> NonNull<u8> {
        self.0.at(offset, len, 1)
    }

    /// Copies `bytes` to `offset`.
    ///
    /// # Panics
    ///
    /// If they do not fit: a length never comes from a peer unchecked.
    #[inline]
    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) {
        let to = self.0.at(offset, bytes.len(), 1);
        if bytes.len() <= FEW {
            // Stores, where a call would take longer than what it does.
            for (at, byte) in bytes.iter().enumerate() {
                // SAFETY: as below.
                unsafe { to.add(at).write(*byte) };
            }
            return;
        }
        #[cfg(feature = "__steps")]
        {
            // So that it can die in the middle of a copy.
            let half = bytes.len() / 2;
            self.write(offset, &bytes[..half]);
        }
        // SAFETY: the range is mapped for writing while `self` is borrowed, and `bytes`, memory of
        // this process, does not overlap it. Whoever reads meanwhile copies too, and checks.
        unsafe { to.copy_from_nonoverlapping(NonNull::from_ref(bytes).cast(), bytes.len()) }
    }

    /// Copies what lies at `offset` into `bytes`. A peer may be writing: check before use.
    ///
    /// # Panics
    ///
    /// As [`write`](Self::write).
    pub(crate) fn read(&self, offset: usize, bytes: &mut [u8]) {
        let from = self.0.at(offset, bytes.len(), 1);
        // SAFETY: as in `write`, the other way round.
        unsafe { from.copy_to_nonoverlapping(NonNull::from_mut(bytes).cast(), bytes.len()) }
    }
}

impl Shared {
    /// `N` words in a row from `offset` on.
    ///
    /// # Panics
    ///
    /// As [`u32`](Self::u32).
    #[inline]
    pub(crate) fn u64s<const N: usize>(&self, offset: usize) -> &[AtomicU64; N] {
        let at = self.0.at(offset, size_of::<[AtomicU64; N]>(), align_of::<AtomicU64>());
        // SAFETY: as in `Region::u32`, for all of them.
        unsafe { at.cast::<[AtomicU64; N]>().as_ref() }
    }

    /// As [`u64s`](Self::u64s).
    #[inline]
    pub(crate) fn u32s<const N: usize>(&self, offset: usize) -> &[AtomicU32; N] {
        let at = self.0.at(offset, size_of::<[AtomicU32; N]>(), align_of::<AtomicU32>());
        // SAFETY: as in `Region::u32`, for all of them.
        unsafe { at.cast::<[AtomicU32; N]>().as_ref() }
    }

    /// Appends `len` bytes that lie at `offset` to `bytes`, which has room for them. A peer may be
    /// writing: check before use.
    ///
    /// # Panics
    ///
    /// As [`write`](Self::write), and if there is no room.
    #[inline]
    pub(crate) fn append(&self, offset: usize, len: usize, bytes: &mut Vec<u8>) {
        let from = self.0.at(offset, len, 1);
        let room = bytes.spare_capacity_mut();
        assert!(room.len() >= len, "no room for {len} bytes");
        let to = NonNull::from_mut(room).cast();
        // SAFETY: as in `read`; `to` has room for so many, as just checked.
        unsafe { from.copy_to_nonoverlapping(to, len) };
        // SAFETY: they are within the capacity, and were filled in just now.
        unsafe { bytes.set_len(bytes.len() + len) };
    }
}

/// A mapping of a [`Memory`] for reading, of which the owner has promised that bytes once published
/// stay as they are while this process uses them: a child's view of what its parent wrote.
#[derive(Debug)]
pub(crate) struct View(Region);

impl View {
    pub(crate) fn map(fd: BorrowedFd<'_>, offset: u64, len: usize) -> io::Result<Self> {
        // Reading beyond the file's end would be a SIGBUS.
        let size = u64::try_from(fstat(fd)?.st_size).unwrap_or(0);
        if offset.checked_add(len as u64).is_none_or(|end| end > size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Region::map(fd, offset, len, ProtFlags::PROT_READ).map(Self)
    }

    /// The word at `offset`, which only the owner stores to: here a store would fault.
    ///
    /// # Panics
    ///
    /// If it is out of range or not aligned.
    #[inline]
    pub(crate) fn u32(&self, offset: usize) -> &AtomicU32 {
        self.0.u32(offset)
    }

    /// As [`u32`](Self::u32).
    #[inline]
    pub(crate) fn u64(&self, offset: usize) -> &AtomicU64 {
        self.0.u64(offset)
    }

    /// The bytes at `offset`, in place; `None` if they are out of range.
    ///
    /// # Safety
    ///
    /// The owner must have published them before, and not write them while the slice is used.
    pub(crate) unsafe fn bytes(&self, offset: usize, len: usize) -> Option<&[u8]> {
        if offset.checked_add(len)? > self.0.len.get() {
            return None;
        }
        let at = self.0.at(offset, len, 1);
        // SAFETY: in range and mapped while `self` is borrowed; that nobody writes them is this
        // function's contract.
        Some(unsafe { NonNull::slice_from_raw_parts(at, len).as_ref() })
    }
}

#[derive(Debug)]
struct Region {
    at: NonNull<u8>,
    len: NonZeroUsize,
}

// SAFETY: a mapping belongs to the process, not to the thread that made it. All access through a
// shared reference is by atomics, or by copies that already reckon with writers in other processes.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    fn map(fd: BorrowedFd<'_>, offset: u64, len: usize, access: ProtFlags) -> io::Result<Self> {
        let len = NonZeroUsize::new(len).ok_or(io::ErrorKind::InvalidInput)?;
        let offset = i64::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
        // SAFETY: a new mapping at an address of the kernel's choice touches no existing memory.
        let at = unsafe { mmap(None, len, access, MapFlags::MAP_SHARED, fd, offset) }?;
        let region = Self { at: at.cast(), len };
        // Left out of core dumps: a crash would write a sparse mapping full.
        // SAFETY: the range is our own mapping, and this advice changes no contents.
        unsafe { madvise(at, len.get(), MmapAdvise::MADV_DONTDUMP) }?;
        Ok(region)
    }

    #[inline]
    fn u32(&self, offset: usize) -> &AtomicU32 {
        let at = self.at(offset, size_of::<AtomicU32>(), align_of::<AtomicU32>());
        // SAFETY: in range, aligned and mapped for as long as `self` is borrowed; any bits are a
        // valid AtomicU32, and every process accesses this word as an atomic only.
        unsafe { AtomicU32::from_ptr(at.cast().as_ptr()) }
    }

    #[inline]
    fn u64(&self, offset: usize) -> &AtomicU64 {
        let at = self.at(offset, size_of::<AtomicU64>(), align_of::<AtomicU64>());
        // SAFETY: as in `u32`.
        unsafe { AtomicU64::from_ptr(at.cast().as_ptr()) }
    }

    #[inline]
    fn at(&self, offset: usize, len: usize, align: usize) -> NonNull<u8> {
        let end = offset.checked_add(len);
        assert!(end.is_some_and(|end| end <= self.len.get()), "offset {offset} is out of range");
        assert!(offset.is_multiple_of(align), "offset {offset} is not aligned");
        crate::sys::step();
        // SAFETY: within the mapping, as just checked.
        unsafe { self.at.add(offset) }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: mapped by `map`, unmapped once, and nothing borrowed from it outlives it.
        let _ = unsafe { munmap(self.at.cast(), self.len.get()) };
    }
}
