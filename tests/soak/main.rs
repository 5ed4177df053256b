//! Everything at random, for a while, with processes killed at random moments: what pools do, and a tangle of queues and
//! locks. How long is in variables of the environment, the choices in MP_TEST_SOAK_SEED.

#[path = "../support/mod.rs"]
mod support;

mod mingle;
mod pools;
mod tangle;

/// xorshift: the same seed makes the same choices, though not at the same moments.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn fork(&mut self) -> Self {
        Self(self.below(u64::MAX - 1) + 1)
    }
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The seed of this run, which it prints.
fn seed() -> u64 {
    let seed = variable("MP_TEST_SOAK_SEED").filter(|seed| *seed != 0);
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) * 0x9e37_79b9 + 1);
    println!("MP_TEST_SOAK_SEED={seed}");
    seed
}
