//! An option that there is not.

struct Counter(u64);

#[mp::manager(prxy = Handle)] //~ unknown option `prxy`: did you mean `proxy`? `#[mp::manager]` takes `proxy = Name` and `crate = path`
impl Counter {
    pub fn new() -> Self {
        Self(0)
    }
}

fn main() {
    Counter::new().0.to_string();
}
