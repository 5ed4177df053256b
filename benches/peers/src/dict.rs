//! What the contestants of the dictionary's rows share.

use crate::Asked;

/// How many keys there are; every second call puts, the others get.
pub const KEYS: u64 = 1000;

/// How many clients a row has.
pub fn clients(asked: &Asked) -> Option<u64> {
    match asked.metric.as_str() {
        "dict" => Some(1),
        "dict-2" => Some(2),
        _ => None,
    }
}

/// Thousands a second.
pub fn rate(calls: u64, run: impl FnOnce()) -> f64 {
    crate::millions(calls, run) * 1e3
}
