//! Waiting for several things of different kinds at once: descriptors by poll, objects in shared memory by their words.
//! Several results of pools are waited for in `pool::wait`.

use crate::channel::{Connection, Queue, Receiver};
use crate::error::{Error, ErrorKind, Result};
use crate::process::Process;
use crate::sync::Event;
use crate::sys::clock::Deadline;
use crate::sys::event;
use crate::sys::{futex, futexes, poll};
use crate::task::Task;
use crate::transport::sleeper::{Looks, Sleeper, sleep};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Release;
use std::thread;
use std::time::Duration;

/// What [`wait`] can wait for: anything that has a descriptor, until it can be read or its other end
/// is gone; a [`Connection`], [`Receiver`] or [`Queue`], until something can be taken or nothing more
/// can come; a started [`Process`], until it has ended; an [`Event`], until it is set; a manager's queue or event
/// likewise, or until its server has ended.
pub trait Waitable {
    #[doc(hidden)]
    fn __source(&self) -> Result<Source<'_>>;
}

/// How something is waited for.
#[doc(hidden)]
pub struct Source<'a>(How<'a>);

enum How<'a> {
    Descriptor(BorrowedFd<'a>),
    Object(Box<dyn Sleeper + 'a>),
}

impl fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").finish_non_exhaustive()
    }
}

impl<'a> Source<'a> {
    /// An object in shared memory.
    pub(crate) fn object(sleeper: impl Sleeper + 'a) -> Self {
        Self(How::Object(Box::new(sleeper)))
    }
}

impl<T: AsFd + ?Sized> Waitable for T {
    fn __source(&self) -> Result<Source<'_>> {
        Ok(Source(How::Descriptor(self.as_fd())))
    }
}

impl Waitable for Event {
    fn __source(&self) -> Result<Source<'_>> {
        Ok(Source::object(self.sleeper(None)))
    }
}

impl<S, R> Waitable for Connection<S, R> {
    fn __source(&self) -> Result<Source<'_>> {
        self.incoming().map(Source::object)
    }
}

impl<T> Waitable for Receiver<T> {
    fn __source(&self) -> Result<Source<'_>> {
        self.incoming().map(Source::object)
    }
}

impl<T> Waitable for Queue<T> {
    fn __source(&self) -> Result<Source<'_>> {
        self.incoming().map(Source::object)
    }
}

impl<T: Task> Waitable for Process<T> {
    fn __source(&self) -> Result<Source<'_>> {
        Ok(Source(How::Descriptor(self.sentinel()?)))
    }
}

/// Waits until at least one of `items` is ready, at most `timeout` (`None`: without limit), and gives
/// the indices of all that are; none if the time has passed first.
///
/// Nothing is taken from what is ready: what was there to be read is there afterwards. A connection,
/// queue or pipe whose other end is gone is ready, since reading it says so at once.
///
/// # Errors
///
/// [`NotStarted`](crate::ErrorKind::NotStarted) or [`Closed`](crate::ErrorKind::Closed) for a process
/// or handle of which this is so; [`InvalidArgument`](crate::ErrorKind::InvalidArgument) for nothing
/// without a limit; [`Io`](crate::ErrorKind::Io) if the operating system refused, as
/// Linux before 5.16 does for several shared objects at once.
///
/// # Examples
///
/// ```
/// use std::os::unix::net::UnixStream;
/// use std::time::Duration;
///
/// #[mp::task]
/// fn nothing() {}
///
/// #[mp::main]
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let (ours, _theirs) = UnixStream::pair()?;
///     let process = mp::spawn(nothing, ())?;
///     let ready = mp::wait(&[&ours, &process], Some(Duration::from_secs(60)))?;
///     assert_eq!(ready, [1]);
///     Ok(())
/// }
/// ```
pub fn wait(items: &[&dyn Waitable], timeout: Option<Duration>) -> Result<Vec<usize>> {
    let sources: Vec<Source<'_>> =
        items.iter().map(|item| item.__source()).collect::<Result<_>>()?;
    let deadline = timeout.and_then(Deadline::after);
    let io = |error| Error::io("waiting for several things at once", error);
    let all = Sources::new(&sources);
    let mut looks = Looks::new();
    let mut dear = true;
    if sources.is_empty() && deadline.is_none() {
        let text = "a wait for nothing, without limit, would never end";
        return Err(Error::new(ErrorKind::InvalidArgument, text));
    }
    loop {
        let ready = all.ready(dear).map_err(io)?;
        if !ready.is_empty() || deadline.is_some_and(Deadline::has_passed) {
            return Ok(ready);
        }
        dear = all.sleep(deadline, &mut looks).map_err(io)?;
    }
}

/// The sources by how they are waited for, each with its index.
struct Sources<'s> {
    descriptors: Vec<(usize, BorrowedFd<'s>)>,
    objects: Vec<(usize, &'s dyn Sleeper)>,
}

impl<'s> Sources<'s> {
    fn new(sources: &'s [Source<'s>]) -> Self {
        let mut this = Self { descriptors: Vec::new(), objects: Vec::new() };
        for (at, source) in sources.iter().enumerate() {
            match &source.0 {
                How::Descriptor(fd) => this.descriptors.push((at, *fd)),
                How::Object(sleeper) => this.objects.push((at, &**sleeper)),
            }
        }
        this
    }

    /// Which are ready now; dearly, with a look whether those live who could make them so.
    fn ready(&self, dear: bool) -> io::Result<Vec<usize>> {
        let mut ready = Vec::new();
        if !self.descriptors.is_empty() {
            let fds: Vec<_> = self.descriptors.iter().map(|(_, fd)| *fd).collect();
            let readable = poll::readable(&fds, Deadline::after(Duration::ZERO))?;
            ready.extend(
                self.descriptors.iter().zip(readable).filter(|(_, is)| *is).map(|(it, _)| it.0),
            );
        }
        let is_ready = |it: &&(usize, &dyn Sleeper)| it.1.is_ready() || dear && it.1.is_over();
        ready.extend(self.objects.iter().filter(is_ready).map(|it| it.0));
        ready.sort_unstable();
        Ok(ready)
    }

    /// Sleeps until one may be ready; says whether it is time for a dear look.
    fn sleep(&self, deadline: Option<Deadline>, looks: &mut Looks) -> io::Result<bool> {
        let mut fds: Vec<_> = self.descriptors.iter().map(|(_, fd)| *fd).collect();
        if self.objects.is_empty() {
            poll::readable(&fds, deadline)?;
            return Ok(false);
        }
        let objects: Vec<&dyn Sleeper> = self.objects.iter().map(|it| it.1).collect();
        let mut groups = objects.chunks(futexes::MOST - 1);
        let own = groups.next().unwrap_or_default();
        let done = Done { word: AtomicU32::new(0), event: event::Event::new()? };
        // One thread for what the kernel cannot wait for in one call.
        thread::scope(|scope| {
            let others = || {
                for group in groups {
                    let others = || {
                        let _ = sleep(group, (&done.word, 0), deadline, &mut Looks::new());
                        done.tell();
                    };
                    thread::Builder::new().spawn_scoped(scope, others)?;
                }
                if !fds.is_empty() {
                    fds.push(done.event.as_fd());
                    let poll = || {
                        let _ = poll::readable(&fds, deadline);
                        done.tell();
                    };
                    thread::Builder::new().spawn_scoped(scope, poll)?;
                }
                io::Result::Ok(())
            };
            let slept = others().and_then(|()| sleep(own, (&done.word, 0), deadline, looks));
            // Also if one of them could not be started: the scope waits for the others.
            done.tell();
            slept
        })
    }
}

/// How those who wait together tell each other that it is over.
struct Done {
    word: AtomicU32,
    event: event::Event,
}

impl Done {
    fn tell(&self) {
        self.word.store(1, Release);
        // It fails for an address that is not mapped, and this one is borrowed.
        let _ = futex::wake(&self.word, i32::MAX);
        self.event.raise();
    }
}
