//! A parameter with a lifetime that nobody has declared.

#[mp::task]
fn foo(text: &'a str) -> usize { //~ the lifetime has no name: leave `'a` out, or write `'_`
    text.len()
}

fn main() {
    foo("x");
}
