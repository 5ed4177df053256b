//! Python's multiprocessing for Rust, typed end to end.
#![warn(missing_docs)]
