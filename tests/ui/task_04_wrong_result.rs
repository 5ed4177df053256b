//! A result of another type than the caller wants.

#[mp::task]
fn foo(i: i32) -> i32 {
    i + 100
}

#[mp::main]
fn main() -> mp::Result<()> {
    let pool = mp::Pool::new(1)?;
    let text: String = pool.apply(foo, 1)?; //~ `?` operator has incompatible types .. expected `String`, found `i32`
    drop(text);
    Ok(())
}
