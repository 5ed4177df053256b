//! Lanes on memory of this process alone: order and counts, death at every step, and memory that was overwritten.

mod deaths;
mod loans;
#[cfg(loom)]
mod loom_lane;
mod order;
mod scribbles;
mod world;
