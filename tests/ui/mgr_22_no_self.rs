//! A served function that has no object.

struct Counter(u64);

#[mp::manager]
impl Counter {
    pub fn new() -> Self {
        Self(0)
    }

    pub fn of(count: u64) -> Self { //~ a method that a manager serves takes `&self` or `&mut self`: add it, or leave `pub` out
        Self(count)
    }
}

fn main() {
    Counter::of(Counter::new().0);
}
