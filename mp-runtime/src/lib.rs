//! The runtime of `mp`, which is the crate to depend on: it re-exports what is public here, and documents it.
//!
//! Modules stand in the order in which a call travels; see ARCHITECTURE.md for the map.

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
compile_error!("mp runs on Linux (5.11 or newer), on x86-64 and aarch64");

// So that the macros' output, which says `::mp::`, works in this crate too.
extern crate self as mp;

mod pool;
mod process;

mod child;
mod task;

mod codec;
mod protocol;

mod custody;
mod transport;

mod error;
mod identity;
mod sys;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use custody::Fd;
pub use error::{Error, ErrorKind, RemotePanic, Result, WorkerExit};
pub use pool::{
    AsCompleted, AsyncResult, Batch, Call, Pool, PoolBuilder, Results, Waited, WorkerInfo,
    as_completed, set_worker_state, shared, wait_all, wait_any, with_worker_state,
};
pub use process::at_exit::at_exit;
pub use process::exit::{Guard, init};
pub use process::info::{ProcessInfo, active_children, cpu_count, current_process, parent_process};
pub use process::{Process, spawn};
pub use task::Task;
