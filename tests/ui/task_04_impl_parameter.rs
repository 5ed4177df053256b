//! `impl Trait` as parameter is a type parameter in disguise.

#[mp::task]
fn foo(value: impl Into<String>) -> String { //~ name a concrete type instead of `impl Trait`
    value.into()
}

fn main() {
    foo("x");
}
