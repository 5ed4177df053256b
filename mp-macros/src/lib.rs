//! The attribute macros of `mp`.
