//! A single argument needs no tuple around it; rustc tells of both types that do not fit.

#[mp::task]
fn foo(pair: (i32, i32)) -> i32 {
    pair.0
}

#[mp::main]
fn main() -> mp::Result<()> {
    mp::Pool::new(1)?.apply(foo, ((1, 2),))?; //~ expected a tuple with 2 elements, found one with 1 element //~ expected `i32`, found `({integer}, {integer})`
    Ok(())
}
