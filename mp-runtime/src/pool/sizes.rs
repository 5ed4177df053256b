//! How many items go into one call of the map family. A pure rule: what running them has taken comes from outside.
//!
//! A call costs some microseconds, however many items are in it; a worker that has one too large keeps the others
//! waiting at the end. So a call is to take [`GOAL`], and begins with one item, since items may take long.

use std::time::Duration;

/// How long the items of one call are to take together.
const GOAL: Duration = Duration::from_millis(1);
/// By how much a call may have more items than the one before.
const GROWTH: usize = 16;
/// The most items in a call if nobody knows how many there are.
const MOST: usize = 1 << 16;

/// The size of the next call.
#[derive(Debug)]
pub(super) struct Sizes {
    fixed: bool,
    size: usize,
    most: usize,
}

impl Sizes {
    /// For `items`, if their number is known, on so many workers.
    pub(super) fn new(chunk: Option<usize>, items: Option<usize>, workers: usize) -> Self {
        let share = |items: usize| items.div_ceil(4 * workers).max(1);
        let most = items.map_or(MOST, share);
        let size = chunk.unwrap_or(1);
        Self { fixed: chunk.is_some(), size, most }
    }

    pub(super) fn next(&self) -> usize {
        self.size
    }

    /// Notes that an item has taken so long.
    pub(super) fn learn(&mut self, item: Duration) {
        if self.fixed {
            return;
        }
        let fit = GOAL.as_nanos() / item.as_nanos().max(1);
        let fit = usize::try_from(fit).unwrap_or(usize::MAX);
        self.size = fit.clamp(1, self.size.saturating_mul(GROWTH)).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::Sizes;
    use std::time::Duration;

    #[test]
    fn fast_items_come_in_ever_larger_calls_up_to_a_share_of_all() {
        let mut sizes = Sizes::new(None, Some(1_000_000), 2);
        let mut seen = Vec::new();
        for _ in 0..6 {
            seen.push(sizes.next());
            sizes.learn(Duration::from_nanos(5));
        }
        assert_eq!(seen, [1, 16, 256, 4096, 65_536, 125_000]);
    }

    #[test]
    fn slow_items_come_one_by_one_also_when_they_become_slow_later() {
        let mut sizes = Sizes::new(None, None, 2);
        sizes.learn(Duration::from_micros(100));
        assert_eq!(sizes.next(), 10);
        sizes.learn(Duration::from_millis(40));
        assert_eq!(sizes.next(), 1);
    }

    #[test]
    fn a_given_size_stays() {
        let mut sizes = Sizes::new(Some(20), Some(100), 4);
        sizes.learn(Duration::from_nanos(1));
        assert_eq!(sizes.next(), 20);
        assert_eq!(Sizes::new(None, Some(0), 4).next(), 1);
    }
}
