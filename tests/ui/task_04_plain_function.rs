//! A function without the attribute is no task.

fn foo(i: i32) -> i32 {
    i + 100
}

#[mp::main]
fn main() -> mp::Result<()> {
    let pool = mp::Pool::new(1)?;
    pool.apply(foo, 1)?; //~ is not a task: put `#[mp::task]` on the function, and pass it by its bare name
    pool.apply_async(foo, 1, |value| println!("{value}")); //~ is not a task
    pool.submit(foo, 1).get()?; //~ is not a task
    Ok(())
}
