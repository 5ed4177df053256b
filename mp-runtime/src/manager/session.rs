//! A process's way to a manager's server: links, each a request under way and its answer. Which object is asked for what is
//! for the proxies.

use crate::channel::{self, Encoded, Receiver, Rest, Sender};
use crate::commons::{self, Number};
use crate::error::{Error, ErrorKind, Result};
use crate::manager::wire::{self, Message, NO_LINK, Reader, method};
use crate::sync;
use crate::sys::clock;
use std::collections::HashMap;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

static SESSIONS: LazyLock<Mutex<HashMap<u64, Weak<Session>>>> = LazyLock::new(Mutex::default);

/// A buffer of more bytes is not kept.
const LARGE: usize = 1 << 20;

/// After so many milliseconds, whoever has no need to ask the server for anything looks whether it lives.
const LOOK: u64 = 100;

/// Counts the links of this process.
static OPENED: AtomicU64 = AtomicU64::new(0);

/// The way to one server, of all proxies of this process.
#[derive(Debug)]
pub(super) struct Session {
    server: u64,
    /// The server's process.
    process: u32,
    door: Sender<Encoded>,
    idle: Mutex<Vec<Link>>,
    /// When somebody last looked whether it lives, in milliseconds.
    looked: AtomicU64,
}

/// Where one answer at a time comes.
#[derive(Debug)]
struct Link {
    number: u64,
    answers: Receiver<Encoded>,
    /// The process that has opened it: a forked copy has to open its own.
    owner: Number,
    buffer: Vec<u8>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    /// The one to that server, by this door if there is none yet.
    pub(super) fn to(server: u64, process: u32, door: Sender<Encoded>) -> Arc<Self> {
        let mut sessions = lock(&SESSIONS);
        if let Some(session) = sessions.get(&server).and_then(Weak::upgrade) {
            return session;
        }
        sessions.retain(|_, session| session.strong_count() > 0);
        let session = Arc::new(Self {
            server,
            process,
            door,
            idle: Mutex::default(),
            looked: AtomicU64::new(0),
        });
        sessions.insert(server, Arc::downgrade(&session));
        session
    }

    /// The one to a server that this process has other objects of.
    pub(super) fn known(server: u64) -> Option<Arc<Self>> {
        lock(&SESSIONS).get(&server).and_then(Weak::upgrade)
    }

    pub(super) fn door(&self) -> &Sender<Encoded> {
        &self.door
    }

    pub(super) fn server(&self) -> u64 {
        self.server
    }

    fn link(&self) -> Result<Link> {
        let owner = commons::own()?;
        loop {
            let idle = lock(&self.idle).pop();
            match idle {
                Some(link) if link.owner == owner => return Ok(link),
                // It is the process's that has forked this one.
                Some(link) => _ = ManuallyDrop::new(link),
                None => break,
            }
        }
        let (to, answers) = channel::channel::<Encoded>()?;
        let number = u64::from(owner.get()) << 32 | OPENED.fetch_add(1, Relaxed) & 0xffff_ffff;
        let mut hello = Message::request(number, 0, method::HELLO);
        hello.bytes.extend_from_slice(&owner.get().to_le_bytes());
        hello.bytes.extend_from_slice(&std::process::id().to_le_bytes());
        hello.value(&to)?;
        // Only the server has that end from now on, so that its death shows.
        drop(to);
        let mut link = Link { number, answers, owner, buffer: Vec::new() };
        self.post(hello)?;
        // A server that closes its door throws away what it finds there; what came later says so here.
        self.door.expect_heard().map_err(|error| self.ended(error))?;
        self.answer(&mut link)?;
        Ok(link)
    }

    fn post(&self, message: Message) -> Result<()> {
        let Message { bytes, attachments, .. } = message;
        self.door
            .send_encoded(&bytes, attachments, || self.expect_server())
            .map_err(|error| self.ended(error))
    }

    /// Awaits the answer to what was posted; what holds the objects in it is to be kept until they are decoded.
    fn answer(&self, link: &mut Link) -> Result<Rest> {
        let still = || match sync::is_abandoned() {
            true => Err(Error::new(ErrorKind::Disconnected, "the client is gone")),
            false => self.expect_server(),
        };
        let received = link.answers.recv_encoded(&mut link.buffer, still);
        received.map_err(|error| self.ended(error))
    }

    /// Asks the server for something, and reads the answer; the link of the request is set here.
    ///
    /// # Errors
    ///
    /// What the server answers; `Disconnected` if it has ended.
    pub(super) fn call<R>(
        &self,
        request: Message,
        read: impl FnOnce(&mut Reader<'_>, &Rest) -> Result<R>,
    ) -> Result<R> {
        self.exchange(request, |answer, rest| {
            let mut reader = Reader::new(answer);
            wire::read_status(&mut reader).and_then(|()| read(&mut reader, &rest))
        })?
    }

    /// As [`call`](Self::call), with the answer as it is.
    pub(super) fn exchange<R>(
        &self,
        mut request: Message,
        read: impl FnOnce(&[u8], Rest) -> R,
    ) -> Result<R> {
        let mut link = self.link()?;
        request.set_link(link.number);
        self.post(request)?;
        // A link whose answer did not come is not used again: that may be yet to come.
        let rest = self.answer(&mut link)?;
        let read = read(&link.buffer, rest);
        if link.buffer.capacity() > LARGE {
            link.buffer = Vec::new();
        }
        lock(&self.idle).push(link);
        Ok(read)
    }

    /// Tells the server that an object may be of no more use.
    pub(super) fn tell(&self, object: u64) {
        let mut request = Message::request(NO_LINK, 0, method::LOOK);
        request.u64(object);
        // It looks by itself now and then.
        let _ = self.door.try_send_encoded(&request.bytes);
    }

    /// Tells the server to end, without waiting for that.
    pub(super) fn end(&self) {
        let request = Message::request(NO_LINK, 0, method::SHUTDOWN);
        // One that does not hear is ended by signals.
        let _ = self.door.try_send_encoded(&request.bytes);
    }

    fn expect_server(&self) -> Result<()> {
        let process = Number::from_raw(self.process);
        if !process.is_some_and(commons::is_alive) {
            self.look_again();
            return Err(Error::new(ErrorKind::Disconnected, "its process is gone"));
        }
        Ok(())
    }

    /// The server's process, which lives.
    ///
    /// # Errors
    ///
    /// `Disconnected` if not.
    pub(super) fn living(&self) -> Result<Number> {
        self.expect_server().map_err(|error| self.ended(error))?;
        Number::from_raw(self.process).ok_or_else(|| self.gone())
    }

    /// As [`living`](Self::living), as it was lately: for those who ask often.
    #[inline]
    pub(super) fn living_lately(&self) -> Result<Number> {
        let now = u64::try_from(clock::lately().as_millis()).unwrap_or(0);
        let recent = now.wrapping_sub(self.looked.load(Relaxed)) < LOOK;
        match Number::from_raw(self.process) {
            Some(process) if recent => Ok(process),
            _ => self.living().inspect(|_| self.looked.store(now, Relaxed)),
        }
    }

    /// Has the next one look whether it lives.
    pub(super) fn look_again(&self) {
        self.looked.store(0, Relaxed);
    }

    /// The server has ended.
    pub(super) fn gone(&self) -> Error {
        self.look_again();
        Error::new(ErrorKind::Disconnected, "the manager's server has ended")
    }

    fn ended(&self, error: Error) -> Error {
        match error.kind() {
            ErrorKind::Disconnected | ErrorKind::Truncated => {
                let text = "the manager's server has ended";
                Error::with_source(ErrorKind::Disconnected, text.to_owned(), error)
            }
            _ => error,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for link in lock(&self.idle).drain(..) {
            let mut request = Message::request(NO_LINK, 0, method::BYE);
            request.u64(link.number);
            let _ = self.door.try_send_encoded(&request.bytes);
        }
    }
}
