//! The attribute for main on what is no function.

#[mp::main]
struct Main; //~ this attribute belongs on a function

fn main() {
    let _ = Main;
}
