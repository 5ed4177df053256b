//! The innermost part that cannot travel is the one to mend.
use std::collections::HashMap;
use std::marker::PhantomData;

struct Point(i32);

#[derive(serde::Serialize, serde::Deserialize)]
struct Labelled<T>(T, String);

#[mp::task]
fn map(points: HashMap<String, Vec<Option<Point>>>) -> usize { //~ error[E0277]: `Point` cannot travel
    points.len()
}

#[mp::task]
fn slice(points: Box<[(u8, Point)]>) -> usize { //~ error[E0277]: `Point` cannot travel
    points.len()
}

#[mp::task]
fn labelled() -> Labelled<[Point; 2]> { //~ error[E0277]: `Point` cannot travel
    Labelled([Point(1), Point(2)], String::new())
}

#[mp::task]
fn whole(_point: PhantomData<Point>, _text: Labelled<Box<str>>) {}

#[mp::task]
fn again(mark: PhantomData<Point>, point: Point) -> i32 { //~ error[E0277]: `Point` cannot travel
    drop(mark);
    point.0
}

fn main() {
    again(PhantomData, Point(1));
    map(HashMap::new());
    slice(Box::new([]));
    labelled().0[0].0.to_string();
    whole(PhantomData, Labelled("x".into(), String::new()));
}
