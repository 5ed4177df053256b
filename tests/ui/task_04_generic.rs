//! A task with a type parameter; what uses it causes no further error.

#[mp::task]
fn foo<T: Clone>(value: T) { //~ a task cannot be generic .. write one task for each type
    drop(value);
}

fn main() {
    foo(1);
    mp::spawn(foo, 1).unwrap();
}
