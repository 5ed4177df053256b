//! How long a sleeper sleeps before it looks again, since a wake-up can die with whoever received it or was to send it.

use crate::sys::clock::Deadline;
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// Grows with every sleep.
#[derive(Debug)]
pub(super) struct Patience(Duration);

impl Patience {
    pub(super) fn new() -> Self {
        Self(FIRST)
    }

    /// Until when to sleep now: no longer than until `deadline`.
    pub(super) fn next(&mut self, deadline: Option<Deadline>) -> Option<Deadline> {
        let look = Deadline::after(self.0);
        self.0 = (self.0 * 2).min(LONGEST);
        match (look, deadline) {
            (Some(look), Some(deadline)) => Some(look.min(deadline)),
            (look, deadline) => look.or(deadline),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FIRST, LONGEST, Patience};
    use crate::sys::clock::Deadline;
    use std::time::Duration;

    #[test]
    fn sleeps_grow_and_end_at_the_deadline() {
        let mut patience = Patience::new();
        assert!(patience.next(None).unwrap().remaining() <= FIRST);
        for _ in 0..10 {
            assert!(patience.next(None).unwrap().remaining() <= LONGEST);
        }
        let deadline = Deadline::after(Duration::from_millis(1));
        assert_eq!(patience.next(deadline), deadline);
    }
}
