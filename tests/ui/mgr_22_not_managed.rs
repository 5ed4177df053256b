//! A type without the attribute.

struct Counter(u64);

impl Counter {
    pub fn new() -> Self {
        Self(0)
    }
}

fn main() -> mp::Result<()> {
    let manager = mp::Manager::new()?;
    manager.create::<Counter>(Counter::new().0)?; //~ a manager has no objects of `Counter`: put `#[mp::manager]` on the `impl` with its methods
    Ok(())
}
