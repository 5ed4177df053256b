//! An argument of another type.

#[mp::task]
fn foo(i: i32) -> i32 {
    i + 100
}

#[mp::main]
fn main() -> mp::Result<()> {
    let pool = mp::Pool::new(1)?;
    pool.apply(foo, "1")?; //~ expected `i32`, found `&str`
    pool.apply_async(foo, 1.0, |_| ()); //~ expected `i32`, found floating-point number
    mp::spawn(foo, Some(1))?; //~ expected `i32`, found `Option<
    Ok(())
}
