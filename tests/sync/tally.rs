//! Plain numbers that processes share, with no protection at all: what two of them change at once is wrong afterwards.

use mp::Fd;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::os::unix::fs::FileExt;

#[derive(Debug, Serialize, Deserialize)]
pub struct Tally(Fd<File>);

impl Tally {
    pub fn new() -> Self {
        Self(tempfile::tempfile().expect("a temporary file").into())
    }

    pub fn get(&self, at: u64) -> u64 {
        let mut bytes = [0; 8];
        // Nothing is there before the first change.
        let _ = self.0.read_exact_at(&mut bytes, at * 8);
        u64::from_le_bytes(bytes)
    }

    pub fn set(&self, at: u64, value: u64) {
        self.0.write_all_at(&value.to_le_bytes(), at * 8).expect("it has room");
    }

    /// Adds one, in two steps.
    pub fn add(&self, at: u64) -> u64 {
        let value = self.get(at) + 1;
        self.set(at, value);
        value
    }

    /// Takes one away, in two steps.
    pub fn subtract(&self, at: u64) {
        self.set(at, self.get(at) - 1);
    }
}

impl Clone for Tally {
    fn clone(&self) -> Self {
        Self(self.0.try_clone().expect("a descriptor is left").into())
    }
}
