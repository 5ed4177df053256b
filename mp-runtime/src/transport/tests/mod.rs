//! The protocols of this module under loom (`RUSTFLAGS="--cfg loom"`), which tries every order of their steps. On words
//! that processes share they are tested beside their sources.

#[cfg(loom)]
mod loom_board;
#[cfg(loom)]
mod loom_ring;
#[cfg(loom)]
pub(crate) mod model;
