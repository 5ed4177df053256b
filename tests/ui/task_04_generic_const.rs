//! A task with a constant as parameter.

#[mp::task]
fn foo<const N: usize>(values: [u8; N]) -> usize { //~ a task cannot be generic
    values.len()
}

fn main() {
    foo([1, 2]);
}
