//! One of several parameters that serde does not know.

struct Point(i32);

#[mp::task]
fn foo(by: i32, points: Vec<Point>) -> i32 { //~ `Point: serde::Serialize` is not satisfied //~ `Point: serde::Deserialize<'de>` is not satisfied
    by + points[0].0
}

fn main() {
    foo(1, vec![Point(1)]);
}
