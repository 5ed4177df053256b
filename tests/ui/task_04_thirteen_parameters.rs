//! One parameter more than a tuple of std's may have.

#[mp::task]
#[rustfmt::skip]
fn foo(
    _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8,
    _: u8, //~ a task has at most 12 parameters, and this one has 13: put them into a struct
) {
}

fn main() {
    foo(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
}
