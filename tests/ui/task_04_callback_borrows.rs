//! A callback runs later, so it cannot borrow from who submits.

#[mp::task]
fn foo(i: i32) -> i32 {
    i + 100
}

#[mp::main]
fn main() -> mp::Result<()> {
    let pool = mp::Pool::new(1)?;
    let base = 1;
    pool.apply_async(foo, 1, |value| println!("{}", value + base)); //~ may outlive .. use the `move` keyword
    Ok(())
}
