//! A parameter that is not always there.

#[mp::task]
fn foo(#[cfg(unix)] i: i32) -> i32 { //~ a task's parameters cannot be conditional
    i
}

fn main() {
    foo(1);
}
