//! The server of a manager: the objects, who has them, and the calls, one after the other. What they can do is in `map` and
//! `list`, those that need no server to be used in `direct`; what is kept of values in `store`, who sees to clients that die in
//! `watch`, what is published in `names`. Objects of users' own classes are in `custom`, values that tasks change in `update`, both on `threads`: these answer by
//! themselves. Sums are in `number`, those who watch a dictionary in `watchers`, pools in
//! `pool`.

mod custom;
mod direct;
#[cfg(fuzzing)]
pub(in crate::manager) mod fuzz;
mod list;
mod map;
mod names;
mod number;
mod pool;
pub(super) mod store;
mod threads;
mod update;
mod watch;
mod watchers;

use crate::channel::{Encoded, Receiver, Sender};
use crate::codec;
use crate::commons::{self, Hold, Kind, Role};
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use crate::manager::session::Session;
use crate::manager::wire::{self, Message, NO_LINK, Reader, kind, method, no_method};
use crate::pool::finish;
use custom::Customs;
use names::Names;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use store::Arguments;
use update::Updates;
use watch::Watch;

/// What clients may call.
trait Object {
    /// # Errors
    ///
    /// What the caller gets.
    fn call(&mut self, method: u16, call: &mut Arguments<'_>, answer: &mut Message) -> Result<()>;

    /// Adds what whoever had it made gets with the managed object's own handle.
    fn hand_out(&self, _answer: &mut Message) -> Result<()> {
        Ok(())
    }

    /// Makes an object that belongs to this one.
    fn part(&mut self, _call: &mut Arguments<'_>) -> Result<Box<dyn Object>> {
        Err(Error::new(ErrorKind::Remote, "the object has no parts"))
    }

    /// The server ends: whoever waits for this is to look.
    fn end(&mut self) {}
}

struct Entry {
    /// The server's own hold; those of clients and of values are in another part.
    hold: Hold,
    kind: u8,
    object: Box<dyn Object>,
}

struct Link {
    to: Arc<Sender<Encoded>>,
    process: u32,
}

struct Server {
    id: u64,
    process: u32,
    objects: HashMap<u64, Entry>,
    customs: Customs,
    created: u64,
    links: HashMap<u64, Link>,
    names: Names,
    watch: Watch,
    updates: Updates,
    ended: bool,
    /// How many objects there are when it looks for those that nobody has.
    sweep_at: usize,
}

/// With fewer objects than this no look is worth it.
const OFTEN: usize = 64;

/// Serves until told to end.
///
/// # Errors
///
/// If it cannot wait for calls.
pub(super) fn serve(id: u64, door: Receiver<Encoded>, back: Sender<Encoded>) -> Result<()> {
    let process = commons::own()?.get();
    let session = Session::to(id, process, back.clone());
    let watch = Watch::start(back)?;
    let customs = Customs::default();
    let updates = Updates::new(customs.threads(), session);
    let mut server = Server {
        id,
        process,
        objects: HashMap::new(),
        customs,
        created: 0,
        links: HashMap::new(),
        names: Names::default(),
        watch,
        updates,
        ended: false,
        sweep_at: OFTEN,
    };
    let mut request = Vec::new();
    while !server.ended {
        let rest = match door.recv_encoded(&mut request, || Ok(())) {
            Err(error) if error.kind() == ErrorKind::Decode => continue,
            other => other?,
        };
        let holds = rest.holds();
        // What the message has held is held by the server now, or there is no sense in it.
        drop(rest);
        server.hear(&request, holds);
        while let Some(object) = store::next_due() {
            server.look(object);
        }
    }
    // Methods that still run, and what is dropped with their objects, find the server ended.
    drop(door);
    for entry in server.objects.values() {
        entry.hold.u32(store::ENDED).store(1, Relaxed);
    }
    server.objects.values_mut().for_each(|entry| entry.object.end());
    // So does at once whoever waits for an answer that nobody is about to give.
    server.links.clear();
    finish::terminate_all();
    server.updates.end();
    server.customs.end();
    Ok(())
}

/// Answers a client; false if it takes none.
fn send(to: &Sender<Encoded>, answer: Message) -> bool {
    // A client takes an answer before it asks again, so there is room; else nobody waits for that.
    let full = || Err(Error::new(ErrorKind::Full, "the client takes no answers"));
    let Message { bytes, attachments, .. } = answer;
    to.send_encoded(&bytes, attachments, full).is_ok()
}

impl Server {
    /// Does what a client asks for, and answers.
    fn hear(&mut self, request: &[u8], holds: Result<Vec<Hold>>) {
        let mut reader = Reader::new(request);
        let head = (reader.u64(), reader.u64(), reader.u16());
        let (Ok(link), Ok(object), Ok(method)) = head else { return };
        let mut answer = Message::default();
        answer.u8(wire::OK);
        let done = holds.and_then(|holds| {
            let mut arguments = Arguments::new(reader, holds);
            match self.objects.get_mut(&object) {
                Some(entry) => entry.object.call(method, &mut arguments, &mut answer),
                None if object == 0 => self.own(link, method, &mut arguments, &mut answer),
                None => {
                    let to = self.answers(link)?;
                    answer.bytes.clear();
                    self.customs.call(object, method, arguments, to)
                }
            }
        });
        if let Err(error) = done {
            wire::write_error(&mut answer, &error);
        }
        // An answer without a byte is given later, by whoever has what it takes.
        if link == NO_LINK || answer.bytes.is_empty() {
            return;
        }
        let Some(there) = self.links.get(&link) else { return };
        if !send(&there.to, answer) {
            self.links.remove(&link);
        }
    }

    /// Where the answers of a link go.
    fn answers(&self, link: u64) -> Result<Arc<Sender<Encoded>>> {
        let there = self.links.get(&link).map(|link| Arc::clone(&link.to));
        there.ok_or_else(|| Error::new(ErrorKind::Remote, "nobody awaits the answer"))
    }

    /// The methods of the server itself.
    fn own(
        &mut self,
        link: u64,
        method: u16,
        call: &mut Arguments<'_>,
        answer: &mut Message,
    ) -> Result<()> {
        match method {
            method::HELLO => self.greet(link, call)?,
            method::BYE => drop(self.links.remove(&call.reader.u64()?)),
            method::CREATE => {
                if let Some((object, hold)) = self.create(link, call)? {
                    answer.u64(object).attachments.hold(&hold)?;
                    let made = self.objects.get(&object);
                    made.map_or(Ok(()), |made| made.object.hand_out(answer))?;
                } else {
                    answer.bytes.clear();
                }
            }
            method::COUNT => {
                self.sweep();
                answer.u64((self.objects.len() + self.customs.numbers().len()) as u64);
            }
            method::LOOK => self.look(call.reader.u64()?),
            method::REAP => {
                let process = call.reader.u32()?;
                self.links.retain(|_, link| link.process != process);
                self.sweep();
            }
            method::SHUTDOWN => self.ended = true,
            method::UPDATE => {
                self.updates.begin(call.split(), self.answers(link)?)?;
                answer.bytes.clear();
            }
            method::RESOLVE => self.resolve(call.reader.u64()?, answer)?,
            method::PUBLISH => self.names.publish(call)?,
            method::UNPUBLISH => self.names.unpublish(call)?,
            method::LOOKUP => self.names.find(call, answer)?,
            other => return Err(no_method(other)),
        }
        Ok(())
    }

    /// A link is opened: where answers are to go, and whose it is.
    fn greet(&mut self, link: u64, call: &mut Arguments<'_>) -> Result<()> {
        let (process, pid) = (call.reader.u32()?, call.reader.u32()?);
        let to: Sender<Encoded> = codec::decode_with(call.reader.kept()?.0, Attachments::NONE)?;
        self.links.insert(link, Link { to: Arc::new(to), process });
        if process != self.process {
            self.watch.add(process, pid);
        }
        Ok(())
    }

    /// Makes an object, or has it made by somebody who answers then.
    /// Looks for objects that nobody has any more when they have become twice as many as those that somebody had: a
    /// process that died with a proxy and never called says nothing of it.
    fn sweep_at_times(&mut self) {
        if self.objects.len() >= self.sweep_at {
            self.sweep();
            self.sweep_at = (2 * self.objects.len()).max(OFTEN);
        }
    }

    fn create(&mut self, link: u64, call: &mut Arguments<'_>) -> Result<Option<(u64, Hold)>> {
        self.sweep_at_times();
        let mut of = call.reader.u8()?;
        let object: Box<dyn Object> = match of {
            kind::MAP => Box::<map::Map>::default(),
            kind::LIST => Box::<list::List>::default(),
            kind::POOL => Box::new(pool::Served::new(self.customs.threads())),
            kind::PART => {
                let whole = self.objects.get_mut(&call.reader.u64()?);
                let gone =
                    || Error::new(ErrorKind::NotFound, "the managed object is there no more");
                let whole = whole.ok_or_else(gone)?;
                if whole.kind == kind::MAP {
                    of = kind::WATCHER;
                }
                whole.object.part(call)?
            }
            kind::CUSTOM => {
                let (to, holds) = (self.answers(link)?, self.hold()?);
                self.customs.create(self.created, holds, call.split(), to)?;
                return Ok(None);
            }
            other => direct::make(other, call)?,
        };
        let (hold, client) = self.hold()?;
        self.objects.insert(self.created, Entry { hold, kind: of, object });
        Ok(Some((self.created, client)))
    }

    /// Gives an object by its number, with what its maker got.
    fn resolve(&mut self, object: u64, answer: &mut Message) -> Result<()> {
        answer.u64(object);
        if let Some(Entry { hold, kind, object }) = self.objects.get(&object) {
            answer.attachments.hold(&hold.as_role(Role::RECEIVER)?)?;
            return object.hand_out(answer.u8(*kind));
        }
        let hold = self.customs.hold(object)?;
        answer.u8(kind::CUSTOM).attachments.hold(&hold).map(drop)
    }

    /// The server's hold on a new object, and its first client's.
    fn hold(&mut self) -> Result<(Hold, Hold)> {
        self.created += 1;
        let hold = Hold::new(Kind::Managed, Role::SENDER, store::LEN)?;
        hold.u64(store::OBJECT).store(self.created, Relaxed);
        hold.u64(store::SERVER).store(self.id, Relaxed);
        hold.u32(store::PROCESS).store(self.process, Relaxed);
        let client = hold.as_role(Role::RECEIVER)?;
        Ok((hold, client))
    }

    /// Gives an object up that nobody has any more.
    fn look(&mut self, object: u64) {
        let is_held = |entry: &Entry| entry.hold.has_holder(Role::RECEIVER);
        if self.objects.get(&object).is_some_and(|entry| !is_held(entry)) {
            self.objects.remove(&object);
        } else if !self.objects.contains_key(&object) {
            self.customs.look(object);
        }
    }

    fn sweep(&mut self) {
        let mut all: Vec<u64> = self.objects.keys().copied().collect();
        all.append(&mut self.customs.numbers());
        all.into_iter().for_each(|object| self.look(object));
    }
}
