//! The custodian's own work: to keep what it is given until that is asked for, and to end with the tree.

use super::{Kind, LENGTH, message, parse};
use crate::identity::Tree;
use crate::sys::socket::{self, Received};
use crate::sys::{own, pidfd, poll, rendezvous};
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// Serves until the tree has ended.
pub(crate) fn serve(tree: Tree, listener: OwnedFd) -> io::Result<()> {
    let root = pidfd::open(tree.root)?;
    let is_alive = own::start_of(tree.root).is_ok_and(|start| start == tree.started);
    let root = root.filter(|_| is_alive);
    let (callers, kept) = (Vec::new(), HashMap::new());
    let mut server = Server { listener, accepting: true, root, callers, kept, ended: false };
    while !server.has_ended() {
        server.turn()?;
    }
    Ok(())
}

struct Server {
    listener: OwnedFd,
    /// Not when there was no descriptor left for one more.
    accepting: bool,
    /// The main program, as long as it lives.
    root: Option<OwnedFd>,
    /// The processes that have said something, as long as they live.
    callers: Vec<OwnedFd>,
    kept: HashMap<u64, Vec<OwnedFd>>,
    ended: bool,
}

impl Server {
    /// Whether nobody is left: neither the main program, whose children die with it, nor one of those.
    fn has_ended(&self) -> bool {
        self.ended || self.root.is_none() && self.callers.is_empty()
    }

    /// Waits for the next event, and does what it asks for.
    fn turn(&mut self) -> io::Result<()> {
        let mut waited: Vec<_> = self.callers.iter().map(AsFd::as_fd).collect();
        let callers = waited.len();
        waited.extend(self.root.as_ref().map(AsFd::as_fd));
        if self.accepting {
            waited.push(self.listener.as_fd());
        }
        let ready = poll::readable(&waited, None)?;
        let mut ready = ready.into_iter();
        let speak: Vec<bool> = ready.by_ref().take(callers).collect();
        if self.root.is_some() && ready.next() == Some(true) {
            self.root = None;
        }
        let mut speak = speak.into_iter();
        let mut all = std::mem::take(&mut self.callers);
        all.retain(|caller| speak.next() != Some(true) || self.hear(caller));
        self.accepting |= all.len() < callers;
        self.callers = all;
        self.accept();
        Ok(())
    }

    fn accept(&mut self) {
        loop {
            match rendezvous::accept(self.listener.as_fd()) {
                Ok(Some(caller)) => self.callers.push(caller),
                Ok(None) => return,
                // Another user, who is none of ours.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                Err(_) => {
                    self.accepting = false;
                    return;
                }
            }
        }
    }

    /// Does what a caller has said; says whether it is still there.
    fn hear(&mut self, caller: &OwnedFd) -> bool {
        loop {
            let said = match socket::receive::<LENGTH>(caller.as_fd(), false) {
                Ok(Received::Message(said)) => said,
                Ok(Received::Nothing) => return true,
                Ok(Received::End) | Err(_) => return false,
            };
            let Some((kind, id, total)) = parse(&said.bytes) else { return false };
            let done = match kind {
                Kind::Keep => self.keep(caller, id, total, said.descriptors, said.cut),
                Kind::Take => self.give(caller, id),
                Kind::Drop => {
                    self.kept.remove(&id);
                    Ok(())
                }
                Kind::End => {
                    self.ended = true;
                    Ok(())
                }
                Kind::Lost => return false,
            };
            if done.is_err() {
                return false;
            }
        }
    }

    fn keep(
        &mut self,
        caller: &OwnedFd,
        id: u64,
        total: usize,
        part: Vec<OwnedFd>,
        cut: bool,
    ) -> io::Result<()> {
        let kept = self.kept.entry(id).or_default();
        kept.extend(part);
        let answer = match kept.len() {
            _ if cut => Kind::Lost,
            len if len < total => return Ok(()),
            _ => Kind::Keep,
        };
        if answer == Kind::Lost {
            // The rest comes, and is answered alike; whoever sent it does not wait for that.
            self.kept.remove(&id);
        }
        socket::send::<OwnedFd>(caller.as_fd(), &message(answer, id, total), &[], false)
    }

    /// Gives those of an id to whoever asks; they stay if they could not be sent.
    fn give(&mut self, caller: &OwnedFd, id: u64) -> io::Result<()> {
        let Some(kept) = self.kept.remove(&id) else {
            return socket::send::<OwnedFd>(
                caller.as_fd(),
                &message(Kind::Lost, id, 0),
                &[],
                false,
            );
        };
        let bytes = message(Kind::Take, id, kept.len());
        let sent = kept
            .chunks(socket::MOST)
            .try_for_each(|part| socket::send(caller.as_fd(), &bytes, part, false));
        if sent.is_err() {
            self.kept.insert(id, kept);
        }
        sent
    }
}
