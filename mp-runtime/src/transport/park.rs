//! How long to spin before sleeping. What is waited for, and how it is slept for, is for the callers.
//!
//! A wake-up across cores costs 50 to 95 µs on the machines measured, a spinning round trip half a microsecond. So a
//! waiter spins for as long as that has lately paid: its budget doubles with every wait that a spin of [`MOST`] would
//! have caught, and halves with every one that it would not.

use crate::sys::{self, clock};
use std::hint;
use std::thread;
use std::time::Duration;

/// The longest spin, about what one wake-up costs.
const MOST: Duration = Duration::from_micros(60);
/// The shortest, which is spent even when spinning has not paid for long.
const LEAST: Duration = Duration::from_micros(1);
/// After this, whoever else wants the core may have it between two looks: with fewer cores than there
/// are processes and threads, what is waited for may need just this one.
const ALONE: Duration = Duration::from_micros(4);
/// A wait no longer than this would have been caught had both sides been spinning.
const NEAR: Duration = Duration::from_micros(200);

/// One waiter's budget.
#[derive(Debug)]
pub(crate) struct Spinner {
    budget: Duration,
    since: Duration,
}

impl Spinner {
    pub(crate) const fn new() -> Self {
        Self { budget: MOST, since: Duration::ZERO }
    }

    /// Spins until `ready` is true, within the budget; `false`: sleep now, and call
    /// [`woken`](Self::woken) afterwards.
    pub(crate) fn spin(&mut self, mut ready: impl FnMut() -> bool) -> bool {
        self.since = clock::now();
        if sys::COUNTS_STEPS {
            return false;
        }
        loop {
            for _ in 0..32 {
                if ready() {
                    self.budget = (self.budget * 2).min(MOST);
                    return true;
                }
                hint::spin_loop();
            }
            let spun = clock::now().saturating_sub(self.since);
            if spun >= self.budget {
                return false;
            }
            if spun >= ALONE {
                thread::yield_now();
            }
        }
    }

    /// Notes how long the sleep after a failed spin has lasted.
    pub(crate) fn woken(&mut self) {
        let waited = clock::now().saturating_sub(self.since);
        self.budget = if waited < NEAR { MOST } else { (self.budget / 2).max(LEAST) };
    }
}

#[cfg(test)]
mod tests {
    use super::{LEAST, MOST, Spinner};
    use std::time::Duration;

    #[test]
    fn the_budget_follows_what_spinning_has_paid() {
        let mut spinner = Spinner::new();
        for _ in 0..10 {
            assert!(!spinner.spin(|| false));
            spinner.since = spinner.since.saturating_sub(Duration::from_millis(5));
            spinner.woken();
        }
        assert_eq!(spinner.budget, LEAST);
        assert!(spinner.spin(|| true));
        assert_eq!(spinner.budget, LEAST * 2);
        spinner.woken();
        assert_eq!(spinner.budget, MOST, "a short sleep would have been caught by spinning");
    }
}
