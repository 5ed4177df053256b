//! Points in time on the monotonic clock, as the kernel's waits take them. Not for dates.

use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// A point in time after which a wait gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deadline(Duration);

impl Deadline {
    /// The point `timeout` from now; `None`, which means never, if it lies beyond the clock's end.
    pub(crate) fn after(timeout: Duration) -> Option<Self> {
        now().checked_add(timeout).filter(|at| at.as_secs() < i64::MAX as u64).map(Self)
    }

    /// How long it is until then; zero if it has passed.
    pub(crate) fn remaining(self) -> Duration {
        self.0.saturating_sub(now())
    }

    pub(crate) fn has_passed(self) -> bool {
        now() >= self.0
    }

    /// Time since the clock's start, for calls that take absolute times.
    pub(crate) fn since_start(self) -> Duration {
        self.0
    }
}

/// The same as [`now`], a few milliseconds old, for a tenth of the price.
pub(crate) fn lately() -> Duration {
    // As for `now`.
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE).map(Duration::from);
    time.unwrap_or(Duration::MAX)
}

/// The time since the monotonic clock's start.
pub(crate) fn now() -> Duration {
    // The call fails only for a clock that does not exist, and every kernel has this one.
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from);
    time.unwrap_or(Duration::MAX)
}
