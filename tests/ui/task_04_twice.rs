//! The attribute twice on one function.

#[mp::task]
#[mp::task] //~ error: `#[mp::task]` stands here twice: leave one out
fn foo(i: i32) -> i32 {
    i
}

#[mp::task]
#[inline]
#[mp::task(name = "x")] //~ error: `#[mp::task]` stands here twice
fn bar(i: i32) -> i32 {
    i
}

fn main() {
    foo(1);
    let _ = mp::spawn(bar, 1);
}
