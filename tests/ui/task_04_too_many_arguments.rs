//! More arguments than the task has parameters.

#[mp::task]
fn foo(i: i32) -> i32 {
    i + 100
}

#[mp::main]
fn main() -> mp::Result<()> {
    let pool = mp::Pool::new(1)?;
    pool.apply(foo, (1, 2))?; //~ expected `i32`, found
    mp::spawn(foo, (1, 2))?; //~ expected `i32`, found
    foo(1, 2); //~ this function takes 1 argument but 2 arguments were supplied
    Ok(())
}
