//! A change through `&mut` would be lost in the other process.

#[mp::task]
fn foo(values: &mut Vec<i32>) { //~ a change through `&mut` would be lost
    values.push(1);
}

fn main() {
    foo(&mut vec![1]);
}
