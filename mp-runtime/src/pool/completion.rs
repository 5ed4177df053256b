//! Where the outcome of one call arrives, shared by its handle and the pool: one allocation, with the callback in it. How
//! it is waited for is in `bell`, what the user does with it in `handle`.

use crate::codec;
use crate::custody::Attachments;
use crate::error::{Error, Result};
use crate::pool::bell::{Awaited, Bell, Told};
use crate::pool::desk::Stage;
use crate::pool::engine::lock;
use crate::pool::gather::Part;
use crate::transport::bytes::Bytes;
use serde::de::DeserializeOwned;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, OnceLock};

/// A value as it came, or why there is none.
pub(super) type Outcome = Result<Value>;

/// A value in transit.
#[derive(Debug)]
pub(super) struct Value {
    /// Its reply's bytes, the variant's byte first.
    reply: Bytes,
    /// What few values have: every one is moved several times.
    beside: Option<Box<Beside>>,
}

#[derive(Debug)]
enum Beside {
    /// The descriptors of handles in it, for as long as it is kept.
    Attachments(Attachments),
    /// The value is a list of these instead.
    Parts(Vec<Part>),
}

impl Value {
    pub(super) fn one(reply: Bytes, attachments: Attachments) -> Self {
        let some = (!attachments.is_empty()).then_some(attachments);
        Self { reply, beside: some.map(|it| Box::new(Beside::Attachments(it))) }
    }

    pub(super) fn many(parts: Vec<Part>) -> Self {
        Self { reply: Vec::new().into(), beside: Some(Box::new(Beside::Parts(parts))) }
    }

    /// The value's own bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        self.reply.get(1..).unwrap_or_default()
    }

    pub(super) fn attachments(&self) -> Option<&Attachments> {
        match self.beside.as_deref() {
            Some(Beside::Attachments(attachments)) => Some(attachments),
            _ => None,
        }
    }

    pub(super) fn parts(&self) -> &[Part] {
        match self.beside.as_deref() {
            Some(Beside::Parts(parts)) => parts,
            _ => &[],
        }
    }

    pub(super) fn into_parts(self) -> (Bytes, Attachments) {
        match self.beside.map(|beside| *beside) {
            Some(Beside::Attachments(attachments)) => (self.reply, attachments),
            _ => (self.reply, Attachments::default()),
        }
    }
}

/// Copies of the descriptors of a value that is kept.
pub(super) fn copies(attachments: &Attachments) -> Result<Attachments> {
    let doing = "the handles in the result of a task could not be copied";
    attachments.try_clone().map_err(|error| Error::io(doing, error))
}

/// Decodes an outcome's value.
pub(super) fn decode<R: DeserializeOwned + 'static>(outcome: &Outcome) -> Result<R> {
    let value = outcome.as_ref().map_err(Clone::clone)?;
    let attachments = value.attachments().map(copies).transpose()?.unwrap_or_default();
    codec::decode_value(value.bytes(), attachments)
}

/// Decodes an outcome that is a list.
pub(super) fn decode_many<R: DeserializeOwned>(outcome: &Outcome) -> Result<Vec<R>> {
    let mut values = Vec::new();
    for part in outcome.as_ref().map_err(Clone::clone)?.parts() {
        part.append(copies(part.attachments())?, &mut values)?;
    }
    Ok(values)
}

/// What happens with an outcome before the handle turns ready.
pub(super) trait Callback: Send + Sync {
    /// Whether there is anything to run.
    fn is_some(&self) -> bool;
    /// Runs it, once.
    fn run(&self, outcome: &Outcome);
    /// Drops it.
    fn discard(&self);
}

/// No callback.
impl Callback for () {
    fn is_some(&self) -> bool {
        false
    }

    fn run(&self, _: &Outcome) {}

    fn discard(&self) {}
}

/// A callback of the user's, until it is run or dropped.
pub(super) struct Once<F>(Mutex<Option<F>>);

impl<F: FnOnce(&Outcome) + Send> Callback for Once<F> {
    fn is_some(&self) -> bool {
        true
    }

    fn run(&self, outcome: &Outcome) {
        let callback = lock(&self.0).take();
        // A panic there was reported by the panic hook, and costs nothing else.
        let run = || callback.map(|callback| callback(outcome));
        let _ = panic::catch_unwind(AssertUnwindSafe(run));
    }

    fn discard(&self) {
        let callback = lock(&self.0).take();
        // What it has captured is the user's, and may panic.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(callback)));
    }
}

/// A callback for success only.
pub(super) fn on_success<R>(
    decode: fn(&Outcome) -> Result<R>,
    success: impl FnOnce(R) + Send,
) -> Once<impl FnOnce(&Outcome) + Send> {
    Once(Mutex::new(Some(move |outcome: &Outcome| {
        if let Ok(value) = decode(outcome) {
            success(value);
        }
    })))
}

/// A callback for each.
pub(super) fn on_either<R: DeserializeOwned + 'static>(
    success: Option<Box<dyn FnOnce(R) + Send>>,
    failure: Option<Box<dyn FnOnce(Error) + Send>>,
) -> Once<impl FnOnce(&Outcome) + Send> {
    Once(Mutex::new(Some(move |outcome: &Outcome| {
        match (decode::<R>(outcome), success, failure) {
            (Ok(value), Some(success), _) => success(value),
            (Err(error), _, Some(failure)) => failure(error),
            _ => {}
        }
    })))
}

/// Where an outcome arrives.
pub(super) struct Completion<C: ?Sized = dyn Callback> {
    pub(super) task: &'static str,
    /// A [`Stage`], changed under the lock of the pool's desk.
    stage: AtomicU8,
    outcome: OnceLock<Outcome>,
    bell: Bell,
    callback: C,
}

impl Completion {
    pub(super) fn new(task: &'static str, callback: impl Callback + 'static) -> Arc<Self> {
        let stage = AtomicU8::new(Stage::Elsewhere as u8);
        let (outcome, bell) = (OnceLock::new(), Bell::default());
        Arc::new(Completion { task, stage, outcome, bell, callback })
    }

    pub(super) fn outcome(&self) -> Option<&Outcome> {
        self.outcome.get()
    }

    pub(super) fn stage(&self) -> Stage {
        [Stage::Waiting, Stage::WaitingLaden, Stage::Placed, Stage::Cancelled]
            .into_iter()
            .find(|stage| *stage as u8 == self.stage.load(Relaxed))
            .unwrap_or(Stage::Elsewhere)
    }

    pub(super) fn set_stage(&self, stage: Stage) {
        self.stage.store(stage as u8, Relaxed);
    }

    pub(super) fn callback(&self) -> &dyn Callback {
        &self.callback
    }

    /// Sets the outcome; `None` if there was one.
    pub(super) fn set(&self, outcome: Outcome) -> Option<Told> {
        self.bell.ring(|| self.outcome.set(outcome).ok()).map(|((), told)| told)
    }
}

impl Awaited for Arc<Completion> {
    fn is_ready(&self) -> bool {
        self.outcome.get().is_some()
    }

    fn bell(&self) -> &Bell {
        &self.bell
    }

    fn address(&self) -> usize {
        Self::as_ptr(self).addr()
    }
}
