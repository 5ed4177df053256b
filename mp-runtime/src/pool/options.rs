//! What a pool's workers are like: as the builder gathers it, checked, and as a worker is told.

use crate::codec;
use crate::custody::Attachments;
use crate::error::{Error, ErrorKind, Result};
use crate::process::launch;
use crate::task::Task;
use crate::task::registry::Entry;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A task to be run in each worker, with its arguments.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    task: &'static Entry,
    arguments: Result<Encoded>,
}

/// A value that each worker reads, for as long as the pool is there.
#[derive(Clone, Debug)]
pub(super) struct Encoded {
    bytes: Arc<[u8]>,
    _objects: Arc<Attachments>,
}

impl Encoded {
    /// # Errors
    ///
    /// If it cannot be encoded, or has descriptors in it: these travel once.
    pub(super) fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self> {
        let (mut bytes, mut objects) = (Vec::new(), Attachments::for_many());
        codec::encode_with(value, &mut bytes, &mut objects)?;
        if objects.has_descriptors() {
            let text = format!(
                "cannot encode {}: a descriptor in it cannot travel to each worker of a pool; send it \
                 with a task",
                std::any::type_name::<T>()
            );
            return Err(Error::new(ErrorKind::Encode, text));
        }
        Ok(Self { bytes: bytes.into(), _objects: Arc::new(objects) })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Setup {
    pub(super) fn new<T: Task>(arguments: &T::Args<'_>) -> Self {
        Self { task: T::__entry(), arguments: Encoded::new(arguments) }
    }

    fn errand(&self) -> Result<Errand> {
        let arguments = self.arguments.as_ref().map_err(Clone::clone)?.bytes().to_vec();
        Ok(Errand { task: self.task.index(), arguments })
    }
}

/// The same, as a worker is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Errand {
    pub(super) task: u32,
    pub(super) arguments: Vec<u8>,
}

/// What the builder has gathered about workers.
#[derive(Clone, Default)]
pub(super) struct Options {
    pub(super) initializer: Option<Setup>,
    pub(super) finalizer: Option<Setup>,
    pub(super) initializer_timeout: Option<Duration>,
    pub(super) finalizer_timeout: Option<Duration>,
    pub(super) max_tasks: Option<u64>,
    pub(super) memory_growth: Option<u64>,
    pub(super) memory_limit: Option<u64>,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) on_demand: bool,
    pub(super) break_on_death: bool,
    /// How many calls may be without an outcome before a submitter waits.
    pub(super) max_pending: Option<usize>,
    pub(super) affinity: bool,
    pub(super) nice: i32,
    pub(super) environment: Vec<(OsString, OsString)>,
    pub(super) name: Option<String>,
    pub(super) process_group: bool,
    /// What all tasks may read, encoded.
    pub(super) shared: Option<Result<Encoded>>,
}

/// What a worker is told about itself, beside its place in the pool.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Manner {
    pub(super) initializer: Option<Errand>,
    pub(super) finalizer: Option<Errand>,
    pub(super) max_tasks: Option<u64>,
    pub(super) memory_growth: Option<u64>,
    pub(super) memory_limit: Option<u64>,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) affinity: bool,
    pub(super) nice: i32,
    /// How many bytes the pool's shared value has, if there is one.
    pub(super) shared: Option<u64>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the values themselves, which may be large or secret.
        f.debug_struct("Options")
            .field("max_tasks", &self.max_tasks)
            .field("on_demand", &self.on_demand)
            .finish_non_exhaustive()
    }
}

impl Options {
    /// Refuses what cannot be.
    pub(super) fn check(&self) -> Result<()> {
        let invalid = |text: String| Err(Error::new(ErrorKind::InvalidArgument, text));
        let counts = [
            ("max_tasks_per_child", self.max_tasks),
            ("memory_growth", self.memory_growth),
            ("memory_limit", self.memory_limit),
            ("max_pending", self.max_pending.map(|calls| calls as u64)),
        ];
        for (option, value) in counts {
            if value == Some(0) {
                return invalid(format!("{option} must be at least 1, not 0"));
            }
        }
        let times = [
            ("initializer_timeout", self.initializer_timeout),
            ("finalizer_timeout", self.finalizer_timeout),
            ("idle_timeout", self.idle_timeout),
        ];
        for (option, value) in times {
            if value == Some(Duration::ZERO) {
                return invalid(format!("{option} must be longer than nothing"));
            }
        }
        if !(-20..=19).contains(&self.nice) {
            return invalid(format!("a nice value is from -20 to 19, not {}", self.nice));
        }
        launch::check_environment(&self.environment)?;
        self.manner().map(drop)
    }

    pub(super) fn manner(&self) -> Result<Manner> {
        let errand = |setup: &Option<Setup>| setup.as_ref().map(Setup::errand).transpose();
        let shared = self.shared.as_ref().map(|shared| shared.as_ref().map_err(Clone::clone));
        Ok(Manner {
            initializer: errand(&self.initializer)?,
            finalizer: errand(&self.finalizer)?,
            max_tasks: self.max_tasks,
            memory_growth: self.memory_growth,
            memory_limit: self.memory_limit,
            idle_timeout: self.idle_timeout,
            affinity: self.affinity,
            nice: self.nice,
            shared: shared.transpose()?.map(|shared| shared.bytes().len() as u64),
        })
    }

    /// Whether there may be fewer workers than the pool has places.
    pub(super) fn is_lazy(&self) -> bool {
        self.on_demand || self.idle_timeout.is_some()
    }
}
