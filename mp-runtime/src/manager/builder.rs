//! `ManagerBuilder`: what a manager's server is told before it serves.

use crate::channel::channel;
use crate::error::{Error, ErrorKind, Result};
use crate::manager::serve::{Orders, Serve};
use crate::manager::session::Session;
use crate::manager::{Manager, SHUTDOWN_TIMEOUT};
use crate::process::Process;
use crate::sys::random;
use crate::wait::wait;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

/// Counts the managers of this process.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// What a manager's server is to be told, made by [`Manager::builder`].
#[derive(Debug)]
#[must_use = "a builder does nothing until start() is called"]
pub struct ManagerBuilder {
    name: Option<String>,
    timeout: Duration,
}

impl Default for ManagerBuilder {
    fn default() -> Self {
        Self { name: None, timeout: SHUTDOWN_TIMEOUT }
    }
}

impl ManagerBuilder {
    /// What the server's process is called; else "SyncManager-N".
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How long the server may take to end when it is asked to, and then again at each signal; a second unless told.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Starts the server, and waits until it serves.
    ///
    /// # Errors
    ///
    /// As [`Manager::new`].
    pub fn start(self) -> Result<Manager> {
        let random = random::bytes().map_err(|error| Error::io("a number for a server", error))?;
        let server = u64::from_le_bytes(random);
        let (to, door) = channel()?;
        let (ready, answer) = channel()?;
        let orders = Orders { server, door, back: to.clone(), ready };
        let number = || STARTED.fetch_add(1, Relaxed) + 1;
        let name = self.name.unwrap_or_else(|| format!("SyncManager-{}", number()));
        let mut process = Process::new(Serve, orders).with_name(name).with_daemon(true);
        process.start()?;
        wait(&[&answer, &process], None)?;
        let Ok(serving) = answer.try_recv() else {
            // It has ended without a word, or with one.
            process.join()?;
            let text = "the manager's server did not come to serve";
            return Err(match process.result() {
                Ok(Ok(())) => Error::new(ErrorKind::Remote, text),
                Ok(Err(why)) => Error::new(ErrorKind::Remote, format!("{text}: {why}")),
                Err(error) => Error::with_source(error.kind(), text, error),
            });
        };
        let session = Session::to(server, serving, to);
        Ok(Manager { process: Some(process), session, timeout: self.timeout })
    }
}
