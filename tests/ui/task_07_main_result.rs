//! A main that returns what cannot end a program.

#[mp::main]
fn main() -> i32 { //~ `main` has invalid return type `i32`
    1
}
