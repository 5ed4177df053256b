//! A result that could be sent, and not be received.

#[derive(serde::Serialize)]
struct Point(i32);

#[mp::task]
fn foo(i: i32) -> Point { //~ `Point: serde::Deserialize<'de>` is not satisfied .. #[derive(serde::Deserialize)]
    Point(i)
}

fn main() {
    foo(1);
}
