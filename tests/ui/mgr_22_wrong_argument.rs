//! Arguments that are not those of `new`.

struct Counter(u64);

#[mp::manager]
impl Counter {
    pub fn new(start: u64) -> Self {
        Self(start)
    }

    pub fn add(&mut self, by: u64) {
        self.0 += by;
    }
}

fn main() -> mp::Result<()> {
    let counter = mp::Manager::new()?.create::<Counter>("3")?; //~ error[E0308]: mismatched types
    counter.add("4") //~ error[E0308]: mismatched types
}
