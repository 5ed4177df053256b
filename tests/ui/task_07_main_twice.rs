//! The attribute twice on main.

#[mp::main]
#[mp::main] //~ error: `#[mp::main]` stands here twice: leave one out
fn main() {}
