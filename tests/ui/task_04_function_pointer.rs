//! The pointer that a task derefs to has lost its name.

#[mp::task]
fn foo(i: i32) -> i32 {
    i + 100
}

#[mp::main]
fn main() -> mp::Result<()> {
    mp::Pool::new(1)?.apply(*foo, 1)?; //~ is not a task: put `#[mp::task]` on the function, and pass it by its bare name
    Ok(())
}
