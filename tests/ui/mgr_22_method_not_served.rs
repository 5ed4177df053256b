//! A call of a method that is for the object itself.

struct Counter(u64);

#[mp::manager]
impl Counter {
    pub fn new() -> Self {
        Self(0)
    }

    pub fn get(&self) -> u64 {
        self.next()
    }

    fn next(&self) -> u64 {
        self.0 + 1
    }
}

fn main() -> mp::Result<()> {
    let counter = mp::Manager::new()?.create::<Counter>(())?;
    counter.get()?;
    counter.next()?; //~ error[E0599] .. `next` .. `CounterProxy`
    Ok(())
}
