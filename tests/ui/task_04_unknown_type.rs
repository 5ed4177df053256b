//! A type that does not exist is told once for each place, as in any function.

#[mp::task]
fn foo(point: Pint) -> Vec<Pint> { //~ cannot find type `Pint` //~ cannot find type `Pint`
    vec![point]
}

fn main() {
    mp::spawn(foo, 1).unwrap();
}
