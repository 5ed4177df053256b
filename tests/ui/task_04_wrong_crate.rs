//! The library is not where the attribute was told.

#[mp::task(crate = par)] //~ no external crate `par`
fn foo(i: i32) -> i32 {
    i
}

fn main() {
    foo(1);
}
