//! `Event`. What its word means is in `flag`.

use crate::commons::{self, Hold, Kind, Number};
use crate::error::{Error, Result};
use crate::sync::flag::Flag;
use crate::sync::handle::{Shape, travels};
use crate::sync::word::Patience;
use crate::transport::reactor::Watch;
use crate::transport::sleeper::Sleeper;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::task::{Context, Poll};
use std::time::Duration;

const SHAPE: Shape = Shape { kind: Kind::Event, len: 4 };

/// Something that has happened or not, for which any thread of any process that has a handle can wait.
///
/// Handles can be cloned, be arguments and results, or parts of them at any depth; each is another way to the same event.
/// Setting it wakes all that wait, and nobody who waited then misses it, cleared again or not. What was written before
/// it was set is seen by whoever has waited for it. A waiter that is killed is no trouble to anybody.
///
/// # Examples
///
/// ```
/// #[mp::task]
/// fn cross(green: mp::Event) -> bool {
///     green.wait();
///     green.is_set()
/// }
///
/// #[mp::main]
/// fn main() -> mp::Result<()> {
///     let green = mp::Event::new()?;
///     let process = mp::spawn(cross, green.clone())?;
///     green.set();
///     assert!(process.result()?);
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Event {
    hold: Hold,
}

travels!(Event, SHAPE);

impl Event {
    /// Makes an event that is not set.
    ///
    /// # Errors
    ///
    /// If there is no memory to share.
    pub fn new() -> Result<Self> {
        Ok(Self { hold: SHAPE.make()? })
    }

    /// Sets it, and wakes all that wait for it.
    pub fn set(&self) {
        self.flag().set();
    }

    /// Takes back that it is set.
    pub fn clear(&self) {
        self.flag().clear();
    }

    /// Whether it is set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.flag().is_set()
    }

    /// Waits until it is set, or has been set since this call began.
    pub fn wait(&self) {
        self.flag().wait(Patience::endless);
    }

    /// Waits for it so long at most, and says whether it was set.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> mp::Result<()> {
    /// let event = mp::Event::new()?;
    /// assert!(!event.wait_timeout(std::time::Duration::from_millis(1)));
    /// event.set();
    /// assert!(event.wait_timeout(std::time::Duration::ZERO));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "it says whether the event was set"]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        if timeout.is_zero() { self.is_set() } else { self.flag().wait(|| Patience::of(timeout)) }
    }

    /// Waits for it so long, or for ever, and no longer than that process lives; says whether it was set.
    pub(crate) fn wait_while(&self, needed: Number, timeout: Option<Duration>) -> bool {
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            return self.is_set();
        }
        self.flag().wait(|| Patience::within(timeout).while_lives(Some(needed)))
    }

    /// As [`wait`](Self::wait), for any executor.
    ///
    /// # Errors
    ///
    /// [`Io`](crate::ErrorKind::Io), from the future, if the thread could not be started that waits in its
    /// place.
    ///
    /// # Examples
    ///
    /// ```
    /// async fn go(green: &mp::Event) -> mp::Result<()> {
    ///     green.wait_async().await
    /// }
    /// ```
    pub fn wait_async(&self) -> EventWait {
        EventWait { watch: Watch::new(Arc::new(self.sleeper(None))) }
    }

    /// As [`wait_async`](Self::wait_async), and no longer than that process lives.
    pub(crate) fn wait_async_while(&self, needed: Number) -> EventWait {
        EventWait { watch: Watch::new(Arc::new(self.sleeper(Some(needed)))) }
    }

    /// What is waited for, from now on, no longer than that process lives.
    pub(crate) fn sleeper(&self, needed: Option<Number>) -> EventSleeper {
        EventSleeper { event: self.clone(), first: self.flag().seen(), needed }
    }

    fn flag(&self) -> Flag<'_, AtomicU32> {
        Flag(self.hold.u32(0))
    }
}

/// A wait for an event that lasts since it was made.
pub(crate) struct EventSleeper {
    event: Event,
    first: u32,
    needed: Option<Number>,
}

impl Sleeper for EventSleeper {
    fn is_ready(&self) -> bool {
        self.event.flag().is_over_since(self.first)
    }

    fn is_over(&self) -> bool {
        // Whoever could set it may still be on its way.
        self.is_ready() || self.needed.is_some_and(|needed| !commons::is_alive(needed))
    }

    fn announce(&self) -> (&AtomicU32, u32) {
        (self.event.hold.u32(0), self.event.flag().announce())
    }
}

/// The future of [`Event::wait_async`].
#[must_use = "a future does nothing until it is awaited"]
pub struct EventWait {
    watch: Watch,
}

impl Future for EventWait {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let io = |error| Error::io("waiting for an event", error);
        self.watch.poll(context).map(|done| done.map_err(io))
    }
}

impl fmt::Debug for EventWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventWait").finish_non_exhaustive()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("is_set", &self.is_set()).finish_non_exhaustive()
    }
}
