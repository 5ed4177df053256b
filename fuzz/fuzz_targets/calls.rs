//! Fuzzes `calls`; what that is, and what may not happen, is in `mp-runtime/src/fuzz.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mp_runtime::__fuzz::calls(bytes));
