//! Copies of this process that are children of its parent: what a fork server makes. Whoever asks for one, and what it
//! becomes, is for `child::serve`.
#![expect(unsafe_code, reason = "clone, and what the C library would have done around it")]

use crate::sys::{check, own};
use nix::sys::stat::stat;
use std::ffi::c_long;
use std::io;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

/// Which of the two a process is after [`Forker::fork`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forked {
    /// The copy.
    Child,
    /// The original, and the copy's pid.
    Original(u32),
}

/// What this process must know of itself before it can be copied.
#[derive(Debug)]
pub(crate) struct Forker {
    /// Where the C library keeps the thread's id, which the kernel is to write anew in the copy.
    thread_id: *mut libc::c_int,
    /// The list of robust locks, which the kernel forgets in the copy.
    robust: *mut libc::c_void,
    robust_len: libc::size_t,
}

impl Forker {
    pub(crate) fn new() -> io::Result<Self> {
        let mut forker =
            Self { thread_id: ptr::null_mut(), robust: ptr::null_mut(), robust_len: 0 };
        let to = &raw mut forker.thread_id;
        // SAFETY: the call writes one pointer to `to`.
        check(unsafe { libc::prctl(libc::PR_GET_TID_ADDRESS, to) }.into())?;
        let (head, len) = (&raw mut forker.robust, &raw mut forker.robust_len);
        // SAFETY: the call writes a pointer and a size, of the calling thread's list.
        check(unsafe { libc::syscall(libc::SYS_get_robust_list, 0, head, len) })?;
        Ok(forker)
    }

    /// Makes a copy of this process, a child of this process's parent. The kernel writes its pid to
    /// `told` before it runs, so that who shares that memory knows of it whatever becomes of us.
    ///
    /// # Errors
    ///
    /// `ResourceBusy` if this process has more than one thread: the others, and the locks that they
    /// hold, would not be right in the copy.
    pub(crate) fn fork(&self, told: &AtomicU32) -> io::Result<Forked> {
        if !is_single_threaded()? {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        // Also has the page there when the kernel writes to it.
        told.store(0, Ordering::SeqCst);
        match self.clone_process(told.as_ptr())? {
            0 => {
                // SAFETY: the list of this thread, as the C library had it registered.
                let rc = unsafe {
                    libc::syscall(libc::SYS_set_robust_list, self.robust, self.robust_len)
                };
                check(rc)?;
                own::note_fork();
                Ok(Forked::Child)
            }
            pid => u32::try_from(pid)
                .map(Forked::Original)
                .map_err(|_| io::ErrorKind::InvalidData.into()),
        }
    }

    fn clone_process(&self, told: *mut u32) -> io::Result<c_long> {
        let flags = libc::CLONE_PARENT
            | libc::CLONE_PARENT_SETTID
            | libc::CLONE_CHILD_SETTID
            | libc::CLONE_CHILD_CLEARTID
            | libc::SIGCHLD;
        let (stack, tls) = (ptr::null_mut::<u8>(), ptr::null_mut::<u8>());
        #[cfg(target_arch = "x86_64")]
        let (fourth, fifth) = (self.thread_id.cast::<u8>(), tls);
        #[cfg(target_arch = "aarch64")]
        let (fourth, fifth) = (tls, self.thread_id.cast::<u8>());
        // SAFETY: without a shared address space or another stack the copy goes on here as after a
        // fork. This thread is the only one, so all of its locks and lists are whole in the copy;
        // its id is written to where the C library has it, and `told` is a word of shared memory.
        check(unsafe { libc::syscall(libc::SYS_clone, flags, stack, told, fourth, fifth) })
    }
}

/// Whether the calling thread is this process's only one. Threads that were joined may be counted
/// for a moment.
pub(crate) fn is_single_threaded() -> io::Result<bool> {
    // A directory's links are itself, the entry in its parent, and its subdirectories.
    Ok(stat("/proc/self/task")?.st_nlink == 3)
}

/// Writes out what the C library's streams have buffered, which copies would write again.
pub(crate) fn flush_c_streams() {
    // SAFETY: null means all streams; they are the library's own.
    unsafe { libc::fflush(ptr::null_mut()) };
}
