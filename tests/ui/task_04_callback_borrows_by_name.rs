//! A reference to a local, moved into the callback.

#[mp::task]
fn foo(i: i32) -> i32 {
    i + 100
}

#[mp::main]
fn main() -> mp::Result<()> {
    let pool = mp::Pool::new(1)?;
    let text = String::new();
    let borrowed = &text; //~ `text` does not live long enough .. is borrowed for `'static`
    pool.apply_async(foo, 1, move |value| println!("{borrowed}{value}"));
    Ok(())
}
