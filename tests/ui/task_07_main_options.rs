//! A main has no name.

#[mp::main(name = "x")] //~ unknown option `name`: `#[mp::main]` takes `crate = path` only
fn main() {}
