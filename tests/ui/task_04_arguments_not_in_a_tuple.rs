//! Several arguments are one tuple; rustc says where its parentheses go.

#[mp::task]
fn add(a: i32, b: i32) -> i32 {
    a + b
}

#[mp::task]
fn nothing() {}

#[mp::main]
fn main() -> mp::Result<()> {
    let pool = mp::Pool::new(1)?;
    pool.apply(add, 1, 2)?; //~ takes 2 arguments but 3 arguments were supplied .. wrap these arguments in parentheses
    mp::spawn(add, 1, 2)?; //~ wrap these arguments in parentheses to construct a tuple
    pool.apply(add)?; //~ argument #2 of type `(i32, i32)` is missing
    pool.submit(nothing).get()?; //~ argument #2 of type `()` is missing
    pool.apply_async(nothing, |()| ()); //~ argument #2 of type `()` is missing
    Ok(())
}
