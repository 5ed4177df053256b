//! A plain function, given to a process. The first call by path is told twice, with the same words: at
//! the function and at its argument, whose type rustc looks up in the task, at a place of its own.

fn foo(i: i32) -> i32 {
    i + 100
}

#[mp::main]
fn main() -> mp::Result<()> {
    let _ = mp::Process::new(foo, 1); //~ is not a task: put `#[mp::task]` on the function, and pass it by its bare name //~ is not a task: put
    mp::spawn(foo, 1)?; //~ is not a task: put `#[mp::task]` on the function
    Ok(())
}
