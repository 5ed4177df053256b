//! A result that could be sent, and not be received.

#[derive(serde::Serialize)]
struct Point(i32);

#[mp::task]
fn foo(i: i32) -> Point { //~ error[E0277]: `Point` cannot travel between processes: add `#[derive(serde::Serialize, serde::Deserialize)]` to it
    Point(i)
}

fn main() {
    foo(1);
}
