//! A task is a type, too, so that this name would be the library's no longer.

#[mp::task]
fn mp() {} //~ error: a task called `mp` would hide the library: give it another name

#[mp::task]
fn foo() {}

fn main() {
    mp::spawn(foo, ()).unwrap();
}
