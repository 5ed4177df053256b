//! One of several parameters that serde does not know.

struct Point(i32);

#[mp::task]
fn foo(by: i32, points: Vec<Point>) -> i32 { //~ error[E0277]: `Point` cannot travel between processes: add `#[derive(serde::Serialize, serde::Deserialize)]` to it
    by + points[0].0
}

fn main() {
    foo(1, vec![Point(1)]);
}
