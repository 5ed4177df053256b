//! A served method that is async.

struct Counter(u64);

#[mp::manager]
impl Counter {
    pub fn new() -> Self {
        Self(0)
    }

    pub async fn get(&self) -> u64 { //~ a method that a manager serves cannot be `async`: write a plain one
        self.0
    }
}

fn main() {
    let _ = Counter::new().get();
}
