//! Memory that has a name: files under /dev/shm, made whole, opened, looked up and removed. Who removes which, and when,
//! is for `shared`.

use crate::sys::beside_standard;
use crate::sys::memory::Memory;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, open};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat, lstat};
use nix::unistd::{linkat, unlink};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

const FOLDER: &str = "/dev/shm";

/// The file that a name means: not one that is given the name later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct FileId {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

/// Makes `len` zero bytes that only this user may open, and that have no name yet. All of the memory is
/// taken at once, so that no later store can lack it.
pub(crate) fn make(len: u64) -> io::Result<(Memory, FileId)> {
    let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
    let fd = beside_standard(open(FOLDER, flags, owner_only())?)?;
    // Whatever the umask takes away.
    fchmod(&fd, owner_only())?;
    let memory = Memory::from_fd(fd);
    memory.grow(len)?;
    memory.reserve(0, len)?;
    let id = id_of(memory.as_fd())?;
    Ok((memory, id))
}

/// Gives what [`make`] has made its name.
///
/// # Errors
///
/// `AlreadyExists` if the name is another's.
pub(crate) fn link(memory: &Memory, name: &str) -> io::Result<()> {
    let source = format!("/proc/self/fd/{}", memory.as_fd().as_raw_fd());
    let flags = AtFlags::AT_SYMLINK_FOLLOW;
    Ok(linkat(AT_FDCWD, source.as_str(), AT_FDCWD, path(name).as_str(), flags)?)
}

/// Opens the block of that name.
pub(crate) fn find(name: &str) -> io::Result<(Memory, FileId)> {
    let flags = OFlag::O_RDWR | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let fd = beside_standard(open(path(name).as_str(), flags, Mode::empty())?)?;
    let status = fstat(&fd)?;
    if SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok((Memory::from_fd(fd), id(&status)))
}

/// Whether the name still means that file.
pub(crate) fn is_there(name: &str, id: FileId) -> bool {
    look(name).is_ok_and(|found| found == id)
}

/// The file that has this name.
pub(crate) fn look(name: &str) -> io::Result<FileId> {
    Ok(id(&lstat(path(name).as_str())?))
}

/// Takes the name away from that file.
///
/// # Errors
///
/// `NotFound` if it has it no more.
pub(crate) fn remove(name: &str, id: FileId) -> io::Result<()> {
    if look(name)? != id {
        return Err(Errno::ENOENT.into());
    }
    Ok(unlink(path(name).as_str())?)
}

/// All names that there are.
pub(crate) fn names() -> io::Result<Vec<OsString>> {
    std::fs::read_dir(FOLDER)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
}

fn id_of(fd: BorrowedFd<'_>) -> io::Result<FileId> {
    Ok(id(&fstat(fd)?))
}

fn id(status: &FileStat) -> FileId {
    FileId { device: status.st_dev, inode: status.st_ino }
}

fn owner_only() -> Mode {
    Mode::S_IRUSR | Mode::S_IWUSR
}

fn path(name: &str) -> String {
    format!("{FOLDER}/{name}")
}
