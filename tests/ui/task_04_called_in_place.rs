//! The task called, where it should be given.

#[mp::task]
fn foo(i: i32) -> i32 {
    i + 100
}

#[mp::main]
fn main() -> mp::Result<()> {
    mp::Pool::new(1)?.apply(foo(1), ())?; //~ error[E0277]: `i32` is not a task .. pass it by its bare name
    Ok(())
}
