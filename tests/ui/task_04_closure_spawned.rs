//! A closure, given to a process.

#[mp::main]
fn main() -> mp::Result<()> {
    let base = 1;
    let _ = mp::Process::new(|i: i32| i + 100, 1); //~ is not a task: put `#[mp::task]` on the function .. a closure cannot be one
    mp::spawn(move || base, ())?; //~ is not a task: put `#[mp::task]` on the function
    Ok(())
}
