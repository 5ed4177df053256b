//! Callbacks run on a thread of the pool. The sentence is rustc's, about a bound that everyone knows.
use std::cell::Cell;
use std::rc::Rc;

#[mp::task]
fn foo(i: i32) -> i32 {
    i + 100
}

#[mp::main]
fn main() -> mp::Result<()> {
    let pool = mp::Pool::new(1)?;
    let seen = Rc::new(Cell::new(0));
    pool.apply_async(foo, 1, move |value| seen.set(value)); //~ `Rc<Cell<i32>>` cannot be sent between threads safely
    Ok(())
}
