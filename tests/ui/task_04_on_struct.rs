//! The attribute on what is no function.

#[mp::task]
struct Foo; //~ this attribute belongs on a function

fn main() {
    let _ = Foo;
}
