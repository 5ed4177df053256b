//! The attribute without its path.

#[task] //~ cannot find attribute `task` in this scope
fn foo(i: i32) -> i32 {
    i
}

fn main() {
    foo(1);
}
