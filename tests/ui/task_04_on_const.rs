//! The attribute on a constant.

#[mp::task]
const FOO: i32 = 1; //~ this attribute belongs on a function

fn main() {
    let _ = FOO;
}
