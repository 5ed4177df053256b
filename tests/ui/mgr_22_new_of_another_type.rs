//! A `new` that makes something else.

struct Counter(u64);

#[mp::manager]
impl Counter {
    pub fn new() -> u64 { //~ `new` gives a manager its object, so it returns `Self` or `Result<Self, E>`
        0
    }
}

fn main() {
    Counter(Counter::new()).0.to_string();
}
