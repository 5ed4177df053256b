//! Lanes on memory of this process alone: order and counts, death and others' calls at every step, and memory that was
//! overwritten.

mod deaths;
mod loans;
#[cfg(loom)]
mod loom_lane;
mod meetings;
mod order;
mod scribbles;
mod world;
