//! A task is as visible as the types it takes.

mod inner {
    #[derive(serde::Serialize, serde::Deserialize)]
    pub(super) struct Point(pub i32);

    #[mp::task]
    pub fn foo(point: Point) -> i32 { //~ private type
        point.0
    }
}

fn main() {
    inner::foo(inner::Point(1));
}
