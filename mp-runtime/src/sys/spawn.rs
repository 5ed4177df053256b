//! Starting a program by posix_spawn, which does not copy a large parent's page tables as fork does.
//! Which program, with which descriptors, is for `process::launch`.
#![expect(unsafe_code, reason = "posix_spawn")]

use std::ffi::{CStr, CString, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt;
use std::ptr;

/// A program to start: the running one, by its image.
#[derive(Debug)]
pub(crate) struct Spawn<'a> {
    /// The arguments, the program's own name first.
    pub(crate) arguments: Vec<OsString>,
    /// The whole environment.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// What stays open in the child beside 1 and 2, under the same numbers. 0 is /dev/null.
    pub(crate) descriptors: &'a [BorrowedFd<'a>],
    /// Whether SIGINT is not blocked.
    pub(crate) interruptible: bool,
    /// Whether it leads a new process group instead of joining this one's.
    pub(crate) leads_group: bool,
}

impl Spawn<'_> {
    /// Starts it with no signal blocked but, if told so, SIGINT, and every signal's default action;
    /// gives its pid.
    pub(crate) fn start(self) -> io::Result<u32> {
        let arguments = c_strings(self.arguments.into_iter().map(OsString::into_vec))?;
        let variables = self.environment.into_iter().map(|(name, value)| {
            let mut variable = name.into_vec();
            variable.push(b'=');
            variable.extend(value.into_vec());
            variable
        });
        let environment = c_strings(variables)?;
        let actions = Actions::new(self.descriptors)?;
        let attributes = Attributes::new(self.interruptible, self.leads_group)?;
        let (argv, envp) = (pointers(&arguments), pointers(&environment));
        let mut pid = 0;
        // Exec'd through this link the image is the running one, also if its file was replaced or
        // deleted. The child shares our memory until it execs, so the link is ours in it too.
        let image = c"/proc/self/exe";
        // SAFETY: all strings and the two objects outlive the call, which returns after the exec;
        // both arrays end in null; argv and envp are not written to.
        let rc = unsafe {
            libc::posix_spawn(
                &raw mut pid,
                image.as_ptr(),
                &raw const actions.0,
                &raw const attributes.0,
                argv.as_ptr(),
                envp.as_ptr(),
            )
        };
        done(rc)?;
        u32::try_from(pid).map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

fn c_strings(strings: impl Iterator<Item = Vec<u8>>) -> io::Result<Vec<CString>> {
    Ok(strings.map(CString::new).collect::<Result<_, _>>()?)
}

fn pointers(strings: &[CString]) -> Vec<*mut libc::c_char> {
    strings.iter().map(|s| s.as_ptr().cast_mut()).chain([ptr::null_mut()]).collect()
}

fn done(rc: libc::c_int) -> io::Result<()> {
    if rc == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(rc)) }
}

struct Actions(libc::posix_spawn_file_actions_t);

impl Actions {
    fn new(descriptors: &[BorrowedFd<'_>]) -> io::Result<Self> {
        const NULL: &CStr = c"/dev/null";
        let mut raw = MaybeUninit::uninit();
        // SAFETY: the call initialises what it is given, or fails.
        done(unsafe { libc::posix_spawn_file_actions_init(raw.as_mut_ptr()) })?;
        // SAFETY: initialised by the call above.
        let mut actions = Self(unsafe { raw.assume_init() });
        let to = &raw mut actions.0;
        // SAFETY: `to` is initialised; the path is copied.
        done(unsafe {
            libc::posix_spawn_file_actions_addopen(to, 0, NULL.as_ptr(), libc::O_RDONLY, 0)
        })?;
        for fd in descriptors.iter().map(AsRawFd::as_raw_fd) {
            // A descriptor put onto itself loses its close-on-exec flag in the child.
            // SAFETY: `to` is initialised; the numbers are only noted.
            done(unsafe { libc::posix_spawn_file_actions_adddup2(to, fd, fd) })?;
        }
        Ok(actions)
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, destroyed once.
        unsafe { libc::posix_spawn_file_actions_destroy(&raw mut self.0) };
    }
}

struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    fn new(interruptible: bool, leads_group: bool) -> io::Result<Self> {
        let mut raw = MaybeUninit::uninit();
        // SAFETY: the call initialises what it is given, or fails.
        done(unsafe { libc::posix_spawnattr_init(raw.as_mut_ptr()) })?;
        // SAFETY: initialised by the call above.
        let mut attributes = Self(unsafe { raw.assume_init() });
        let to = &raw mut attributes.0;
        let (mut blocked, mut all) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        // SAFETY: both calls initialise the set that they are given, and cannot fail.
        unsafe { (libc::sigemptyset(blocked.as_mut_ptr()), libc::sigfillset(all.as_mut_ptr())) };
        if !interruptible {
            // SAFETY: initialised above; the signal's number is a valid one.
            unsafe { libc::sigaddset(blocked.as_mut_ptr(), libc::SIGINT) };
        }
        // SAFETY: `to` is initialised, and both sets by the calls above; they are copied.
        done(unsafe { libc::posix_spawnattr_setsigmask(to, blocked.as_ptr()) })?;
        // SAFETY: as above.
        done(unsafe { libc::posix_spawnattr_setsigdefault(to, all.as_ptr()) })?;
        let mut flags = libc::POSIX_SPAWN_SETSIGMASK | libc::POSIX_SPAWN_SETSIGDEF;
        if leads_group {
            flags |= libc::POSIX_SPAWN_SETPGROUP;
            // SAFETY: `to` is initialised; 0 is the child's own pid.
            done(unsafe { libc::posix_spawnattr_setpgroup(to, 0) })?;
        }
        let flags = libc::c_short::try_from(flags).map_err(|_| io::ErrorKind::InvalidInput)?;
        // SAFETY: `to` is initialised.
        done(unsafe { libc::posix_spawnattr_setflags(to, flags) })?;
        Ok(attributes)
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, destroyed once.
        unsafe { libc::posix_spawnattr_destroy(&raw mut self.0) };
    }
}
