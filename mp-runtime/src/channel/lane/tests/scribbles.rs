//! Memory that somebody has written all over: every call ends, with a value or an error.

use super::world::{World, item, put};
use crate::channel::lane::{Entry, Until};
use crate::error::ErrorKind;
use std::sync::atomic::Ordering::Relaxed;

/// Numbers that look random, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).unwrap()
    }
}

#[test]
fn no_call_panics_or_hangs() {
    let mut random = Random(11);
    let mut broken = 0;
    for round in 0..600u64 {
        let world = World::new();
        let lane = world.lane(1);
        lane.set_limits(round % 3 * 50, 0);
        for number in 0..20 {
            put(&lane, &item(number, 8 + random.index(9000)));
        }
        for (memory, len) in world.memories() {
            // The head has the words that matter most.
            let words = if len == crate::channel::lane::LEN { 6 } else { 1 };
            for _ in 0..random.below(words + 1) {
                let at = 8 * random.index(len / 8);
                // Of an item, rather its header.
                let header = |at: &usize| memory.u64(*at).load(Relaxed) >> 56 == 0x6D;
                let at = (at..len).step_by(8).find(header).unwrap_or(at);
                let value = match random.below(5) {
                    0 => u64::MAX,
                    // One that is longer than it was.
                    4 => memory.u64(at).load(Relaxed) | random.below(1 << 20),
                    1 => random.below(u64::MAX) << random.below(40),
                    2 => memory.u64(8 * random.index(len / 8)).load(Relaxed),
                    _ => random.below(100),
                };
                memory.u64(at).store(value, Relaxed);
            }
        }
        for at in 0..60 {
            let entry = Entry { kind: 1, wire: &[1; 9], body: &[2; 5000], lent: None };
            let error = match at % 3 {
                0 => lane.put(&entry, Until::Now, || (), || Ok(())).err(),
                _ => lane.take(&mut Vec::new(), Until::Now, || Ok(())).err(),
            };
            lane.done();
            let _ = (lane.len(), lane.is_full(), lane.has_cut_off());
            if let Some(error) = error {
                broken += u32::from(error.kind() == ErrorKind::Broken);
            }
        }
    }
    assert!(broken > 50, "{broken}");
}
