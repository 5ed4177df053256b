//! A served method with a parameter of type.

struct Counter(u64);

#[mp::manager]
impl Counter {
    pub fn new() -> Self {
        Self(0)
    }

    pub fn add<T: Into<u64>>(&mut self, by: T) { //~ a method that a manager serves cannot be generic .. write one for each type
        self.0 += by.into();
    }

    pub fn get(&self) -> u64 {
        self.0
    }
}

fn main() -> mp::Result<()> {
    let counter = mp::Manager::new()?.create::<Counter>(())?;
    counter.get().map(drop)
}
