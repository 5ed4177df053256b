//! Nor is a closure.

#[mp::main]
fn main() -> mp::Result<()> {
    mp::Pool::new(1)?.apply(|i: i32| i + 100, 1)?; //~ is not a task: put `#[mp::task]` on the function .. a closure cannot be one
    Ok(())
}
