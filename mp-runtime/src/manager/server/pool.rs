//! Pools that a server has for its clients: the calls come as bytes, and each has an object of its own, in which the outcome
//! comes to lie, and an event that is set then. So no call is waited for here. What pools do is in `pool`.

use super::Object;
use super::store::Arguments;
use super::threads::Threads;
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use crate::manager::wire::{self, Message, outcome, pool as method};
use crate::pool::Pool;
use crate::pool::served::{Batch, Handle, Limits, Value};
use crate::sync::Event;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A pool, once it is started.
pub(super) struct Served {
    pool: Arc<OnceLock<Pool>>,
    threads: Threads,
}

/// What will have an outcome.
struct Pending {
    event: Event,
    outcome: Arc<OnceLock<Result<Value>>>,
    /// None for what is no call.
    call: Option<Handle>,
}

fn not_started() -> Error {
    Error::new(ErrorKind::NotStarted, "the manager's pool was not started")
}

impl Served {
    pub(super) fn new(threads: Threads) -> Self {
        Self { pool: Arc::default(), threads }
    }

    fn pool(&self) -> Result<&Pool> {
        self.pool.get().ok_or_else(not_started)
    }

    /// Has something done that may take long.
    fn aside(
        &self,
        work: impl FnOnce(&OnceLock<Pool>) -> Result<()> + Send + 'static,
    ) -> Result<Pending> {
        let (pending, pool) = (Pending::new()?, Arc::clone(&self.pool));
        let (outcome, event) = (Arc::clone(&pending.outcome), pending.event.clone());
        self.threads.claim()?.spend(move || {
            let done = work(&pool).map(|()| Value::default());
            drop(pool);
            let _ = outcome.set(done);
            event.set();
        });
        Ok(pending)
    }

    fn begun(&self, handle: Handle) -> Result<Pending> {
        let pending = Pending::new()?;
        let (outcome, event) = (Arc::clone(&pending.outcome), pending.event.clone());
        handle.on_done(move |value| {
            let _ = outcome.set(value);
            event.set();
        });
        Ok(Pending { call: Some(handle), ..pending })
    }
}

fn limits(call: &mut Arguments<'_>) -> Result<Limits> {
    let (nanos, retries) = (call.reader.u64()?, call.reader.u32()?);
    let timeout = (nanos != u64::MAX).then(|| Duration::from_nanos(nanos));
    Ok(Limits { timeout, retries })
}

fn batch(call: &mut Arguments<'_>) -> Result<Batch> {
    let (count, turn) = (call.reader.u64()?, call.reader.u64()?);
    let mut attached = Vec::new();
    for _ in 0..call.reader.u64()? {
        let (index, objects) = (call.reader.u64()?, call.reader.len()?);
        attached.push((index, Attachments::of_holds(call.holds(objects))));
    }
    let bytes = call.reader.kept()?.0.to_vec();
    Ok(Batch { bytes, count, turn: (turn != u64::MAX).then_some(turn), attached })
}

impl Object for Served {
    fn call(&mut self, number: u16, call: &mut Arguments<'_>, _: &mut Message) -> Result<()> {
        match number {
            method::CLOSE => self.pool()?.close(),
            method::RESIZE => self.pool()?.resize(call.reader.len()?)?,
            other => return Err(super::no_method(other)),
        }
        Ok(())
    }

    fn part(&mut self, call: &mut Arguments<'_>) -> Result<Box<dyn Object>> {
        let pending = match call.reader.u8()? {
            method::START => {
                let size = call.reader.len()?;
                self.aside(move |own| {
                    let pool = Pool::builder().processes(size).build_served()?;
                    let _ = own.set(pool);
                    Ok(())
                })?
            }
            method::CALL => {
                let (task, limits) = (call.reader.task()?, limits(call)?);
                let (bytes, objects) = call.reader.kept()?;
                let holds = call.holds(objects);
                self.begun(self.pool()?.submit_encoded(task, bytes.to_vec(), holds, limits))?
            }
            method::MAP => {
                let (task, limits) = (call.reader.task()?, limits(call)?);
                self.begun(self.pool()?.map_encoded(task, batch(call)?, limits))?
            }
            method::JOIN => self.aside(|own| own.get().ok_or_else(not_started)?.join())?,
            end @ (method::TERMINATE | method::KILL) => self.aside(move |own| {
                let pool = own.get().ok_or_else(not_started)?;
                if end == method::KILL {
                    pool.kill()
                } else {
                    pool.terminate()
                }
                Ok(())
            })?,
            other => return Err(super::no_method(other.into())),
        };
        Ok(Box::new(pending))
    }
}

impl Pending {
    fn new() -> Result<Self> {
        Ok(Self { event: Event::new()?, outcome: Arc::default(), call: None })
    }
}

impl Object for Pending {
    fn call(&mut self, method: u16, _: &mut Arguments<'_>, to: &mut Message) -> Result<()> {
        let call = self.call.as_ref();
        match method {
            outcome::GET => match self.outcome.get() {
                Some(Ok((bytes, holds))) => {
                    to.kept(bytes, holds)?;
                    // The value is here.
                    self.call = None;
                }
                Some(Err(error)) => wire::write_whole(to, error),
                None => {
                    let text = "the task has no outcome yet";
                    return Err(Error::new(ErrorKind::NotReady, text));
                }
            },
            outcome::CANCEL => drop(to.u8(call.is_some_and(Handle::cancel).into())),
            outcome::CANCEL_RUNNING => drop(to.u8(call.is_some_and(Handle::cancel_running).into())),
            outcome::RUNNING => drop(to.u8(call.is_some_and(Handle::running).into())),
            other => return Err(super::no_method(other)),
        }
        Ok(())
    }

    fn hand_out(&self, answer: &mut Message) -> Result<()> {
        answer.value(&self.event).map(drop)
    }

    fn end(&mut self) {
        self.event.set();
    }
}
