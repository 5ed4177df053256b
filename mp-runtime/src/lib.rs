//! The runtime of `mp`, which is the crate to depend on: it re-exports what is public here, and documents it.
#![expect(dead_code, reason = "the layers above the carriers come next")]

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
compile_error!("mp runs on Linux (5.11 or newer), on x86-64 and aarch64");

mod sys;
mod transport;
