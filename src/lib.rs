#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

// Tasks and entry points.
pub use mp_macros::{main, task, test};
pub use mp_runtime::{Guard, Task, init};
// Processes.
pub use mp_runtime::{
    Process, ProcessInfo, active_children, at_exit, cpu_count, current_process, parent_process,
    spawn,
};
// How processes are started.
pub use mp_runtime::{StartMethod, fork_server, set_start_method, start_method};
// Logging.
pub use mp_runtime::{LogLevel, forward_logs, log_to_stderr};
// Pools.
pub use mp_runtime::{
    AsCompleted, AsyncResult, Batch, Call, Pool, PoolBuilder, Results, Waited, WorkerInfo,
    as_completed, set_worker_state, shared, wait_all, wait_any, with_worker_state,
};
// Memory that processes share.
pub use mp_runtime::{
    Array, ArrayGuard, Atomic, Plain, RawArray, RawValue, Shareable, ShareableItem, ShareableItems,
    ShareableList, SharedMemory, SharedMemoryManager, SharedSlice, Value, ValueGuard,
};
// Waiting for several things.
pub use mp_runtime::{Waitable, wait};
// Locks and their kin.
pub use mp_runtime::{
    Barrier, BoundedSemaphore, Condition, Event, EventWait, Lock, LockGuard, RLock, RLockGuard,
    Semaphore, SemaphoreGuard,
};
// Queues, channels and pipes.
pub use mp_runtime::{
    Connection, Lending, Lent, Loan, Messages, Queue, Receiver, Receiving, Sender, Sending,
    TrySendError, channel, pipe,
};
// Managers and proxies.
pub use mp_macros::manager;
pub use mp_runtime::{
    ArrayProxy, BarrierProxy, BoundedSemaphoreProxy, Change, Changed, Changes, ConditionProxy,
    DictEntries, DictProxy, DictWatcher, EventProxy, ListProxy, ListValues, LockProxy, Managed,
    Manager, ManagerBuilder, ManagerConnector, ManagerServer, NamespaceProxy, Number, PoolCall,
    PoolProxy, PoolResults, ProxyGuard, QueueProxy, RLockProxy, ResultProxy, SemaphoreProxy,
    SetProxy, Steps, ValueProxy,
};
// Handles inside values.
pub use mp_runtime::Fd;
// Connections with other programs.
pub use mp_runtime::{
    Address, AuthKey, Client, ClientBuilder, Listener, ListenerBuilder, TypedClient,
};
#[cfg(feature = "tls")]
pub use mp_runtime::{TlsClient, TlsServer};
// Errors.
pub use mp_runtime::{Error, ErrorKind, RemotePanic, Result, WorkerExit};

#[doc(hidden)]
pub use mp_runtime::__private;
