//! Two mains in one file.

#[mp::main]
fn main() {}

#[mp::main] //~ the name `main` is defined multiple times
fn main() {}
