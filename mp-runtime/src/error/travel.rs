//! Errors as results: a task may return an `mp::Result`, and its caller gets the same kind, texts and accessors.

use super::{Error, ErrorKind, RemotePanic, Repr, WorkerExit};
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

#[derive(serde::Serialize, serde::Deserialize)]
struct Parts {
    kind: ErrorKind,
    message: String,
    /// What the causes said, the nearest first.
    causes: Vec<String>,
    panic: Option<RemotePanic>,
    worker: Option<WorkerExit>,
    bytes: Option<Vec<u8>>,
}

/// A cause, of whatever type it was elsewhere.
#[derive(Debug)]
struct Cause {
    text: String,
    cause: Option<Arc<dyn StdError + Send + Sync>>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_ref().map(|cause| -> &(dyn StdError + 'static) { cause })
    }
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut causes = Vec::new();
        let mut cause = self.source();
        while let Some(found) = cause {
            causes.push(found.to_string());
            cause = found.source();
        }
        let parts = Parts {
            kind: self.0.kind,
            message: self.0.message.clone(),
            causes,
            panic: self.0.panic.clone(),
            worker: self.0.worker.clone(),
            bytes: self.0.bytes.clone(),
        };
        parts.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Error {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Parts { kind, message, causes, panic, worker, bytes } =
            Parts::deserialize(deserializer)?;
        let source = causes.into_iter().rev().fold(None, |cause, text| {
            let cause: Arc<dyn StdError + Send + Sync> = Arc::new(Cause { text, cause });
            Some(cause)
        });
        Ok(Self(Arc::new(Repr { kind, message, source, panic, worker, bytes })))
    }
}
