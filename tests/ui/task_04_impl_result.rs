//! `impl Trait` as result has no name to decode.

#[mp::task]
fn foo(n: i32) -> impl Iterator<Item = i32> { //~ must return a concrete type .. into a `Vec`
    0..n
}

fn main() {
    foo(1).count();
}
