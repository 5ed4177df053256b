//! A main with type parameters.

#[mp::main]
fn main<T>() {} //~ `main` cannot be generic
