//! The runtime of `mp`, which is the crate to depend on: it re-exports what is public here, and documents it.
//!
//! Modules stand in the order in which a call travels; see ARCHITECTURE.md for the map.

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
compile_error!("mp runs on Linux (5.11 or newer), on x86-64 and aarch64");

// So that the macros' output, which says `::mp::`, works in this crate too.
extern crate self as mp;

mod manager;
mod pool;
mod socket;
mod wait;

mod process;

mod child;
mod log;
mod task;

mod channel;
mod shared;
mod sync;

mod codec;
mod protocol;

mod custody;

#[expect(dead_code, reason = "the objects that use it come one by one")]
mod commons;

mod transport;

mod helper;

mod error;
mod identity;
mod sys;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

#[cfg(fuzzing)]
#[doc(hidden)]
#[path = "fuzz.rs"]
pub mod __fuzz;

/// The process that [`StartMethod::ForkServer`] makes its copies of: what is loaded there beforehand, when it
/// starts and when it ends. Nobody needs any of this who only wants quick starts.
///
/// It is a child of this process, started by the first start that needs it, and replaced when somebody
/// has killed it. It is not among [`active_children`]; it ends with this process, whatever happens,
/// and until then is one process and four descriptors here. Every process of a tree has its own.
pub mod fork_server {
    pub use crate::process::server::{preload, start, stop};
}

pub use channel::{
    Connection, Lending, Lent, Loan, Messages, Queue, Receiver, Receiving, Sender, Sending,
    TrySendError, channel, pipe,
};
pub use custody::Fd;
pub use error::{Error, ErrorKind, RemotePanic, Result, WorkerExit};
pub use identity::{AuthKey, StartMethod, set_start_method, start_method};
pub use log::{LogLevel, forward_logs, log_to_stderr};
pub use manager::{
    ArrayProxy, BarrierProxy, BoundedSemaphoreProxy, Change, Changed, Changes, ConditionProxy,
    DictEntries, DictProxy, DictWatcher, EventProxy, ListProxy, ListValues, LockProxy, Managed,
    Manager, ManagerBuilder, ManagerConnector, ManagerServer, NamespaceProxy, Number, PoolCall,
    PoolProxy, PoolResults, ProxyGuard, QueueProxy, RLockProxy, ResultProxy, SemaphoreProxy,
    SetProxy, Steps, ValueProxy,
};
pub use pool::{
    AsCompleted, AsyncResult, Batch, Call, Pool, PoolBuilder, Results, Waited, WorkerInfo,
    as_completed, set_worker_state, shared, wait_all, wait_any, with_worker_state,
};
pub use process::at_exit::at_exit;
pub use process::exit::{Guard, init};
pub use process::info::{ProcessInfo, active_children, cpu_count, current_process, parent_process};
pub use process::{Process, spawn};
pub use shared::{
    Array, ArrayGuard, Atomic, Plain, RawArray, RawValue, Shareable, ShareableItem, ShareableItems,
    ShareableList, SharedMemory, SharedMemoryManager, SharedSlice, Value, ValueGuard,
};
pub use socket::{Address, Client, ClientBuilder, Listener, ListenerBuilder, TypedClient};
#[cfg(feature = "tls")]
pub use socket::{TlsClient, TlsServer};
pub use sync::{
    Barrier, BoundedSemaphore, Condition, Event, EventWait, Lock, LockGuard, RLock, RLockGuard,
    Semaphore, SemaphoreGuard,
};
pub use task::Task;
pub use wait::{Waitable, wait};
