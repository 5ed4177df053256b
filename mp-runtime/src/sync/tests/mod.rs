//! The algorithms on words of this process: in threads, and under loom (`RUSTFLAGS="--cfg loom"`), which tries every
//! order of their steps. The objects between processes are tested in `tests/sync`.

mod threads;
mod words;

#[cfg(loom)]
mod loom_barrier;
#[cfg(loom)]
mod loom_condition;
#[cfg(loom)]
mod loom_event;
#[cfg(loom)]
mod loom_lock;
#[cfg(loom)]
mod loom_semaphore;
#[cfg(loom)]
mod model;
