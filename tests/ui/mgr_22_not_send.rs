//! A type that only one thread may use.

use std::rc::Rc;

struct Counter(Rc<u64>);

#[mp::manager]
impl Counter { //~ `Counter` is not `Send` and `Sync`, as an object in a manager's server must be .. use `Arc` and `Mutex`
    pub fn new() -> Self {
        Self(Rc::new(0))
    }

    pub fn get(&self) -> u64 {
        *self.0
    }
}

fn main() -> mp::Result<()> {
    let counter = mp::Manager::new()?.create::<Counter>(())?;
    counter.get().map(drop)
}
