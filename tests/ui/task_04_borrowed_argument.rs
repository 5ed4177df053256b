//! A reference where the task takes the value.

#[mp::task]
fn foo(text: String) -> usize {
    text.len()
}

#[mp::main]
fn main() -> mp::Result<()> {
    let text = String::new();
    mp::spawn(foo, &text)?; //~ expected `String`, found `&String` .. consider removing the borrow
    mp::Pool::new(1)?.apply(foo, "x")?; //~ expected `String`, found `&str`
    Ok(())
}
