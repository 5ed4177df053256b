//! The first call by path is told twice: at the function and at its argument.

fn foo(i: i32) -> i32 {
    i + 100
}

#[mp::main]
fn main() -> mp::Result<()> {
    let _ = mp::Process::new(foo, 1); //~ put `#[mp::task]` on the function //~ is not a task
    mp::spawn(foo, 1)?; //~ put `#[mp::task]` on the function
    Ok(())
}
