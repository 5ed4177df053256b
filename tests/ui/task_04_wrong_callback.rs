//! A callback that does not take what the task returns.

#[mp::task]
fn foo(i: i32) -> i32 {
    i + 100
}

fn bar(text: String) {
    println!("{text}");
}

#[mp::main]
fn main() -> mp::Result<()> {
    let pool = mp::Pool::new(1)?;
    pool.apply_async(foo, 1, bar); //~ type mismatch in function arguments
    pool.apply_async(foo, 1, |text: String| drop(text)); //~ type mismatch in closure arguments
    pool.call(foo, 1).error_callback(|value: i32| drop(value)).submit(); //~ type mismatch
    Ok(())
}
