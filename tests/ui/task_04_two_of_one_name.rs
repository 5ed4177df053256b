//! Two tasks of one name. A task is a type as well, so what is made for the second one hits the
//! first one's: rustc knows no way to leave that out.

#[mp::task]
fn foo() {}

#[mp::task] //~ the name `foo` is defined multiple times //~ trait `Clone` for type `foo` //~ trait `Copy` //~ Debug` for type //~ trait `Deref` //~ trait `Task`
fn foo() {} //~ the name `foo` is defined multiple times

fn main() {}
