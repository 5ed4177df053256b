//! Who waits for the ends of a server's clients, and tells the server. What is to be done then is the server's.

use crate::channel::{Encoded, Sender};
use crate::commons::{Number, is_alive};
use crate::custody::Attachments;
use crate::error::{Error, Result};
use crate::manager::wire::{Message, NO_LINK, method};
use crate::sys::event::Event;
use crate::sys::{pidfd, poll};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Clients that are to be waited for, by process number.
#[derive(Debug)]
pub(super) struct Watch {
    shared: Arc<Shared>,
    /// Those that were added.
    known: BTreeMap<u32, u32>,
}

#[derive(Debug)]
struct Shared {
    added: Mutex<Vec<(u32, OwnedFd)>>,
    event: Event,
    ended: AtomicBool,
    /// The server's door.
    to: Sender<Encoded>,
}

impl Watch {
    pub(super) fn start(to: Sender<Encoded>) -> Result<Self> {
        let io = |error| Error::io("waiting for the clients of a manager", error);
        let event = Event::new().map_err(io)?;
        let shared =
            Arc::new(Shared { added: Mutex::default(), event, ended: AtomicBool::new(false), to });
        let own = Arc::clone(&shared);
        let thread = thread::Builder::new().name("mp-clients".to_owned());
        thread.spawn(move || own.run()).map_err(io)?;
        Ok(Self { shared, known: BTreeMap::new() })
    }

    /// Waits for that client too, unless it does already.
    pub(super) fn add(&mut self, process: u32, pid: u32) {
        if self.known.get(&process) == Some(&pid) {
            return;
        }
        self.known.retain(|process, _| lives(*process));
        self.known.insert(process, pid);
        match pidfd::open(pid) {
            // The pid may be somebody else's by now.
            Ok(Some(client)) if lives(process) => {
                let mut added = self.shared.added.lock().unwrap_or_else(PoisonError::into_inner);
                added.push((process, client));
                self.shared.event.raise();
            }
            // Where there is no descriptor for one more, its end shows with that of another.
            _ => self.shared.tell(process),
        }
    }
}

/// It may be one of several servers that a process has one after the other.
impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.ended.store(true, Release);
        self.shared.event.raise();
    }
}

fn lives(process: u32) -> bool {
    Number::from_raw(process).is_some_and(is_alive)
}

impl Shared {
    fn run(&self) {
        let mut clients: Vec<(u32, OwnedFd)> = Vec::new();
        loop {
            let waited = clients.iter().map(|(_, client)| client.as_fd());
            let waited: Vec<_> = [self.event.as_fd()].into_iter().chain(waited).collect();
            let Ok(ready) = poll::readable(&waited, None) else { return };
            if self.ended.load(Acquire) {
                return;
            }
            self.event.lower();
            let mut index = 0;
            clients.retain(|(process, _)| {
                index += 1;
                let ended = ready[index];
                if ended {
                    self.tell(*process);
                }
                !ended
            });
            let mut added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
            clients.append(&mut added);
        }
    }

    fn tell(&self, process: u32) {
        if lives(process) {
            return;
        }
        let mut request = Message::request(NO_LINK, 0, method::REAP);
        request.bytes.extend_from_slice(&process.to_le_bytes());
        // It fails if the server has ended.
        let _ = self.to.send_encoded(&request.bytes, Attachments::NONE, || {
            Err(Error::io("the server", io::ErrorKind::WouldBlock.into()))
        });
    }
}
