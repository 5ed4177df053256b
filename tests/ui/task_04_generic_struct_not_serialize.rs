//! A struct of the user's around a type that travels.

struct Wrapped<T>(T);

#[mp::task]
fn foo(wrapped: Wrapped<i32>) -> i32 { //~ error[E0277]: `Wrapped<i32>` cannot travel between processes
    wrapped.0
}

fn main() {
    foo(Wrapped(1));
}
