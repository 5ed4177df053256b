//! A task with a `where` clause.

#[mp::task]
fn foo(i: i32) -> i32
where //~ a task has no `where` clause
    i32: Clone,
{
    i
}

fn main() {
    foo(1);
}
