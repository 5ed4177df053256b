//! An argument that serde does not know.

struct Point(i32);

#[mp::task]
fn foo(point: Point) -> i32 { //~ error[E0277]: `Point` cannot travel between processes: add `#[derive(serde::Serialize, serde::Deserialize)]` to it
    point.0
}

fn main() {
    foo(Point(1));
}
