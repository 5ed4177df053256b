//! The tracker's own work: to hear what the tree has made, to wait for the tree's end, and to remove what is left. It starts
//! with what trackers that were killed have left.

use super::{LENGTH, Message, Named};
use crate::identity::Tree;
use crate::shared::names;
use crate::sys::socket::{self, Received};
use crate::sys::{named, own, pidfd, poll, rendezvous};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};

/// So many names are told, of more only how many.
const MOST_NAMES: usize = 10;

/// So many blocks are remembered that were said to be gone before they were said to be made.
const MOST_EARLY: usize = 1000;

/// Serves until the tree has ended; gives the exit code, 0 if nothing was left.
pub(crate) fn serve(tree: Tree, listener: OwnedFd) -> io::Result<i32> {
    let root = open_root(tree)?;
    let mut server =
        Server { listener, accepting: true, root, callers: Vec::new(), books: Books::default() };
    server.sweep(tree);
    while !server.has_ended() && !server.turn()? {}
    Ok(clean(&server.books.blocks))
}

/// None if it has ended.
fn open_root(tree: Tree) -> io::Result<Option<OwnedFd>> {
    let root = pidfd::open(tree.root)?;
    Ok(root.filter(|_| is_alive(tree.root, tree.started)))
}

fn is_alive(pid: u32, started: u64) -> bool {
    own::start_of(pid).is_ok_and(|start| start == started)
}

struct Server {
    listener: OwnedFd,
    /// Not when there was no descriptor left for one more.
    accepting: bool,
    /// The main program, as long as it lives.
    root: Option<OwnedFd>,
    /// The processes that have said something, as long as they live.
    callers: Vec<OwnedFd>,
    books: Books,
}

/// What the tree has, as far as it has said so.
#[derive(Default)]
struct Books {
    blocks: Vec<Named>,
    /// Those that one process has unlinked, and another has made, who was not heard yet.
    early: VecDeque<Named>,
}

impl Books {
    fn note(&mut self, message: Message, ended: &mut bool) {
        match message {
            Message::Made(named) => {
                if let Some(at) = self.early.iter().position(|early| *early == named) {
                    self.early.remove(at);
                } else if !self.blocks.contains(&named) {
                    self.blocks.push(named);
                }
            }
            Message::Gone(named) => match self.blocks.iter().position(|block| *block == named) {
                Some(at) => drop(self.blocks.remove(at)),
                None => {
                    // Most of these are other programs' blocks, and never made by this one.
                    self.early.truncate(MOST_EARLY - 1);
                    self.early.push_front(named);
                }
            },
            Message::End => *ended = true,
        }
    }
}

impl Server {
    /// Whether nobody is left: neither the main program, whose children die with it, nor one of those.
    fn has_ended(&self) -> bool {
        self.root.is_none() && self.callers.is_empty()
    }

    /// Waits for the next event, and does what it asks for; says whether that is the program's own end.
    fn turn(&mut self) -> io::Result<bool> {
        let mut waited: Vec<_> = self.callers.iter().map(AsFd::as_fd).collect();
        let callers = waited.len();
        waited.extend(self.root.as_ref().map(AsFd::as_fd));
        if self.accepting {
            waited.push(self.listener.as_fd());
        }
        let ready = poll::readable(&waited, None)?;
        let mut ended = false;
        let mut index = 0;
        let Self { callers: all, books, .. } = self;
        all.retain(|caller| {
            let look = ready[index];
            index += 1;
            !look || hear(caller, books, &mut ended)
        });
        if self.callers.len() < callers {
            self.accepting = true;
        }
        let has_root = self.root.is_some();
        if has_root && ready[callers] {
            self.root = None;
        }
        self.accept();
        if ended {
            // What was said before that, by others.
            self.callers.retain(|caller| hear(caller, &mut self.books, &mut ended));
        }
        Ok(ended)
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

    /// Removes what trees have left that are gone; what is this one's own, it was told of before.
    fn sweep(&mut self, tree: Tree) {
        for name in named::names().unwrap_or_default() {
            let Some(name) = name.to_str() else { continue };
            let Some((namespace, root, started)) = names::origin(name) else { continue };
            let Ok(id) = named::look(name) else { continue };
            if (namespace, root, started) == (tree.namespace, tree.root, tree.started) {
                self.books.blocks.push(Named { name: name.to_owned(), id });
            } else if namespace == tree.namespace && !is_alive(root, started) {
                // Another user's stays, or its own tracker was faster.
                let _ = named::remove(name, id);
            }
        }
    }
}

/// Reads all that a caller has said; says whether it is still there.
fn hear(caller: &OwnedFd, books: &mut Books, ended: &mut bool) -> bool {
    loop {
        match socket::receive::<LENGTH>(caller.as_fd(), false) {
            Ok(Received::Message(message)) => match Message::parse(&message.bytes) {
                Some(message) => books.note(message, ended),
                None => return false,
            },
            Ok(Received::Nothing) => return true,
            Ok(Received::End) | Err(_) => return false,
        }
    }
}

/// Removes what is left and tells of it; gives the exit code.
fn clean(blocks: &[Named]) -> i32 {
    if blocks.is_empty() {
        return 0;
    }
    let mut names: Vec<_> = blocks.iter().map(|block| block.name.as_str()).collect();
    names.truncate(MOST_NAMES);
    let more = if blocks.len() > MOST_NAMES { ", .." } else { "" };
    let what = if blocks.len() == 1 { "block" } else { "blocks" };
    say(&format!(
        "the program has left {} leaked shared_memory {what}, now removed: {}{more}",
        blocks.len(),
        names.join(", ")
    ));
    for block in blocks {
        if let Err(error) = named::remove(&block.name, block.id) {
            let why = match error.kind() {
                io::ErrorKind::NotFound => "it was gone already".to_owned(),
                _ => error.to_string(),
            };
            say(&format!("shared_memory {:?} was not removed: {why}", block.name));
        }
    }
    1
}

fn say(text: &str) {
    // A closed or broken standard error is no reason to leave anything.
    let _ = io::stderr().write_all(format!("mp: {text}\n").as_bytes());
}
