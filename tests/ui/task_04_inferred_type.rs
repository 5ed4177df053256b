//! A type that is left to be inferred.

#[mp::task]
fn foo(i: _) -> i32 { //~ a task's types must be written out
    i
}

fn main() {
    foo(1);
}
