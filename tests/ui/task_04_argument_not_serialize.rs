//! An argument that serde does not know.

struct Point(i32);

#[mp::task]
fn foo(point: Point) -> i32 { //~ `Point: serde::Serialize` is not satisfied //~ `Point: serde::Deserialize<'de>` is not satisfied
    point.0
}

fn main() {
    foo(Point(1));
}
