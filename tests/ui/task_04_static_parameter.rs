//! What a message brings does not live for ever.

#[mp::task]
fn foo(text: &'static str) -> usize { //~ which is not `'static`: write `&str`
    text.len()
}

fn main() {
    foo("x");
}
