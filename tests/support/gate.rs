//! A gate that tasks stop at: the test knows that a task has begun, in which process, and says when it goes on.
//! No task waits for a time here, and no test.

use std::io::{Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// Once dropped, it is open: tasks pass without stopping.
pub struct Gate {
    name: String,
    listener: UnixListener,
}

/// A task that has come to the gate; dropped, it goes on.
pub struct Guest {
    pub pid: u32,
    _stream: UnixStream,
}

impl Gate {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("mp-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let listener = UnixListener::bind_addr(&address(&name)).expect("the name is free");
        Self { name, listener }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits for the next task to come.
    pub fn next(&self) -> Guest {
        let (mut stream, _) = self.listener.accept().expect("accept");
        let mut pid = [0; 4];
        stream.read_exact(&mut pid).expect("whoever comes tells its pid");
        Guest { pid: u32::from_ne_bytes(pid), _stream: stream }
    }

    /// Waits for so many tasks, all there at once.
    pub fn guests(&self, count: usize) -> Vec<Guest> {
        (0..count).map(|_| self.next()).collect()
    }
}

impl Guest {
    pub fn release(self) {}
}

/// For tasks: stops at the gate until the test lets this one go on.
pub fn stop_at(name: &str) {
    let Ok(mut stream) = UnixStream::connect_addr(&address(name)) else { return };
    if stream.write_all(&process::id().to_ne_bytes()).is_ok() {
        // The other end's close is the word to go on.
        let _ = stream.read(&mut [0]);
    }
}

fn address(name: &str) -> SocketAddr {
    SocketAddr::from_abstract_name(name).expect("a short name")
}
