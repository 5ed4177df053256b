//! A mistake in a task's body is told as in any function's.

#[mp::task]
fn foo(i: i32) -> i32 {
    i + "x" //~ cannot add `&str` to `i32`
}

fn main() {
    foo(1);
}
