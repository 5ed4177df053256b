//! The attribute for main on another function.

#[mp::main]
fn start() {} //~ `#[mp::main]` belongs on `fn main`: elsewhere, call `mp::init()`

fn main() {
    start();
}
