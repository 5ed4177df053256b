//! Objects of the users' own classes, whose methods may take long: these run on threads, so that the server goes on, and
//! each object lets them in by turns. Who takes the calls and knows the clients is the server.

use crate::channel::{Encoded, Sender};
use crate::commons::{Hold, Role};
use crate::error::{Error, ErrorKind, Result};
use crate::identity;
use crate::manager::class::{Class, Kept, MethodEntry};
use crate::manager::server::store::Arguments;
use crate::manager::server::threads::Threads;
use crate::manager::wire::{self, Message, Reader};
use crate::task::run;
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All of them.
#[derive(Default)]
pub(super) struct Customs {
    entries: HashMap<u64, Entry>,
    shared: Arc<Shared>,
}

/// What the threads have as well.
#[derive(Default)]
struct Shared {
    /// Objects that were made since the server last looked.
    fresh: Mutex<Vec<(u64, Entry)>>,
    threads: Threads,
    ended: AtomicBool,
}

struct Entry {
    /// The server's own hold.
    hold: Hold,
    instance: Arc<Instance>,
}

struct Instance {
    class: &'static Class,
    kept: Kept,
    gate: Mutex<Gate>,
}

/// Who is with an object, and who waits: first come, first served, so that nobody waits for ever.
#[derive(Default)]
struct Gate {
    sharing: usize,
    alone: bool,
    waiting: VecDeque<Call>,
}

/// A call that is to be answered.
struct Call {
    method: &'static MethodEntry,
    arguments: Vec<u8>,
    /// Objects in the arguments, until these are decoded.
    holds: Vec<Hold>,
    to: Arc<Sender<Encoded>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Customs {
    /// Where their methods run.
    pub(super) fn threads(&self) -> Threads {
        self.shared.threads.clone()
    }

    /// Has an object made by its class's `new`, which answers. `hold` is the server's, `client` the caller's.
    pub(super) fn create(
        &self,
        number: u64,
        (hold, client): (Hold, Hold),
        mut call: Arguments<'_>,
        to: Arc<Sender<Encoded>>,
    ) -> Result<()> {
        let class = Class::read(&mut call.reader)?;
        let (arguments, holds) = call.into_parts();
        let claim = self.shared.threads.claim()?;
        let shared = Arc::clone(&self.shared);
        claim.spend(move || {
            let made = |answer: &mut Message| {
                let Some(kept) = (class.make)(&mut Reader::new(&arguments), answer)? else {
                    return Ok(());
                };
                let instance = Arc::new(Instance { class, kept, gate: Mutex::default() });
                lock(&shared.fresh).push((number, Entry { hold, instance }));
                answer.u8(1).u64(number).attachments.hold(&client).map(drop)
            };
            answer(&to, &format!("{}::new", class.name), made);
            drop(holds);
        });
        Ok(())
    }

    /// Has a method run as soon as it can be, which answers.
    pub(super) fn call(
        &mut self,
        object: u64,
        number: u16,
        call: Arguments<'_>,
        to: Arc<Sender<Encoded>>,
    ) -> Result<()> {
        self.admit();
        let instance = &self.entries.get(&object).ok_or_else(gone)?.instance;
        let method = instance.class.method(number).ok_or_else(|| super::no_method(number))?;
        let (arguments, holds) = call.into_parts();
        let call = Call { method, arguments, holds, to };
        let mut gate = lock(&instance.gate);
        if !gate.waiting.is_empty() || !gate.has_room(method) {
            gate.waiting.push_back(call);
            return Ok(());
        }
        let claim = self.shared.threads.claim()?;
        gate.enter(method);
        drop(gate);
        let (instance, shared) = (Arc::clone(instance), Arc::clone(&self.shared));
        claim.spend(move || instance.serve(call, &shared));
        Ok(())
    }

    /// A client's hold on an object.
    pub(super) fn hold(&mut self, object: u64) -> Result<Hold> {
        self.admit();
        self.entries.get(&object).ok_or_else(gone)?.hold.as_role(Role::RECEIVER)
    }

    /// Gives an object up that nobody has any more.
    pub(super) fn look(&mut self, object: u64) {
        self.admit();
        let is_held = |entry: &Entry| entry.hold.has_holder(Role::RECEIVER);
        if self.entries.get(&object).is_some_and(|entry| !is_held(entry)) {
            let entry = self.entries.remove(&object);
            // Its own code runs then, which may take long.
            match self.shared.threads.claim() {
                Ok(claim) => claim.spend(move || drop(entry)),
                Err(_) => discard(entry),
            }
        }
    }

    /// Those that there are.
    pub(super) fn numbers(&mut self) -> Vec<u64> {
        self.admit();
        self.entries.keys().copied().collect()
    }

    /// Waits for the methods that run, and lets no further one in.
    pub(super) fn end(mut self) {
        self.shared.ended.store(true, Relaxed);
        self.admit();
        self.entries.values().for_each(|entry| lock(&entry.instance.gate).waiting.clear());
        self.shared.threads.settle();
        self.admit();
        self.entries.drain().for_each(discard);
    }

    fn admit(&mut self) {
        self.entries.extend(lock(&self.shared.fresh).drain(..));
    }
}

fn gone() -> Error {
    Error::new(ErrorKind::NotFound, "the managed object is there no more")
}

fn discard<T>(object: T) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(object)));
}

/// Does something for a caller, and answers with what comes of it: `what` is its name.
fn answer(to: &Sender<Encoded>, what: &str, work: impl FnOnce(&mut Message) -> Result<()>) {
    let mut answer = Message::default();
    answer.u8(wire::OK);
    match run::caught(|| work(&mut answer)) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => wire::write_error(&mut answer, &error),
        Err(report) => {
            let server = &identity::current().name;
            wire::write_panic(&mut answer, what, report, server);
        }
    }
    super::send(to, answer);
}

impl Gate {
    fn has_room(&self, method: &MethodEntry) -> bool {
        !self.alone && (!method.alone || self.sharing == 0)
    }

    fn enter(&mut self, method: &MethodEntry) {
        if method.alone {
            self.alone = true;
        } else {
            self.sharing += 1;
        }
    }

    /// One has left; gives those that enter now.
    fn leave(&mut self, method: &MethodEntry) -> Vec<Call> {
        if method.alone {
            self.alone = false;
        } else {
            self.sharing -= 1;
        }
        let mut entering = Vec::new();
        while let Some(next) = self
            .waiting
            .pop_front_if(|next| !self.alone && (!next.method.alone || self.sharing == 0))
        {
            self.enter(next.method);
            entering.push(next);
        }
        entering
    }
}

impl Instance {
    /// Runs a call that has entered, and those that its end lets in.
    fn serve(self: Arc<Self>, call: Call, shared: &Arc<Shared>) {
        let mut own = vec![call];
        while let Some(Call { method, arguments, holds, to }) = own.pop() {
            answer(&to, method.name, |answer| {
                (method.run)(&self.kept, &mut Reader::new(&arguments), answer)
            });
            drop(holds);
            let entering = lock(&self.gate).leave(method);
            if shared.ended.load(Relaxed) {
                continue;
            }
            for call in entering {
                match if own.is_empty() { None } else { shared.threads.claim().ok() } {
                    None => own.push(call),
                    Some(claim) => {
                        let (instance, shared) = (Arc::clone(&self), Arc::clone(shared));
                        claim.spend(move || instance.serve(call, &shared));
                    }
                }
            }
        }
    }
}
