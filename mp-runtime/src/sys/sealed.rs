//! Memory that nobody can change any more, whoever has it: filled, then sealed, and the seals looked at by who receives
//! it. So its bytes can be borrowed.
#![expect(unsafe_code, reason = "gives references to bytes that another process wrote")]

use crate::sys::memory::Memory;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap, mmap_anonymous, munmap};
use nix::sys::stat::fstat;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;

/// What the kernel maps by one entry if it lies in one piece.
const HUGE: usize = 2 << 20;
/// No page is smaller.
const PAGE: usize = 4096;

/// Such memory, mapped for reading.
#[derive(Debug)]
pub(crate) struct Sealed {
    file: OwnedFd,
    /// None if it is empty.
    mapping: Option<Mapping>,
    len: usize,
}

impl Sealed {
    /// Takes a copy of `bytes`.
    pub(crate) fn make(bytes: &[u8]) -> io::Result<Self> {
        let memory = Memory::new("mp-slice")?;
        memory.write(0, bytes)?;
        // What is mapped by a descriptor that could write cannot be sealed, nor, by older kernels, mapped after that.
        let file = memory.read_only()?;
        let mapping = Mapping::new(file.as_fd(), bytes.len())?;
        if let Some(mapping) = &mapping {
            mapping.join_pages();
        }
        fcntl(&memory, FcntlArg::F_ADD_SEALS(all() | SealFlag::F_SEAL_SEAL))?;
        Ok(Self { file, mapping, len: bytes.len() })
    }

    /// Takes over what another process has made, of so many bytes.
    ///
    /// # Errors
    ///
    /// If it can still be changed, or is shorter.
    pub(crate) fn open(file: OwnedFd, len: usize) -> io::Result<Self> {
        let seals = fcntl(&file, FcntlArg::F_GET_SEALS).map(SealFlag::from_bits_retain);
        if !seals.is_ok_and(|seals| seals.contains(all())) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it can still be changed"));
        }
        // Reading beyond the file's end would be a SIGBUS.
        if u64::try_from(fstat(&file)?.st_size).is_ok_and(|size| len as u64 > size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mapping = Mapping::new(file.as_fd(), len)?;
        if let Some(mapping) = &mapping {
            mapping.populate();
        }
        Ok(Self { file, mapping, len })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        let Some(mapping) = &self.mapping else { return &[] };
        // SAFETY: so many are mapped as long as `self` is borrowed, and the seals, which cannot be taken off,
        // keep everybody from writing or cutting off what is there.
        unsafe { std::slice::from_raw_parts(mapping.at.as_ptr(), self.len) }
    }
}

/// A mapping for reading that begins where a huge page can.
#[derive(Debug)]
struct Mapping {
    at: NonNull<u8>,
    len: NonZeroUsize,
}

// SAFETY: a mapping belongs to the process, not to a thread, and this one is for reading.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(file: BorrowedFd<'_>, len: usize) -> io::Result<Option<Self>> {
        let Some(len) = NonZeroUsize::new(len) else { return Ok(None) };
        let room = len.checked_add(HUGE).ok_or(io::ErrorKind::OutOfMemory)?;
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_NORESERVE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no existing memory.
        let start = unsafe { mmap_anonymous(None, room, ProtFlags::PROT_NONE, flags) }?;
        let room = Room { at: start.cast(), len: room };
        let skipped = start.addr().get().next_multiple_of(HUGE) - start.addr().get();
        // SAFETY: it lies in the room, which is longer by what can be skipped.
        let at: NonNull<u8> = unsafe { start.cast().add(skipped) };
        let (access, flags) = (ProtFlags::PROT_READ, MapFlags::MAP_SHARED | MapFlags::MAP_FIXED);
        // SAFETY: what it takes the place of is a part of the room, which nobody uses.
        unsafe { mmap(Some(at.addr()), len, access, flags, file, 0) }?;
        room.leave(skipped, len.get());
        // Left out of core dumps, as all that is shared.
        // SAFETY: the range is our own mapping, and this advice changes no contents.
        let _ = unsafe { madvise(at.cast(), len.get(), MmapAdvise::MADV_DONTDUMP) };
        Ok(Some(Self { at, len }))
    }

    /// Has whole huge pages made of many small ones, where the kernel can do that: each reader then maps and
    /// unmaps it in no time.
    fn join_pages(&self) {
        if self.len.get() >= HUGE {
            self.advise(self.len.get() / HUGE * HUGE, libc::MADV_COLLAPSE);
        }
    }

    /// Has all of it ready at once, where the kernel can do that: page faults one by one take longer.
    fn populate(&self) {
        self.advise(self.len.get(), libc::MADV_POPULATE_READ);
    }

    fn advise(&self, len: usize, advice: libc::c_int) {
        // An older kernel refuses; then all is as it was.
        // SAFETY: the range is our own mapping, and none of these changes contents.
        let _ = unsafe { libc::madvise(self.at.as_ptr().cast(), len, advice) };
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`, unmapped once, and nothing borrowed from it outlives it.
        let _ = unsafe { munmap(self.at.cast(), self.len.get()) };
    }
}

/// Addresses that are kept free.
struct Room {
    at: NonNull<u8>,
    len: NonZeroUsize,
}

impl Room {
    /// Gives all back but what has been taken.
    fn leave(self, skipped: usize, taken: usize) {
        let room = std::mem::ManuallyDrop::new(self);
        let end = (skipped + taken).next_multiple_of(PAGE);
        // SAFETY: these are the parts before and behind what was taken.
        unsafe {
            if skipped > 0 {
                let _ = munmap(room.at.cast(), skipped);
            }
            if end < room.len.get() {
                let _ = munmap(room.at.add(end).cast(), room.len.get() - end);
            }
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // SAFETY: nothing was put there.
        let _ = unsafe { munmap(self.at.cast(), self.len.get()) };
    }
}

impl AsFd for Sealed {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn all() -> SealFlag {
    SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW
}

#[cfg(test)]
mod tests {
    use super::Sealed;
    use crate::sys::memory::{Memory, Shared};
    use std::fs::File;
    use std::os::fd::{AsFd, AsRawFd};

    #[test]
    fn what_can_still_be_changed_is_refused() {
        let sealed = Sealed::make(b"some bytes").unwrap();
        assert_eq!(sealed.bytes(), b"some bytes");
        let copy = || sealed.as_fd().try_clone_to_owned().unwrap();
        assert_eq!(Sealed::open(copy(), 4).unwrap().bytes(), b"some");
        assert!(Sealed::open(copy(), 11).is_err(), "longer than it is");
        let path = format!("/proc/self/fd/{}", sealed.as_fd().as_raw_fd());
        let file = File::options().read(true).write(true).open(path).unwrap();
        let memory = Memory::from_fd(file.into());
        for done in [memory.write(0, b"x"), memory.write(10, b"x"), memory.discard(0, 10)] {
            assert_eq!(done.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
        }
        assert!(Shared::map(&memory, 0, 10).is_err());
        let open = Memory::with_len("mp-test", 10).unwrap();
        assert!(Sealed::open(open.as_fd().try_clone_to_owned().unwrap(), 10).is_err());
        let file = File::open("/proc/self/exe").unwrap();
        assert!(Sealed::open(file.into(), 10).is_err());
    }

    #[test]
    fn nothing_is_a_slice_too() {
        assert_eq!(Sealed::make(b"").unwrap().bytes(), b"");
    }
}
