//! A served method that would use its object up.

struct Counter(u64);

#[mp::manager]
impl Counter {
    pub fn new() -> Self {
        Self(0)
    }

    pub fn into_count(self) -> u64 { //~ a manager keeps the object, so a method that it serves takes `&self` or `&mut self`
        self.0
    }
}

fn main() {
    Counter::new().into_count();
}
