//! An argument of a served method that serde does not know.

struct Point(i32);

struct Counter(i32);

#[mp::manager]
impl Counter {
    pub fn new() -> Self {
        Self(0)
    }

    pub fn add(&mut self, point: Point) { //~ error[E0277]: `Point` cannot travel between processes: add `#[derive(serde::Serialize, serde::Deserialize)]` to it
        self.0 += point.0;
    }
}

fn main() -> mp::Result<()> {
    let counter = mp::Manager::new()?.create::<Counter>(())?;
    counter.add(Point(1))
}
