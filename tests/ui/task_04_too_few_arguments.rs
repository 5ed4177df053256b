//! Fewer arguments than the task has parameters.

#[mp::task]
fn add(a: i32, b: i32) -> i32 {
    a + b
}

#[mp::task]
fn nothing() {}

#[mp::main]
fn main() -> mp::Result<()> {
    let pool = mp::Pool::new(1)?;
    pool.apply(add, 1)?; //~ expected `(i32, i32)`, found integer
    pool.submit(nothing, 1).get()?; //~ expected `()`, found integer
    let _ = mp::Process::new(add, (1,)); //~ expected a tuple with 2 elements
    Ok(())
}
