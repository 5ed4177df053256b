//! Listeners and clients: addresses, the handshake, messages, and what is left of it all; among Rust programs, raw sockets
//! that say anything, and the machine's Python. Pipes within a tree of processes are tested in `channel`.

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod crowd;
mod family;
mod handshake;
mod messages;
#[cfg(feature = "serde-pickle")]
mod pickles;
mod python;
#[cfg(feature = "tls")]
mod tls;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use support::watchdog;

const KEY: &str = "a key for tests";
/// The upper bound of what may take a while.
const LONG: Duration = Duration::from_secs(20);

fn watched<R>(body: impl FnOnce() -> R) -> R {
    watchdog(Duration::from_secs(60), body)
}

/// A path in the folder for temporary files that no other test has.
fn own_path() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("mp-test-{}-{number}.sock", std::process::id()))
}

/// Both ends of a connection.
fn connected(listener: &mp::Listener) -> (mp::Client, mp::Client) {
    let ours = mp::Client::connect(listener.address(), KEY).expect("it lets us in");
    (ours, listener.accept_timeout(LONG).expect("it has connected"))
}

/// A side of a handshake that says what a test wants.
struct Raw(UnixStream);

impl Raw {
    fn connect(listener: &mp::Listener) -> Self {
        Self::to(listener.address().path().expect("it listens at a path"))
    }

    fn to(path: &std::path::Path) -> Self {
        let stream = UnixStream::connect(path).expect("somebody listens");
        stream.set_read_timeout(Some(LONG)).expect("it is no zero");
        Self(stream)
    }

    fn send(&mut self, message: &[u8]) {
        let len = i32::try_from(message.len()).expect("it is short");
        self.0.write_all(&len.to_be_bytes()).expect("the other side reads");
        self.0.write_all(message).expect("the other side reads");
    }

    /// The next message; none at the end.
    fn receive(&mut self) -> Option<Vec<u8>> {
        let mut len = [0; 4];
        match self.0.read_exact(&mut len) {
            Err(error) if is_end(&error) => return None,
            other => other.expect("it comes in time"),
        }
        let mut message = vec![0; u32::from_be_bytes(len).try_into().expect("it fits")];
        self.0.read_exact(&mut message).expect("it comes in time");
        Some(message)
    }

    /// Whether the other side ends it, in time.
    fn is_sent_away(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => true,
            Err(error) => is_end(&error),
        }
    }
}

fn is_end(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionReset, UnexpectedEof};
    matches!(error.kind(), ConnectionReset | UnexpectedEof)
}
