//! `EventProxy`: an event of a manager. What it does is in `sync`.
#![expect(clippy::missing_errors_doc, reason = "the type says it for all its methods")]

use crate::error::Result;
use crate::manager::direct::Direct;
use crate::manager::far::frame::direct as method;
use crate::sync::Event;
use crate::wait::{Source, Waitable};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// An [`Event`](crate::Event) of a manager, in its words.
///
/// Made by [`Manager::event`](crate::Manager::event). Handles, and that it is used without asking the server, are as a
/// [`LockProxy`](crate::LockProxy)'s.
///
/// # Errors
///
/// All methods: `Disconnected` if the server has ended, which a call that waits sees within a second or so.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn cross(green: mp::EventProxy) -> bool {
///     green.wait().is_ok()
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let manager = mp::Manager::new()?;
///     let green = manager.event()?;
///     let process = mp::spawn(cross, green.clone())?;
///     green.set()?;
///     assert!(process.result()?);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventProxy(Direct<Event>);

impl EventProxy {
    pub(super) fn of(direct: Direct<Event>) -> Self {
        Self(direct)
    }

    /// Sets it, and wakes all that wait for it.
    pub fn set(&self) -> Result<()> {
        match self.0.far() {
            Some(far) => far.order(method::SET),
            None => self.0.get().map(|(event, _)| event.set()),
        }
    }

    /// Takes back that it is set.
    pub fn clear(&self) -> Result<()> {
        match self.0.far() {
            Some(far) => far.order(method::CLEAR),
            None => self.0.get().map(|(event, _)| event.clear()),
        }
    }

    /// Whether it is set.
    pub fn is_set(&self) -> Result<bool> {
        match self.0.far() {
            Some(far) => far.flag(method::IS_SET),
            None => self.0.get().map(|(event, _)| event.is_set()),
        }
    }

    /// Waits until it is set, or has been set since this call began.
    pub fn wait(&self) -> Result<()> {
        if let Some(far) = self.0.far() {
            return far.call(far.waiting(method::WAIT, None), |_| Ok(()));
        }
        let (event, server) = self.0.get()?;
        if event.wait_while(server, None) { Ok(()) } else { Err(self.0.gone()) }
    }

    /// Waits for it so long at most, and says whether it was set.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool> {
        if let Some(far) = self.0.far() {
            return far.call(far.waiting(method::WAIT, Some(timeout)), |answer| answer.flag());
        }
        let (event, server) = self.0.get()?;
        let set = event.wait_while(server, Some(timeout));
        if !set {
            self.0.expect_server()?;
        }
        Ok(set)
    }

    /// As [`wait`](Self::wait), for any executor; it waits since this call.
    ///
    /// # Errors
    ///
    /// From the future, besides: [`Io`](crate::ErrorKind::Io), if the thread could not be started that waits in its place;
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for an event of another program's server.
    pub fn wait_async(&self) -> impl Future<Output = Result<()>> + Send + use<> {
        let begun = self.0.get().map(|(event, server)| event.wait_async_while(server));
        let direct = self.0.clone();
        async move {
            begun?.await?;
            direct.expect_server()
        }
    }
}

impl Waitable for EventProxy {
    fn __source(&self) -> Result<Source<'_>> {
        self.0.get().map(|(event, _)| Source::object(self.0.served(event.sleeper(None))))
    }
}
