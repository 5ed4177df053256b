//! Where a child waits until its test lets it go on: neither sleeps for the other.
//! A socket without a name in the file system, so that nothing is left of it however either ends.

use std::io::Read;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// The test's side.
pub struct Gate {
    name: String,
    listener: UnixListener,
}

/// A child that waits; dropped, this lets it go on.
#[must_use = "dropped, it lets the child go on"]
pub struct Waiting {
    _held: UnixStream,
}

impl Gate {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("mp-test-{}-{number}", process::id());
        let listener = UnixListener::bind_addr(&address(&name)).expect("a new name");
        Self { name, listener }
    }

    /// What the child gives to `wait_at`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits until a child has come to the gate.
    pub fn arrival(&self) -> Waiting {
        let (held, _) = self.listener.accept().expect("a child comes");
        Waiting { _held: held }
    }
}

/// The child's side: returns when the test, or its process, lets go.
pub fn wait_at(gate: &str) {
    let mut stream = UnixStream::connect_addr(&address(gate)).expect("the test listens");
    // An error is a reset: the other side is gone, too.
    let _ = stream.read(&mut [0]);
}

fn address(name: &str) -> SocketAddr {
    SocketAddr::from_abstract_name(name).expect("a short name")
}
