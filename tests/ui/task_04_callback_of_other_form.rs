//! A callback takes one value, and is a function.

#[mp::task]
fn foo(i: i32) -> i32 {
    i + 100
}

#[mp::main]
fn main() -> mp::Result<()> {
    let pool = mp::Pool::new(1)?;
    pool.apply_async(foo, 1, |_, _| ()); //~ closure is expected to take 1 argument, but it takes 2
    pool.apply_async(foo, 1, || ()); //~ closure is expected to take 1 argument, but it takes 0
    pool.apply_async(foo, 1, None); //~ expected a `FnOnce(i32)` closure, found `Option<_>`
    Ok(())
}
