//! Shared-memory carriers: how bytes get from one process to another, and how either waits for the other. Nothing here
//! knows what a task is, or trusts what a peer wrote.

pub(crate) mod board;
pub(crate) mod bytes;
pub(crate) mod constant;
pub(crate) mod park;
pub(crate) mod reactor;
pub(crate) mod ring;
pub(crate) mod scratch;
pub(crate) mod segment;
pub(crate) mod sleeper;
pub(crate) mod slots;
pub(crate) mod word;

#[cfg(test)]
pub(crate) mod tests;
